#!/bin/bash
# `./run packages`: builds the Debian packages into build/packages, from the files as they are now.
#   --twice    builds them a second time, in another folder and without a compiler cache, and
#              compares the two byte by byte
#   --check    lintian and blhc look at them as well
#   --built    packs the programs of `./run build` as they are, which takes seconds: for trying
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
out=$PWD/build/packages
twice=no check=no
unset TANDEMQ_BUILT
for option; do
  case $option in
    --twice) twice=yes ;;
    --check) check=yes ;;
    --built)
      ./run build release tandemqd tandemq-agent tandemqctl tandemq-journal tandemq-bench man boards
      export TANDEMQ_BUILT=$PWD/build/release DEB_BUILD_OPTIONS=noautodbgsym
      ;;
    *) echo "run packages: no option \"$option\"" >&2; exit 2 ;;
  esac
done

# The day of the newest entry, so that the same source gives the same packages on any day.
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l packaging/debian/changelog -S Timestamp)
export SOURCE_DATE_EPOCH

# What dpkg's tools want: a tree with `debian` at its top, and nothing in it that is not source.
lay_out() {
  rm -rf "$1"
  mkdir -p "$1"
  git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2>/dev/null |
    tar -c -T - | tar -x -C "$1"
  cp -a "$1/packaging/debian" "$1/debian"
}

# build_in FOLDER: what is built lies beside the folder.
build_in() {
  lay_out "$1"
  (cd "$1" && dpkg-buildpackage --build=binary --no-sign --jobs="$(nproc)" 2>&1) >"$1.log" || {
    tail -40 "$1.log"
    echo "run packages: failed, see $1.log" >&2
    return 1
  }
}

hashes() { (cd "$1" && sha256sum -- *.deb); }

same_versions() {
  local of_program of_package
  of_program=$(sed -n 's/^project(tandemq VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
  of_package=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
  [ "$of_program" = "$of_package" ] || {
    echo "run packages: CMakeLists.txt says $of_program, packaging/debian/changelog $of_package" >&2
    return 1
  }
}

same_versions
rm -rf "$out"
mkdir -p "$out/first" "$out/second"
build_in "$out/first/tandemq"   # by way of ccache, as every build here
if [ $check = yes ]; then
  lintian --pedantic --fail-on error,warning "$out"/first/*.changes
  blhc --bindnow "$out/first/tandemq.log"   # not --pie: Debian's compiler does that unasked
fi
if [ $twice = yes ]; then
  CCACHE_DISABLE=1 build_in "$out/second/tandemq"
  diff <(hashes "$out/first") <(hashes "$out/second") || {
    echo "run packages: the second build differs" >&2
    exit 1
  }
  echo "built twice, the same each time"
fi
mv "$out"/first/*.{deb,changes,buildinfo} "$out"
(cd "$out" && dpkg-scanpackages . >Packages 2>/dev/null)   # so that apt can take the folder for a source
ls -1 "$out"/*.deb
