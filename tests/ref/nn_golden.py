#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An independent implementation of the two models in numpy, with matrices in place of blocks.

Prints tests/ref/nn_golden.h: a small fixed case with dropout, its logits, loss and gradients.
    python3 tests/ref/nn_golden.py > tests/ref/nn_golden.h
"""
import numpy as np

M64 = (1 << 64) - 1
SEED, EPOCH, BATCH, DROPOUT = 42, 3, 8, 3  # DROPOUT: the purpose of the key in rng.h
DIMS = [5, 4, 3]
SHARE = [0.25, 0.5]  # dropped of the features, of the hidden rows
SEEDS, MIDDLE, ALL = 4, 7, 11  # destinations of the last block, of the first, its sources


def mix64(x):
    x = (x + 0x9E3779B97F4A7C15) & M64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & M64
    return x ^ (x >> 31)


def philox(key, ctr):
    x, k = list(ctr), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(p1 >> 32) ^ x[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ x[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return x


def mask(share, layer, nodes, cols):
    """65536 / (65536 - threshold) where 16 bits of (node, column / 8) are at least threshold."""
    h = mix64(SEED)
    for part in (DROPOUT, EPOCH, BATCH, layer):
        h = mix64(h ^ part)
    key = [h & 0xFFFFFFFF, h >> 32]
    threshold = int(np.floor(share * 65536 + 0.5))
    out = np.zeros((len(nodes), cols))
    for r, node in enumerate(nodes):
        for c in range(cols):
            words = philox(key, [node & 0xFFFFFFFF, node >> 32, c // 8, 0])
            bits = sum(w << (32 * i) for i, w in enumerate(words)) >> (16 * (c % 8)) & 0xFFFF
            out[r, c] = 65536 / (65536 - threshold) if bits >= threshold else 0
    return out


def case():
    rng = np.random.default_rng(2026)
    blocks = []
    for n, m in ((MIDDLE, ALL), (SEEDS, MIDDLE)):
        neighbours = [sorted(rng.choice(m, size=rng.integers(0, 5), replace=False)) for _ in range(n)]
        degree = [len(k) + int(rng.integers(0, 4)) if len(k) else 0 for k in neighbours]
        blocks.append((n, m, neighbours, np.array(degree)))
    return {
        "blocks": blocks,
        "out_degree": rng.integers(0, 9, ALL),
        "nodes": [int(x) for x in rng.integers(0, 1 << 40, ALL)],
        "x": np.round(rng.normal(size=(ALL, DIMS[0])), 3),
        "label": rng.integers(0, DIMS[-1], SEEDS),
        "rng": rng,
    }


def operators(kind, c, block):
    """The matrices (N, M) whose products with H are multiplied with the weights."""
    n, m, neighbours, degree = block
    mean, gcn, self = np.zeros((n, m)), np.zeros((n, m)), np.eye(n, m)
    for v, near in enumerate(neighbours):
        for u in near:
            mean[v, u] = 1 / len(near)
            gcn[v, u] = degree[v] / len(near) / np.sqrt((c["out_degree"][u] + 1) * (degree[v] + 1))
        gcn[v, v] += 1 / (degree[v] + 1)
    return [gcn] if kind == "gcn" else [self, mean]


def run(kind, c, weights):
    """weights: for each layer the matrices of its operators, then the bias."""
    h = c["x"] * mask(SHARE[0], 0, c["nodes"], DIMS[0])
    tape = []
    for layer, block in enumerate(c["blocks"]):
        ops = operators(kind, c, block)
        z = sum(op @ h @ w for op, w in zip(ops, weights[layer])) + weights[layer][-1]
        last = layer + 1 == len(c["blocks"])
        pass_on = 1 if last else (z > 0) * mask(SHARE[1], layer + 1, c["nodes"][: block[0]], z.shape[1])
        tape.append((ops, h, pass_on))
        h = z * pass_on
    logits, rows = h, np.arange(SEEDS)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, c["label"]]).sum()
    d = p.copy()
    d[rows, c["label"]] -= 1
    grads = []
    for layer in reversed(range(len(tape))):
        ops, h, pass_on = tape[layer]
        d = d * pass_on
        grads.insert(0, [(op @ h).T @ d for op in ops] + [d.sum(axis=0, keepdims=True)])
        d = sum(op.T @ d @ w.T for op, w in zip(ops, weights[layer]))
    return logits, loss, grads


def array(ctype, name, values):
    flat = np.asarray(values).ravel().tolist()
    text = [repr(v) for v in flat] or ["0"]
    print(f"static const {ctype} {name}[] = {{")
    line = "   "
    for word in text:
        if len(line) + len(word) + 2 > 98:
            print(line)
            line = "   "
        line += f" {word},"
    print(f"{line}\n}};")


def main():
    c = case()
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by tests/ref/nn_golden.py; do not edit. */")
    print("#ifndef TESTS_REF_NN_GOLDEN_H\n#define TESTS_REF_NN_GOLDEN_H\n\n#include <stdint.h>\n")
    print("/* clang-format off */")
    print(f"enum {{ GOLD_SEED = {SEED}, GOLD_EPOCH = {EPOCH}, GOLD_BATCH = {BATCH} }};")
    print(f"enum {{ GOLD_DIM = {DIMS[0]}, GOLD_HIDDEN = {DIMS[1]}, GOLD_CLASSES = {DIMS[2]} }};")
    print(f"enum {{ GOLD_SEEDS = {SEEDS}, GOLD_MIDDLE = {MIDDLE}, GOLD_ALL = {ALL} }};")
    array("double", "gold_dropout", SHARE)
    for i, (_, _, neighbours, degree) in enumerate(c["blocks"]):
        array("uint64_t", f"gold_begin{i}", np.cumsum([0] + [len(k) for k in neighbours]))
        array("uint32_t", f"gold_col{i}", [int(u) for k in neighbours for u in k])
        array("uint32_t", f"gold_degree{i}", degree)
    array("uint32_t", "gold_out_degree", c["out_degree"])
    array("uint64_t", "gold_node", c["nodes"])
    array("double", "gold_x", c["x"])
    array("int32_t", "gold_label", c["label"])
    for kind in ("gcn", "sage"):
        weights = []
        for i in range(len(DIMS) - 1):
            count = 1 if kind == "gcn" else 2
            shapes = [(DIMS[i], DIMS[i + 1])] * count + [(1, DIMS[i + 1])]
            weights.append([np.round(c["rng"].normal(size=s) * 0.7, 3) for s in shapes])
        logits, loss, grads = run(kind, c, weights)
        array("double", f"gold_{kind}_weights", np.concatenate([w.ravel() for l in weights for w in l]))
        array("double", f"gold_{kind}_logits", logits)
        array("double", f"gold_{kind}_loss", [loss])
        array("double", f"gold_{kind}_gradients", np.concatenate([g.ravel() for l in grads for g in l]))
    print("/* clang-format on */\n\n#endif")


if __name__ == "__main__":
    main()
