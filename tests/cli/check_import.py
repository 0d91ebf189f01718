# SPDX-License-Identifier: Apache-2.0
"""Compare a dataset of one partition with the folder of .npy files that it came from.

    check_import.py D.ps FOLDER [--symmetrise] [--drop-loops] [--dedupe] [--row]

An independent twin of the importer: numpy and h5py, everything in memory.
"""
import json
import os
import sys

import h5py
import numpy as np

dataset, folder = sys.argv[1:3]
flags = set(sys.argv[3:])
meta = json.load(open(os.path.join(folder, "meta.json")))
n = meta["nodes"]
part = h5py.File(os.path.join(dataset, "part-00000.h5"), "r")


def source(name):
    path = os.path.join(folder, name + ".npy")
    return np.load(path) if os.path.exists(path) else None


def same(name, found, want, exact=True):
    found, want = np.asarray(found), np.asarray(want)
    if found.shape != want.shape:
        sys.exit(f"{folder}: {name}: shape {found.shape}, expected {want.shape}")
    equal = found == want if exact else np.isclose(found, want, rtol=1e-6, atol=1e-7)
    if not equal.all():
        at = np.argwhere(~equal)[0]
        sys.exit(f"{folder}: {name}{list(at)}: {found[tuple(at)]}, expected {want[tuple(at)]}")


def check_graph():
    e = source("edges").astype(np.int64)
    if "--drop-loops" in flags:
        e = e[e[:, 0] != e[:, 1]]
    if meta.get("undirected") or "--symmetrise" in flags:
        e = np.concatenate([e, e[e[:, 0] != e[:, 1]][:, ::-1]])
    if "--dedupe" in flags:
        e = np.unique(e, axis=0)
    e = e[np.lexsort((e[:, 0], e[:, 1]))]
    same("indptr", part["graph/indptr"], np.searchsorted(e[:, 1], np.arange(n + 1)))
    same("indices", part["graph/indices"], e[:, 0])
    same("out_degree", part["nodes/out_degree"], np.bincount(e[:, 0], minlength=n))
    same("orig_id", part["nodes/orig_id"], np.arange(n))
    assert part["graph/indices"].dtype == np.uint32


def check_labels_and_splits():
    labels = source("labels")
    if labels is None:
        assert "labels" not in part["nodes"]
    else:
        same("labels", part["nodes/labels"], labels)
    index = np.zeros(n, np.uint8)
    any_index = False
    for code, name in enumerate(["train", "valid", "test"], 1):
        nodes = source(name)
        if nodes is not None:
            index[nodes] = code
            any_index = True
    rows = source("splits")
    want = np.zeros((0, n), np.uint8) if rows is None else ((rows + 1) % 4).astype(np.uint8)
    if rows is None or (any_index and not (want == index).all(1).any()):
        want = np.concatenate([index[None], want])
    same("split", part["nodes/split"], want)


def csr_of_source():
    """Row numbers, columns, values; None where there are no sparse features."""
    bits = source("features_bits")
    if bits is not None:
        flat = np.unpackbits(bits, axis=1, bitorder="little")[:, : meta["feature_dim"]]
        row, column = np.nonzero(flat)
        return row, column, np.ones(len(row))
    indptr = source("feat_indptr")
    if indptr is None:
        return None
    row = np.repeat(np.arange(n), np.diff(indptr))
    column = source("feat_indices").astype(np.int64)
    value = source("feat_values")
    value = np.ones(len(column)) if value is None else value.astype(np.float64)
    keep = value != 0
    row, column, value = row[keep], column[keep], value[keep]
    order = np.lexsort((column, row))
    return row[order], column[order], value[order]


def check_features():
    dense = source("features")
    csr = csr_of_source()
    if dense is not None:
        found = part["nodes/features"][:, : dense.shape[1]]
        if "--row" in flags:
            total = dense.astype(np.float64).sum(1, keepdims=True)
            dense = dense / np.where(total == 0, 1, total)
        same("features", found, dense, exact="--row" not in flags)
    elif csr is not None:
        row, column, value = csr
        same("features_indptr", part["nodes/features_indptr"], np.searchsorted(row, np.arange(n + 1)))
        same("features_indices", part["nodes/features_indices"], column)
        width = np.uint16 if meta["feature_dim"] <= 65536 else np.uint32
        assert part["nodes/features_indices"].dtype == width
        if "--row" in flags:
            total = np.bincount(row, value, n)
            value = value / np.where(total == 0, 1, total)[row]
        if (value == 1).all():
            assert "features_values" not in part["nodes"]
        else:
            same("features_values", part["nodes/features_values"], value, exact="--row" not in flags)
    else:
        assert not [k for k in part["nodes"] if k.startswith("features")]


check_graph()
check_labels_and_splits()
check_features()
