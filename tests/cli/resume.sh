# SPDX-License-Identifier: Apache-2.0
# A job that was stopped, killed or out of disk goes on, and ends like one that was not.
. "$(dirname "$0")/lib.sh"
seed=${PS_KILL_SEED:-$RANDOM}

must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 3000 --features 16 --classes 4 \
    --train-share 0.3 --seed 5
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 3

# three kills, each time the same bits; slow_kill.sh has more of them
for n in 1 2; do
    mkdir "$T/$n"
    $PYTHON "$(dirname "$0")/kill_and_resume.py" 3 "$seed" "$n" "$T/$n" "$T/p.ps" --epochs 4 \
        --runs 2 --batch-size 200 || fail "3 kills at $n ranks, PS_KILL_SEED=$seed"
    checks=$((checks + 3))
done

job="--epochs 40 --batch-size 100 --hidden 16 --quiet"
must "undisturbed" "$PENSTOCK" train "$T/p.ps" $job --json --out "$T/plain"
cp "$T/out" "$T/plain.json"
bits() { # of a report and its run
    $PYTHON -c 'import hashlib, json, sys
j = json.load(open(sys.argv[1]))
print([j[k] for k in ("epoch_loss", "samples_fingerprint", "bytes_fingerprint", "test_accuracy")],
      hashlib.sha256(open(sys.argv[2] + "/model.h5", "rb").read()).hexdigest())' "$@"
}

# stop SIGNAL RUN FILE ARGS...: the signal is sent when FILE is in RUN. 75, one sentence that
# says how to go on, nothing on stdout
stop() {
    local signal=$1 run=$2 file=$3 pid rc=0
    shift 3
    "$PENSTOCK" train "$T/p.ps" $job --json --out "$run" "$@" >"$T/out" 2>"$T/err" &
    pid=$!
    until [ -s "$run/$file" ] || ! kill -0 $pid 2>/dev/null; do sleep 0.005; done
    kill -$signal $pid
    wait $pid || rc=$?
    equal "exit code after $signal" $rc 75
    equal "sentences after $signal" "$(grep -c '^penstock: ' "$T/err")" 1
    grep -q -- "--resume and --out $run goes on" "$T/err" || fail "how to go on after $signal"
    equal "words on stdout" "$(wc -c <"$T/out")" 0
    [ -s "$run/checkpoint.h5" ] && [ ! -e "$run/run.json" ] || fail "what $signal leaves"
}
stop TERM "$T/run" metrics.jsonl
rm -rf "$T/run"
stop USR1 "$T/run" metrics.jsonl --threads 1

# what is there is not destroyed by mistake, nor mixed with another run
refused "another run over it" 1 "--resume goes on from it" "$PENSTOCK" train "$T/p.ps" $job --out "$T/run"
refused "other options" 1 "--hidden was 16" "$PENSTOCK" train "$T/p.ps" $job --hidden 32 --resume --out "$T/run"
refused "another dataset" 1 "is of a run on dataset" "$PENSTOCK" train "$T/g.ps" $job --resume --out "$T/run"
refused "resume and force" 1 "give one of them" "$PENSTOCK" train "$T/p.ps" $job --resume --force --out "$T/run"
refused "resume what" 1 "--resume needs --out" "$PENSTOCK" train "$T/p.ps" $job --resume
refused "refused once by 2 ranks" 1 "--resume goes on from it" ranks 2 train "$T/p.ps" $job --out "$T/run"
cp -r "$T/run" "$T/two"

# other threads and engine: the same bits
must "resume" "$PENSTOCK" train "$T/p.ps" $job --json --out "$T/run" --resume --threads 2 --io pread
equal "bits after a stop" "$(bits "$T/out" "$T/run")" "$(bits "$T/plain.json" "$T/plain")"
equal "times resumed" "$(field "$T/run/run.json" resumed)" 1
equal "lines of metrics" "$(wc -l <"$T/run/metrics.jsonl")" 40
[ -z "$(ls -A "$T/run" | grep checkpoint)" ] || fail "a finished run has a checkpoint"

# other ranks, of another kind: the same samples, losses to summation order; stopped there by
# the clock
rc=0
"$PENSTOCK" train "$T/p.ps" $job --json --network sim --ranks 2 --out "$T/two" --resume --max-hours 0.0000001 >"$T/out" 2>"$T/err" || rc=$?
equal "exit code after --max-hours" $rc 75
equal "sentences after --max-hours" "$(grep -c '^penstock: ' "$T/err")" 1
must "resume on 3 ranks" ranks 3 train "$T/p.ps" $job --json --out "$T/two" --resume
cp "$T/out" "$T/two.json"
equal "samples on 1, 2, 3 ranks" "$(field "$T/two.json" samples_fingerprint)" \
    "$(field "$T/plain.json" samples_fingerprint)"
