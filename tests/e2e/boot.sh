#!/bin/bash
# boot.sh NAME NUMBER DISK ROOT GROUP REPOSITORY LAN: boots a host of hosts.py, and again whenever it
# reboots itself; ends when it is switched off.
set -euo pipefail
name=$1 number=$2 disk=$3 root=$4 group=$5 repository=$6 lan=$7
reboots=133

first_boot() {
  echo "$name" >"$root/etc/hostname"
  tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
  printf '127.0.0.1 localhost\n10.99.0.11 h1\n10.99.0.12 h2\n10.99.0.13 h3\n' >"$root/etc/hosts"
  local device network
  for device in host0:10.99.0 repl0:10.98.0; do
    network=${device#*:} device=${device%:*}
    printf '[Match]\nName=%s\n[Network]\nAddress=%s.1%s/24\nKeepConfiguration=static\n' \
      "$device" "$network" "$number" >"$root/etc/systemd/network/10-$device.network"
    printf 'LinkLocalAddressing=no\n' >>"$root/etc/systemd/network/10-$device.network"
  done
}

# In a mount namespace of its own, where alone the disk is mounted.
once() {
  mount -o loop,noatime "$disk" "$root"
  [ -s "$root/etc/machine-id" ] || first_boot
  echo $BASHPID >"$group/cgroup.procs"   # two hosts would share one else
  echo $BASHPID >"$root/../nspawn.pid"
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec nsenter --net="/run/netns/$lan" systemd-nspawn --quiet \
    --directory="$root" --machine="$name" --boot --register=no --keep-unit --console=pipe \
    --network-bridge=service --network-veth-extra="replica$number:repl0" \
    --capability=CAP_IPC_LOCK --bind-ro="$repository:/srv/packages" --resolv-conf=off --timezone=off --link-journal=no \
    systemd.show_status=0
}

# The other end of its second cable, once it is there.
plug_replica() {
  local _
  for _ in $(seq 100); do
    ! ip -n "$lan" link set "replica$number" master replica up 2>/dev/null || return 0
    sleep 0.1
  done
}

if [ "${ONCE:-}" ]; then
  once
fi
status=$reboots
while [ $status = $reboots ]; do
  while losetup -j "$disk" | grep -q .; do sleep 0.1; done   # its last life is over
  plug_replica &
  status=0
  ONCE=1 unshare --mount --propagation private "$0" "$@" || status=$?
done
exit $status
