#!/bin/sh
# Takes away what install.sh has installed. The store stays, and the settings; with --purge they go too.
# It can be run again.
#
#   uninstall.sh [--purge]
#
# DESTDIR and UNIT_DIR as for install.sh.
set -eu

destination=${DESTDIR:-}
units=${UNIT_DIR:-/etc/systemd/system}
purge=no
for argument in "$@"; do
  case $argument in
    --purge) purge=yes ;;
    --help | -h) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "uninstall.sh: unknown option $argument; see --help" >&2; exit 2 ;;
  esac
done
if [ -z "$destination" ] && [ "$(id -u)" != 0 ]; then
  echo "uninstall.sh: uninstalling from / takes root; with DESTDIR=FOLDER it does not" >&2
  exit 1
fi

if [ -z "$destination" ] && [ -d /run/systemd/system ]; then
  for unit in holdfast-agent.socket holdfast-maintenance.timer holdfast-agent.service holdfast-maintenance.service; do
    # What is not there need not be stopped.
    systemctl disable --now "$unit" 2>/dev/null || true
  done
fi
for file in /usr/bin/holdfast /usr/share/holdfast/agent.js \
  "$units/holdfast-agent.service" "$units/holdfast-agent.socket" \
  "$units/holdfast-maintenance.service" "$units/holdfast-maintenance.timer" \
  /usr/lib/sysusers.d/holdfast.conf /usr/lib/tmpfiles.d/holdfast.conf \
  /usr/share/man/man1/holdfast.1 \
  /usr/share/bash-completion/completions/holdfast /usr/share/zsh/vendor-completions/_holdfast; do
  rm -f -- "$destination$file"
done
rmdir -- "$destination/usr/share/holdfast" 2>/dev/null || true
if [ "$purge" = yes ]; then
  rm -f -- "$destination/etc/default/holdfast"
  rm -rf -- "$destination/var/lib/holdfast" "$destination/run/holdfast"
  if [ -z "$destination" ] && getent passwd holdfast >/dev/null; then userdel holdfast; fi
fi
if [ -z "$destination" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$purge" = yes ]; then echo "removed, with the store"; else echo "removed; the store is still in /var/lib/holdfast"; fi
