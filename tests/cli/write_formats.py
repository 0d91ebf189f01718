# SPDX-License-Identifier: Apache-2.0
"""Write a folder of the neutral layout in the other formats that penstock imports.

    write_formats.py FOLDER OUT

OUT gets the edges as text (edges.txt, in their order; a.csv.gz and b.txt.gz, shuffled and halved),
as Matrix Market (general.mtx and, where each edge is there once, symmetric.mtx.gz) and as .npy
shards; labels and node numbers as text and as shards; dense features as shards. Prints the number
of nodes and `yes` or `no`: whether meta.json says that the graph is undirected.
"""
import gzip
import json
import os
import sys

import numpy as np

folder, out = sys.argv[1:3]
meta = json.load(open(os.path.join(folder, "meta.json")))
n = meta["nodes"]
rng = np.random.default_rng(7)


def source(name):
    path = os.path.join(folder, name + ".npy")
    return np.load(path) if os.path.exists(path) else None


def shards(name, array, cuts):
    for k, piece in enumerate(np.split(array, cuts)):
        np.save(os.path.join(out, f"{name}-{k}.npy"), np.ascontiguousarray(piece))


def lines(name, rows, separator=" ", end="\n", head=""):
    text = head + "".join(separator.join(map(str, r)) + end for r in rows)
    opener = gzip.open if name.endswith(".gz") else open
    with opener(os.path.join(out, name), "wt", newline="") as f:
        f.write(text)


edges = source("edges").astype(np.int64)
half = len(edges) // 2
shuffled = edges[rng.permutation(len(edges))]
lines("edges.txt", edges.tolist(), "\t", head="# Directed graph\n# FromNodeId\tToNodeId\n")
lines("a.csv.gz", shuffled[:half].tolist(), ",", "\r\n")
lines("b.txt.gz", [(u, v, 0.5, 1) for u, v in shuffled[half:].tolist()], "   ", head="% weights\n")
shards("edges", edges, [half // 3, half, half])  # the third is empty
np.save(os.path.join(out, "edges-2x.npy"), np.ascontiguousarray(edges[half:].T))

entries = shuffled + 1
lines("general.mtx", entries.tolist(),
      head=f"%%MatrixMarket matrix coordinate pattern general\n% c\n\n{n} {n} {len(edges)}\n")
low = np.stack([entries.max(axis=1), entries.min(axis=1)], axis=1)
lines("symmetric.mtx.gz", [(i, j, 1.5) for i, j in low.tolist()],
      head=f"%%MatrixMarket MATRIX coordinate Real Symmetric\n{n} {n} {len(edges)}\n")

labels = source("labels")
if labels is not None:
    shards("labels", labels, [1, n // 2])
    lines("labels.txt", labels.reshape(-1, 1).tolist())
    pairs = [(v, int(labels[v])) for v in rng.permutation(n).tolist() if labels[v] != -1]
    lines("pairs.csv.gz", pairs, ",")
for role in ("train", "valid", "test"):
    nodes = source(role)
    if nodes is not None:
        lines(role + ".txt", nodes.reshape(-1, 1).tolist())
features = source("features")
if features is not None:
    shards("features", features, [n // 4, n // 2])
print(n, "yes" if meta.get("undirected") else "no")
