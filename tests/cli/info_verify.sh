#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# info tells what is in a dataset, verify whether it is intact; both end with 2 and one sentence
# where something differs. The h5py program in docs/format.md works.
set -euo pipefail
tmp=$(mktemp -d)
trap 'umount "$tmp/small" 2>/dev/null || :; rm -rf "$tmp"' EXIT
cd "$tmp"
fail() {
    echo "info_verify.sh: $*" >&2
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

"$PENSTOCK" generate sbm -o g.ps --nodes 3000 --features 20 --classes 4 --quiet >/dev/null
"$PENSTOCK" partition g.ps -o d.ps --parts 3 --method range --quiet >/dev/null

"$PENSTOCK" info d.ps >text
for word in 'nodes  *3000$' 'parts  *3$' 'partitioner  *range$' 'feature_dim  *20$' 'out_degree'; do
    grep -q "$word" text || fail "info does not tell $word: $(cat text)"
done
[ "$(grep -cE '^ +[0-2] +[0-9]+ ' text)" = 3 ] || fail "info has no row for each part: $(cat text)"
"$PENSTOCK" info d.ps/ --json >json 2>err
[ ! -s err ] || fail "info --json says $(cat err)"
python3 - <<'EOF'
import json, os
r = json.load(open("json"))
assert r["nodes"] == 3000 and r["parts"] == 3 and r["format_version"] == 1, r
assert sum(p["edges"] for p in r["part_list"]) == r["edges"], r
for p in r["part_list"]:
    assert p["file_bytes"] == os.path.getsize("d.ps/part-%05d.h5" % p["part"]), p
    assert p["array_bytes"]["/nodes/features"] == p["nodes"] * 20 * 4, p
assert r["part_file_bytes"] == sum(p["file_bytes"] for p in r["part_list"])
assert "partition" in r["provenance"]["command"], r["provenance"]
EOF

"$PENSTOCK" verify d.ps | grep -q 'result  *intact' || fail "verify finds fault with a good dataset"
"$PENSTOCK" verify d.ps --json | python3 -c '
import json, sys
r = json.load(sys.stdin)
assert r["result"] == "intact" and r["parts"] == 3 and r["nodes"] == 3000 and r["blocks"] > 60, r'

refuses 2 'no.ps is not there' "$PENSTOCK" info no.ps
refuses 2 'no.ps is not there' "$PENSTOCK" verify no.ps --json
refuses 1 'D.ps' "$PENSTOCK" verify
refuses 2 'part-00001.h5' bash -c 'mv d.ps/part-00001.h5 kept; "$PENSTOCK" info d.ps'
mv kept d.ps/part-00001.h5

# a byte in the middle of each part, then a part cut short
for part in 0 1 2; do
    file=d.ps/part-0000$part.h5
    cp $file kept
    at=$(($(stat -c %s $file) / 2))
    byte=$(od -An -tu1 -j $at -N 1 $file)
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of=$file bs=1 seek=$at conv=notrunc status=none
    refuses 2 "part-0000$part.h5: /nodes/features: block [0-9]* .*checksum 0x[0-9a-f]* expected" \
        "$PENSTOCK" verify d.ps
    mv kept $file
done
truncate -s -8192 d.ps/part-00002.h5
refuses 2 'part-00002.h5: /.* expected, found' "$PENSTOCK" verify d.ps
refuses 2 'part-00002.h5: /.* expected, found' "$PENSTOCK" info d.ps

# a disk that is full and a limit on file sizes: code 3, nothing left
mkdir small
if mount -t tmpfs -o size=200k penstock-test small 2>/dev/null; then
    refuses 3 'cannot reserve .* No space left on device' \
        "$PENSTOCK" partition g.ps -o small/d.ps --parts 2 --method range --quiet
    [ -z "$(ls -A small)" ] || fail "left on the full disk: $(ls -A small)"
else
    echo "no tmpfs can be mounted here; the full disk was not tried"
fi
refuses 3 'cannot reserve .* File too large' \
    bash -c 'ulimit -f 100; exec "$PENSTOCK" partition g.ps -o e.ps --parts 2 --method range --quiet'
[ -z "$(ls -A | grep e.ps)" ] || fail "left behind: $(ls -A)"

if python=$(command -v /usr/bin/python3) && $python -c 'import h5py, numpy' 2>/dev/null; then
    "$PENSTOCK" partition g.ps -o d.ps --parts 3 --method range --quiet --force >/dev/null
    $python "$PS_SOURCE_DIR/tests/cli/h5py_check.py" d.ps || fail "h5py finds fault"
    sed -n '/^```python$/,/^```$/p' "$PS_SOURCE_DIR/docs/format.md" | grep -v '^```' >recipe.py
    $python recipe.py d.ps >out || fail "the program in docs/format.md fails"
    set -- $(cat out)
    [ "$3" = "$4" ] && [ "$3" -gt 0 ] || fail "the program in docs/format.md says $(cat out)"
fi
