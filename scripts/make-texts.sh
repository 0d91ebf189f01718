#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes the texts that repeat the options table (src/base/opt_table.def and the usage of
# src/cli/cmd_*.c): docs/man/penstock.1, docs/completion/penstock.bash and docs/options.md.
# Run it after a change of an option, with a program that is built from that change.
#
#   scripts/make-texts.sh [PENSTOCK]           by default $PENSTOCK, else build/dev/penstock
#   scripts/make-texts.sh --check [PENSTOCK]   write nothing; name what is not up to date
set -euo pipefail
cd "$(dirname "$0")/.."

check=no
while [ $# -gt 0 ]; do
    case $1 in
    --check) check=yes ;;
    --help | -h)
        sed -n '3,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    -*)
        echo "make-texts.sh: unknown option $1; see scripts/make-texts.sh --help" >&2
        exit 1
        ;;
    *) break ;;
    esac
    shift
done
program=${1:-${PENSTOCK:-build/dev/penstock}}
[ -x "$program" ] || {
    echo "make-texts.sh: there is no program $program; build it, or name it" >&2
    exit 1
}
new=$(mktemp)
trap 'rm -f "$new"' EXIT

stale=0
# text WHICH FILE
text() {
    "$program" texts "$1" >"$new"
    cmp -s "$new" "$2" && return
    if [ $check = yes ]; then
        echo "$2 is not what the options table says; run scripts/make-texts.sh"
        stale=1
    else
        mkdir -p "$(dirname "$2")"
        cat "$new" >"$2"
        echo "wrote $2"
    fi
}
text man docs/man/penstock.1
text bash docs/completion/penstock.bash
text markdown docs/options.md
exit $stale
