#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A rank that does not come, dies, aborts or fails ends the job: soon, with the right exit
# code, and with a sentence that names who waits for whom.
set -u
program=$(dirname "$PENSTOCK")/t_comm
launch=(timeout 60 mpirun --bind-to none --oversubscribe -n 3)
text=$(mktemp)
trap 'rm -f "$text"' EXIT

fail() {
    echo "FAIL: $1" >&2
    cat "$text" >&2
    exit 1
}
play() { # name of the part -> $rc, $text
    PS_T_COMM=$1 "${launch[@]}" "$program" >"$text" 2>&1
    rc=$?
    [ $rc -ne 124 ] || fail "$1: the job hangs"
}

play absent
[ $rc -eq 5 ] || fail "absent: exit code $rc, expected 5"
grep -Eq 'penstock: rank [01] has waited 1 s for rank ([01], )?2 in a gather' "$text" ||
    fail "absent: no sentence names who waits for rank 2 and in what"

play killed
[ $rc -ne 0 ] || fail "killed: exit code 0"

play aborts
[ $rc -eq 4 ] || fail "aborts: exit code $rc, expected 4"
grep -q 'penstock: rank 2 has no room for its weights' "$text" || fail "aborts: no sentence"

play fails
[ $rc -eq 2 ] || fail "fails: exit code $rc, expected 2"
[ "$(grep -c 'penstock:' "$text")" -eq 1 ] || fail "fails: not exactly one sentence"
grep -q 'penstock: rank 2 cannot read its part' "$text" || fail "fails: no sentence"
grep -q 'MPI_ABORT' "$text" && fail "fails: MPI was aborted rather than ended"
exit 0
