# SPDX-License-Identifier: Apache-2.0
# The number of ranks changes nothing but the time; threads and engines not even a bit.
. "$(dirname "$0")/lib.sh"

must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 6000 --mean-degree 12 --features 24 \
    --classes 5 --train-share 0.3 --seed 3
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 5

# train NAME RANKS THREADS ENGINE MODEL [more]
train() {
    local name=$1 n=$2 threads=$3 engine=$4 model=$5
    shift 5
    must "train $name" ranks "$n" train "$T/p.ps" --json --model "$model" --layers 2 --hidden 16 \
        --fanout 6,4 --dropout 0.5 --epochs 20 --batch-size 256 --seed 7 --threads "$threads" \
        --io "$engine" --out "$T/run" --quiet "$@"
    cp "$T/out" "$T/$name.json"
}
engines="pread"
if "$PENSTOCK" train "$T/p.ps" --io uring --epochs 1 --eval none --out "$T/run" --quiet \
    >"$T/out" 2>"$T/err"; then
    engines="uring pread"
else
    echo "# io_uring is refused here: only pread is compared"
fi
first=${engines%% *}

for model in gcn sage; do
    for n in 1 2 3 4; do
        train "$model-$n" "$n" 1 "$first" "$model"
        equal "ranks of $model-$n" "$(field "$T/$model-$n.json" ranks)" "$n"
        equal "samples of $n ranks, $model" "$(field "$T/$model-$n.json" samples_fingerprint)" \
            "$(field "$T/$model-1.json" samples_fingerprint)"
        equal "bytes of $n ranks, $model" "$(field "$T/$model-$n.json" bytes_fingerprint)" \
            "$(field "$T/$model-1.json" bytes_fingerprint)"
        close_lists "loss of $n ranks, $model" "$T/$model-1.json" "$T/$model-$n.json" epoch_loss 1e-5
        $PYTHON - "$T/$model-$n.json" <<'PY' || fail "the work was not split"
import json, sys
j = json.load(open(sys.argv[1]))
s = j["seeds_per_rank"]
print("# seeds per rank", s)
sys.exit(not (sum(s) == 20 * 1800 and max(s) - min(s) <= 20 * 8 and len(s) == j["ranks"]))
PY
    done
done

# the same ranks with other threads and engine: bit for bit
for n in 1 3; do
    for engine in $engines; do
        for threads in 1 2; do
            train again "$n" "$threads" "$engine" gcn
            equal "losses of $n ranks, $threads threads, $engine" \
                "$(field "$T/again.json" epoch_loss)" "$(field "$T/gcn-$n.json" epoch_loss)"
            equal "accuracy of $n ranks, $threads threads, $engine" \
                "$(field "$T/again.json" test_accuracy)" "$(field "$T/gcn-$n.json" test_accuracy)"
            equal "engine" "$(field "$T/again.json" io_engine)" "$engine"
            equal "threads" "$(field "$T/again.json" threads)" "$threads"
        done
    done
done

train other 2 1 "$first" gcn --seed 8
differ "samples of another seed" "$(field "$T/other.json" samples_fingerprint)" \
    "$(field "$T/gcn-2.json" samples_fingerprint)"
differ "bytes of another seed" "$(field "$T/other.json" bytes_fingerprint)" \
    "$(field "$T/gcn-2.json" bytes_fingerprint)"

# partitions of one rank are as good as partitions of many: R = P
train five 5 1 "$first" gcn
equal "samples of 5 ranks" "$(field "$T/five.json" samples_fingerprint)" \
    "$(field "$T/gcn-1.json" samples_fingerprint)"
done_with
