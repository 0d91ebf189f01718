# SPDX-License-Identifier: Apache-2.0
# Windows, overlap and memory change nothing but the time: not a bit. What cannot fit is refused
# before work begins, with a number that would do, and then does.
. "$(dirname "$0")/lib.sh"

must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 20000 --mean-degree 10 \
    --features 64 --classes 5 --train-share 0.1 --seed 3
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 3

# train NAME RANKS [more]: the results that must not change go to NAME.result
train() {
    local name=$1 n=$2
    shift 2
    must "train $name" ranks "$n" train "$T/p.ps" --json --model sage --layers 2 --hidden 16 \
        --fanout 5,3 --dropout 0.3 --epochs 3 --batch-size 128 --seed 7 --threads 1 --force \
        --out "$T/run-$name" --quiet "$@"
    cp "$T/out" "$T/$name.json"
    $PYTHON - "$T/$name.json" "$T/run-$name" <<'PY' >"$T/$name.result" || fail "$name: no result"
import h5py, json, sys
j = json.load(open(sys.argv[1]))
print([repr(x) for x in j["epoch_loss"]], j["samples_fingerprint"], j["bytes_fingerprint"])
def show(name, x):
    if isinstance(x, h5py.Dataset):
        print(name, hash(x[()].tobytes()))
with h5py.File(sys.argv[2] + "/model.h5") as f:
    f.visititems(show)
PY
}
export PYTHONHASHSEED=0

for n in 1 3; do
    train "first-$n" "$n" --window 1 --no-overlap
    for w in 1 2 5 64; do
        train "w$w-$n" "$n" --window $w
        must "window $w of $n ranks" cmp "$T/first-$n.result" "$T/w$w-$n.result"
    done
    train "slow-$n" "$n" --window 5 --no-overlap
    must "no overlap at $n ranks" cmp "$T/first-$n.result" "$T/slow-$n.result"
    equal "samples of $n ranks" "$(field "$T/first-$n.json" samples_fingerprint)" \
        "$(field "$T/first-1.json" samples_fingerprint)"
    equal "bytes of $n ranks" "$(field "$T/first-$n.json" bytes_fingerprint)" \
        "$(field "$T/first-1.json" bytes_fingerprint)"
done

# A budget that is too small names one that is not.
refused "8M" 4 "is too small for these batches" ranks 1 train "$T/p.ps" --model sage \
    --layers 2 --hidden 16 --fanout 5,3 --epochs 3 --batch-size 128 --memory 8M --queue-depth 4 \
    --out "$T/none" --eval none --quiet
least=$(sed -n 's/.*give --memory \([0-9]*M\) or more.*/\1/p' "$T/err")
echo "# 8M is refused, $least would do"
train unlimited 1 --eval none --queue-depth 4
train tight 1 --eval none --queue-depth 4 --memory "$least"
must "the smallest memory changes nothing" cmp "$T/unlimited.result" "$T/tight.result"
$PYTHON - "$T/tight.json" "$T/unlimited.json" "${least%M}" <<'PY' || fail "the slab was not smaller"
import json, sys
tight, free = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
limit = int(sys.argv[3]) << 20
assert max(tight["peak_counted_bytes"]) <= limit, (tight["peak_counted_bytes"], limit)
assert tight["bytes_wanted"] > free["bytes_wanted"], "rows were to be read again"
PY

# Parts of a batch: the same samples, the same sums but for their order.
train whole 1 --dropout 0
train parts 1 --dropout 0 --micro-batches 4
train parts-3 3 --dropout 0 --micro-batches 2
for k in parts parts-3; do
    equal "samples of $k" "$(field "$T/$k.json" samples_fingerprint)" \
        "$(field "$T/whole.json" samples_fingerprint)"
    equal "bytes of $k" "$(field "$T/$k.json" bytes_fingerprint)" \
        "$(field "$T/whole.json" bytes_fingerprint)"
    close_lists "losses of $k" "$T/whole.json" "$T/$k.json" epoch_loss 1e-5
done
refused "a window of 65" 1 "--window" "$PENSTOCK" train "$T/p.ps" --window 65
