# SPDX-License-Identifier: Apache-2.0
"""Opens a dataset with h5py and holds it to docs/format.md.

usage: h5py_check.py D.ps [RAW]
RAW is a folder with files such as 00001.graph_indptr: the bytes that each array must have.
"""
import os
import sys

import h5py
import numpy as np

TEXT = "format name uuid partitioner feature_kind feature_type task".split()
NUMBERS = (
    "format_version nodes edges feature_dim feature_index_bytes feature_values classes "
    "symmetrised weighted index_bytes splits parts checksum"
).split()


def expected_arrays(a, n, m, z):
    ids = "<u4" if a["index_bytes"] == 4 else "<u8"
    want = {
        "graph/indptr": ("<u8", (n + 1,)),
        "graph/indices": (ids, (m,)),
        "nodes/orig_id": ("<u8", (n,)),
        "nodes/out_degree": ("<u4", (n,)),
    }
    if a["weighted"]:
        want["graph/weights"] = ("<f4", (m,))
    if a["feature_kind"] == "dense":
        kind = {"f32": "<f4", "f16": "<f2", "i8": "|i1"}[a["feature_type"]]
        want["nodes/features"] = (kind, (n, a["feature_dim"]))
    if a["feature_kind"] == "csr":
        columns = "<u2" if a["feature_index_bytes"] == 2 else "<u4"
        want["nodes/features_indptr"] = ("<u8", (n + 1,))
        want["nodes/features_indices"] = (columns, (z,))
        if a["feature_values"]:
            want["nodes/features_values"] = ("<f4", (z,))
    if a["task"] == "single-label":
        want["nodes/labels"] = ("<i4", (n,))
    if a["task"] == "multi-label":
        want["nodes/labels"] = ("|u1", (n, (a["classes"] + 7) // 8))
    if a["splits"]:
        want["nodes/split"] = ("|u1", (a["splits"], n))
    return want


def check_array(path, file_bytes, d, kind, shape):
    assert d.dtype == np.dtype(kind), (path, d.name, d.dtype, kind)
    assert d.shape == shape, (path, d.name, d.shape, shape)
    plist = d.id.get_create_plist()
    assert plist.get_layout() == h5py.h5d.CONTIGUOUS and plist.get_nfilters() == 0, d.name
    values = d[...].tobytes()
    offset = d.id.get_offset()
    if not values:
        assert offset is None, (path, d.name)
        return values
    assert offset % 4096 == 0 and offset + len(values) <= file_bytes, (path, d.name, offset)
    with open(path, "rb") as f:  # the same bytes without HDF5
        f.seek(offset)
        assert f.read(len(values)) == values, (path, d.name)
    return values


def check_part(folder, a, offsets, k, raw):
    path = "%s/part-%05d.h5" % (folder, k)
    file_bytes = os.path.getsize(path)
    names = []
    with h5py.File(path, "r") as f:
        assert f.attrs["format_version"] == 1 and f.attrs["part"] == k
        assert f.attrs["file_bytes"] == file_bytes and file_bytes % 4096 == 0
        assert f.attrs["checksum"].dtype == np.dtype("<u8")
        n, m = int(offsets[k + 1] - offsets[k]), f["graph/indices"].shape[0]
        z = f["nodes/features_indices"].shape[0] if a["feature_kind"] == "csr" else 0
        for name, (kind, shape) in expected_arrays(a, n, m, z).items():
            values = check_array(path, file_bytes, f[name], kind, shape)
            sums = "checksums/" + name.replace("/", "_")
            blocks = (len(values) + 4095) // 4096
            check_array(path, file_bytes, f[sums], "<u4", (blocks,))
            assert f[sums].attrs["checksum"].dtype == np.dtype("<u8")
            names += [name, sums]
            if raw:
                with open("%s/%05d.%s" % (raw, k, name.replace("/", "_")), "rb") as want:
                    assert want.read() == values, (path, name)
        found = []
        f.visititems(lambda name, o: found.append(name) if isinstance(o, h5py.Dataset) else None)
        assert sorted(found) == sorted(names), (found, names)
        assert f["graph/indptr"][-1] == m
        split = f["nodes/split"][:] if a["splits"] else np.zeros((0, n), np.uint8)
        return m, int(f["nodes/out_degree"][:].sum()), (split == 1).sum(axis=1), f.attrs["checksum"]


def main():
    folder, raw = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    with h5py.File(folder + "/meta.h5", "r") as f:
        assert sorted(f.attrs) == sorted(TEXT + NUMBERS + ["edge_cut"]), sorted(f.attrs)
        a = {k: f.attrs[k].decode() for k in TEXT}
        for k in NUMBERS:
            assert f.attrs[k].dtype == np.dtype("<u8"), k
            a[k] = int(f.attrs[k])
        assert f.attrs["edge_cut"].dtype == np.dtype("<f8")
        offsets, train = f["part_offsets"][:], f["train_offsets"][:]
        checksums = f["part_checksums"][:]
        assert f["provenance"].dtype == np.uint8
    assert a["format"] == "penstock dataset" and a["format_version"] == 1
    assert len(a["uuid"]) == 36 and a["uuid"][14] == "8"
    assert offsets.shape == (a["parts"] + 1,) and offsets[-1] == a["nodes"]
    assert train.shape == (a["splits"], a["parts"] + 1)
    edges = degrees = 0
    for k in range(a["parts"]):
        m, out, count, checksum = check_part(folder, a, offsets, k, raw)
        assert (train[:, k + 1] - train[:, k] == count).all(), (k, train, count)
        assert checksum == checksums[k], k
        edges += m
        degrees += out
    assert edges == degrees == a["edges"], (edges, degrees, a["edges"])
    assert sorted(os.listdir(folder)) == ["meta.h5"] + [
        "part-%05d.h5" % k for k in range(a["parts"])
    ]


main()
