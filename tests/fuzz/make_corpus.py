# SPDX-License-Identifier: Apache-2.0
"""Writes the first seeds of the fuzz targets: python3 tests/fuzz/make_corpus.py

Each is a small valid input, or one that differs from it in one thing. What fuzzing found on the
way and reaches further lies beside them, named by its SHA-1 as libFuzzer does."""
import gzip
import io
import pathlib
import struct
import zipfile
import zlib

ROOT = pathlib.Path(__file__).parent / "corpus"


def seed(target, name, data):
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


def header(descr="<i4", order="False", shape="(3, 2)"):
    return "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (descr, order, shape)


def npy(text, data, version=1):
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode() + data


def number(x):
    """As fuzz_number reads it: width, then bytes."""
    n = (x.bit_length() + 7) // 8
    return bytes([n]) + x.to_bytes(n, "little")


def text(t):
    return bytes([len(t)]) + t.encode()


TYPES = {"|i1": "b", "|u1": "B", "<i2": "h", "<u2": "H", "<i4": "i", "<u4": "I", "<i8": "q",
         "<u8": "Q", "<f2": "e", "<f4": "f", "<f8": "d"}
CODES = list(TYPES)


def npy_seeds():
    for descr, code in TYPES.items():
        name = descr.strip("<|")
        seed("npy", name, npy(header(descr), struct.pack("<6" + code, *range(6))))
        seed("npy_header", name, header(descr))
    seed("npy", "v2", npy(header(), bytes(24), 2))
    seed("npy", "v3_fortran", npy(header(order="True"), bytes(range(24)), 3))
    seed("npy", "scalar", npy(header("<f8", shape="()"), struct.pack("<d", 2.5)))
    seed("npy", "beyond_2_63", npy(header("<u8", shape="(2,)"), b"\xff" * 16))
    seed("npy", "empty_rows", npy(header(shape="(0, 7)"), b""))
    seed("npy_header", "python2", header(shape="(3L, 2L)"))
    seed("npy_header", "big_endian", header(">f4"))
    seed("npy_header", "structured", "{'descr': [('a', '<i4')], 'fortran_order': False, }")
    seed("npy_header", "three", header(shape="(1, 2, 3)"))


def text_seeds():
    seed("json", "meta", '{"nodes": 5, "edges_stored": 6, "undirected": false, "score": NaN, '
         '"features": {"kind": "dense"}, "split_sizes": {"train": 1, "valid": 2}}\n')
    seed("json", "words", '[NaN, Infinity, -Infinity, -1.5e300, "NaN\\"\\u00e4", true, null]')
    commands = "import generate partition info verify train infer doctor".split()
    words = {
        "train": "d.ps\n--model\ngcn\n--fanout=10,-1\n--batch-size\n64\n--lr=1e-3\n--json\n\n"
                 "[run]\nhidden = 16\nlayers=2 ; two\nread-bytes = 128KiB\ntimeout = 2m\n",
        "import": "dir\nx\n-o\nd.ps\n--symmetrise\n--normalise=row\n\nname = cora\ndedupe = yes\n",
        "generate": "sbm\n-od.ps\n--nodes=1000\n--homophily=0.5\n\nseed=3\n# words\nepochs = 7\n",
        "partition": "d.ps\n--parts=4\n--method\nmetis\n--memory=64M\n\n",
        "infer": "d.ps\n--run\nRUN\n--\n--out\n\nio = pread\nqueue-depth = 0x10\n",
        "info": "--help\n\n", "verify": "d.ps\n--jsno\n\n", "doctor": "\nconfig = a\n",
    }
    for command, lines in words.items():
        seed("options", command, bytes([commands.index(command)]) + lines.encode())


def dataset_seeds():
    # nodes, bits, parts - 1, degree, dim - 1, classes, splits; see fuzz_graph_make
    shapes = {"dense": (30, 1, 1, 5, 8, 3, 1), "half": (30, 1 | 4, 2, 5, 3, 4, 2),
              "int8": (20, 1 | 8 | 128, 0, 3, 6, 2, 1), "csr": (40, 2, 1, 4, 19, 5, 1),
              "csr_values": (40, 2 | 16, 2, 4, 19, 5, 1), "csr_wide": (33, 2 | 16 | 32, 0, 4, 9, 3, 1),
              "multi": (25, 1 | 64, 1, 4, 4, 11, 1), "multi_wide": (25, 1 | 64, 1, 4, 4, 69, 1),
              "bare": (9, 0, 0, 2, 0, 0, 0),
              "nothing": (0, 0, 2, 0, 0, 0, 0)}
    for name, shape in shapes.items():
        base = bytes(shape)
        seed("dataset", name, base)
        for bits in (0, 1 | 2 | 4 | 64):
            seed("train", "%s_%d" % (name, bits), bytes([bits]) + base)
        for array in range(11):
            edit = bytes([array, 0, 3]) + number(77)
            if name in ("dense", "csr_wide", "csr_values", "multi"):
                seed("dataset", "%s_array_%d" % (name, array), base + edit)
            if name in ("dense", "csr_wide"):
                seed("train", "%s_array_%d" % (name, array), bytes([7]) + base + edit)


