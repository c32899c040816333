#!/bin/bash
# `./run test`: the stages of the test run, each with its duration, and the sum of what they counted.
# A stage ends its output with `N passed, M failed`; its whole output is kept in build/test/STAGE.log.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
export PYTHON=${PYTHON:-/usr/bin/python3} PYTHONDONTWRITEBYTECODE=1

all_stages="build unit tidy ops asan tsan fuzz sim blackbox ha"
tsan_tests="test_support test_journal test_replica test_link test_access test_shell test_checkpoint"
fuzz_seconds=${FUZZ_SECONDS:-34}
export SIM_SEEDS=${SIM_SEEDS:-600}
logs=build/test

# The targets of a configured preset whose names begin with the given word.
targets_of() {
  ninja -C "build/$1" -t targets all | sed -n "s/^\($2[a-z0-9_]*\): phony\$/\1/p" | sort -u
}

configure() { cmake --preset "$1" >/dev/null; }
compile() { cmake --build --preset "$1" -j"$(nproc)" ${2:+--target "${@:2}"}; }

# Runs the tests of a preset whose ctest names match, and counts doctest's cases one by one.
run_ctest() {
  local preset=$1 status=0
  shift
  ctest --test-dir "build/$preset" --output-on-failure --timeout 600 -j"$(nproc)" "$@" || status=$?
  "$PYTHON" tests/ctest_count.py "build/$preset/Testing/Temporary/LastTest.log"
  return $status
}

stage_build() {
  ./run build release
  echo "1 passed, 0 failed"
}

stage_unit() {
  ./run build release
  run_ctest release -LE "sim"
}

stage_tidy() {
  local status=0
  "$PYTHON" tests/tidy/tidy.py || status=1
  "$PYTHON" tests/tidy/tidy.py --self-test || status=1
  return $status
}

stage_ops() { "$PYTHON" tests/ops/run.py; }

# lint_one FILE: only when it, or a header of it, has changed since it was found good.
lint_one() {
  local stamp=build/lint/$1.ok object
  object=$(find "build/release/$(dirname "$1")/CMakeFiles" -name "$(basename "$1").o")
  if [ "$stamp" -nt "$object" ] && [ "$stamp" -nt .clang-tidy ]; then return 0; fi
  mkdir -p "$(dirname "$stamp")"
  rm -f "$stamp"
  clang-tidy-14 -p build/release --quiet "$1" 2>/dev/null && touch "$stamp"
}
export -f lint_one

stage_lint() {
  local sources all good
  ./run build release
  sources=$(find broker replicator failover -name '*.cpp' | sort)
  xargs -P "$(nproc)" -I{} bash -c 'lint_one {}' <<<"$sources" || true
  all=$(wc -l <<<"$sources")
  good=$(while read -r source; do [ ! -e "build/lint/$source.ok" ] || echo; done <<<"$sources" | wc -l)
  echo "$good passed, $((all - good)) failed"
  [ "$good" = "$all" ]
}

# By the second compiler, whose warnings are errors too.
stage_asan() {
  configure asan
  compile asan $(targets_of asan test_)
  run_ctest asan -R '^unit\.'
}

stage_tsan() {
  local wanted="" have
  configure tsan
  have=$(targets_of tsan test_)
  for test in $tsan_tests; do
    ! grep -qx "$test" <<<"$have" || wanted="$wanted $test"
  done
  compile tsan $wanted
  run_ctest tsan -R "^unit\.($(echo $wanted | sed 's/test_//g; s/ /|/g'))\$"
}

# fuzz_one TARGET SECONDS: from the corpus in the repository; what it finds lands in build/fuzz/found.
fuzz_one() {
  local target=$1 corpus=tests/fuzz/corpus/${1#fuzz_} work=build/fuzz/grown/$1
  mkdir -p "$work" build/fuzz/found
  if "build/fuzz/bin/$target" -max_total_time="$2" -rss_limit_mb=2048 -timeout=10 -verbosity=0 \
      -artifact_prefix="build/fuzz/found/$target-" -print_final_stats=1 "$work" "$corpus" \
      >"$work.log" 2>&1; then
    echo "$target: $2 s, $(sed -n 's/^stat::number_of_executed_units: *//p' "$work.log") inputs, ok"
    echo ok >"$work.result"
  else
    tail -60 "$work.log"
    echo "$target: FAILED; an input that a sanitizer objected to is in build/fuzz/found"
  fi
}
export -f fuzz_one

stage_fuzz() {
  local only=${1:-fuzz_*} seconds=${2:-$fuzz_seconds} targets="" source target passed=0 failed=0
  for source in tests/fuzz/$only.cpp; do
    if [ ! -e "$source" ]; then
      echo "run fuzz: no target \"$only\"; there are: $(basename -s .cpp tests/fuzz/fuzz_*.cpp | xargs)" >&2
      return 2
    fi
    targets="$targets $(basename "$source" .cpp)"
  done
  configure fuzz
  compile fuzz $targets
  rm -f build/fuzz/grown/*.result
  printf '%s\n' $targets | xargs -P "$(nproc)" -I{} bash -c 'fuzz_one "$1" "$2"' - {} "$seconds"
  for target in $targets; do
    if [ -e "build/fuzz/grown/$target.result" ]; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
    fi
  done
  echo "$passed passed, $failed failed"
  [ $failed = 0 ]
}

stage_sim() {
  ./run build release
  run_ctest release -L sim
}

# Programs that stand for the next release, for the tests of mixed versions.
build_next() { ./run build next tandemqd tandemq-agent tandemq-journal; }

stage_blackbox() {
  ./run build release
  build_next
  "$PYTHON" tests/blackbox/run.py
}

stage_ha() {
  ./run build release
  build_next
  "$PYTHON" tests/ha/run.py
}

# Sums the `N passed, M failed` lines that begin a line of a log.
sum_counts() {
  awk '/^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3 } END { print p + 0, f + 0 }' "$1"
}

summary=""
passed=0
failed=0
run_stage() {
  local name=$1 log=$logs/$1.log status=0 begun=$SECONDS p f
  echo "=== $name"
  # In a process of its own: errexit would be off inside a function whose status is asked for.
  "$0" --stage "$name" 2>&1 </dev/null | tee "$log" | sed -u '/^[0-9]* passed, /d' || status=$?
  read -r p f <<<"$(sum_counts "$log" || echo 0 0)"
  if [ $status != 0 ] && [ "$f" = 0 ]; then f=1; fi
  if [ $status = 0 ] && [ "$f" != 0 ]; then status=1; fi
  passed=$((passed + p)) failed=$((failed + f))
  summary+=$(printf '%-10s %4d s  %d passed, %d failed%s' "$name" $((SECONDS - begun)) "$p" "$f" \
    "$([ $status = 0 ] || echo "  <- see $log")")$'\n'
}

case ${1:-} in
  --stage) "stage_$2"; exit ;;
  --fuzz)
    shift
    ./run deps --test
    stage_fuzz "$@"
    exit
    ;;
esac

stages=${*:-$all_stages}
for name in $stages; do
  if ! declare -F "stage_$name" >/dev/null; then
    echo "run test: no stage \"$name\"; there are: $all_stages" >&2
    exit 2
  fi
done
begun=$SECONDS
mkdir -p $logs
./run deps --test
for name in $stages; do run_stage "$name"; done
printf '\n%s' "$summary"
echo "took $(((SECONDS - begun) / 60)) min $(((SECONDS - begun) % 60)) s"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
