# SPDX-License-Identifier: Apache-2.0
# Every call of every rank fails once, of network, disk and memory, in all their ways: the results of
# an undisturbed job or one sentence. The table is that of docs/perf/faults.md.
. "$(dirname "$0")/lib.sh"

program=$(dirname "$PENSTOCK")/t_fault_sweep
[ -x "$program" ] || skip "t_fault_sweep is not built beside the program"
must "the sweep" timeout 3000 "$program" all
grep '^|' "$T/out"
equal "kinds of faults in the table" "$(grep -c '^| network\|^| disk\|^| memory' "$T/out")" 17
done_with
