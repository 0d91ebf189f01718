# SPDX-License-Identifier: Apache-2.0
# What bench io measures adds up; what a run recorded can be read again, and simulated.
. "$(dirname "$0")/lib.sh"
tiny="--dir $T --bytes 2M --seconds 0.002 --rounds 2 --kib 4,64 --depths 1,4"

must "patterns, for a person" "$PENSTOCK" bench io $tiny
grep -q '^random .*4K *pread *buffered' "$T/out" || fail "no line for random buffered reads of pread"
must "patterns, as JSON" "$PENSTOCK" bench io $tiny --json
cp "$T/out" "$T/patterns.json"
must "counts" $PYTHON - "$T/patterns.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
seen = set()
for p in r["patterns"]:
    assert p["bytes"] == p["requests"] * p["read_bytes"] > 0, p
    assert p["bytes_per_second_min"] <= p["bytes_per_second"] <= p["bytes_per_second_max"], p
    assert 0 < p["share_of_best"] <= 1 and 0 <= p["still_cached"] <= 1, p
    seen.add((p["engine"], p["cache"], p["pattern"], p["read_bytes"], p["depth"]))
assert len(seen) == len(r["patterns"])
skipped = {(s["engine"], s["cache"]) for s in r["skipped"]}
ways = {("uring", "direct"): 2, ("uring", "buffered"): 2, ("pread", "direct"): 2,
        ("pread", "buffered"): 2, ("mmap", "buffered"): 2, ("hdf5", "buffered"): 1}
for (engine, cache), depths in ways.items():
    n = sum(1 for s in seen if s[:2] == (engine, cache))
    assert n == (0 if (engine, cache) in skipped else 2 * 2 * depths), (engine, cache, n)
assert not skipped & {("pread", "buffered"), ("mmap", "buffered"), ("hdf5", "buffered")}, skipped
assert r["made"] and r["file_bytes"] >= 2 << 20
PY
equal "files that were made are gone" "$(find "$T" -name 'penstock-bench*' | wc -l)" 0
must "what is asked for alone" "$PENSTOCK" bench io $tiny --json --engines pread --cache buffered \
    --pattern sequential
equal "its lines" "$(field "$T/out" patterns | grep -o '"engine": "pread", "cache": "buffered", "pattern": "sequential"' | wc -l)" 4

# a dataset, and a run on it
must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 4000 --features 64 --classes 4 --seed 2
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 2
must "a dataset" "$PENSTOCK" bench io "$T/p.ps" --json --seconds 0.002 --rounds 2 --kib 4 --depths 2 \
    --per-mille 10,1000 --io pread
cp "$T/out" "$T/dataset.json"
must "planned reads" $PYTHON - "$T/dataset.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["row_bytes"] == 256 and r["io_engine"] == "pread" and not r["made"]
assert [p["share_wanted"] for p in r["planned"]] == [0.01, 1.0]
for p in r["planned"]:
    assert p["wanted_bytes"] == 256 * p["rows"] > 0, p
    assert p["bytes"] >= 4096 * p["requests"] > 0 and p["seconds"] > 0, p
    assert p["of_ceiling"] > 0
assert r["planned"][1]["merge_ratio"] > r["planned"][0]["merge_ratio"]
PY
must "a plain file" "$PENSTOCK" bench io "$PENSTOCK" --json --seconds 0.002 --rounds 1 --kib 4 \
    --depths 1 --engines pread,hdf5
field "$T/out" skipped | grep -q '"engine": "hdf5"' || fail "hdf5 reads what is no HDF5 file"

train="train $T/p.ps --epochs 2 --batch-size 100 --seed 5 --eval none --quiet --json --out $T/run"
must "train" "$PENSTOCK" $train --io pread
cp "$T/out" "$T/plain.json"
must "train with records" "$PENSTOCK" $train --record-reads "$T/reads" --record-rows "$T/rows"
cp "$T/out" "$T/train.json"
for key in samples_fingerprint bytes_fingerprint epoch_loss; do
    equal "$key with and without records" "$(field "$T/train.json" $key)" "$(field "$T/plain.json" $key)"
done
must "replay" "$PENSTOCK" bench io "$T/p.ps" --replay "$T/reads" --json --rounds 2
equal "bytes of the replay" "$(field "$T/out" bytes)" "$(field "$T/train.json" bytes_read)"
equal "requests of the replay" "$(field "$T/out" requests)" "$(grep -c '^[0-9]' "$T/reads")"
must "replay, for a person, by pread" "$PENSTOCK" bench io "$T/p.ps" --replay "$T/reads" --io pread
grep -q '^io_engine  *pread$' "$T/out" || fail "the engine is not told"
must "recorded rows" "$PENSTOCK" bench io "$T/p.ps" --rows "$T/rows" --json --rounds 1
rows=$(field "$T/out" planned.0.rows)
must "caches" "$PENSTOCK" bench io --belady "$T/rows" --slots 100,2000,4000 --json
equal "rows of the record" "$(field "$T/out" rows_used)" "$rows"
cp "$T/out" "$T/caches.json"
must "caches add up" $PYTHON - "$T/caches.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["epochs"] == 2 and r["row_bytes"] == 256 and r["batches"] == 8, r
m = {(c["slots"], c["policy"]): c for c in r["caches"]}
for (slots, policy), c in m.items():
    if c["missed"] is None:
        assert policy == "belady_held" and slots < r["largest_batch"]
        continue
    assert sum(c["missed_by_epoch"]) == c["missed"] and c["missed_bytes"] == 256 * c["missed"]
    assert r["different_rows"] <= c["missed"] <= r["rows_used"]
    if policy != "static":
        assert m[slots, "belady"]["missed"] <= c["missed"], (slots, policy)
    if slots == 4000:
        assert c["missed"] == r["different_rows"], (slots, policy)
