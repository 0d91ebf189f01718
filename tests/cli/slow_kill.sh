# SPDX-License-Identifier: Apache-2.0
# Killed with SIGKILL at 20 random moments and resumed each time, a run on a real graph ends
# with the same bits as one that nobody disturbed; alone and under mpirun.
. "$(dirname "$0")/lib.sh"
[ -d "$DATA/cora" ] || skip "the real graphs are not at ../shared/data"
seed=${PS_KILL_SEED:-$RANDOM}

must "import cora" "$PENSTOCK" import dir "$DATA/cora" -o "$T/cora.ps" --normalise row
must "partition cora" "$PENSTOCK" partition "$T/cora.ps" -o "$T/p.ps" --parts 4
for n in 1 2; do
    mkdir "$T/$n"
    $PYTHON "$(dirname "$0")/kill_and_resume.py" 20 "$seed" "$n" "$T/$n" "$T/p.ps" --model gcn \
        --hidden 16 --batch-size 32 --fanout 10,10 --epochs 60 --runs 2 ||
        fail "20 kills at $n ranks, PS_KILL_SEED=$seed"
    checks=$((checks + 20))
done
done_with
