#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every command of the main job, alone, under valgrind's memcheck: no access to memory that is not
# ours, no decision on bytes that nobody wrote, nothing lost; nothing is suppressed. Memcheck knows no
# AVX-512; penstock and OpenBLAS ask the CPU, which under valgrind has none.
. "$(dirname "$0")/lib.sh"
command -v valgrind >/dev/null || skip "there is no valgrind"
! grep -qaE '__(asan|tsan)_init' "$PENSTOCK" || skip "a sanitizer is built in"
export OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1

# checked WHAT CODE ARGS...: the program ends with that code and memcheck has nothing to say.
checked() {
    local what=$1 code=$2 rc=0
    shift 2
    timeout 600 valgrind --quiet --error-exitcode=99 --leak-check=full --log-file="$T/memcheck" \
        --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
        "$PENSTOCK" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
    [ ! -s "$T/memcheck" ] || { head -n 40 "$T/memcheck" >&2 && fail "$what: memcheck: $*"; }
    equal "$what" "$rc" "$code"
}

checked "a graph is generated" 0 generate sbm -o "$T/g.ps" --nodes=600 --features=16 --classes=4
checked "another one too" 0 generate rmat -o "$T/r.ps" --nodes=512 --features=8 --classes=4
checked "it is cut with metis" 0 partition "$T/g.ps" -o "$T/m.ps" --parts=3
checked "it is cut by hash" 0 partition "$T/g.ps" -o "$T/h.ps" --parts=2 --method=hash
checked "it is sound" 0 verify "$T/m.ps"
checked "it is told" 0 info "$T/m.ps"
for model in gcn sage; do
    checked "$model is trained" 0 train "$T/m.ps" --out "$T/$model" --model=$model --epochs=2 \
        --batch-size=50 --hidden=8 --threads=2 --trace="$T/trace.json" --quiet
    checked "$model predicts" 0 infer "$T/m.ps" --run "$T/$model" -o "$T/p.h5" --force
done
for io in pread hdf5 sim; do
    checked "it is read by $io" 0 train "$T/h.ps" --out "$T/run-$io" --io=$io --epochs=1 \
        --batch-size=50 --hidden=8 --quiet
done
checked "a memory budget that is too small is refused" 4 train "$T/m.ps" --out "$T/small" \
    --memory=1200K --quiet
dd if=/dev/zero of="$T/m.ps/part-00001.h5" bs=1 seek=9000 count=40 conv=notrunc status=none
checked "damage is found" 2 verify "$T/m.ps"
truncate -s 20000 "$T/m.ps/part-00001.h5"
checked "a cut file is refused" 2 train "$T/m.ps" --out "$T/cut" --quiet
if [ -d "$DATA/cora" ]; then
    checked "a real graph is imported" 0 import dir "$DATA/cora" -o "$T/cora.ps"
    checked "it is trained on" 0 train "$T/cora.ps" --out "$T/cora" --epochs=1 --hidden=8 --quiet
fi
done_with
