#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# House rules that no tool knows: banned calls, heap memory outside src/base/mem.c, unfinished
# work, files that are too long, SPDX lines, prototypes without a comment. Prints one line
# for each finding; exits 1 if there is one.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=0
bad() {
    echo "$*"
    failed=1
}

# Files under version control, or all where there is no repository.
list() {
    if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; then
        git ls-files -- "$@" | while IFS= read -r f; do [ ! -f "$f" ] || echo "$f"; done
    else
        local roots=() name=() first=yes pattern
        for pattern; do
            [ $first = yes ] || name+=(-o)
            first=no
            name+=(-name "${pattern##*/}")
        done
        for pattern in src io comm accel tests scripts docs .ci CMakeLists.txt README.md \
            CONTRIBUTING.md CHANGELOG.md; do
            [ -e "$pattern" ] && roots+=("$pattern")
        done
        find "${roots[@]}" -type f \( "${name[@]}" \) | sort
    fi
}
code() {
    list '*.c' '*.h' '*.def'
}

# Code without comments and the insides of strings; each line with file and number.
bare() {
    code | xargs awk '
    FNR == 1 { inside = 0 }
    {
        line = $0
        out = ""
        while (line != "") {
            if (inside) {
                end = index(line, "*/")
                if (end == 0) { line = ""; break }
                line = substr(line, end + 2)
                inside = 0
            } else if (match(line, /\/\*|\/\/|"([^"\\]|\\.)*"|'\''([^'\''\\]|\\.)+'\''/)) {
                out = out substr(line, 1, RSTART - 1)
                token = substr(line, RSTART, RLENGTH)
                line = substr(line, RSTART + RLENGTH)
                if (token == "/*") inside = 1
                else if (token == "//") line = ""
                else out = out "\"\""
            } else {
                out = out line
                line = ""
            }
        }
        print FILENAME ":" FNR ": " out
    }' /dev/null
}
stripped=$(bare)

# Each of these has a checked form: ps_rng, snprintf, strtoull through the options table.
banned='rand|srand|random|drand48|strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok|alloca|system|popen|tmpnam|mktemp'
found=$(grep -E "(^|[^A-Za-z0-9_])($banned) *\(" <<<"$stripped")
[ -z "$found" ] || bad "banned call:"$'\n'"$found"

# All heap memory is counted by ps_mem. src/cli/cli.c and src/api/session.c make the context that
# counts, --help of src/base/opt_parse.c is printed before there is one, and the report of
# src/api/job.c outlives it; tests and examples may do as they like; what a library hands out is
# freed with its own free.
found=$(grep -E '(^|[^A-Za-z0-9_])(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strdup|strndup|asprintf|vasprintf) *\(' <<<"$stripped" |
    grep -vE '^(src/base/mem\.c|src/cli/cli\.c|src/api/(session|job)\.c|src/base/opt_parse\.c|tests/|docs/)')
[ -z "$found" ] || bad "heap memory that ps_mem does not count:"$'\n'"$found"

# Work that is not finished. The words are put together here so that this file is clean too.
words='TO''DO|FIX''ME|X''XX|HA''CK|not im''plemented|st''ub|st''ubs|place''holder'
found=$(list '*.c' '*.h' '*.def' '*.sh' '*.py' '*.md' '*.cmake' CMakeLists.txt CMakePresets.json .ci/run |
    grep -v '^scripts/check_style\.sh$' | xargs grep -nwiE "$words" /dev/null)
[ -z "$found" ] || bad "unfinished, or called so:"$'\n'"$found"

found=$(list '*.c' '*.h' '*.def' '*.sh' '*.py' '*.cmake' CMakeLists.txt .ci/run | xargs awk '
    function finish() {
        if (name == "") return
        if (lines > 500) print name ": " lines " lines, at most 500 are allowed"
        if (!spdx) print name ": the first two lines hold no SPDX-License-Identifier: Apache-2.0"
    }
    FNR == 1 { finish(); name = FILENAME; spdx = 0 }
    FNR <= 2 && /SPDX-License-Identifier: Apache-2.0/ { spdx = 1 }
    { lines = FNR }
    END { finish() }')
[ -z "$found" ] || bad "$found"

# Prototypes in headers: a comment that begins with two stars directly above, or on the line
# itself, or above the group of prototypes (lines without a gap) to which it belongs.
found=$(list '*.h' | grep -E '^(src|io|comm|accel)/' | xargs awk '
    FNR == 1 { comment = documented = continued = depth = pending = 0 }
    /^[ \t]*$/ && !comment { documented = 0; next }
    {
        text = $0
        if (text ~ /\/\*\*/) documented = 1
        if (text ~ /\/\*/) comment = 1
        was_comment = comment
        if (text ~ /\*\//) comment = 0
        if (was_comment && text !~ /;/ || text ~ /^[ \t]*\*/) next
        if (text ~ /^#/ || continued) { continued = text ~ /\\$/; next }
        depth_before = depth
        opened = gsub(/\{/, "{", text)
        closed = gsub(/\}/, "}", text)
        depth += opened - closed
        if (depth_before == 0 && depth == 0 && opened == 0 &&
            text ~ /^[A-Za-z_].*[A-Za-z0-9_]\(/ &&
            text !~ /^(typedef|static|extern|PS_OPT|PS_GROUP|PS_EVENT)/) {
            pending = FNR
            what = text
        }
        if (pending && text ~ /;/) {
            if (!documented) print FILENAME ":" pending ": no comment: " what
            pending = 0
        } else if (opened) pending = 0
    }' /dev/null)
[ -z "$found" ] || bad "$found"

exit $failed