def meta_seeds():
    def meta(bits, nodes, edges, dim, classes, splits, parts, steps):
        return (struct.pack("<H", bits) + text("cora") + text("range") + number(nodes) +
                number(edges) + number(dim) + number(classes) + number(splits) + number(parts) +
                number(0) + b"".join(number(x) for x in steps))

    seed("meta", "dense", meta(1 | 16 | 512, 10, 20, 7, 3, 1, 2, [4, 6, 1, 2, 20, 0]))
    seed("meta", "csr", meta(2 | 32 | 512 | 1024, 9, 20, 7, 3, 2, 1, [9, 2, 3, 5, 6]))
    seed("meta", "wide", meta(512, 1 << 40, 1 << 44, 0, 0, 0, 1, [1 << 40, 1 << 44, 0]))
    names = 24
    for i in range(names):
        seed("attributes", "number_%d" % i, bytes([1, i, 0]) + number(3))
        seed("attributes", "text_%d" % i, bytes([1, i, 2]) + text("dense"))
    seed("attributes", "real", bytes([1, 19, 1]) + number(0x3FE0000000000000))
    seed("attributes", "part", bytes([0, 22, 0]) + number(0))
    seed("attributes", "long", bytes([1, 2, 2]) + text("x" * 200))


def model_seeds():
    def model(there, layers, dims, tensors):
        return (struct.pack("<H", there) + text("gat") + number(layers) +
                b"".join(number(x) for x in dims) + number(0) + number(1) +
                number(64) + number(0) + text("uuid") + bytes(tensors))

    # which = 4 * layer + (weight, weight_self, weight_neigh, bias), rows, columns
    seed("model", "gcn", model(1, 2, (5, 4, 3), [0, 5, 4, 3, 1, 4, 4, 4, 3, 7, 1, 3]))
    seed("model", "sage", model(2, 1, (5, 4, 3), [1, 5, 3, 2, 5, 3, 3, 1, 3]))
    seed("model", "unknown", model(0, 1, (5, 4, 3), []))


def import_seeds():
    names = ["meta.json", "edges", "labels", "train", "valid", "test", "splits", "features",
             "features_bits", "feat_indptr", "feat_indices", "feat_values"]

    def raw(content):
        return bytes([0, 0]) + struct.pack("<H", len(content)) + content.encode()

    def array(name, descr, values, rows, cols=None):
        data = struct.pack("<%d%s" % (len(values), TYPES[descr]), *values)
        form = CODES.index(descr) | (0 if cols is None else 32)
        return (bytes([names.index(name), form, rows, cols or 0]) + struct.pack("<H", len(data)) +
                data)

    meta = ('{"nodes": 5, "edges_stored": 6, "undirected": %s, "feature_dim": %d, "classes": 3, '
            '"split_sizes": {"train": 1, "valid": 2, "test": 1}}')
    edges = array("edges", "<i4", [0, 1, 2, 1, 1, 3, 3, 3, 0, 1, 4, 0], 6, 2)
    roles = (array("labels", "<i4", [0, 1, -1, 2, 1], 5) + array("train", "<i4", [0], 1) +
             array("valid", "<i4", [3, 1], 2) + array("test", "<i4", [4], 1))
    dense = array("features", "<f4", [v / 4 for v in range(15)], 5, 3)
    csr = (array("feat_indptr", "<i8", [0, 1, 3, 3, 4, 5], 6) +
           array("feat_indices", "<i4", [0, 1, 2, 0, 2], 5))
    values = array("feat_values", "<f4", [1, 2, .5, -1, 3], 5)
    bits = array("features_bits", "|u1", [128, 64, 192, 224, 0], 5, 1)
    splits = array("splits", "|u1", [0, 1, 2, 3, 0, 3, 3, 0, 1, 2], 2, 5)
    for flags in (0, 1 | 8, 2 | 4 | 16):
        first = bytes([flags])
        name = "_%d" % flags
        seed("import_dir", "dense" + name, first + raw(meta % ("false", 3)) + edges + roles + dense)
        seed("import_dir", "csr" + name, first + raw(meta % ("true", 3)) + edges + roles + csr)
        seed("import_dir", "values" + name,
             first + raw(meta % ("true", 3)) + edges + roles + csr + values)
        seed("import_dir", "bits" + name, first + raw(meta % ("false", 3)) + edges + roles + bits)
    seed("import_dir", "splits", bytes([0]) + raw('{"nodes": 5, "classes": 3}') + edges +
         array("labels", "|i1", [0, 1, -1, 2, 1], 5) + splits + dense)
    seed("import_dir", "edges_only", bytes([1]) + raw('{"nodes": 5}') + edges)


