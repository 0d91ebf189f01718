#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What import refuses: the exit code, one sentence on stderr, nothing on stdout, nothing left.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/in" "$tmp/out"
cd "$tmp/in"

# A .npy file: name, type, shape, data as printf escapes.
npy() {
    local header="{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n%b' "$header" "$4" >"$1"
}
fail() {
    echo "FAILED: $*"
    exit 1
}
# Exit code, part of the sentence, then the words after `penstock import`.
refuse() {
    local want=$1 part=$2 code=0
    shift 2
    "$PENSTOCK" import "$@" >"$tmp/said" 2>"$tmp/err" || code=$?
    [ $code -eq "$want" ] || fail "exit code $code, expected $want: import $*: $(cat "$tmp/err")"
    [ ! -s "$tmp/said" ] || fail "stdout: $(cat "$tmp/said")"
    [ "$(wc -l <"$tmp/err")" -eq 1 ] || fail "expected one line: $(cat "$tmp/err")"
    grep -q '^penstock: ' "$tmp/err" || fail "no prefix: $(cat "$tmp/err")"
    grep -qF -- "$part" "$tmp/err" || fail "expected '$part' in: $(cat "$tmp/err")"
    [ -z "$(ls -A "$tmp/out")" ] || fail "left behind by import $*: $(ls -A "$tmp/out")"
}
out=$tmp/out/d.ps

npy e.npy '|u1' '(2, 2)' '\x00\x01\x01\x02'
npy l.npy '|i1' '(3,)' '\x00\x01\xff'
npy t.npy '|u1' '(1,)' '\x00'
npy v.npy '|u1' '(2,)' '\x02\x00'
npy bad.npy '|u1' '(2, 2)' '\x00\x01\x01\x03'
npy nan.npy '<f4' '(3, 1)' '\x00\x00\x00\x00\x00\x00\xc0\x7f\x00\x00\x00\x00'

refuse 2 'cannot open none.npy' npy --edges none.npy --num-nodes 3 -o "$out"
refuse 2 'bad.npy: edge 1 has target 3, expected 0 to 2' npy --edges bad.npy --labels l.npy -o "$out"
refuse 2 'l.npy: the label of node 1 is 1' npy --edges e.npy --labels l.npy --num-classes 1 -o "$out"
refuse 2 'node 0 is in two splits: t.npy and v.npy' \
    npy --edges e.npy --labels l.npy --train t.npy --valid v.npy -o "$out"
refuse 2 'nan.npy: row 1, column 0' npy --edges e.npy --features nan.npy -o "$out"
head -c 130 e.npy >cut.npy
refuse 2 'cut.npy: is cut short' npy --edges cut.npy --num-nodes 3 -o "$out"
refuse 2 'cannot open ./meta.json' dir . -o "$out"
refuse 2 'cannot open nowhere/meta.json' dir nowhere/ -o "$out"
refuse 1 "import knows 'dir', 'npy', 'edges', 'mtx' and 'ogb', found 'nyp'" nyp -o "$out"
refuse 1 'import dir needs the folder' dir -o "$out"
refuse 1 'expected --out' npy --edges e.npy --num-nodes 3
refuse 1 'did you mean --symmetrise' npy --symetrise -o "$out"
refuse 4 'would do' npy --edges e.npy --num-nodes 3 --memory 8M -o "$out"
refuse 3 'nowhere' npy --edges e.npy --num-nodes 3 -o "$tmp/nowhere/d.ps"

printf '0 1\n1 x\n' >bad.txt
printf '0 1\n1 2\n' >e.txt
gzip -c e.txt | head -c 20 >cut.gz
printf '%%%%MatrixMarket matrix array real general\n2 2\n' >array.mtx
mkfifo pipe
refuse 1 'import edges needs the files' edges -o "$out"
refuse 1 'import mtx needs the one file' mtx a.mtx b.mtx -o "$out"
refuse 2 "bad.txt: line 2: expected the target, a whole number from 0 to 2^64 - 1, found 'x'" \
    edges e.txt bad.txt -o "$out"
refuse 2 'e.txt: line 2 has target 2, expected 0 to 1 (2 nodes)' edges e.txt --num-nodes 2 -o "$out"
refuse 2 'cut.gz: gzip data is cut short at byte 20' edges cut.gz -o "$out"
refuse 2 'standard input can be read only once' edges - -o "$out"
refuse 2 'pipe: is no regular file; it is read more than once' edges pipe -o "$out"
refuse 2 "array.mtx: line 1: expected 'coordinate' as word 3, found 'array'" mtx array.mtx -o "$out"
refuse 2 'e.txt: is no Matrix Market file' mtx e.txt -o "$out"
refuse 1 '--edges belongs to import npy' edges e.txt --edges e.npy -o "$out"

"$PENSTOCK" import npy --edges e.npy --labels l.npy --train t.npy -o "$out" --json >"$tmp/said" ||
    fail "the good ones are refused"
grep -q '"train": 1' "$tmp/said" || fail "report: $(cat "$tmp/said")"
mv "$out" "$tmp/kept.ps"
refuse 1 'exists; --force replaces it' npy --edges e.npy --labels l.npy -o "$tmp/kept.ps"
echo ok
