# SPDX-License-Identifier: Apache-2.0
# A job whose ranks are threads of one process is the job over MPI: the same bits, samples, refusals
# and exit codes; with 64 ranks the losses of one.
. "$(dirname "$0")/lib.sh"

must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 3000 --mean-degree 10 --features 20 \
    --classes 5 --train-share 0.3 --seed 3
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 5

job=(train "$T/p.ps" --json --model sage --layers 2 --hidden 16 --fanout 6,4 --epochs 5
    --batch-size 256 --threads 1 --io pread --seed 7)

# sim N NAME [more]: a run on N simulated ranks into $T/NAME, its report in $T/NAME.json
sim() {
    local n=$1 name=$2
    shift 2
    must "sim, $n ranks: $name" timeout 300 "$PENSTOCK" "${job[@]}" --network sim --ranks "$n" \
        --out "$T/$name" --quiet "$@"
    cp "$T/out" "$T/$name.json"
    equal "nothing is said with --quiet" "$(cat "$T/err")" ""
}
# same WHAT A B KEY...
same() {
    local what=$1 a=$2 b=$3 key
    shift 3
    for key; do
        equal "$key of $what" "$(field "$T/$a.json" "$key")" "$(field "$T/$b.json" "$key")"
    done
}
# What metrics.jsonl of a run says, but for times.
metrics() {
    $PYTHON -c 'import json,sys
for line in open(sys.argv[1]):
    print({k:v for k,v in json.loads(line).items() if "seconds" not in k})' "$T/$1/metrics.jsonl"
}

for n in 2 4; do
    must "mpi, $n ranks" ranks "$n" "${job[@]}" --out "$T/mpi$n" --quiet
    cp "$T/out" "$T/mpi$n.json"
    sim "$n" "sim$n"
    same "sim and mpi at $n ranks" "sim$n" "mpi$n" epoch_loss test_accuracy valid_accuracy \
        samples_fingerprint bytes_fingerprint seeds_per_rank bytes_sent ranks threads
    equal "network" "$(field "$T/sim$n.json" network)" sim
    sim "$n" "slow$n" --sim-net-latency 20us --sim-net-bandwidth 100M --sim-net-faults delay:2ms@2%
    same "a slow network and a fast one" "slow$n" "sim$n" epoch_loss test_accuracy \
        samples_fingerprint
done
differ "metrics of a run" "$(metrics sim2)" ""
equal "metrics of sim and mpi" "$(metrics sim2)" "$(metrics mpi2)"
must "the model of sim has the bytes of that of mpi" cmp "$T/sim4/model.h5" "$T/mpi4/model.h5"
sim 1 one
must "alone" "$PENSTOCK" "${job[@]}" --out "$T/alone" --quiet
cp "$T/out" "$T/alone.json"
same "one simulated rank and a process alone" one alone epoch_loss test_accuracy samples_fingerprint
must "--network self" "$PENSTOCK" "${job[@]}" --out "$T/self" --network self --quiet
equal "network" "$(field "$T/out" network)" self

# infer
must "infer on sim" "$PENSTOCK" infer "$T/p.ps" --run "$T/sim2" --network sim --ranks 3 --json \
    -o "$T/sim.h5" --quiet
equal "ranks" "$(field "$T/out" ranks)" 3
cp "$T/out" "$T/a.json"
must "infer alone" "$PENSTOCK" infer "$T/p.ps" --run "$T/sim2" --json -o "$T/alone.h5"
equal "accuracy of infer" "$(field "$T/a.json" test_accuracy)" "$(field "$T/out" test_accuracy)"

# one trace for each rank
sim 3 traced --trace "$T/t.json"
for f in t t.1 t.2; do
    must "trace $f" $PYTHON -c 'import json,sys; json.load(open(sys.argv[1]))' "$T/$f.json"
done

# refused as over MPI, by one sentence
run=("$PENSTOCK" "${job[@]}" --out "$T/no" --quiet --network sim)
refused "no --ranks" 1 "--network sim needs --ranks" "${run[@]}"
refused "--ranks without sim" 1 "--ranks goes with --network sim" "$PENSTOCK" "${job[@]}" \
    --out "$T/no" --ranks 3
refused "too many ranks" 1 "has 5 partitions and cannot be shared by 6 ranks" "${run[@]}" --ranks 6
refused "no dataset" 2 "nowhere.ps" "$PENSTOCK" train "$T/nowhere.ps" --network sim --ranks 3 \
    --out "$T/no"
refused "no room" 4 "budget" "${run[@]}" --ranks 3 --memory 1M
refused "a run directory that cannot be" 3 "cannot make the run directory" "$PENSTOCK" "${job[@]}" \
    --out /proc/no --network sim --ranks 3
refused "a file that is there" 1 "exists already" "$PENSTOCK" infer "$T/p.ps" --run "$T/sim2" \
    -o "$T/sim.h5" --network sim --ranks 3
refused "under a launcher" 1 "start it without mpirun" env PMI_RANK=0 "${run[@]}" --ranks 2
refused "a plan that cannot be read" 1 "--sim-net-faults: at character 1 of" "${run[@]}" --ranks 2 \
    --sim-net-faults bogus@3

# faults: one sentence, code 5, soon
fault() { # PLAN TEXT
    refused "fault $1" 5 "$2" timeout 60 "${run[@]}" --ranks 3 --timeout 0.5 --sim-net-faults "$1"
}
fault refuse@20/1 "the simulated network refuses message 20 of rank 1, to rank"
fault lost@40/2 "rank"
fault cut@30/0 "rank 0 sent"
fault dead@50/1 "has waited 0.5 s for rank"
fault dead@1 "died before its message 1, as --sim-net-faults said"
fault poll@9/2 "the simulated network fails rank 2 after its message"
fault init@1/2 "rank 2 cannot join the simulated network"
fault delay:5s@25/0 "has waited 0.5 s for rank"

# 64 ranks on a real graph
[ -d "$DATA/cora" ] || {
    echo "# no cora in $DATA: 64 ranks are not tried"
    done_with
}
must "import" "$PENSTOCK" import dir "$DATA/cora" -o "$T/cora.ps"
must "partition" "$PENSTOCK" partition "$T/cora.ps" -o "$T/cora64.ps" --parts 64
job=(train "$T/cora64.ps" --json --model gcn --hidden 16 --fanout 10,10 --epochs 5 --batch-size 64
    --threads 1 --seed 7)
must "cora alone" "$PENSTOCK" "${job[@]}" --out "$T/c1" --quiet
cp "$T/out" "$T/c1.json"
sim 64 c64
same "64 ranks and one" c64 c1 samples_fingerprint bytes_fingerprint
close_lists "loss of 64 ranks" "$T/c1.json" "$T/c64.json" epoch_loss 1e-5
equal "ranks" "$(field "$T/c64.json" ranks)" 64
done_with