def npz(method, pairs):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in pairs:
            z.writestr(zipfile.ZipInfo(name), data, method)
        z.comment = b"end"
    return out.getvalue()


def npz_seeds():
    x = ("x.npy", npy(header(), struct.pack("<6i", *range(6))))
    for name, method in ("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED):
        seed("npz", name, npz(method, [("y.npy", b"12345"), x]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        with z.open(zipfile.ZipInfo("x.npy"), "w", force_zip64=True) as f:
            f.write(x[1])
    seed("npz", "zip64_header", out.getvalue())
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 0, 0, 0, zlib.crc32(x[1]),
                        0xFFFFFFFF, 0xFFFFFFFF, 5, 28, 0, 0, 0, 0, 0xFFFFFFFF)
    entry += b"x.npy" + struct.pack("<HHQQQ", 1, 24, len(x[1]), len(x[1]), 0)
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 45, 0, 0, 0, 0, 0, 0, 0, 5, 0) + b"x.npy" + x[1]
    at = len(local)
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1, 1, len(entry), at)
    seed("npz", "zip64", local + entry + end64 +
         struct.pack("<IIQI", 0x07064B50, 0, at + len(entry), 1) +
         struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


def graph_arrays():
    one = npy(header("<i8", shape="(1,)"), struct.pack("<q", 5))
    four = npy(header("<i8", shape="(1,)"), struct.pack("<q", 4))
    edges = npy(header("<i8", shape="(2, 4)"), struct.pack("<8q", 0, 1, 2, 3, 1, 2, 3, 4))
    rows = npy(header("<f4", shape="(5, 2)"), struct.pack("<10f", *range(10)))
    labels = npy(header("<f4", shape="(5, 1)"), struct.pack("<5f", 0, 1, float("nan"), 2, 1))
    return ([("num_nodes_list.npy", one), ("num_edges_list.npy", four), ("edge_index.npy", edges),
             ("node_feat.npy", rows)], [("node_label.npy", labels)])


def ogb_seeds():
    names = ["num-node-list", "num-edge-list", "edge", "node-label", "node-feat", "train", "valid",
             "test", "data.npz", "node-label.npz", "edge.csv.gz", "triplet-type-list"]

    def file(name, data):
        data = data.encode() if isinstance(data, str) else data
        return bytes([names.index(name)]) + struct.pack("<H", len(data)) + data

    edges = "0,1\n1,2\n2,3\n3,4\n"
    split = file("train", "0\n1\n") + file("valid", "3\n") + file("test", "4\n")
    counts = file("num-node-list", "5\n") + file("num-edge-list", "4\n")
    labels = file("node-label", "0\n1.0\nnan\n2\n1\n")
    rows = file("node-feat", "".join("%d,0.5,1e3\n" % v for v in range(5)))
    data, label = graph_arrays()
    seed("ogb", "tables", b"\0" + counts + labels + rows + split + file("edge", edges))
    seed("ogb", "symmetrised", b"\1" + counts + labels + split + file("edge", edges))
    seed("ogb", "gzip", b"\0" + counts + labels + rows + split +
         file("edge.csv.gz", gzip.compress(edges.encode(), mtime=0)))
    for name, method in (("archive", zipfile.ZIP_STORED), ("packed", zipfile.ZIP_DEFLATED)):
        seed("ogb", name, b"\0" + split + file("data.npz", npz(method, data)) +
             file("node-label.npz", npz(method, label)))


def word_seeds():
    edges = "# a comment\n0 1\n1\t2\r\n 2, 3\n% more\n3;4\n\n18446744073709551615 5"
    for kinds in (0, 0b0101, 0b1010, 0b0110, 0b1100):
        seed("text", "edges_%d" % kinds, bytes([kinds]) + edges.encode())
    seed("text", "weights", b"\x0a0 1 0.5\n1 2 -1e300\n2 3 inf\n3 4 nan\n4 5 1e-999\n")
    seed("text", "signed", b"\x05-9223372036854775808 9223372036854775807\n-0 +1\n")
    seed("text", "gzip", b"\0" + gzip.compress(edges.encode(), mtime=0))
    seed("text", "two_members", b"\0" + gzip.compress(b"0 1\n1 ", mtime=0) +
         gzip.compress(b"2\n", mtime=0))
    seed("text", "order_mark", b"\0\xef\xbb\xbf0 1\n")
    kind = "%%%%MatrixMarket matrix coordinate %s %s\n%% words\n"
    pattern = kind % ("pattern", "general") + "4 4 3\n1 2\n2 3\n4 1\n"
    seed("mtx", "pattern", pattern)
    seed("mtx", "gzip", gzip.compress(pattern.encode(), mtime=0))
    seed("mtx", "symmetric", kind % ("real", "symmetric") + "3 3 2\n2 1 0.5\n3 3 -1e9\n")
    seed("mtx", "integer", kind % ("integer", "general") + "\n3 3 1\n\n1 3 7\n")
    seed("mtx", "too_few", kind % ("pattern", "general") + "4 4 3\n1 2\n")
    seed("mtx", "array", "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n")
    seed("mtx", "wide", kind % ("pattern", "general") + "3 5 1\n1 5\n")
    for i, plan in enumerate(("eio@17", "short@0.1%,eintr@3-9,stall:2s@9-/1", "flip@1e-3%/0",
                              "dead@1,enomem@2", "stall:5us@18446744073709551615", "eof@5-4",
                              "stall@3", "eio:1s@3", "", "eio@101%")):
        seed("faults", "plan_%d" % i, plan)


def checkpoint_seeds():
    def checkpoint(kind, words, position, runs, epochs, odd=0, ranks=2):
        values = b"".join(number(x) for x in position)
        return (bytes([kind]) + text(words) + values + b"".join(number(0) for _ in range(4)) +
                bytes([len(runs)]) + b"".join(number(e) + number(best) for e, best in runs) +
                bytes([epochs]) + b"".join(number(0) + number(1) for _ in range(epochs)) +
                bytes([odd, ranks]))

    seed("checkpoint", "first", checkpoint(0, "", (0, 1, 5, 9, 0, 0, 0), [(1, 0)], 1))
    seed("checkpoint", "second", checkpoint(0, "", (1, 2, 0, 9, 4, 2, 1), [(4, 3), (2, 0)], 6))
    seed("checkpoint", "epochs", checkpoint(0, "", (0, 1, 5, 9, 0, 0, 0), [(3, 0)], 3))
    seed("checkpoint", "run", checkpoint(0, "", (3, 0, 0, 0, 0, 0, 0), [(1, 0)] * 4, 4))
    seed("checkpoint", "options", checkpoint(1, "{}", (0, 0, 0, 0, 0, 0, 0), [(0, 0)], 0))
    seed("checkpoint", "dataset", checkpoint(4, "other", (0, 0, 0, 0, 0, 0, 0), [(0, 0)], 0))
    seed("checkpoint", "moment", checkpoint(0, "", (0, 0, 0, 0, 0, 0, 0), [(0, 0)], 0, 0x80))


def record_seeds():
    reads = "# penstock reads 1\nfile 0 a.h5\n0 4096 8192\nfile 1 b.h5\n1 0 4096\n0 0 4096\nend 3\n"
    seed("reads", "whole", reads)
    seed("reads", "empty", "# penstock reads 1\nend 0\n")
    seed("reads", "no_end", reads[:-6])
    seed("reads", "odd", reads.replace("8192", "8191"))

    def rows(nodes, batches, magic=b"PSROWS1\n"):
        words = [nodes, 512]
        for epoch, node in batches:
            words += [epoch, len(node)] + node
        return magic + b"".join(struct.pack("<Q", x) for x in words + [2**64 - 1, len(batches)])

    seed("rows", "whole", rows(9, [(0, [1, 2, 8]), (0, [2, 3]), (1, []), (1, [1, 2, 3, 4, 8])]))
    seed("rows", "empty", rows(0, []))
    seed("rows", "descending", rows(9, [(0, [2, 1])]))
    seed("rows", "epochs", rows(9, [(1, [2]), (0, [1])]))
    seed("rows", "many_nodes", rows(2**60, [(0, [2**59])]))
    seed("rows", "cut", rows(9, [(0, [1, 2])])[:-20])


npy_seeds()
npz_seeds()
record_seeds()
checkpoint_seeds()
text_seeds()
dataset_seeds()
meta_seeds()
model_seeds()
import_seeds()
ogb_seeds()
word_seeds()
