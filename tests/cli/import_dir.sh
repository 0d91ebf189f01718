#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every real graph of the neutral layout becomes the dataset that an independent program in
# numpy and h5py expects; sorting on disk gives the same arrays.
set -euo pipefail

data=$PS_SOURCE_DIR/../shared/data
[ -d "$data" ] || { echo "skipped: no folder of real graphs at ../shared/data"; exit 77; }
python=
for p in python3 /usr/bin/python3; do
    "$p" -c 'import numpy, h5py' 2>/dev/null && python=$p && break
done
[ -n "$python" ] || { echo "skipped: no python3 with numpy and h5py"; exit 77; }
check=$PS_SOURCE_DIR/tests/cli/check_import.py
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}
field() { # of the report in $tmp/report
    "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' \
        "$tmp/report" "$1"
}
import() { # NAME FLAG...: $tmp/NAME.ps and $tmp/report
    local name=$1
    shift
    "$PENSTOCK" import dir "$data/$name" -o "$tmp/$name.ps" --force --json "$@" >"$tmp/report" ||
        fail "import dir $name $*"
}

sets=0
for meta in "$data"/*/meta.json; do
    name=$(basename "$(dirname "$meta")")
    import "$name"
    "$python" "$check" "$tmp/$name.ps" "$data/$name" || fail "$name differs from its source"
    sets=$((sets + 1))
    rm -r "$tmp/$name.ps"
done
[ $sets -gt 0 ] || fail "no graph in $data"

# facebook-pages: its node numbers are none of the ten rows, so they come first
import facebook-pages
[ "$(field splits) $(field train) $(field valid) $(field test)" = "11 18000 2000 2470" ] ||
    fail "splits of facebook-pages: $(cat "$tmp/report")"
[ "$(field split_source)" = "node numbers, then rows" ] || fail "split_source: $(field split_source)"
import tolokers
[ "$(field splits) $(field split_source) $(field feature_kind)" = "10 rows dense" ] ||
    fail "splits of tolokers: $(cat "$tmp/report")"

import cora --normalise row --symmetrise --drop-loops --dedupe
"$python" "$check" "$tmp/cora.ps" "$data/cora" --row --symmetrise --drop-loops --dedupe ||
    fail "cora by row"
import tolokers --normalise row
"$python" "$check" "$tmp/tolokers.ps" "$data/tolokers" --row || fail "tolokers by row"
import ego-twitter --symmetrise
"$python" "$check" "$tmp/ego-twitter.ps" "$data/ego-twitter" --symmetrise || fail "ego-twitter both ways"
import ego-twitter --symmetrise --dedupe
"$python" "$check" "$tmp/ego-twitter.ps" "$data/ego-twitter" --symmetrise --dedupe ||
    fail "ego-twitter both ways, once each"

# the same when the 3.2 million edges of cnr-2000 do not fit the sorting memory
import cnr-2000 --memory 30M
[ "$(field sort_ranges)" -gt 1 ] || fail "30M was enough to sort in memory"
"$python" "$check" "$tmp/cnr-2000.ps" "$data/cnr-2000" || fail "sorted on disk differs"
"$PENSTOCK" import dir "$data/cnr-2000" -o "$tmp/small.ps" --memory 4M 2>"$tmp/said" &&
    fail "4M did for cnr-2000"
grep -q 'would do' "$tmp/said" || fail "no number that would do: $(cat "$tmp/said")"
left=$(find "$tmp" -mindepth 1 -maxdepth 1 \( -name '.*' -o -name 'small*' \))
[ -z "$left" ] || fail "left behind: $left"
echo "ok: $sets graphs"
