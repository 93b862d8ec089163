#!/bin/sh
# Installs the program, the agent and their units. It can be run again, over what is there: that is an update.
#
#   install.sh --program FILE --agent FILE [--man FILE] [--completions DIR] [--no-start]
#
# DESTDIR   installs into a folder, for packages and tests; nothing is started then
# UNIT_DIR  where units go: /etc/systemd/system, of a package /usr/lib/systemd/system
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
destination=${DESTDIR:-}
units=${UNIT_DIR:-/etc/systemd/system}
program= agent= man= completions= start=yes

fail() {
  echo "install.sh: $1" >&2
  exit "${2:-1}"
}

while [ $# -gt 0 ]; do
  case $1 in
    --program | --agent | --man | --completions)
      [ $# -ge 2 ] || fail "$1 needs a value" 2
      case $1 in
        --program) program=$2 ;;
        --agent) agent=$2 ;;
        --man) man=$2 ;;
        --completions) completions=$2 ;;
      esac
      shift 2
      ;;
    --no-start) start=no; shift ;;
    --help | -h) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "unknown option $1; see --help" 2 ;;
  esac
done
[ -n "$program" ] || fail "--program FILE is missing: npm run compile -- --runtime bun makes it" 2
[ -n "$agent" ] || fail "--agent FILE is missing: npm run compile:agent makes it" 2
[ -f "$program" ] || fail "there is no file $program"
[ -f "$agent" ] || fail "there is no file $agent"
[ -n "$destination" ] || [ "$(id -u)" = 0 ] || fail "installing into / takes root; with DESTDIR=FOLDER it does not"

# A file that is in use keeps its old bytes: the new one gets its name in one step.
put() {
  mkdir -p "$destination$(dirname -- "$3")"
  cp -- "$2" "$destination$3.new"
  chmod "$1" "$destination$3.new"
  mv -f -- "$destination$3.new" "$destination$3"
}

put 755 "$program" /usr/bin/holdfast
put 644 "$agent" /usr/share/holdfast/agent.js
put 644 "$here/systemd/holdfast-agent.service" "$units/holdfast-agent.service"
put 644 "$here/systemd/holdfast-agent.socket" "$units/holdfast-agent.socket"
put 644 "$here/systemd/holdfast-maintenance.service" "$units/holdfast-maintenance.service"
put 644 "$here/systemd/holdfast-maintenance.timer" "$units/holdfast-maintenance.timer"
put 644 "$here/systemd/holdfast.sysusers" /usr/lib/sysusers.d/holdfast.conf
put 644 "$here/systemd/holdfast.tmpfiles" /usr/lib/tmpfiles.d/holdfast.conf
# Settings are the owner's: what is there stays.
[ -e "$destination/etc/default/holdfast" ] || put 644 "$here/systemd/holdfast.default" /etc/default/holdfast
[ -z "$man" ] || put 644 "$man" /usr/share/man/man1/holdfast.1
if [ -n "$completions" ]; then
  put 644 "$completions/holdfast.bash" /usr/share/bash-completion/completions/holdfast
  put 644 "$completions/_holdfast" /usr/share/zsh/vendor-completions/_holdfast
fi

if [ -n "$destination" ]; then
  echo "installed into $destination"
  exit 0
fi
command -v systemctl >/dev/null 2>&1 || { echo "installed; there is no systemd here to start anything"; exit 0; }
systemd-sysusers holdfast.conf
systemd-tmpfiles --create holdfast.conf
if [ "$start" = no ] || [ ! -d /run/systemd/system ]; then
  echo "installed, and nothing started"
  exit 0
fi
systemctl daemon-reload
systemctl enable --now holdfast-agent.socket holdfast-maintenance.timer
# An agent that runs goes on with the new program, and with what it knows.
systemctl try-restart holdfast-agent.service
echo 'installed; ask it:  echo "How warm is it?" | sudo tee /run/holdfast/questions; journalctl -fu holdfast-agent'
