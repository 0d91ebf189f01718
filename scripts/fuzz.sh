#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets (preset fuzz: clang, libFuzzer, ASan, UBSan) and runs each for a while.
# An input that breaks something is kept; the end says which and how to run it again.
#
#   scripts/fuzz.sh [NAME...]       all targets, or these: npy, options, train, ...
#       --seconds N                 for each target (60)
#       --jobs N                    targets side by side (all CPUs)
#       --corpus                    add what reaches further to tests/fuzz/corpus
#       --no-install                take the packages that are there
#
# What was found on the way stays in build/fuzz/found/NAME and is begun with the next time.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds=60 jobs=$(nproc) grow=no install=yes names=()
die() {
    echo "fuzz.sh: $*" >&2
    exit 1
}
while [ $# -gt 0 ]; do
    case $1 in
    --seconds | --jobs)
        [[ ${2-} =~ ^[1-9][0-9]*$ ]] || die "$1 takes a number, found '${2-}'"
        [ "$1" = --seconds ] && seconds=$2 || jobs=$2
        shift
        ;;
    --corpus) grow=yes ;;
    --no-install) install=no ;;
    --help | -h)
        sed -n '3,13s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    -*) die "unknown option $1; see scripts/fuzz.sh --help" ;;
    *) names+=("$1") ;;
    esac
    shift
done

[ $install = no ] || scripts/install-deps.sh --checks || exit 1
log=$(mktemp)
cmake --preset fuzz >"$log" && cmake --build --preset fuzz >>"$log" || {
    tail -n 30 "$log"
    die "the fuzz targets do not build"
}
rm -f "$log"

build=$PWD/build/fuzz
if [ ${#names[@]} -eq 0 ]; then
    for f in tests/fuzz/f_*.c; do
        f=${f##*/f_}
        names+=("${f%.c}")
    done
fi
for name in "${names[@]}"; do
    [ -x "$build/f_$name" ] || die "there is no target $name (tests/fuzz/f_$name.c)"
done

# Temporary files in memory where there is room for them: most targets write and read files.
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" penstock-fuzz-XXXXXXXX) ||
    die "cannot make a temporary folder"
trap 'rm -rf "$TMPDIR"' EXIT
export TMPDIR OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=passive
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS=suppressions=$PWD/tests/supp/lsan.supp:print_suppressions=0
mkdir -p "$build/findings"

# one NAME: run a target; its words go to a log. @return that of libFuzzer
one() {
    local name=$1 folders=() f rc
    mkdir -p "$build/found/$name"
    for f in tests/fuzz/corpus/$name tests/fuzz/golden/$name; do
        [ ! -d "$f" ] || folders+=("$f")
    done
    # A target that hangs in its last input is ended by its own limit, or else from outside.
    timeout -k 10 $((seconds + 120)) "$build/f_$name" -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=3000 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="$build/findings/$name-" "$build/found/$name" "${folders[@]}" \
        >"$build/$name.log" 2>&1
    rc=$?
    printf '%-14s %8s inputs, %5s edges, %s\n' "$name" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")" \
        "$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$build/$name.log" | tail -n 1)" \
        "$([ $rc = 0 ] && echo "nothing found" || echo "FOUND SOMETHING (exit $rc)")"
    if [ $rc = 0 ] && [ $grow = yes ]; then
        "$build/f_$name" -merge=1 "tests/fuzz/corpus/$name" "$build/found/$name" \
            >>"$build/$name.log" 2>&1 || rc=$?
    fi
    return $rc
}

failed=()
running=()
declare -A of
collect() {
    local pid rc
    wait -n -p pid "${running[@]}"
    rc=$?
    [ $rc = 0 ] || failed+=("${of[$pid]}")
    local left=() p
    for p in "${running[@]}"; do [ "$p" = "$pid" ] || left+=("$p"); done
    running=("${left[@]+"${left[@]}"}")
}
for name in "${names[@]}"; do
    while [ ${#running[@]} -ge "$jobs" ]; do collect; done
    one "$name" &
    running+=($!)
    of[$!]=$name
done
while [ ${#running[@]} -gt 0 ]; do collect; done

for name in "${failed[@]+"${failed[@]}"}"; do
    echo
    echo "---- $name"
    grep -aE 'broken invariant|runtime error|ERROR: |SUMMARY: |^ +#([0-9]|1[0-9]) ' "$build/$name.log" |
        head -n 24
    for f in "$build/findings/$name"-*; do
        [ ! -e "$f" ] || echo "again: $build/f_$name $f"
    done
done
[ ${#failed[@]} -eq 0 ] || die "FAILED: ${failed[*]}: mend it and keep the input in tests/fuzz/golden/NAME"
echo "fuzz.sh: passed: ${#names[@]} targets, $seconds s each ($SECONDS s)"
