"""One side of the comparison of heads and optimizers, in a process of its own. Usage: head_worker.py softneck|eager|compiled FOLDER (unused)
A case a line: OPERATION ROWS VOCABULARY WIDTH; operations: loss (forward), gradient (forward and backward), adamw (one step on
VOCABULARY x WIDTH parameters), update (the same, told that gradients are finite, which PyTorch never asks)."""

import json
import os
import sys
import time

import numpy as np
from memory import peak_memory, reset_peak

THREADS = int(os.environ.get("SOFTNECK_NUM_THREADS", "2"))


def problem(rows, vocabulary, width):
    rng = np.random.default_rng(0)
    states = rng.standard_normal((rows, width), dtype=np.float32)
    weights = rng.standard_normal((vocabulary, width), dtype=np.float32) * np.float32(0.05)
    return states, weights, rng.integers(0, vocabulary, rows)


def softneck_side():
    import softneck

    context = softneck.Context(threads=THREADS)

    def make(operation, rows, vocabulary, width):
        states, weights, targets = problem(rows, vocabulary, width)
        targets = targets.astype(np.int32)
        if operation in ("adamw", "update"):
            gradient = weights * np.float32(0.1)
            optimizer = softneck.Optimizer([("weight", weights, gradient)], softneck.AdamW(1e-4, weight_decay=0.1, gradients_are_clipped=operation == "update"), context=context)
            return lambda: optimizer.step() or 0.0
        if operation == "loss":
            return lambda: softneck.cross_entropy(states, weights, targets, context=context).loss
        d_states, d_weights = np.zeros_like(states), np.zeros_like(weights)
        return lambda: softneck.cross_entropy(
            states, weights, targets, d_states=d_states, d_weights=d_weights, context=context
        ).loss

    return make


def torch_side(compiled):
    import torch

    torch.set_num_threads(THREADS)

    def loss_of(states, weights, targets):
        return torch.nn.functional.cross_entropy(states @ weights.T, targets)

    forward = torch.compile(loss_of) if compiled else loss_of

    def make(operation, rows, vocabulary, width):
        states, weights, targets = (torch.from_numpy(x) for x in problem(rows, vocabulary, width))
        states.requires_grad_(operation == "gradient"), weights.requires_grad_(operation != "loss")
        if operation in ("adamw", "update"):
            weights.grad = weights.detach() * 0.1
            optimizer = torch.optim.AdamW([weights], lr=1e-4, weight_decay=0.1, fused=True)
            return lambda: optimizer.step() or 0.0
        if operation == "loss":
            return lambda: forward(states, weights, targets).item()
        def gradient():
            states.grad = weights.grad = None  # as zero_grad() does; their memory is no extra, see main()
            value = forward(states, weights, targets)
            value.backward()
            return value.item()

        return gradient

    return make


def main():
    side = sys.argv[1]
    make = softneck_side() if side == "softneck" else torch_side(side == "compiled")
    case, run = None, None
    print(json.dumps(["loss", "gradient", "adamw", "update"]), flush=True)
    for line in sys.stdin:
        words = line.split()
        if line != case:
            case, run = line, make(words[0], *map(int, words[1:]))
        reset_peak()
        before, start = peak_memory(), time.perf_counter()
        value = run()
        seconds = time.perf_counter() - start
        gradients = 4 * int(words[3]) * (int(words[1]) + int(words[2])) if words[0] == "gradient" and side != "softneck" else 0
        print(json.dumps({"seconds": seconds, "extra_bytes": max(0, peak_memory() - before - gradients), "value": value}), flush=True)


main()
