# SPDX-License-Identifier: Apache-2.0
# What a run leaves: run.json, metrics.jsonl, model.h5, a trace; and what infer makes of it.
. "$(dirname "$0")/lib.sh"

must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 3000 --features 16 --classes 4 --seed 2
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 3
must "train" ranks 2 train "$T/p.ps" --epochs 5 --runs 2 --out "$T/run" --trace "$T/t.json" --json
cp "$T/out" "$T/report.json"

$PYTHON - "$T" <<'PY' || fail "the record"
import json, sys, h5py, numpy
t = sys.argv[1]
report = json.load(open(t + "/report.json"))
run = json.load(open(t + "/run/run.json"))
for key in """test_accuracy valid_accuracy train_loss epochs epoch_seconds eval_seconds peak_rss_bytes
    seeds_per_rank bytes_sent_by bytes_fingerprint bytes_read bytes_sent bytes_sent_raw avg_bits
    samples_fingerprint ranks threads io_engine runs""".split():
    assert key in report, key
    assert run[key] == report[key], key
assert report["ranks"] == 2 and len(report["runs"]) == 2
assert [r["seed"] for r in report["runs"]] == [1, 2]
mean = numpy.mean([r["test_accuracy"] for r in report["runs"]])
assert abs(mean - report["test_accuracy"]) < 1e-12
assert report["epochs"] == len(report["epoch_seconds"]) == 10
assert len(report["peak_rss_bytes"]) == 2 and min(report["peak_rss_bytes"]) > 2**20
assert {"rows", "ids", "sampling", "gradients"} <= set(report["bytes_sent_by"])
assert sum(report["bytes_sent_by"].values()) == report["bytes_sent"] > 0
assert report["avg_bits"] == 32 and report["bytes_read"] > 0
assert run["options"]["epochs"] == 5 and run["options"]["runs"] == 2
# what stages did is counted once, by the rank that did it
stages, by = run["stages"], report["bytes_sent_by"]
for stage in "step", "forward", "backward":
    assert stages[stage]["amount"] == sum(report["seeds_per_rank"]), stage
assert stages["exchange"]["amount"] == by["rows"] + by["ids"] + by["sampling"]
assert stages["io_read"]["amount"] == report["bytes_read"]
assert run["dataset"]["nodes"] == 3000 and "compiler" in run["build"] and "cpu" in run["machine"]
lines = [json.loads(l) for l in open(t + "/run/metrics.jsonl")]
assert len(lines) == 10
assert [l["train_loss"] for l in lines[:5]] == [float("%.9g" % x) for x in report["runs"][0]["epoch_loss"]]
# no file was opened through the HDF5 library once training had begun
trace = json.load(open(t + "/t.json"))["traceEvents"]
opens = [e["ts"] for e in trace if e["name"] == "h5_open"]
steps = [e["ts"] for e in trace if e["name"] == "step"]
assert opens and steps and max(opens) < min(steps)
assert any(e["name"] == "io_read" and e["ts"] > min(steps) for e in trace)
json.load(open(t + "/t.1.json"))
with h5py.File(t + "/run/model.h5", "r") as f:
    assert f.attrs["layers"] == 2 and "layers" in f
PY
checks=$((checks + 1))

must "infer" ranks 3 infer "$T/p.ps" --run "$T/run" -o "$T/pred.h5" --json
cp "$T/out" "$T/infer.json"
refused "infer over an existing file" 1 "--force" "$PENSTOCK" infer "$T/p.ps" --run "$T/run" -o "$T/pred.h5"
must "infer alone" "$PENSTOCK" infer "$T/g.ps" --run "$T/run" -o "$T/alone.h5" --json
$PYTHON - "$T" <<'PY' || fail "predictions"
import json, sys, h5py, numpy
t = sys.argv[1]
runs = json.load(open(t + "/report.json"))["runs"]
infer = json.load(open(t + "/infer.json"))
best = max(runs, key=lambda r: r["valid_accuracy"])
assert abs(infer["test_accuracy"] - best["test_accuracy"]) < 1e-9, (infer, best)
with h5py.File(t + "/pred.h5", "r") as p, h5py.File(t + "/g.ps/part-00000.h5", "r") as g, \
        h5py.File(t + "/alone.h5", "r") as a:
    pred = p["prediction"][:]
    assert (p["orig_id"][:] == numpy.arange(3000)).all()
    # the unpartitioned graph gives the same predictions: ids went there and back
    assert (a["prediction"][:] == pred).mean() > 0.999
    assert ((p["probability"][:] > 0.2) & (p["probability"][:] <= 1)).all()
    split, label = g["nodes/split"][0], g["nodes/labels"][:]
    test = split == 3
    assert abs((pred[test] == label[test]).mean() - infer["test_accuracy"]) < 1e-9
PY
checks=$((checks + 1))

must "early stop" "$PENSTOCK" train "$T/p.ps" --epochs 400 --patience 3 --lr 0.05 --out "$T/run" --json
[ "$(field "$T/out" epochs)" -lt 400 ] || fail "400 epochs with a patience of 3"
must "no evaluation" "$PENSTOCK" train "$T/p.ps" --epochs 2 --eval none --out "$T/run" --json
equal "accuracy without evaluation" "$(field "$T/out" test_accuracy)" None
must "table" "$PENSTOCK" train "$T/p.ps" --epochs 2 --out "$T/run"
grep -q 'test_accuracy' "$T/out" && grep -q '^step ' "$T/out" && grep -q 'run.json' "$T/out" ||
    fail "the table at the end"
done_with
