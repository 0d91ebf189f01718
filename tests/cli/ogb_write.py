# SPDX-License-Identifier: Apache-2.0
"""Write a graph of the neutral layout as a folder of Open Graph Benchmark.

    ogb_write.py FOLDER OUT csv|npz|npz-stored|dir [KIND]

A twin of the benchmark's own writer: pandas' number format is Python's repr. Bags of words
and bits become dense float32. The splits are train, valid and test; without them row 0 of
splits.npy. dir writes the same graph in the neutral layout.
"""
import gzip
import json
import os
import sys

import numpy as np

folder, out, form = sys.argv[1:4]
kind = sys.argv[4] if len(sys.argv) > 4 else "time"
meta = json.load(open(os.path.join(folder, "meta.json")))
n = meta["nodes"]


def source(name):
    path = os.path.join(folder, name + ".npy")
    return np.load(path) if os.path.exists(path) else None


def features():
    dense, bits = source("features"), source("features_bits")
    if dense is not None:
        return dense
    if bits is not None:
        return np.unpackbits(bits, axis=1, bitorder="little")[:, : meta["feature_dim"]].astype(np.float32)
    indptr = source("feat_indptr")
    if indptr is None:
        return None
    x = np.zeros((n, meta["feature_dim"]), np.float32)
    values = source("feat_values")
    row = np.repeat(np.arange(n), np.diff(indptr))
    x[row, source("feat_indices")] = 1 if values is None else values
    return x


def table(name, rows):
    path = os.path.join(out, name + ".csv.gz")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with gzip.open(path, "wt", compresslevel=1, newline="\n") as f:
        for row in np.asarray(rows).reshape(len(rows), -1):
            f.write(",".join(map(str, row)) + "\n")


edges, labels, x = source("edges"), source("labels"), features()
splits = source("splits")
roles = {}
for code, role in enumerate(["train", "valid", "test"]):
    nodes = source(role)
    roles[role] = np.flatnonzero(splits[0] == code) if nodes is None else nodes
if form == "dir":
    os.makedirs(out)
    arrays = {"edges": edges, "labels": labels, "features": x, **roles}
    for name, array in arrays.items():
        if array is not None:
            np.save(os.path.join(out, name + ".npy"), array)
    with open(os.path.join(out, "meta.json"), "w") as f:
        json.dump({"nodes": n, "undirected": meta["undirected"]}, f)
    sys.exit()
if form == "csv":
    table("raw/edge", edges)
    table("raw/num-node-list", [n])
    table("raw/num-edge-list", [len(edges)])
    table("raw/node-label", labels)
    if x is not None:
        table("raw/node-feat", x)
else:
    save = np.savez if form == "npz-stored" else np.savez_compressed
    os.makedirs(os.path.join(out, "raw"))
    arrays = {"edge_index": edges.T.astype(np.int64), "num_nodes_list": np.array([n]),
              "num_edges_list": np.array([len(edges)]), "node_year": np.zeros((n, 1), np.int64)}
    if x is not None:
        arrays["node_feat"] = x
    save(os.path.join(out, "raw", "data.npz"), **arrays)
    y = labels.astype(np.float32).reshape(n, 1)
    y[y < 0] = np.nan
    save(os.path.join(out, "raw", "node-label.npz"), node_label=y)
for role, nodes in roles.items():
    table(f"split/{kind}/{role}", nodes)
