#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds and runs the tests; the last line says passed or failed.
#
#   scripts/test.sh                 the quick tests (preset dev)
#   scripts/test.sh --all           then the slow ones (preset release)
#   scripts/test.sh --asan          the quick tests under ASan and UBSan (preset asan)
#   scripts/test.sh --tsan          the tests of one process under TSan (preset tsan)
#   scripts/test.sh --no-install    take the libraries that are there
#   scripts/test.sh -- ARGUMENTS    the rest goes to ctest, such as -- -R dataset
set -euo pipefail
cd "$(dirname "$0")/.."

preset=dev tests=quick slow=no install=yes deps=--tests
while [ $# -gt 0 ]; do
    case $1 in
    --all) slow=yes ;;
    --asan) preset=asan tests=asan ;;
    --tsan) preset=tsan tests=tsan deps=--checks ;;
    --no-install) install=no ;;
    --) shift && break ;;
    --help | -h)
        sed -n '3,10s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "test.sh: unknown option $1; see scripts/test.sh --help" >&2
        exit 1
        ;;
    esac
    shift
done

failed() {
    echo "test.sh: FAILED: $1 ($SECONDS s)"
    exit 1
}

# check PRESET TESTS [CTEST_ARGUMENT...]: configure, build, run a test preset.
check() {
    local preset=$1 tests=$2
    shift 2
    cmake --preset "$preset" -DPS_TESTS=ON >"$log" || {
        cat "$log"
        failed "configuring preset $preset"
    }
    cmake --build --preset "$preset" || failed "building preset $preset"
    # A test that uses two processors says so to ctest; the rest runs side by side.
    [ $# -eq 0 ] || set -- "$@" --no-tests=ignore
    ctest --preset "$tests" -j "$(nproc)" "$@" || failed "tests '$tests' of preset $preset"
    passed="${passed:+$passed, }$tests of preset $preset"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=""
if [ $install = yes ]; then
    scripts/install-deps.sh $deps || failed "installing packages"
fi
check $preset $tests "$@"
[ $slow = no ] || check release slow "$@"
echo "test.sh: passed: $passed ($SECONDS s)"
