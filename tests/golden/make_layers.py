#!/usr/bin/env python3
"""make_layers.py > layers.json - stories260K on three stories, in double precision, by numpy alone.

A Llama written from its formulas: nothing of softneck is used. Ids and their nll come from evaluate.json, where an
independent evaluator put them, and check this one. For each layer (the embedding, after each block but the last, after
the final norm), over the states at all positions but the last of each story: the measures that neck-layers prints.
"""
import json
import os
import struct

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
data = open(os.path.join(HERE, "..", "..", "examples", "data", "stories260K", "stories260K.bin"), "rb").read()
dim, hidden, layers, heads, kv_heads, vocabulary, context = struct.unpack("<7i", data[:28])
size = dim // heads
at = 28


def take(*shape):
    global at
    count = int(np.prod(shape))
    out = np.frombuffer(data, "<f4", count, at).reshape(shape).astype(np.float64)
    at += 4 * count
    return out


E = take(vocabulary, dim)
attention_norm = take(layers, dim)
wq, wk, wv = take(layers, dim, dim), take(layers, kv_heads * size, dim), take(layers, kv_heads * size, dim)
wo = take(layers, dim, dim)
feed_norm = take(layers, dim)
w1, w2, w3 = take(layers, hidden, dim), take(layers, dim, hidden), take(layers, hidden, dim)
last_norm = take(dim)


def norm(x, weight):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * weight


def rotate(x):
    """Pairs of neighbours, as llama2.c has them."""
    angle = np.arange(len(x))[:, None] * 10000.0 ** (-np.arange(0, size, 2) / size)
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    out = np.empty_like(x)
    out[..., 0::2] = x[..., 0::2] * c - x[..., 1::2] * s
    out[..., 1::2] = x[..., 0::2] * s + x[..., 1::2] * c
    return out


def states(ids):
    n = len(ids)
    x = E[ids]
    out = [x]
    for l in range(layers):
        h = norm(x, attention_norm[l])
        q = rotate((h @ wq[l].T).reshape(n, heads, size))
        k = np.repeat(rotate((h @ wk[l].T).reshape(n, kv_heads, size)), heads // kv_heads, 1)
        v = np.repeat((h @ wv[l].T).reshape(n, kv_heads, size), heads // kv_heads, 1)
        score = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(size) + np.triu(np.full((n, n), -np.inf), 1)
        p = np.exp(score - score.max(-1, keepdims=True))
        x = x + np.einsum("hij,jhd->ihd", p / p.sum(-1, keepdims=True), v).reshape(n, dim) @ wo[l].T
        h = norm(x, feed_norm[l])
        gate = h @ w1[l].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w3[l].T)) @ w2[l].T
        out.append(x if l + 1 < layers else norm(x, last_norm))
    return out


def anisotropy(rows):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    n = len(rows)
    return (np.square(unit.sum(0)).sum() - n) / (n * (n - 1))


def measures(rows):
    sigma = np.linalg.svd(rows, compute_uv=False)
    linear, squared = sigma / sigma.sum(), sigma**2 / (sigma**2).sum()
    s = np.linalg.eigvalsh(np.cov(rows.T))
    d = len(s)
    t = np.sqrt(d) * s / np.linalg.norm(s)
    delta = np.linalg.norm(t - 1) / np.sqrt(2 * (d - np.sqrt(d)))
    return {
        "anisotropy": anisotropy(rows),
        "centered_anisotropy": anisotropy(rows - rows.mean(0)),
        "effective_rank": np.exp(-(linear * np.log(linear)).sum()),
        "singular_entropy": (squared * np.log(len(squared) * squared)).sum(),
        "isoscore": ((d - delta**2 * (d - np.sqrt(d))) ** 2 - d) / (d * (d - 1)),
        "top_component_share": squared[0],
    }


stories = json.load(open(os.path.join(HERE, "evaluate.json")))["stories"]
gathered = [[] for _ in range(layers + 1)]
nll, correct = [], 0
for story in stories:
    ids = np.array(story["ids"])
    found = states(ids[:-1])
    logits = found[-1] @ E.T
    p = logits - logits.max(-1, keepdims=True)
    own = np.log(np.exp(p).sum(-1)) - p[np.arange(len(ids) - 1), ids[1:]]
    assert np.abs(own - story["nll"]).max() < 1e-5
    nll.extend(own)
    correct += int((logits.argmax(-1) == ids[1:]).sum())
    for l, rows in enumerate(found):
        gathered[l].append(rows)
print(json.dumps({"tokens": len(nll), "loss": np.mean(nll), "standard_error": np.std(nll, ddof=1) / np.sqrt(len(nll)),
                  "accuracy": correct / len(nll),
                  "layers": [measures(np.concatenate(rows)) for rows in gathered]}, indent=1))
