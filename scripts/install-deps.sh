#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian or Ubuntu packages that penstock needs, only those that are missing.
#
#   scripts/install-deps.sh            what the program needs
#   scripts/install-deps.sh --tests    and what its tests need
#   scripts/install-deps.sh --checks   and what the checks of .ci/run need
#   scripts/install-deps.sh --list     say what is missing, install nothing
#
# libopenblas-dev: any flavour that is there already will do. A bare machine gets the pthread
# one, which may be called from many threads at a time; penstock holds it at one thread and
# calls it from its own OpenMP loops.
set -u

program="gcc libc6-dev make cmake ninja-build pkg-config libopenmpi-dev openmpi-bin libhdf5-dev
    liburing-dev libopenblas-dev libmetis-dev libjansson-dev libinih-dev libxxhash-dev
    zlib1g-dev"
tests="libcmocka-dev python3 python3-numpy python3-h5py hdf5-tools strace
    groff-base"
checks="valgrind git clang clang-format clang-tidy cppcheck libomp-dev clang-sanitizers"

die() {
    echo "install-deps: $*" >&2
    exit 1
}

installed() {
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in
    ii*) return 0 ;;
    *) return 1 ;;
    esac
}

known() {
    apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

# The run-time libraries of clang's sanitizers have had several homes.
sanitizers() {
    for package in libclang-rt-dev libclang-rt-14-dev libclang-common-14-dev; do
        if installed $package || known $package; then
            echo $package
            return
        fi
    done
    echo libclang-rt-dev
}
# The packages among the arguments that are not there.
missing_of() {
    for package; do
        [ "$package" != clang-sanitizers ] || package=$(sanitizers)
        installed "$package" || printf '%s ' "$package"
    done
}

list_only=no
wanted=$program
for arg; do
    case $arg in
    --tests) wanted="$wanted $tests" ;;
    --checks) wanted="$wanted $tests $checks" ;;
    --list) list_only=yes ;;
    --help | -h)
        sed -n '3,12s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "unknown option $arg; --tests, --checks and --list are known" ;;
    esac
done

command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 ||
    die "this is no Debian or Ubuntu (no apt-get); install what these packages hold by hand: $(echo $program)"

missing=$(missing_of $wanted)
missing=${missing% }

if [ $list_only = yes ]; then
    [ -z "$missing" ] || echo "$missing"
    exit 0
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    sudo=""
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo="sudo"
else
    die "no right to install packages (neither root nor sudo); ask for these to be installed: $missing"
fi

# apt-get update where the lists are not there, a day old, or do not know a package.
stale=yes
[ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -1 2>/dev/null | head -n 1)" ] ||
    stale=no
for package in $missing; do
    known "$package" || stale=yes
done
log=$(mktemp) || die "cannot make a temporary file"
trap 'rm -f "$log"' EXIT
if [ $stale = yes ]; then
    $sudo apt-get update -qq >"$log" 2>&1 ||
        echo "install-deps: apt-get update failed, going on with the lists that are there" >&2
    missing=$(missing_of $wanted)
    missing=${missing% }
fi

echo "install-deps: installing $missing" >&2
if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    $missing >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    die "apt-get could not install these packages: $missing"
fi
