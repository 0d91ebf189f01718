#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a trained model: installs what is missing, builds, generates a graph,
# cuts it in four and trains on it with four MPI ranks that read through io_uring.
#
#   scripts/quickstart.sh [OPTION...] [DIRECTORY]
#
#   DIRECTORY       where the graph and the run go; by default ./quickstart. Run again, it
#                   replaces what it made there before.
#   --nodes N       size of the graph; by default 100000
#   --epochs N      passes over the training nodes; by default 10
#   --ranks R       MPI ranks, 1 to 4; by default 4
#   --no-install    take the libraries that are there
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)

usage() {
    sed -n '6,13s/^# \{0,1\}//p' "$0"
}
die() {
    echo "quickstart: $*" >&2
    exit 1
}

dir=quickstart nodes=100000 epochs=10 ranks=4 install=yes
while [ $# -gt 0 ]; do
    case $1 in
    --nodes | --epochs | --ranks)
        [ $# -ge 2 ] || die "$1 wants a number"
        [[ $2 =~ ^[1-9][0-9]*$ ]] || die "$1 wants a number above zero, not '$2'"
        declare "${1#--}=$2"
        shift
        ;;
    --no-install) install=no ;;
    --help | -h)
        usage
        exit 0
        ;;
    -*) die "unknown option $1; see scripts/quickstart.sh --help" ;;
    *) dir=$1 ;;
    esac
    shift
done
[ "$ranks" -le 4 ] || die "--ranks wants 1 to 4: the graph is cut in four"

say() {
    printf '\n== %s\n' "$*"
}
# Show a command as a user would type it, then run it.
run() {
    printf '$ %s\n' "$*"
    "$@"
}

if [ $install = yes ]; then
    say "packages"
    "$source/scripts/install-deps.sh"
fi

say "build (preset release)"
# The program alone: a machine without cmocka can build it.
build() {
    local tests=ON
    pkg-config --exists cmocka || tests=OFF
    [ -f build/release/build.ninja ] || cmake --preset release -DPS_TESTS=$tests
    cmake --build --preset release --target penstock
}
mkdir -p "$source/build"
log=$source/build/quickstart.log
(cd "$source" && build) >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "the build failed; all of its output is in $log"
}
"$source/build/release/penstock" --version
PATH=$source/build/release:$PATH

mkdir -p "$dir"
cd "$dir"

# Several ranks share this machine's cores: waiting threads must not spin, and ranks are not
# bound to cores that they do not have.
threads=$(($(nproc) / ranks))
[ "$threads" -ge 1 ] || threads=1
export OMP_WAIT_POLICY=passive
if [ "$(id -u)" = 0 ]; then
    # Open MPI refuses root unless told twice; containers often have no other user.
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

say "a graph of $nodes nodes with planted classes"
run penstock generate sbm --nodes "$nodes" --seed 1 --force --out sbm.ps

say "four partitions"
run penstock partition sbm.ps --parts 4 --force --out sbm4.ps

say "training on $ranks ranks, features read through io_uring"
rm -rf run
run mpirun -n "$ranks" --bind-to none --oversubscribe \
    penstock train sbm4.ps --model sage --fanout 10,10 --epochs "$epochs" --threads "$threads" \
    --io auto --out run

say "done"
echo "run record:      $PWD/run/run.json"
echo "line by line:    $PWD/run/metrics.jsonl"
echo "next:            cd $PWD; mpirun -n $ranks --bind-to none --oversubscribe \
    $source/build/release/penstock infer sbm4.ps --run run --out predictions.h5"
echo "and read:        docs/guide.md"
