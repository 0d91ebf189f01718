#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real graphs in the folders of Open Graph Benchmark become the datasets that import dir makes of
# them (equal contents have equal uuids), in both forms; damaged folders are refused with one
# sentence that says where, and nothing is left.
. "$(dirname "$0")/lib.sh"
[ -d "$DATA/cora" ] || skip "the real graphs are not at ../shared/data"
$PYTHON -c 'import numpy' 2>/dev/null || skip "no python3 with numpy"
write=$PS_SOURCE_DIR/tests/cli/ogb_write.py
mkdir "$T/in" "$T/res"

uuid() {
    "$PENSTOCK" info "$1" --json >"$T/info" || fail "info $1"
    field "$T/info" uuid
}
# same SET FLAG...: its forms give what import dir gives
same() {
    local set=$1 want
    shift
    $PYTHON "$write" "$DATA/$set" "$T/in/dir" dir || fail "write $set"
    must "import dir $set" "$PENSTOCK" import dir "$T/in/dir" -o "$T/res/a.ps" --name "$set"
    want=$(uuid "$T/res/a.ps")
    for form in csv npz npz-stored; do
        $PYTHON "$write" "$DATA/$set" "$T/in/$form" $form || fail "write $set as $form"
        must "import $set as $form" "$PENSTOCK" import ogb "$T/in/$form" -o "$T/res/b.ps" \
            --name "$set" "$@"
        must "verify $set" "$PENSTOCK" verify "$T/res/b.ps"
        equal "$set as $form" "$(uuid "$T/res/b.ps")" "$want"
        rm -r "$T/res/b.ps" "$T/in/$form"
    done
    rm -r "$T/res/a.ps" "$T/in/dir"
    [ -z "$(ls -A "$T/res")" ] || fail "left behind: $(ls -A "$T/res")"
}
same tolokers --symmetrise
same pubmed-nofeat --symmetrise

# what is damaged: a fresh folder, a change, the sentence
fresh() {
    rm -rf "$T/in/f"
    [ -d "$T/in/good-$1" ] || $PYTHON "$write" "$DATA/pubmed-nofeat" "$T/in/good-$1" "$1" ||
        fail "write"
    cp -r "$T/in/good-$1" "$T/in/f"
    cd "$T/in/f" || fail "no folder"
}
refuse() { # CODE TEXT FLAG...
    refused "$2" "$1" "$2" "$PENSTOCK" import ogb "$T/in/f" -o "$T/res/x.ps" "${@:3}"
    [ -z "$(ls -A "$T/res")" ] || fail "left behind: $(ls -A "$T/res")"
}
pack() { # FILE: stdin
    gzip -1 >"$T/packed" && mv "$T/packed" "$1"
}

fresh csv
zcat raw/edge.csv.gz | sed '7s/.*/3,19717/' | pack raw/edge.csv.gz
refuse 2 "raw/edge.csv.gz: line 7"
fresh csv
zcat raw/edge.csv.gz | sed '9s/,.*/,x/' | pack raw/edge.csv.gz
refuse 2 "raw/edge.csv.gz: line 9"
fresh csv
zcat raw/edge.csv.gz | sed '$d' | pack raw/edge.csv.gz
refuse 2 "expected 44324 edges as raw/num-edge-list says, found 44323"
fresh csv
zcat raw/edge.csv.gz | sed 's/$/,1/' | pack raw/edge.csv.gz
refuse 2 "expected source and target alone"
fresh csv
head -c 3000 raw/edge.csv.gz >"$T/packed" && mv "$T/packed" raw/edge.csv.gz
refuse 2 "raw/edge.csv.gz"
fresh csv
zcat raw/node-label.csv.gz | sed '5s/.*/1.5/' | pack raw/node-label.csv.gz
refuse 2 "raw/node-label.csv.gz: line 5: expected a label"
fresh csv
zcat raw/node-label.csv.gz | sed 's/$/,0/' | pack raw/node-label.csv.gz
refuse 2 "several tasks are not read"
fresh csv
zcat raw/node-label.csv.gz | sed '$d' | pack raw/node-label.csv.gz
refuse 2 "expected 19717 lines, one for each node, found the end of the file"
fresh csv
zcat split/time/valid.csv.gz | sed '3s/.*/19717/' | pack split/time/valid.csv.gz
refuse 2 "split/time/valid.csv.gz: line 3: expected a node number from 0 to 19716, found 19717"
fresh csv
printf '19717\n5\n' | pack raw/num-node-list.csv.gz
refuse 2 "raw/num-node-list.csv.gz: line 2: expected one graph"
fresh csv
zcat raw/node-label.csv.gz | sed 's/.*/0.5,1,2/; 8s/.*/1,2/' | pack raw/node-feat.csv.gz
refuse 2 "raw/node-feat.csv.gz: line 8"
zcat raw/node-label.csv.gz | sed 's/.*/0.5,1,2/; 8s/.*/1,nan,2/' | pack raw/node-feat.csv.gz
refuse 2 "raw/node-feat.csv.gz: row 7, column 1: expected a finite number"
rm raw/num-node-list.csv.gz
refuse 2 "raw/num-node-list.csv.gz is not there"
: >raw/triplet-type-list.csv.gz
refuse 2 "several kinds of nodes"
fresh csv
cp -r split/time split/random
refuse 1 "has several splits (random, time, ...); choose with --ogb-split"
refuse 1 "has no folder of that name" --ogb-split other
must "a split by name" "$PENSTOCK" import ogb "$T/in/f" -o "$T/res/x.ps" --ogb-split random
rm -r "$T/res/x.ps" split
refuse 2 "cannot open $T/in/f/split"
refuse 1 "--labels belongs to import npy" --labels l.npy
refused "no folder" 1 "import ogb needs the folder" "$PENSTOCK" import ogb -o "$T/res/x.ps"

for form in npz npz-stored; do
    fresh $form
    $PYTHON - <<'PY' || fail "damage"
b = bytearray(open("raw/data.npz", "rb").read())
b[5000] ^= 1
open("raw/data.npz", "wb").write(b)
PY
    refuse 2 "raw/data.npz: member edge_index.npy"
    head -c -30 raw/data.npz >"$T/packed" && mv "$T/packed" raw/data.npz
    refuse 2 "raw/data.npz: is no zip archive or is cut short"
done
rezip() { # NAME EXPRESSION: change one array
    $PYTHON - "$@" <<'PY' || fail "change $1"
import sys
import numpy as np
path = "raw/node-label.npz" if sys.argv[1] == "node_label" else "raw/data.npz"
a = dict(np.load(path))
x = a.get(sys.argv[1])
a[sys.argv[1]] = eval(sys.argv[2])
np.savez_compressed(path, **{k: v for k, v in a.items() if v is not None})
PY
}
fresh npz
rezip num_nodes_list 'np.array([19717, 5])'
refuse 2 "expected one graph, found counts of 2"
fresh npz
rezip num_nodes_list 'None'
refuse 2 "raw/data.npz: expected an array 'num_nodes_list', found none"
fresh npz
rezip edge_index 'x[:, 1:]'
refuse 2 "expected 44324 edges as num_edges_list says, found 44323"
fresh npz
rezip edge_index 'x.T'
refuse 2 "edge_index.npy: expected shape (2, edges)"
fresh npz
rezip edge_index 'np.where(x == 19716, 19717, x)'
refuse 2 "edge_index.npy: edge"
fresh npz
rezip node_label 'np.where(x == 2, 2.5, x)'
refuse 2 "node_label.npy: item"
fresh npz
rezip node_label 'np.repeat(x, 2, axis=1)'
refuse 2 "several tasks are not read"
done_with
