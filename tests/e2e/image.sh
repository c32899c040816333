#!/bin/bash
# image.sh OUT: the disk of a bare Debian host, as an ext4 image, with what TandeMQ's packages need from
# Debian and without any of TandeMQ's; beside it what dpkg says that is on it (OUT.status). Made once for
# each list of packages (about a minute and a half).
set -euo pipefail
out=$1
packages=systemd-sysv,dbus,udev,libpam-systemd,iproute2,iputils-ping,procps,logrotate,adduser
packages+=,init-system-helpers,sysvinit-utils,needrestart,keepalived,openssl
packages+=,libevent-core-2.1-7,libwslay1,libsqlite3-0,libssl3,libcurl4,libtomlplusplus3
packages+=,libprometheus-cpp-core1.0,libprometheus-cpp-pull1.0
packages+=,openssh-server,python3-minimal,python3-apt   # by which Ansible comes in
tree=$(mktemp -d "$out.XXXX")
trap 'rm -rf "$tree"' EXIT

mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" \
  --dpkgopt='path-exclude=/usr/share/locale/*' bookworm - | tar -xp --numeric-owner -C "$tree"

# The hosts have no way out: apt knows the folder that holds our packages, and nothing else.
rm -f "$tree"/etc/apt/sources.list "$tree"/etc/apt/sources.list.d/* "$tree/etc/machine-id"
echo 'deb [trusted=yes] file:/srv/packages ./' >"$tree/etc/apt/sources.list"
mkdir -p "$tree/srv/packages" "$tree/var/log/journal"
for unit in apt-daily.timer apt-daily-upgrade.timer systemd-networkd-wait-online.service; do
  ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done
ln -sf /lib/systemd/system/systemd-networkd.service \
  "$tree/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"

cp "$tree/var/lib/dpkg/status" "$out.status"
mke2fs -q -t ext4 -d "$tree" "$out.new" 3G
mv "$out.new" "$out"
