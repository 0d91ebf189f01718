# SPDX-License-Identifier: Apache-2.0
# Bytes leave the disk through io_uring, not through the HDF5 library; where io_uring is
# refused, training goes on with pread and says so once.
. "$(dirname "$0")/lib.sh"
command -v strace >/dev/null || skip "strace is not installed"
strace -f -o "$T/probe" true 2>/dev/null || skip "strace may not trace here"

must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 4000 --features 32 --classes 4 --seed 2
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 2
options="--epochs 3 --batch-size 100 --seed 5 --json --out $T/run"
# an engine that the tracer (or a sanitizer) does not hinder
if "$PENSTOCK" train "$T/p.ps" $options --io uring >"$T/out" 2>"$T/err"; then
    cp "$T/out" "$T/uring.json"
    must "count calls" strace -f -c -o "$T/counts" "$PENSTOCK" train "$T/p.ps" $options --io uring
    grep -q io_uring_enter "$T/counts" || fail "no io_uring_enter in the counts of strace"
    checks=$((checks + 1))

    # after the first batch (its step is the first line of metrics), no part file is read otherwise
    must "trace calls" strace -f -y -e trace=read,pread64,preadv,openat,write -o "$T/calls" \
        "$PENSTOCK" train "$T/p.ps" $options --io uring
    awk '/write\(.*metrics.jsonl/ { begun = 1 }
         begun && /part-[0-9]*\.h5|meta\.h5/ { print; bad = 1 }
         END { exit !begun || bad }' "$T/calls" >"$T/late" ||
        fail "a dataset file is read through the library while training: $(head -1 "$T/late")"
    checks=$((checks + 1))
else
    echo "# io_uring is refused here already"
    grep -q 'pread' "$T/err" || fail "a refusal without the remedy"
fi

# the kernel refuses, as it does under sysctl kernel.io_uring_disabled=2 and in many containers
for error in EPERM ENOSYS; do
    must "io_uring refused with $error" strace -f -o "$T/trace" -e trace=io_uring_setup \
        -e inject=io_uring_setup:error=$error "$PENSTOCK" train "$T/p.ps" $options
    equal "engine" "$(field "$T/out" io_engine)" pread
    equal "lines about it" "$(grep -c 'io_uring' "$T/err")" 1
    [ ! -e "$T/uring.json" ] || equal "losses" "$(field "$T/out" epoch_loss)" "$(field "$T/uring.json" epoch_loss)"
    refused "uring by name, $error" 3 "--io pread" strace -f -o "$T/trace" -e trace=io_uring_setup \
        -e inject=io_uring_setup:error=$error "$PENSTOCK" train "$T/p.ps" $options --io uring
done
must "2 ranks refused" mpirun --bind-to none --oversubscribe -n 2 strace -f -o "$T/trace" \
    -e trace=io_uring_setup -e inject=io_uring_setup:error=EPERM "$PENSTOCK" train "$T/p.ps" $options
equal "lines about it at 2 ranks" "$(grep -c 'io_uring' "$T/err")" 1
equal "engine at 2 ranks" "$(field "$T/out" io_engine)" pread
done_with
