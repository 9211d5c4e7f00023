#!/usr/bin/env python3
"""Writes cross_entropy.json: losses and gradients of linear heads as PyTorch's autograd finds them, in double.

    make_cross_entropy.py > cross_entropy.json

Inputs are splitmix64 numbers that the test makes again from a seed (tests/constructed.h). Needs torch.
"""

import json
import sys

import torch
import torch.nn.functional as F

MASK = (1 << 64) - 1


def numbers(seed, count):
    """next_number() of tests/constructed.h: uniform in [-1, 1)."""
    state, out = seed, []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        out.append((z - (1 << 64) if z >> 63 else z) * 2.0**-63)
    return out


CASES = [
    dict(name="plain", rows=7, vocabulary=53, width=5),
    dict(name="sum", rows=7, vocabulary=53, width=5, reduction="sum"),
    dict(name="one row", rows=1, vocabulary=11, width=3),
    dict(name="one token", rows=3, vocabulary=1, width=2),
    dict(name="one column", rows=4, vocabulary=9, width=1),
    dict(name="bias and ignored", rows=9, vocabulary=31, width=6, bias=True, ignore=4),
    dict(name="scale", rows=5, vocabulary=29, width=4, logit_scale=0.0625),
    dict(name="negative scale", rows=5, vocabulary=29, width=4, logit_scale=-2.0, bias=True),
    dict(name="soft cap", rows=6, vocabulary=37, width=4, soft_cap=1.5),
    dict(name="scale, bias, soft cap", rows=6, vocabulary=37, width=4, soft_cap=2.0, logit_scale=3.0, bias=True),
    dict(name="smoothing", rows=8, vocabulary=41, width=4, label_smoothing=0.1),
    dict(name="z loss", rows=8, vocabulary=41, width=4, z_loss=0.01),
    dict(name="all ignored", rows=5, vocabulary=13, width=3, bias=True, ignore="all"),
    dict(name="large", rows=6, vocabulary=43, width=4, states_scale=100.0, weights_scale=100.0),
    dict(name="many blocks", rows=101, vocabulary=777, width=9, bias=True, digest=True),
    dict(name="everything", rows=10, vocabulary=300, width=7, bias=True, ignore=2, logit_scale=1.5, soft_cap=4.0,
         label_smoothing=0.05, z_loss=0.001, digest=True),
]


def run(case, seed):
    n, v, d = case["rows"], case["vocabulary"], case["width"]
    drawn = numbers(seed, n * d + v * d + v + n)
    cut = lambda a, b, *shape: torch.tensor(drawn[a:b], dtype=torch.float64).reshape(shape)
    states = (cut(0, n * d, n, d) * case.get("states_scale", 1.0)).requires_grad_()
    weights = (cut(n * d, n * d + v * d, v, d) * case.get("weights_scale", 1.0)).requires_grad_()
    bias = cut(n * d + v * d, n * d + v * d + v, v).requires_grad_()
    targets = ((cut(n * d + v * d + v, len(drawn), n) + 1) / 2 * v).floor().long()
    ignore = case.get("ignore")
    if ignore is not None:
        targets = torch.full_like(targets, -100) if ignore == "all" else torch.where(
            torch.arange(n) % ignore == 1, torch.tensor(-100), targets)
    logits = states @ weights.T + (bias if case.get("bias") else 0)
    logits = logits * case.get("logit_scale", 1.0)
    if case.get("soft_cap"):
        logits = case["soft_cap"] * torch.tanh(logits / case["soft_cap"])
    right = (torch.arange(n) % 3 == 0) & (targets != -100)
    targets = torch.where(right, logits.argmax(1), targets)
    scored = targets != -100
    count = int(scored.sum())
    loss = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=case.get("label_smoothing", 0.0))
    lse = torch.logsumexp(logits, 1)
    loss = loss + case.get("z_loss", 0.0) * (lse[scored] ** 2).sum()
    if case.get("reduction") != "sum":
        loss = loss / max(count, 1)
    loss.backward()
    probabilities = torch.softmax(logits.detach(), 1)
    hot = F.one_hot(targets.clamp(min=0), v).double()
    norm = torch.where(scored, (probabilities - hot).norm(dim=1), 0.0)
    out = dict(case, seed=seed, targets=targets.tolist(), loss=loss.item(), tokens=count,
               correct=int(((logits.argmax(1) == targets) & scored).sum()), best=logits.argmax(1).tolist(),
               log_normalizer=lse.tolist(), gradient_norm=norm.tolist())
    for name, gradient in (("states", states.grad), ("weights", weights.grad), ("bias", bias.grad)):
        gradient = torch.zeros(v, dtype=torch.float64) if gradient is None else gradient
        flat = gradient.flatten()
        # Long ones by 16 sums with random weights.
        out["d_" + name] = flat.tolist() if not case.get("digest") else [
            float((flat * torch.tensor(numbers(1000 + k, len(flat)), dtype=torch.float64)).sum()) for k in range(16)]
    return out


if __name__ == "__main__":
    json.dump([run(case, 77 + i) for i, case in enumerate(CASES)], sys.stdout, indent=0)
