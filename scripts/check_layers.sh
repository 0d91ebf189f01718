#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may include what. Our own headers: an #include "..." must point into the file's own
# folder or into a folder that its ps_module line in CMakeLists.txt allows; those lines are
# the only list. Libraries: each of those below enters in one folder.
cd "$(dirname "$0")/.." || exit 2
find src io comm accel \( -name '*.[ch]' -o -name '*.def' -o -name '*.inc' \) 2>/dev/null |
    LC_ALL=C sort | awk '
BEGIN {
    only["mpi.h"] = "comm"
    only["hdf5.h"] = "io"
    only["liburing.h"] = "io"
    only["inih/ini.h"] = only["ini.h"] = only["INIReader.h"] = "src/base"
    only["metis.h"] = "src/graph"
    only["cblas.h"] = only["openblas/cblas.h"] = "src/kern"
    while ((getline line < "CMakeLists.txt") > 0)
        if (line ~ /^ps_module\(/) {
            gsub(/^ps_module\(|\).*$/, "", line)
            n = split(line, w, " ")
            layer[w[1]] = w[2]
            folder[w[1]] = w[3]
            known[w[3]] = 1
            modules++
            for (i = 4; i <= n; i++) {
                if (!(w[i] in folder)) bad("CMakeLists.txt", w[1] " uses " w[i] ", which no line above it names")
                else if (layer[w[i]] + 0 >= w[2] + 0) bad("CMakeLists.txt", w[1] " (layer " w[2] ") may not use " w[i] " (layer " layer[w[i]] ")")
                may[w[3], folder[w[i]]] = 1
            }
        }
    if (modules == 0) bad("CMakeLists.txt", "no ps_module line found")
}
function home(path) {
    if (!sub(/\/[^\/]*$/, "", path)) return "."
    return path
}
function bad(where, why) { print where ": " why; failed = 1 }
{
    file = $0
    files++
    if (!(home(file) in known)) bad(file, "no ps_module line names this folder")
    number = 0
    while ((getline line < file) > 0) {
        number++
        if (line ~ /^[ \t]*#[ \t]*include[ \t]*"/) {
            split(line, part, "\"")
            to = home(part[2])
            if (to != home(file) && !((home(file), to) in may))
                bad(file ":" number, home(file) " may not include " part[2])
        } else if (line ~ /^[ \t]*#[ \t]*include[ \t]*</) {
            split(line, part, "[<>]")
            name = part[2]
            if (name ~ /^hdf5/ || name ~ /^H5.*public\.h$/) name = "hdf5.h"
            if (name in only && only[name] != home(file))
                bad(file ":" number, "<" part[2] "> belongs to " only[name])
        }
    }
    close(file)
}
END {
    if (files == 0) bad(".", "no source found")
    exit failed
}'
