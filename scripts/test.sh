#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds and runs the tests; the last line says passed or failed.
#
#   scripts/test.sh                 the quick tests (preset dev)
#   scripts/test.sh --all           the slow ones too
#   scripts/test.sh --asan          the quick tests under ASan and UBSan (preset asan)
#   scripts/test.sh --tsan          the tests of one process under TSan (preset tsan)
#   scripts/test.sh --no-install    take the libraries that are there
#   scripts/test.sh -- ARGUMENTS    the rest goes to ctest, such as -- -R dataset
set -euo pipefail
cd "$(dirname "$0")/.."

preset=dev tests=quick install=yes deps=--tests
while [ $# -gt 0 ]; do
    case $1 in
    --all) tests=all ;;
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

started=$SECONDS
failed() {
    echo "test.sh: FAILED: $1 (preset $preset, $((SECONDS - started)) s)"
    exit 1
}

if [ $install = yes ]; then
    scripts/install-deps.sh $deps || failed "installing packages"
fi
[ -f "build/$preset/build.ninja" ] || cmake --preset $preset || failed "configuring"
cmake --build --preset $preset || failed "building"
# A test that uses two processors says so to ctest; the rest runs side by side.
ctest --preset $tests -j "$(nproc)" "$@" || failed "tests"
echo "test.sh: passed (preset $preset, tests $tests, $((SECONDS - started)) s)"
