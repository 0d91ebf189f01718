#!/bin/sh
# Who may include what. Our own headers: an #include "..." must point into the
# file's own folder or into a folder that an ps_module line in CMakeLists.txt
# allows; those lines are the only list. Libraries: each enters in one place.
cd "$(dirname "$0")/.." || exit 2
find src io comm accel -name '*.[ch]' 2>/dev/null | sort | awk '
BEGIN {
    only["mpi.h"] = "comm/comm_mpi.c"
    only["liburing.h"] = "io/io_engine_uring.c"
    only["hdf5.h"] = "io/h5_store.c"
    only["omp.h"] = "src/base/par.h"
    while ((getline line < "CMakeLists.txt") > 0)
        if (line ~ /^ps_module\(/) {
            gsub(/^ps_module\(|\).*$/, "", line)
            n = split(line, w, " ")
            folder[w[1]] = w[3]
            known[w[3]] = 1
            for (i = 4; i <= n; i++) may[w[3], folder[w[i]]] = 1
        }
}
function home(path) { sub(/\/[^\/]*$/, "", path); return path }
function bad(why) { print file ": " why; failed = 1 }
{
    file = $0
    if (!(home(file) in known)) bad("this folder is no module")
    while ((getline line < file) > 0) {
        if (line ~ /^#include "/) {
            split(line, part, "\"")
            to = home(part[2])
            if (to != home(file) && !((home(file), to) in may)) bad("may not include " part[2])
        } else if (line ~ /^#include </) {
            split(line, part, "[<>]")
            if (part[2] in only && only[part[2]] != file) bad("<" part[2] "> belongs to " only[part[2]])
        }
    }
    close(file)
}
END { exit failed }'
