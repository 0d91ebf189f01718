# SPDX-License-Identifier: Apache-2.0
# --verify-reads changes nothing where the data are good, and ends with one sentence where a wanted
# block is not; costs that are given change how many reads there are, and nothing else.
. "$(dirname "$0")/lib.sh"

must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 4000 --features 40 --classes 4 --seed 2
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 2 --method range
options="--epochs 2 --batch-size 60 --seed 5 --fanout 3,3 --threads 1 --json --quiet --out $T/run"
train() {
    timeout 120 "$PENSTOCK" train "$T/p.ps" $options "$@"
}
bits="epoch_loss test_accuracy samples_fingerprint bytes_fingerprint bytes_wanted"

must "as it is" train
cp "$T/out" "$T/plain.json"
must "verified" train --verify-reads
for key in $bits bytes_read read_requests merge_ratio; do
    equal "$key" "$(field "$T/out" $key)" "$(field "$T/plain.json" $key)"
done
must "verified at 2 ranks" ranks 2 train "$T/p.ps" $options --verify-reads
equal "fingerprint at 2 ranks" "$(field "$T/out" bytes_fingerprint)" "$(field "$T/plain.json" bytes_fingerprint)"

# gaps that cost nothing are all read, those that cost much are not: the same rows arrive
must "requests cost much" train --io-request-time 10ms --io-bandwidth 100G
cp "$T/out" "$T/dear.json"
must "requests cost nothing" train --io-request-time 1us --io-bandwidth 1M
for key in $bits; do
    equal "$key" "$(field "$T/out" $key)" "$(field "$T/plain.json" $key)"
    equal "$key" "$(field "$T/dear.json" $key)" "$(field "$T/plain.json" $key)"
done
$PYTHON - "$T" <<'PY' || fail "costs and counts"
import json, sys
dear, free = json.load(open(sys.argv[1] + "/dear.json")), json.load(open(sys.argv[1] + "/out"))
assert dear["read_requests"] < free["read_requests"], (dear["read_requests"], free["read_requests"])
assert dear["bytes_read"] > free["bytes_read"]
assert dear["merge_ratio"] > free["merge_ratio"] >= 1
cost = json.load(open(sys.argv[1] + "/run/run.json"))["io_cost"]
assert abs(cost["request_ns"][0] - 1000) < 1e-6 and abs(cost["byte_ns"][0] - 1e9 / 2**20) < 1e-6, cost
PY
refused "half a cost" 1 "expected --io-bandwidth beside it" train --io-request-time 5us

# a bit that flips on the way: not seen without, one sentence with
for engine in "sim --sim-disk-faults flip@40-" "sim --sim-disk-faults flip@20%"; do
    refused "$engine" 2 "was read damaged: checksum" train --verify-reads --io $engine
done
refused "rank 1 alone" 2 "was read damaged: checksum" ranks 2 train "$T/p.ps" $options --verify-reads \
    --io sim --sim-disk-faults flip@10-/1

# a byte that was changed on the disk, in the features of part 1
$PYTHON - "$T/p.ps/part-00001.h5" <<'PY' || fail "damage"
import h5py, sys
with h5py.File(sys.argv[1], "r") as f:
    at = f["/nodes/features"].id.get_offset() + 5 * 4096 + 100
with open(sys.argv[1], "r+b") as f:
    f.seek(at)
    byte = f.read(1)[0]
    f.seek(at)
    f.write(bytes([byte ^ 1]))
PY
must "not looked at" train
differ "bytes" "$(field "$T/out" bytes_fingerprint)" "$(field "$T/plain.json" bytes_fingerprint)"
for engine in auto pread hdf5; do
    refused "damage through $engine" 2 "part-00001.h5: /nodes/features: block 5 (at byte 20480 of the array" \
        train --verify-reads --io $engine
done
done_with
