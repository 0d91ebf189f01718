#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The scripts explain themselves, refuse what they do not know with one sentence, and
# install-deps.sh names the packages where it cannot install them.
set -euo pipefail
scripts=$PS_SOURCE_DIR/scripts
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
    echo "scripts.sh: $*" >&2
    exit 1
}

# refuses PATTERN COMMAND...: fails, with exactly one line on stderr that matches.
refuses() {
    local pattern=$1
    shift
    if "$@" >"$tmp/out" 2>"$tmp/err" </dev/null; then
        fail "this should fail: $*"
    fi
    [ "$(wc -l <"$tmp/err")" = 1 ] && grep -q "$pattern" "$tmp/err" ||
        fail "$* says: $(cat "$tmp/err")"
}

for script in install-deps test quickstart make-texts; do
    "$scripts/$script.sh" --help >"$tmp/out" || fail "$script.sh --help fails"
    grep -q "scripts/$script.sh" "$tmp/out" || fail "$script.sh --help says nothing"
    refuses 'unknown option --frobnicate' "$scripts/$script.sh" --frobnicate
done
refuses '1 to 4' "$scripts/quickstart.sh" --ranks 5
refuses "not 'many'" "$scripts/quickstart.sh" --nodes many
refuses 'wants a number' "$scripts/quickstart.sh" --nodes

# A machine without apt: only the tools that the script itself uses are on the path.
mkdir "$tmp/bin"
for tool in sh sed id; do
    ln -s "$(command -v $tool)" "$tmp/bin/$tool"
done
refuses 'no apt-get.*libhdf5-dev' env PATH="$tmp/bin" sh "$scripts/install-deps.sh"

# A machine with apt where nothing is installed and there is no right to install.
printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/dpkg-query"
printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/apt-cache"
printf '#!/bin/sh\necho apt-get was called >&2\nexit 1\n' >"$tmp/bin/apt-get"
rm "$tmp/bin/id"
printf '#!/bin/sh\necho 1000\n' >"$tmp/bin/id"
chmod +x "$tmp"/bin/{dpkg-query,apt-cache,apt-get,id}
refuses 'no right to install.*libhdf5-dev.*libcmocka-dev' \
    env PATH="$tmp/bin" sh "$scripts/install-deps.sh" --tests
env PATH="$tmp/bin" sh "$scripts/install-deps.sh" --list >"$tmp/out"
grep -q 'libhdf5-dev' "$tmp/out" || fail "--list does not name what is missing"
