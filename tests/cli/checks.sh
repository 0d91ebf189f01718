#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The checks of layers and style find what they are for: a small tree passes them, and each
# violation planted in it is named.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree

plant_nothing() {
    rm -rf "$tree"
    mkdir -p "$tree/scripts" "$tree/src/base" "$tree/io" "$tree/comm" "$tree/src/cli"
    cp "$PS_SOURCE_DIR/scripts/check_layers.sh" "$PS_SOURCE_DIR/scripts/check_style.sh" "$tree/scripts"
    printf '%s\n' '# SPDX-License-Identifier: Apache-2.0' \
        'ps_module(ps_base 0 src/base)' 'ps_module(ps_io 2 io ps_base)' \
        'ps_module(ps_comm 2 comm ps_base)' 'ps_module(ps_cli 5 src/cli ps_io ps_comm ps_base)' \
        >"$tree/CMakeLists.txt"
    local head='/* SPDX-License-Identifier: Apache-2.0 */'
    printf '%s\n' "$head" '/** Twice @p x; atoi(x) and a malloc(1) in a comment are fine. */' \
        'int ps_twice(int x);' >"$tree/src/base/twice.h"
    printf '%s\n' "$head" '#include "src/base/twice.h"' 'int ps_twice(int x)' '{' \
        '    return x + x; /* sprintf( */' '}' >"$tree/src/base/twice.c"
    printf '%s\n' "$head" '#include "src/base/twice.h"' '#include <hdf5.h>' >"$tree/io/file.c"
    printf '%s\n' "$head" '#include "src/base/twice.h"' '#include <mpi.h>' >"$tree/comm/rank.c"
    printf '%s\n' "$head" '#include "src/base/twice.h"' >"$tree/src/cli/main.c"
}

fail() {
    echo "checks.sh: $*" >&2
    exit 1
}

# finds SCRIPT PATTERN FILE LINE...: the lines, added to the file, make the script name them.
finds() {
    local script=$1 pattern=$2 file=$3
    shift 3
    plant_nothing
    printf '%s\n' "$@" >>"$tree/$file"
    if "$tree/scripts/$script" >"$tmp/out" 2>&1; then
        fail "$script passes with this in $file: $*"
    fi
    grep -qE "$pattern" "$tmp/out" || fail "$script does not say '$pattern' but: $(cat "$tmp/out")"
}

plant_nothing
"$tree/scripts/check_layers.sh" || fail "check_layers.sh refuses the clean tree"
"$tree/scripts/check_style.sh" || fail "check_style.sh refuses the clean tree"

finds check_layers.sh 'src/base/twice.c:7: src/base may not include io/file.h' \
    src/base/twice.c '#include "io/file.h"'
finds check_layers.sh 'io may not include comm/rank.h' io/file.c '  #  include "comm/rank.h"'
finds check_layers.sh 'may not include tests/ps_test.h' src/cli/main.c '#include "tests/ps_test.h"'
finds check_layers.sh 'io may not include file.h' io/file.c '#include "file.h"'
finds check_layers.sh '<mpi.h> belongs to comm' src/cli/main.c '#include <mpi.h>'
finds check_layers.sh '<hdf5.h> belongs to io' comm/rank.c '#include <hdf5.h>'
finds check_layers.sh '<H5public.h> belongs to io' src/base/twice.h '#include <H5public.h>'
finds check_layers.sh '<liburing.h> belongs to io' src/base/twice.h '#include <liburing.h>'
finds check_layers.sh 'no ps_module line names this folder' src/stray.c ''
finds check_layers.sh 'ps_up \(layer 2\) may not use ps_io \(layer 2\)' CMakeLists.txt \
    'ps_module(ps_up 2 src/up ps_io)'

finds check_style.sh 'src/base/twice.c:7: .*atoi' src/base/twice.c 'int a(char *s) { return atoi(s); }'
finds check_style.sh 'strcpy' io/file.c 'void a(char *s) { "\""; strcpy(s, "x"); }'
finds check_style.sh 'heap memory.*' io/file.c 'void *a(void) { return malloc(1); }'
finds check_style.sh 'io/file.c:4:.*TO''DO' io/file.c '/* TO''DO: later */'
finds check_style.sh 'io/file.c:4:.*' io/file.c '/* not im''plemented */'
finds check_style.sh 'io/new.c: the first two lines hold no SPDX' io/new.c 'int x;'
finds check_style.sh 'twice.h:5: no comment: int ps_thrice' src/base/twice.h '' 'int ps_thrice(int x);'
finds check_style.sh 'twice.h:5: no comment: PS_MUST' src/base/twice.h '' \
    'PS_MUST ps_status ps_long(struct ps_ctx *ctx,' '                         int x);'
finds check_style.sh 'io/file.c: 50[0-9] lines, at most 500' io/file.c $(seq 500)

# What the style check must not find: a comment above a group, a macro, a struct.
plant_nothing
printf '%s\n' '' '/** Both of them. */' 'int ps_a(int x);' 'int ps_b(int x);' '' \
    'struct ps_s {' '    int (*call)(int x); /* no prototype */' '};' \
    '#define PS_M(x) \' '    f(x);' 'void ps_c(void); /**< as it says */' >>"$tree/src/base/twice.h"
"$tree/scripts/check_style.sh" || fail "check_style.sh finds what is not there"

# The gate of clang-tidy fails where clang-tidy finds something, whatever its output goes through.
if command -v clang-tidy >/dev/null; then
    plant_nothing
    cp "$PS_SOURCE_DIR/scripts/tidy.sh" "$tree/scripts"
    cp "$PS_SOURCE_DIR/.clang-tidy" "$tree"
    mkdir "$tree/build"
    printf '[{"directory": "%s", "file": "src/base/%s.c", "command": "cc -I. -c src/base/%s.c"},
             {"directory": "%s", "file": "src/base/%s.c", "command": "cc -I. -c src/base/%s.c"}]' \
        "$tree" twice twice "$tree" number number >"$tree/build/compile_commands.json"
    printf '%s\n' '#include <stdlib.h>' 'int number(const char *s);' 'int number(const char *s)' '{' \
        '    return atoi(s);' '}' >"$tree/src/base/number.c"
    "$tree/scripts/tidy.sh" build src/base/twice.c >"$tmp/out" || fail "tidy.sh: $(cat "$tmp/out")"
    if "$tree/scripts/tidy.sh" build src/base/number.c src/base/twice.c >"$tmp/out"; then
        fail "tidy.sh passes atoi: $(cat "$tmp/out")"
    fi
    grep -q cert-err34-c "$tmp/out" || fail "tidy.sh does not say what it found: $(cat "$tmp/out")"
fi

# The real tree keeps its layers.
"$PS_SOURCE_DIR/scripts/check_layers.sh" || fail "the layers of the sources are broken"
