#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# generate and partition from the command line: what they print, what they refuse, and that a
# disk that fills up leaves nothing under the final name or beside it.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
fail() {
    echo "generate_partition.sh: $*" >&2
    exit 1
}

# refuses CODE PATTERN COMMAND...: fails with that code and one sentence that matches.
refuses() {
    local code=$1 pattern=$2 rc=0
    shift 2
    "$@" >out 2>err || rc=$?
    [ $rc = "$code" ] || fail "$* ends with $rc, expected $code: $(cat err)"
    [ "$(wc -l <err)" = 1 ] && grep -q "^penstock: .*$pattern" err || fail "$* says: $(cat err)"
    [ ! -s out ] || fail "$* prints: $(cat out)"
}

# Only these names are in the folder, hidden ones too.
holds() {
    [ "$(ls -A | grep -vx 'out\|err' | tr '\n' ' ')" = "$*" ] || fail "left behind: $(ls -A)"
}

json() {
    python3 -c "import json, sys; d = json.load(open('$1')); print(eval(sys.argv[1]))" "$2"
}

"$PENSTOCK" generate sbm -o g.ps --nodes 2000 --features 50 --json >out 2>err
[ ! -s err ] || fail "generate says: $(cat err)"
[ "$(json out 'd["nodes"], d["feature_dim"], d["train"]')" = "(2000, 50, 200)" ] || fail "report"
"$PENSTOCK" generate sbm -o g.ps --nodes 2000 --features 50 --force | grep -q '^nodes  *2000$'

# More partitions than METIS likes: its own words must not spoil the JSON.
"$PENSTOCK" generate sbm -o t.ps --nodes 100 --mean-degree 3 --classes 2 --features 1 >/dev/null
"$PENSTOCK" partition t.ps -o u.ps --method metis --parts 99 --json >out
[ "$(json out 'len(d["partitions"]), min(p["nodes"] for p in d["partitions"])')" = "(99, 1)" ] ||
    fail "99 partitions"
"$PENSTOCK" partition u.ps -o v.ps --method range --parts 3 >out
grep -q '^edge_cut' out && ! grep -q '^partitions' out || fail "the plain report: $(cat out)"
"$PENSTOCK" partition u.ps -o w.ps --method hash --parts 3 --json >out
[ "$(json out 'd["method"], sorted(p["nodes"] for p in d["partitions"])')" = "('hash', [33, 33, 34])" ] ||
    fail "hash: $(cat out)"
rm -r t.ps u.ps v.ps w.ps

refuses 1 'add up to more than 1' "$PENSTOCK" generate rmat -o x.ps --rmat-a 0.7
refuses 1 "'er' is no kind of graph" "$PENSTOCK" generate er -o x.ps
refuses 1 'out is needed' "$PENSTOCK" generate sbm
refuses 1 'g.ps exists' "$PENSTOCK" generate sbm -o g.ps
refuses 1 'add up to more than 1' "$PENSTOCK" generate sbm -o x.ps --near 0.5
refuses 1 'too few for 3000 partitions' "$PENSTOCK" partition g.ps -o x.ps --parts 3000
refuses 2 'no.ps' "$PENSTOCK" partition no.ps -o x.ps
holds 'g.ps '

# What no disk holds is told before anything is drawn.
refuses 3 'cannot reserve [0-9]* bytes for x.ps, whose file system has [0-9]* free' \
    timeout 20 "$PENSTOCK" generate sbm -o x.ps --nodes 1099511627776
holds 'g.ps '

# A full disk, as far as a limit on the size of files goes: g.ps has 400 KB of features.
trap '' XFSZ
ulimit -f 300
refuses 3 'part-00000.h5' "$PENSTOCK" generate sbm -o x.ps --nodes 2000 --features 50
refuses 3 'part-00000.h5' "$PENSTOCK" partition g.ps -o x.ps --method range --parts 1
refuses 3 'part-00000.h5' "$PENSTOCK" partition g.ps -o x.ps --method metis --parts 1
refuses 3 'part-00000.h5' "$PENSTOCK" partition g.ps -o x.ps --method hash --parts 1
holds 'g.ps '