assert m[100, "belady_held"]["missed"] is None
PY
must "caches, for a person" "$PENSTOCK" bench io --belady "$T/rows" --slots 2000 --row-bytes 1K
grep -q 'belady_held' "$T/out" || fail "no line for belady_held"
must "train on 2 ranks with records" ranks 2 $train --record-reads "$T/reads2" --record-rows "$T/rows2"
bytes=$(field "$T/out" bytes_read)
must "replay of rank 0" "$PENSTOCK" bench io "$T/p.ps" --replay "$T/reads2" --json
sum=$(field "$T/out" bytes)
must "replay of rank 1" "$PENSTOCK" bench io "$T/p.ps" --replay "$T/reads2.1" --json
equal "bytes of both" $((sum + $(field "$T/out" bytes))) "$bytes"
must "caches of rank 1" "$PENSTOCK" bench io --belady "$T/rows2.1" --slots 100 --json

if [ -d "$DATA/cora" ]; then
    must "import" "$PENSTOCK" import dir "$DATA/cora" -o "$T/cora.ps"
    must "bags of words" "$PENSTOCK" bench io "$T/cora.ps" --seconds 0.002 --rounds 1 --kib 4 --depths 1
    grep -q 'planned reads: left out' "$T/out" || fail "not a word about planned reads"
fi

refused "another bench" 1 "bench io" "$PENSTOCK" bench cpu
refused "no such file" 2 "$T/none" "$PENSTOCK" bench io "$T/none"
refused "no such folder" 3 "$T/none" "$PENSTOCK" bench io --dir "$T/none" --bytes 4K
refused "a file and a folder" 1 "--dir" "$PENSTOCK" bench io "$T/rows" --dir "$T"
refused "an engine that is none" 1 "'mmmap'" "$PENSTOCK" bench io $tiny --engines uring,mmmap
refused "reads of 6 KiB" 1 "multiple of 4" "$PENSTOCK" bench io $tiny --kib 6
refused "nothing to measure" 1 "nothing to measure" "$PENSTOCK" bench io $tiny --engines mmap --cache direct
refused "reads larger than the file" 2 "too few" "$PENSTOCK" bench io "$T/reads" --kib 16384 --depths 1
refused "two at once" 1 "ask for one" "$PENSTOCK" bench io "$T/p.ps" --replay "$T/reads" --belady "$T/rows"
refused "replay of nothing" 1 "needs the dataset" "$PENSTOCK" bench io --replay "$T/reads"
refused "replay of rows" 2 "record of reads" "$PENSTOCK" bench io "$T/p.ps" --replay "$T/rows"
refused "replay on another dataset" 2 "part-00000.h5" \
    sh -c "mkdir '$T/empty' && exec '$PENSTOCK' bench io '$T/empty' --replay '$T/reads'"
refused "caches without a size" 1 "--slots" "$PENSTOCK" bench io --belady "$T/rows"
refused "caches on reads" 2 "record of rows" "$PENSTOCK" bench io --belady "$T/reads" --slots 5
refused "rows of another graph" 2 "nodes" sh -c "
    '$PENSTOCK' generate sbm -o '$T/h.ps' --nodes 4001 --features 64 --classes 4 --quiet &&
    exec '$PENSTOCK' bench io '$T/h.ps' --rows '$T/rows'"
refused "the simulated disk" 1 "--io sim" "$PENSTOCK" bench io "$T/p.ps" --io sim
refused "records in no folder" 3 "$T/none/r" "$PENSTOCK" $train --record-reads "$T/none/r"
refused "rows in no folder, 2 ranks" 3 "$T/none/r" ranks 2 $train --record-rows "$T/none/r"
if [ -w /dev/full ]; then
    refused "rows on a full disk" 3 "/dev/full" "$PENSTOCK" $train --record-rows /dev/full
fi
if [ "$(id -u)" = 0 ] && mkdir "$T/full" && mount -t tmpfs -o size=1m tmpfs "$T/full" 2>/dev/null; then
    trap 'umount "$T/full"; rm -rf "$T"' EXIT
    refused "a disk that is too small" 3 "$T/full" "$PENSTOCK" bench io --dir "$T/full" --bytes 4M
    equal "nothing is left on it" "$(ls -A "$T/full")" ""
fi
done_with
