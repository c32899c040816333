#!/bin/bash
# repository.sh PACKAGES OUT: an apt repository of the packages as they were built, and of the same ones
# as two later versions: what an upgrade looks like to dpkg, apt and the daemons.
set -euo pipefail
packages=$1 out=$2
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

rm -rf "$out"
mkdir -p "$out"
for package in "$packages"/tandemq-*.deb; do
  [[ $package == *-dbgsym_* ]] || cp "$package" "$out"
done
again "$built+next1"
again "$built+next2"
(cd "$out" && dpkg-scanpackages --multiversion . >Packages 2>/dev/null)
chmod -R a+rX "$out"
