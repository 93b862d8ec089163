#!/usr/bin/env bash
# One Ceph object gateway on 127.0.0.1, with all of its data in memory, from Debian's packages:
# radosgw ceph-mon ceph-osd ceph-common. Keeps its files in a directory of the caller's.
#
#   rgw.sh start DIR PORT    starts it and waits until it answers; prints "ACCESS_KEY SECRET_KEY"
#   rgw.sh stop DIR          stops what `start` has started there
set -euo pipefail
action=${1:?start or stop}
directory=${2:?a directory for its files}

stop_all() {
  for name in rgw osd mon; do
    [ -e "$directory/$name.pid" ] || continue
    kill "$(cat "$directory/$name.pid")" 2>/dev/null || true
  done
}

if [ "$action" = stop ]; then
  stop_all
  exit 0
fi

port=${3:?a port}
monitor_port=$((port + 1))
mkdir -p "$directory"/{mon,osd,rgw,run,log}
cd "$directory"
fsid=$(cat /proc/sys/kernel/random/uuid)
export CEPH_CONF=$directory/ceph.conf
cat >ceph.conf <<END
[global]
fsid = $fsid
mon_host = [v2:127.0.0.1:$monitor_port/0]
ms_bind_ipv6 = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
admin_socket = $directory/run/\$name.asok
log_file = $directory/log/\$name.log
pid_file = $directory/run/\$name.pid
debug_none = 0/0
debug_ms = 0/0
debug_mon = 0/0
debug_osd = 0/0
debug_rgw = 0/0
debug_rgw_sync = 0/0
debug_objecter = 0/0
debug_objclass = 0/0
debug_filestore = 0/0
debug_monc = 0/0
debug_auth = 0/0
debug_paxos = 0/0
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
keyring = $directory/keyring
mon_data = $directory/mon
[mon.a]
public_addr = v2:127.0.0.1:$monitor_port/0
[osd.0]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_data = $directory/osd
osd_class_load_list = *
osd_class_default_list = *
[client.rgw]
keyring = $directory/keyring
rgw_frontends = beast endpoint=127.0.0.1:$port
rgw_data = $directory/rgw
END
trap 'stop_all' ERR
ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *' >/dev/null
for entity in client.admin client.rgw osd.0; do
  ceph-authtool keyring --gen-key -n "$entity" --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
done
monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$monitor_port]" monmap >/dev/null
ceph-mon --mkfs -i a --monmap monmap --keyring keyring >log/mkfs.out 2>&1
ceph-mon -i a -f >log/mon.out 2>&1 </dev/null &
echo $! >mon.pid
osd_uuid=$(cat /proc/sys/kernel/random/uuid)
timeout 60 ceph osd new "$osd_uuid" 0 >log/new.out 2>&1
ceph-osd -i 0 --mkfs --osd-uuid "$osd_uuid" >log/osd_mkfs.out 2>&1
ceph-osd -i 0 -f >log/osd.out 2>&1 </dev/null &
echo $! >osd.pid
radosgw -n client.rgw -f >log/rgw.out 2>&1 </dev/null &
echo $! >rgw.pid
for _ in $(seq 120); do
  answer=$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "http://127.0.0.1:$port/" 2>/dev/null || true)
  [ "$answer" = 200 ] && break
  sleep 0.5
done
[ "${answer:-}" = 200 ] || { echo "the server does not answer; its logs are in $directory/log" >&2; false; }
access=board$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
secret=$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')
timeout 60 radosgw-admin user create --uid=holdfast --display-name=holdfast \
  --access-key="$access" --secret-key="$secret" >log/user.out 2>&1
echo "$access $secret"
