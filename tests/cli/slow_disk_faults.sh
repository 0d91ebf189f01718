# SPDX-License-Identifier: Apache-2.0
# Each fault at each read of a short run: the result of an undisturbed run, or one sentence with
# the exit code of its kind, never a hang. Prints the counts as a table.
. "$(dirname "$0")/lib.sh"

if [ -d "$DATA/cora" ]; then
    must "import" "$PENSTOCK" import dir "$DATA/cora" --normalise row -o "$T/g.ps"
else
    echo "# no ../shared/data: a generated graph instead of cora"
    must "generate" "$PENSTOCK" generate sbm -o "$T/g.ps" --nodes 3000 --features 64 --classes 5
fi
must "partition" "$PENSTOCK" partition "$T/g.ps" -o "$T/p.ps" --parts 2
options="--epochs 2 --batch-size 100 --seed 5 --fanout 5,5 --threads 1 --json --quiet --io sim"

# run RANKS ARGS...: exit code in $rc, output in $T/out, words in $T/err
run() {
    local n=$1
    shift
    rc=0
    if [ "$n" = 1 ]; then
        timeout 60 "$PENSTOCK" train "$T/p.ps" $options --out "$T/run" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
    else
        timeout 60 mpirun --bind-to none --oversubscribe -n "$n" "$PENSTOCK" train "$T/p.ps" $options \
            --out "$T/run" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
    fi
}

# bits FILE: what must not change
bits() {
    $PYTHON -c 'import json,sys
j=json.load(open(sys.argv[1]))
print([j[k] for k in ("epoch_loss", "test_accuracy", "samples_fingerprint", "bytes_fingerprint")])' "$1"
}

# try RANKS KIND PLACES SUFFIX CODES: the fault KIND@NSUFFIX for N up to PLACES; CODES may come of it,
# 0 only with the bits of the undisturbed run, or (kind flip) with others
try() {
    local n=$1 kind=$2 places=$3 suffix=$4 codes=$5 same=0 other=0 told=0 at
    for at in $(seq 1 "$places"); do
        run "$n" --sim-disk-faults "$kind@$at$suffix"
        case " $codes " in
        *" $rc "*) ;;
        *) fail "$n ranks, $kind@$at$suffix: exit $rc, expected one of $codes" ;;
        esac
        if [ $rc != 0 ]; then
            [ "$(grep -c '^penstock: ' "$T/err")" = 1 ] || fail "$kind@$at$suffix: not one sentence"
            told=$((told + 1))
        elif [ "$(bits "$T/out")" = "$undisturbed" ]; then
            same=$((same + 1))
        else
            [ "$kind" = flip ] || fail "$n ranks, $kind@$at$suffix: another result"
            other=$((other + 1))
        fi
        checks=$((checks + 1))
    done
    printf '| %s | %s | %s | %s | %s | %s |\n' "$n" "$kind@N$suffix" "$places" $same $told $other
}

table() {
    local n=$1 reads=$2 files=$3 only=$4
    run "$n"
    [ $rc = 0 ] || fail "undisturbed run on $n ranks: exit $rc"
    undisturbed=$(bits "$T/out")
    for kind in short eintr eagain eio stall:5ms; do try "$n" $kind "$reads" "$only" 0; done
    try "$n" eio "$reads" "-$only" 3
    try "$n" eof "$reads" "$only" 2
    try "$n" flip "$reads" "$only" "0 2"
    try "$n" dead "$reads" "$only" 3
    try "$n" enomem "$files" "$only" 3
}

run 1
reads=$(field "$T/out" read_requests)
echo "| ranks | fault | places N | same bits | one sentence | other bits |"
echo "|---|---|---|---|---|---|"
table 1 "$reads" 2 ""
run 2
reads=$(($(field "$T/out" read_requests) / 4)) # of one rank, and not all: launching takes its time
table 2 "$reads" 1 /1
done_with
