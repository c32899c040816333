#!/bin/bash
# repository.sh PACKAGES IMAGE OUT: an apt repository of the packages as they were built, and of the same ones
# as two later versions: what an upgrade looks like to dpkg, apt and the daemons. And what the playbook asks
# Debian for and the image has not.
set -euo pipefail
packages=$1 image=$2 out=$3
of_debian="nftables prometheus prometheus-alertmanager prometheus-node-exporter-"
built=$(dpkg-deb -f "$(ls "$packages"/tandemq-broker_*.deb)" Version)

# again VERSION: every package with that version instead of its own.
again() {
  local package tree
  for package in "$packages"/tandemq-*.deb; do
    [[ $package != *-dbgsym_* ]] || continue
    tree=$(mktemp -d)
    dpkg-deb -R "$package" "$tree"
    sed -i "s/^Version: .*/Version: $1/; s/(= $built)/(= $1)/g" "$tree/DEBIAN/control"
    dpkg-deb -Zgzip -z1 --root-owner-group -b "$tree" "$out" >/dev/null
    rm -rf "$tree"
  done
}

# Kept beside the image, whose list of packages decides what is missing.
fetch_debians() {
  local archives=$image.debs
  [ ! -d "$archives" ] || return 0
  rm -rf "$archives.new"
  mkdir -p "$archives.new/partial"
  # shellcheck disable=SC2086 # words
  apt-get install -qq -y --download-only --no-install-recommends -o Dir::State::Status="$image.status" \
    -o Dir::Cache::Archives="$archives.new" -o APT::Sandbox::User=root $of_debian >/dev/null
  rm -rf "$archives.new/partial"
  mv "$archives.new" "$archives"
}

rm -rf "$out"
mkdir -p "$out"
fetch_debians
cp "$image.debs"/*.deb "$out"
for package in "$packages"/tandemq-*.deb; do
  [[ $package == *-dbgsym_* ]] || cp "$package" "$out"
done
again "$built+next1"
again "$built+next2"
(cd "$out" && dpkg-scanpackages --multiversion . >Packages 2>/dev/null)
chmod -R a+rX "$out"
