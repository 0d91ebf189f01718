#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What cmake --install puts under a prefix runs from there, with its documents beside it; programs
# can be built with the library, in a place to which all of it was moved afterwards.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
    echo "install.sh: $*" >&2
    exit 1
}

DESTDIR='' cmake --install "$(dirname "$PENSTOCK")" --prefix "$tmp/prefix" >"$tmp/log" ||
    fail "cmake --install failed: $(cat "$tmp/log")"
installed=$tmp/prefix/bin/penstock
cd "$tmp"
[ "$("$installed" --version)" = "$("$PENSTOCK" --version)" ] || fail "--version differs"
"$installed" --version | grep -qE '^penstock [0-9]+\.[0-9]+\.[0-9]+$' || fail "--version is no version"
"$installed" --help >help || fail "--help failed"
for command in import generate partition info verify train infer; do
    grep -q "^  $command " help || fail "--help does not name $command"
    "$installed" $command --help >"help.$command" || fail "$command --help failed"
    grep -q -- '--json' "help.$command" || fail "$command --help does not name --json"
done
for text in README.md CHANGELOG.md LICENSE docs/guide.md docs/map.md; do
    test -s "$tmp/prefix/share/doc/penstock/$text" || fail "$text is not installed"
done
grep -q '^\.TH PENSTOCK 1' "$tmp/prefix/share/man/man1/penstock.1" || fail "no man page is installed"
bash -c '. "$1" && complete -p penstock' - "$tmp/prefix/share/bash-completion/completions/penstock" \
    >/dev/null || fail "no completion is installed"
if "$installed" tarin 2>err; then
    fail "an unknown command ends with 0"
fi
grep -q "did you mean 'train'" err || fail "no suggestion for a mistyped command: $(cat err)"

# The library: what pkg-config and find_package say compiles and runs docs/example, alone and on
# two ranks, from a place where the build is not known.
build=$(dirname "$PENSTOCK")
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
cc=$(cached CMAKE_C_COMPILER)
sanitize=$(cached PS_SANITIZE)
flags=(-std=c11 -Wall -Wextra -Wpedantic -Werror ${sanitize:+-fsanitize=$sanitize})
libdir=$(dirname "$(find "$tmp/prefix" -name 'libpenstock.so')")
mv "$tmp/prefix" "$tmp/moved" && libdir=$tmp/moved${libdir#"$tmp/prefix"}
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
installed=$tmp/moved/bin/penstock
[ "penstock $(pkg-config --modversion penstock)" = "$("$installed" --version)" ] ||
    fail "pkg-config has another version"
others=$(nm -D --defined-only "$libdir/libpenstock.so" | awk '$2 ~ /[TDBRVW]/ && $3 !~ /^penstock_/ { print $3 }' |
    grep -vE '^(__|_init$|_fini$|_edata$|_end$)' || true)
[ -z "$others" ] || fail "the library exports what is not in penstock.h: $others"
grep -oE 'penstock_[a-z_]+\(' "$tmp/moved/include/penstock/penstock.h" | tr -d '(' | sort -u >declared
nm -D --defined-only "$libdir/libpenstock.so" | awk '$3 ~ /^penstock_/ { print $3 }' | sort -u >exported
diff declared exported >&2 || fail "what is declared is not what is exported"

# The header needs nothing before it, twice is once, and C++ can read it.
printf '#include <penstock/penstock.h>\n#include <penstock/penstock.h>\n%s\n' \
    'int main(void) { return penstock_version()[0] == 0; }' >alone.c
"$cc" "${flags[@]}" $(pkg-config --cflags penstock) alone.c $(pkg-config --libs penstock) -o alone ||
    fail "the header does not compile alone"
./alone || fail "a program of the header alone does not run"
if command -v g++ >/dev/null && [ -z "$sanitize" ]; then
    cp alone.c alone.cpp
    g++ -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags penstock) alone.cpp \
        $(pkg-config --libs penstock) -o alone++ || fail "the header does not compile as C++"
    ./alone++ || fail "a C++ program does not run"
fi

cp -r "$PS_SOURCE_DIR/docs/example" example
"$cc" "${flags[@]}" example/train.c $(pkg-config --cflags --libs penstock) -o train ||
    fail "the example does not compile with pkg-config"
"$installed" generate sbm --nodes 3000 --features 20 --classes 3 --separation 4 --quiet -o one.ps >out
"$installed" partition one.ps --parts 2 --quiet -o graph.ps >out
./train graph.ps run >alone.out || fail "the example does not run"
accuracy=$(sed -n 's/^test accuracy //p' alone.out)
awk -v a="${accuracy:-0}" 'BEGIN { exit !(a > 0.6 && a <= 1) }' ||
    fail "three planted classes are not learned: accuracy '$accuracy'"
grep -q '3000 nodes' alone.out || fail "the example does not tell the nodes: $(cat alone.out)"
mpirun --bind-to none --oversubscribe -n 2 ./train graph.ps run2 >two.out || fail "not on two ranks"
[ "$(sed -n 's/^test accuracy //p' two.out)" = "$accuracy" ] || fail "two ranks: $(cat two.out)"
[ "$(grep -c 'mean feature' two.out)" = 2 ] || fail "not both ranks speak: $(cat two.out)"
rc=0
./train nothing.ps run 2>err || rc=$?
[ $rc = 2 ] && [ "$(cat err)" = "./train: nothing.ps is not there" ] ||
    fail "a missing dataset: exit $rc, $(cat err)"

cmake -S example -B example/build -DCMAKE_PREFIX_PATH="$tmp/moved" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="${sanitize:+-fsanitize=$sanitize}" >log || fail "find_package: $(cat log)"
cmake --build example/build >log || fail "the example does not build with CMake: $(cat log)"
./example/build/train graph.ps run3 >cmake.out || fail "built with CMake, the example does not run"
[ "$(sed -n 's/^test accuracy //p' cmake.out)" = "$accuracy" ] || fail "CMake: $(cat cmake.out)"
sed -i 's/penstock 0.1/penstock 9.0/' example/CMakeLists.txt
if cmake -S example -B example/new -DCMAKE_PREFIX_PATH="$tmp/moved" -DCMAKE_C_COMPILER="$cc" \
    >/dev/null 2>&1; then
    fail "find_package takes this version for version 9"
fi