close_lists "losses on 1, 2, 3 ranks" "$T/two.json" "$T/plain.json" epoch_loss 1e-5
equal "times resumed" "$(field "$T/two/run.json" resumed)" 2
$PYTHON - "$T/two.json" <<'PY' || fail "seeds of all sittings"
import json, sys
s = json.load(open(sys.argv[1]))["seeds_per_rank"]
print("# seeds per rank over three sittings", s)
sys.exit(not (len(s) == 3 and sum(s) == 40 * 900))
PY

# under mpirun one rank that hears the signal is enough, and mpirun passes it on to all
lines() { cat "$T/mpi/metrics.jsonl" 2>/dev/null | wc -l; }
for who in rank mpirun; do
    had=$(lines)
    mpirun --bind-to none --oversubscribe -n 2 "$PENSTOCK" train "$T/p.ps" $job --epochs 80 \
        --out "$T/mpi" --resume >"$T/out" 2>"$T/err" </dev/null &
    pid=$!
    until [ "$(lines)" -gt $((had + 1)) ] || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
    [ $who = mpirun ] && kill -USR1 $pid || kill -USR1 $(sed 's/.* \([0-9]\)/\1/' "/proc/$pid/task/$pid/children")
    rc=0
    wait $pid || rc=$?
    equal "exit code after USR1 to $who" $rc 75
    equal "sentences after USR1 to $who" "$(grep -c '^penstock: stopped' "$T/err")" 1
done

# a finished run says so; a script may always say --resume
must "finished" "$PENSTOCK" train "$T/p.ps" $job --json --out "$T/run" --resume
equal "result of a finished run" "$(bits "$T/out" "$T/run")" "$(bits "$T/plain.json" "$T/plain")"
must "finished, on 2 ranks, in words" ranks 2 train "$T/p.ps" --epochs 40 --batch-size 100 --hidden 16 --out "$T/run" --resume
grep -q '^test_accuracy' "$T/out" && grep -q 'is finished' "$T/err" || fail "words of a finished run"
refused "finished with other options" 1 "--seed was 1" "$PENSTOCK" train "$T/p.ps" $job --seed 2 --resume --out "$T/run"
must "resume from nothing" "$PENSTOCK" train "$T/p.ps" --epochs 2 --resume --out "$T/new"
grep -q 'holds no checkpoint: training begins' "$T/err" || fail "nothing said of a beginning"

# damage: the one before serves; both damaged is told
stop USR1 "$T/bad" checkpoint.prev.h5 --checkpoint-steps 1
: >"$T/bad/checkpoint.h5"
cp -r "$T/bad" "$T/worse"
must "resume from the one before" "$PENSTOCK" train "$T/p.ps" $job --json --out "$T/bad" --resume
grep -q 'warning: .*checkpoint.h5.*going on from .*checkpoint.prev.h5' "$T/err" || fail "no word of damage"
equal "bits from the one before" "$(bits "$T/out" "$T/bad")" "$(bits "$T/plain.json" "$T/plain")"
head -c 5000 "$T/worse/checkpoint.prev.h5" >"$T/half" && mv "$T/half" "$T/worse/checkpoint.prev.h5"
refused "both damaged" 2 "no checkpoint can be read" "$PENSTOCK" train "$T/p.ps" $job --out "$T/worse" --resume
refused "both damaged, 2 ranks" 2 "no checkpoint can be read" ranks 2 train "$T/p.ps" $job --out "$T/worse" --resume
must "begin anew" "$PENSTOCK" train "$T/p.ps" $job --json --out "$T/worse" --force
equal "bits of a new beginning" "$(bits "$T/out" "$T/worse")" "$(bits "$T/plain.json" "$T/plain")"

# a disk without room for a checkpoint: the run goes on; only a stop needs one
big="--epochs 2 --hidden 4096 --fanout 2,2 --batch-size 450"
small_disk() { (ulimit -f 1024 && exec "$PENSTOCK" train "$T/p.ps" $big --out "$T/full" "$@"); }
must "no room" small_disk --json --checkpoint-steps 1
equal "warnings" "$(grep -c 'warning: no checkpoint: .*; training goes on' "$T/err")" 1
[ -s "$T/full/run.json" ] || fail "no record of a run without checkpoints"
refused "no room for the last one" 3 "cannot" small_disk --quiet --max-hours 0.0000001
done_with
