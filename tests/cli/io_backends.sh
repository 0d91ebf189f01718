# SPDX-License-Identifier: Apache-2.0
# Every backend of the disk edge trains to the same bits; a simulated disk that is slow, out of
# order and faulty changes nothing that passes, and ends with one sentence what does not.
. "$(dirname "$0")/lib.sh"

if [ -d "$DATA/cora" ]; then
    must "import" "$PENSTOCK" import dir "$DATA/cora" --normalise row -o "$T/g.ps"
else
    echo "# no ../shared/data: a generated graph instead of cora"
    must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 3000 --features 64 --classes 5
fi
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 3
options="--epochs 4 --batch-size 60 --seed 5 --fanout 5,5 --threads 1 --json --quiet"
train() {
    timeout 120 "$PENSTOCK" train "$T/p.ps" $options --out "$T/run" "$@"
}
same_as_pread() {
    for key in epoch_loss test_accuracy samples_fingerprint bytes_fingerprint bytes_read bytes_wanted \
        read_requests; do
        equal "$1: $key" "$(field "$T/out" $key)" "$(field "$T/pread.json" $key)"
    done
    cmp -s "$T/run/model.h5" "$T/pread.h5" || fail "$1: another model"
}

must "pread" train --io pread
cp "$T/out" "$T/pread.json"
cp "$T/run/model.h5" "$T/pread.h5"
must "hdf5" train --io hdf5
equal "engine" "$(field "$T/out" io_engine)" hdf5
same_as_pread hdf5
must "sim" train --io sim
equal "engine" "$(field "$T/out" io_engine)" sim
same_as_pread sim
must "a slow disk" train --io sim --sim-disk-bandwidth 200M --sim-disk-latency 200us --sim-disk-depth 2
same_as_pread "a slow disk"
for seed in 1 2 3; do
    must "faults of seed $seed" train --io sim --sim-seed $seed \
        --sim-disk-faults 'eio@7,eio@20,short@20%,eintr@10%,eagain@10%,stall:1ms@1%'
    same_as_pread "faults of seed $seed"
done
# a wrong bit that makes no sense is refused, one that does is another result
rc=0
train --io sim --sim-disk-faults 'flip@1-' >"$T/out" 2>"$T/err" || rc=$?
if [ $rc = 0 ]; then
    differ "bytes" "$(field "$T/out" bytes_fingerprint)" "$(field "$T/pread.json" bytes_fingerprint)"
else
    equal "exit code of wrong bits" $rc 2
    equal "sentences about wrong bits" "$(grep -c '^penstock: ' "$T/err")" 1
fi

# what does not pass is one sentence, with file and offset where there is one
refused "a disk error" 3 "cannot read: expected" train --io sim --sim-disk-faults 'eio@5-'
refused "an early end" 2 "the file ends too early: expected" train --io sim --sim-disk-faults 'eof@5'
refused "a broken engine" 3 "broke down at read 5" train --io sim --sim-disk-faults 'dead@5'
refused "no memory at open" 3 "part-00001.h5: Cannot allocate memory" train --io sim --sim-disk-faults 'enomem@2'
refused "interruptions without end" 3 "Interrupted system call" train --io sim --sim-disk-faults 'eintr@1-'
refused "no plan" 1 "at character 8 of 'eio@17,shrot@3'" train --io sim --sim-disk-faults 'eio@17,shrot@3'
refused "a simulated setting without sim" 1 "expected --io sim" train --io pread --sim-disk-latency 1ms
refused "no time" 1 "not known here" train --io sim --sim-disk-latency 1day

# at two ranks: the one that fails tells, all leave with its code
refused "rank 1 alone fails" 3 "cannot read: expected" ranks 2 train "$T/p.ps" $options --out "$T/run" \
    --io sim --sim-disk-faults 'eio@4-/1'
must "ranks on hdf5" ranks 2 train "$T/p.ps" $options --out "$T/run" --io hdf5
equal "fingerprint of two ranks" "$(field "$T/out" bytes_fingerprint)" "$(field "$T/pread.json" bytes_fingerprint)"
done_with
