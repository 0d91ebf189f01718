#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What cmake --install puts under a prefix runs from there, with its documents beside it.
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
