#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A graph gives the same dataset, checksum by checksum, whichever format it comes in: text, gzip,
# Matrix Market and .npy shards, edges in any order, against `import dir`.
set -euo pipefail
. "$PS_SOURCE_DIR/tests/cli/lib.sh"
[ -d "$DATA" ] || skip "no folder of real graphs at ../shared/data"
$PYTHON -c 'import numpy, h5py' 2>/dev/null || skip "no python3 with numpy and h5py"
here=$PS_SOURCE_DIR/tests/cli

# same NAME WORDS...: import WORDS gives the dataset of `import dir`.
same() {
    local what=$1
    shift
    must "import $*" "$PENSTOCK" import "$@" --quiet --force -o "$T/b.ps"
    must "$what: as import dir" $PYTHON "$here/same_arrays.py" "$T/a.ps" "$T/b.ps" $but
}

for name in ${GRAPHS:-cora}; do
    f=$T/$name
    mkdir "$f"
    read -r n undirected < <($PYTHON "$here/write_formats.py" "$DATA/$name" "$f")
    both= but= nodes= roles= names= matrix=
    [ $undirected = no ] || both=--symmetrise
    [ ! -e "$DATA/$name/feat_indptr.npy" ] && [ ! -e "$DATA/$name/features_bits.npy" ] ||
        but=--but-features
    if [ -e "$f/features-0.npy" ]; then
        nodes="--features $f/features-0.npy,$f/features-1.npy,$f/features-2.npy"
    fi
    if [ -e "$DATA/$name/splits.npy" ]; then
        roles="--splits $DATA/$name/splits.npy"
    fi
    must "import dir $name" "$PENSTOCK" import dir "$DATA/$name" --quiet --json --force -o "$T/a.ps"
    if [ "$(field "$T/out" split_source)" = "node numbers, then rows" ]; then
        rm -r "$T/a.ps" # the dataset has both, the options only one of them
        mkdir "$T/in"
        cp "$DATA/$name"/* "$T/in"
        rm "$T/in/splits.npy"
        must "import dir of a copy" "$PENSTOCK" import dir "$T/in" --quiet -o "$T/a.ps"
        rm -rf "$T/in"
        roles=
    fi
    if [ -z "$roles" ] && [ -e "$f/train.txt" ]; then
        roles="--train $DATA/$name/train.npy --valid $DATA/$name/valid.npy --test $DATA/$name/test.npy"
        names="--train $f/train.txt --valid $f/valid.txt --test $f/test.txt"
    fi
    [ -n "$names" ] || names=$roles
    if [ -e "$f/labels.txt" ]; then
        same "$name, shards" npy --edges "$f/edges-0.npy,$f/edges-1.npy,$f/edges-2.npy,$f/edges-2x.npy" \
            --labels "$f/labels-0.npy,$f/labels-1.npy,$f/labels-2.npy" $nodes $roles $both
        same "$name, text" edges "$f/edges.txt" --labels "$f/labels.txt" $nodes $names $both
        same "$name, gzip" edges "$f/a.csv.gz" "$f/b.txt.gz" --labels "$f/pairs.csv.gz" \
            --num-nodes "$n" $nodes $names $both
        matrix="--labels $DATA/$name/labels.npy"
    else
        same "$name, shards" npy --edges "$f/edges-0.npy,$f/edges-1.npy,$f/edges-2x.npy" \
            --num-nodes "$n" $both
        same "$name, text" edges "$f/edges.txt" $both
        same "$name, gzip" edges "$f/a.csv.gz" "$f/b.txt.gz" --memory 40M $both
    fi
    same "$name, general" mtx "$f/general.mtx" $matrix $nodes $roles $both
    [ $undirected = no ] || same "$name, symmetric" mtx "$f/symmetric.mtx.gz" $matrix $nodes $roles
    rm -rf "$f" "$T/a.ps"
done
done_with
