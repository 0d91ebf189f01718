# SPDX-License-Identifier: Apache-2.0
# Bad input: one sentence, the right exit code, nothing half-written, nobody hanging.
. "$(dirname "$0")/lib.sh"

must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 2000 --features 8 --classes 4 --seed 1
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 2 --method range
quick="--epochs 1 --out $T/run --quiet"

refused "missing dataset" 2 "$T/none.ps" "$PENSTOCK" train "$T/none.ps" $quick
refused "missing dataset, 2 ranks" 2 "$T/none.ps" ranks 2 train "$T/none.ps" $quick
refused "more ranks than partitions" 1 "2 partitions" ranks 3 train "$T/p.ps" $quick
refused "unknown option" 1 "--hidden?" "$PENSTOCK" train "$T/p.ps" --hiden 3
refused "unknown option, 2 ranks" 1 "--hidden?" ranks 2 train "$T/p.ps" --hiden 3
refused "unknown command" 1 "'train'?" "$PENSTOCK" trian
refused "no dataset" 1 "usage" "$PENSTOCK" train
refused "fan-outs and layers" 1 "--fanout" "$PENSTOCK" train "$T/p.ps" --layers 3 --fanout 10,10 $quick
refused "fan-outs and layers, 2 ranks" 1 "--fanout" ranks 2 train "$T/p.ps" --layers 3 --fanout 10,10 $quick
refused "fan-out 0" 1 "--fanout" "$PENSTOCK" train "$T/p.ps" --fanout 10,0 $quick
refused "no such split" 1 "--split" "$PENSTOCK" train "$T/p.ps" --split 3 $quick
refused "a name that is not UTF-8" 1 "argument 2 of the command line is not UTF-8" \
    ranks 2 info "$(printf '%s/\377.ps' "$T")"
refused "split of nonsense" 1 "--split" "$PENSTOCK" train "$T/p.ps" --split 0x $quick
refused "budget too small" 4 "memory budget" "$PENSTOCK" train "$T/p.ps" --memory 64K $quick
refused "budget too small, 2 ranks" 4 "memory budget" ranks 2 train "$T/p.ps" --memory 64K $quick
for budget in 1 20K 1M 4M; do
    refused "budget of $budget, 2 ranks" 4 "memory budget" ranks 2 train "$T/p.ps" --memory $budget $quick
done
refused "budget of 1 byte" 4 "memory budget" "$PENSTOCK" generate sbm -o "$T/x.ps" --memory 1
[ ! -e "$T/x.ps" ] || fail "a graph without memory was written"
refused "no training nodes" 2 "no training nodes" sh -c "
    '$PENSTOCK' generate sbm -o '$T/n.ps' --nodes 2000 --features 8 --classes 4 --train-share 0 --quiet &&
    exec '$PENSTOCK' train '$T/n.ps' $quick"
refused "infer without a run" 1 "--run" "$PENSTOCK" infer "$T/p.ps" -o "$T/x.h5"
refused "infer from nothing" 2 "$T/nothing" "$PENSTOCK" infer "$T/p.ps" --run "$T/nothing" -o "$T/x.h5"
[ ! -e "$T/x.h5" ] || fail "predictions of nothing were written"

# a part file that ends too early, for the one rank that reads it and for all
cp -r "$T/p.ps" "$T/cut.ps"
truncate -s 40960 "$T/cut.ps/part-00001.h5"
refused "truncated part" 2 "part-00001.h5" "$PENSTOCK" train "$T/cut.ps" $quick
refused "truncated part, 2 ranks" 2 "part-00001.h5" ranks 2 train "$T/cut.ps" $quick
refused "truncated part, verify" 2 "part-00001.h5" "$PENSTOCK" verify "$T/cut.ps"

# one flipped byte in the middle of the features
cp -r "$T/p.ps" "$T/flip.ps"
$PYTHON - "$T/flip.ps/part-00000.h5" <<'PY' || fail "h5py"
import h5py, sys
with h5py.File(sys.argv[1], "r") as f:
    d = f["nodes/features"]
    at = d.id.get_offset() + d.nbytes // 2
with open(sys.argv[1], "r+b") as f:
    f.seek(at)
    b = f.read(1)
    f.seek(at)
    f.write(bytes([b[0] ^ 1]))
PY
refused "checksum" 2 "features" "$PENSTOCK" verify "$T/flip.ps"

# output that cannot be written
refused "run directory that cannot be" 3 "$T/none/run" "$PENSTOCK" train "$T/p.ps" --epochs 1 \
    --out "$T/none/run" --quiet
if [ -w /dev/full ]; then
    rc=0
    "$PENSTOCK" info "$T/p.ps" --json >/dev/full 2>"$T/err" || rc=$?
    equal "report to a full device" "$rc" 3
fi

# a rank that fails while the others are in a collective: a bad column in the part of one rank
if [ -d "$DATA/cora" ]; then
    must "import" "$PENSTOCK" import dir "$DATA/cora" -o "$T/cora.ps"
    must "cut" "$PENSTOCK" partition "$T/cora.ps" -o "$T/bad.ps" --parts 3 --method range
    $PYTHON - "$T/bad.ps/part-00001.h5" <<'PY' || fail "h5py"
import h5py, sys
with h5py.File(sys.argv[1], "r") as f:
    d = f["nodes/features_indices"]
    at = d.id.get_offset() + d.nbytes // 4 * 2
with open(sys.argv[1], "r+b") as f:
    f.seek(at)
    f.write(b"\xff\xff")
PY
    for n in 1 2 3; do
        refused "one rank fails, $n ranks" 2 "65535" ranks "$n" train "$T/bad.ps" --fanout=-1,-1 $quick
    done
fi

# a model that has become NaN is neither kept nor written, nor told in what is no JSON
must "a first run" "$PENSTOCK" train "$T/p.ps" --epochs 1 --out "$T/nan" --quiet
refused "NaN on validation" 2 "the loss on validation nodes is no longer a number" \
    ranks 2 train "$T/p.ps" --optimizer sgd --lr 1000 --hidden 256 --layers 6 \
    --fanout 3,3,3,3,3,3 --epochs 3 --out "$T/nan" --quiet
! grep -qi nan "$T/nan/metrics.jsonl" || fail "metrics.jsonl holds NaN"
[ ! -e "$T/nan/model.h5" ] || fail "the model of an earlier run is left beside the metrics of a failed one"

# a trace that cannot be written takes nothing else with it
refused "trace in no folder" 3 "$T/none/t.json" ranks 2 train "$T/p.ps" $quick --trace "$T/none/t.json"
[ -e "$T/run/run.json" ] || fail "no record, for want of a trace"

# a disk that fills up under the run record
if [ "$(id -u)" = 0 ] && mkdir "$T/full" && mount -t tmpfs -o size=64k tmpfs "$T/full" 2>/dev/null; then
    trap 'umount "$T/full"; rm -rf "$T"' EXIT
    refused "full disk under the model" 3 "$T/full/run" ranks 2 train "$T/p.ps" --hidden 4096 \
        --epochs 1 --out "$T/full/run" --quiet
    [ ! -e "$T/full/run/model.h5" ] || fail "a half-written model has the final name"
    [ ! -e "$T/full/run/run.json" ] || fail "a record of a failed run"
fi
# more partitions than the soft limit has open files
must "many partitions" "$PENSTOCK" partition "$T/g.ps" -o "$T/many.ps" --parts 100 --method range
must "few open files" sh -c "ulimit -Sn 80; exec '$PENSTOCK' train '$T/many.ps' $quick"
must "still trains" "$PENSTOCK" train "$T/p.ps" $quick
done_with
