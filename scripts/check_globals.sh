#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No mutable globals: several ranks can live in one process as threads. Looks at the built
# archives, so nothing hides behind a macro. Allowed are the thread-local record of the last
# failure in src/base/err.c, the lock of the HDF5 library in io/h5_lock.c (the library has globals
# itself), the locks of OpenMP's named critical sections, and in src/train/stop.c the flag that a
# signal handler sets: a signal is the process', not a rank's.
#   scripts/check_globals.sh BUILD_DIRECTORY
set -uo pipefail
[ $# -eq 1 ] && ls "$1"/libps_*.a >/dev/null 2>&1 || {
    echo "check_globals: no libps_*.a in '${1-}'; build first" >&2
    exit 2
}
found=$(for archive in "$1"/libps_*.a; do
    objdump -t "$archive" | awk -v archive="${archive##*/}" '
        /file format/ { object = $1; sub(/:$/, "", object) }
        # value, flags (d: the section itself), section, size, name
        $0 !~ / d / {
            for (i = 2; i < NF; i++)
                if ($i ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && $i !~ /^\.data\.rel\.ro/)
                    print archive "(" object "): " $NF " in " $i
        }' | grep -vE '\(err\.c\.o\): .* in \.t(bss|data)|\(h5_lock\.c\.o\): library in|\(stop\.c\.o\): stop_asked in|: \.gomp_critical_user_'
done)
[ -z "$found" ] || {
    echo "mutable globals:"
    echo "$found"
    exit 1
}
