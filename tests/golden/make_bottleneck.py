#!/usr/bin/env python3
"""Writes bottleneck.json: truncated heads, what they cost, and the gradients heads keep, by numpy in float64.

    make_bottleneck.py > bottleneck.json

Truncations come from numpy's SVD of W, or of W times the symmetric root of the states' second moments, mapped back by its
inverse; the loss gap's parts from explicit softmaxes and the full gradient matrix; suppression from numpy's QR.
"""

import json
import sys

import numpy as np


def tails(s, width):
    return [float(np.sqrt(np.sum(s[r:] ** 2))) for r in range(width + 1)]


def truncated(matrix, rank):
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ vt[:rank], s


def truncations(weights, states, rank):
    width = weights.shape[1]
    moments = states.T @ states / len(states)
    values, vectors = np.linalg.eigh(moments)
    root = (vectors * np.sqrt(values)) @ vectors.T
    made = {}
    for name, matrix in (("", weights), ("_centered", weights - weights.mean(axis=0))):
        reduced, s = truncated(matrix, rank)
        made["plain" + name] = {"tails": tails(s, width), "reduced": reduced.ravel().tolist()}
        reduced, s = truncated(matrix @ root, rank)
        made["weighted" + name] = {"tails": tails(s, width), "reduced": (reduced @ np.linalg.inv(root)).ravel().tolist()}
    return made


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def mean_loss(logits, targets):
    top = logits.max(axis=1)
    normalizer = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return float(np.mean(normalizer - logits[np.arange(len(targets)), targets]))


def accuracy(logits, targets):
    return float(np.mean(logits.argmax(axis=1) == targets))


def logit_gradient(logits, targets):
    gradient = softmax(logits)
    gradient[np.arange(len(targets)), targets] -= 1
    return gradient


def gap(weights, states, targets, scale, rank):
    states, targets = states[targets >= 0], targets[targets >= 0]
    reduced, _ = truncated(weights, rank)
    difference = reduced - weights
    full_logits, reduced_logits = scale * states @ weights.T, scale * states @ reduced.T
    gradient = scale * logit_gradient(full_logits, targets).T @ states / len(targets)
    moved = states @ difference.T
    return {
        "tokens": len(targets),
        "full_loss": mean_loss(full_logits, targets),
        "reduced_loss": mean_loss(reduced_logits, targets),
        "gap": mean_loss(reduced_logits, targets) - mean_loss(full_logits, targets),
        "full_accuracy": accuracy(full_logits, targets),
        "reduced_accuracy": accuracy(reduced_logits, targets),
        "first_order": float(np.sum(gradient * difference)),
        "quadratic_bound": float(scale**2 * np.mean(np.sum((moved - moved.mean(axis=1, keepdims=True)) ** 2, axis=1)) / 4),
        "range_bound": float(scale**2 * np.mean((moved.max(axis=1) - moved.min(axis=1)) ** 2) / 8),
        "frobenius_tail": float(np.linalg.norm(difference)),
        "weighted_tail": float(np.sqrt(np.mean(np.sum(moved**2, axis=1)))),
        "w_error": float(np.linalg.norm(difference) / np.linalg.norm(weights)),
    }


def suppression(weights, bias, states, targets, scale):
    """The basis is Q of the QR decomposition of columns that are independent: all, or the first rank of them."""
    rank = np.linalg.matrix_rank(weights)
    independent = weights if rank == weights.shape[1] else weights[:, :rank]
    basis, _ = np.linalg.qr(independent)
    scored = targets >= 0
    gradient = np.zeros((len(targets), len(weights)))
    gradient[scored] = logit_gradient(scale * (states[scored] @ weights.T + bias), targets[scored])
    lost = np.linalg.norm(gradient - gradient @ basis @ basis.T, axis=1)
    norms = np.linalg.norm(gradient, axis=1)
    share = np.divide(lost, norms, out=np.zeros_like(lost), where=norms > 0)
    return {
        "weights": weights.ravel().tolist(),
        "width": weights.shape[1],
        "bias": bias.tolist(),
        "states": states.ravel().tolist(),
        "targets": targets.tolist(),
        "scale": scale,
        "tokens": int(scored.sum()),
        "rank": int(rank),
        "share": share.tolist(),
        "suppressed": float(np.linalg.norm(lost) / np.linalg.norm(norms)),
        "mean_suppressed": float(share[scored].mean()),
    }


def suppressions(rng):
    deficient = rng.standard_normal((30, 6))
    deficient[:, 4:] = deficient[:, :4] @ rng.standard_normal((4, 2))
    cases = {"tall": (rng.standard_normal((40, 5)), 0.0), "biased": (rng.standard_normal((40, 5)) * [5, 1, 0.2, 1, 0.01], 1.0),
             "deficient": (deficient, 0.5)}
    made = {}
    for name, (weights, spread) in cases.items():
        vocabulary, width = weights.shape
        targets = rng.integers(0, vocabulary, 25)
        targets[::6] = -1
        made[name] = suppression(weights, spread * rng.standard_normal(vocabulary), rng.standard_normal((25, width)), targets,
                                 0.7 if spread else 1.0)
    return made


def main():
    rng = np.random.default_rng(54)
    vocabulary, width, count, rank, scale = 40, 7, 60, 3, 0.8
    weights = rng.standard_normal((vocabulary, width)) * 1.5 ** -np.arange(width) + rng.standard_normal(width)
    mixing = rng.standard_normal((width, width)) * 2.0 ** -np.arange(width)
    states = rng.standard_normal((count, width)) @ mixing.T + rng.standard_normal(width)
    targets = rng.integers(0, vocabulary, count)
    targets[::7] = -1
    golden = {
        "weights": weights.ravel().tolist(),
        "states": states.ravel().tolist(),
        "targets": targets.tolist(),
        "width": width,
        "rank": rank,
        "scale": scale,
        "truncation": truncations(weights, states, rank),
        "gap": [gap(weights, states, targets, scale, r) for r in range(1, width + 1)],
        "suppression": suppressions(rng),
    }
    json.dump(golden, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
