#!/usr/bin/env python3
"""make_optimizer.py > optimizer.json - parameters moved by PyTorch's optimizers (2.9 or newer, which has Muon) under given
gradients, Muon by its formulas in double precision, learning rates of PyTorch's schedulers, norms of clip_grad_norm_.

Parameters and gradients are splitmix64 numbers that the tests make again, so only results are written down.
"""
import json
import math
import warnings

import numpy as np
import torch

warnings.simplefilter("ignore")
torch.set_num_threads(1)
MASK = (1 << 64) - 1
# name, rows, cols, size of the gradient; the last one has no weight decay
PARAMETERS = [("wide", 5, 7, 0.1), ("tall", 9, 4, 3.0), ("bias", 1, 6, 1e-3)]
STEPS = 100


def numbers(seed):
    """Uniform in [-1, 1)."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        yield (z - (1 << 64) if z >> 63 else z) * 2.0**-63


def start(dtype):
    source = numbers(1)
    return [np.array([0.5 * next(source) for _ in range(r * c)]).reshape(r, c).astype(dtype) for _, r, c, _ in PARAMETERS]


def gradients(step, dtype):
    source = numbers(1000 + step)
    return [np.array([size * next(source) for _ in range(r * c)]).reshape(r, c).astype(dtype) for _, r, c, size in PARAMETERS]


def flat(arrays):
    return [[float(x) for x in np.asarray(a, dtype=np.float64).ravel()] for a in arrays]


def run(make, dtype):
    """Parameters after the first and the last step. make: parameters -> list of torch optimizers."""
    parameters = [torch.nn.Parameter(torch.tensor(a)) for a in start(dtype)]
    optimizers, kept = make(parameters), {}
    for step in range(STEPS):
        for p, g in zip(parameters, gradients(step, dtype)):
            p.grad = torch.tensor(g)
        for optimizer in optimizers:
            optimizer.step()
        if step in (0, STEPS - 1):
            kept[str(step + 1)] = flat([p.detach().numpy() for p in parameters])
    return kept


def grouped(kind, **options):
    def make(p):
        return [kind([{"params": p[:2]}, {"params": p[2:], "weight_decay": 0.0}], **options)]
    return make


def muon_reference(g, momentum, buffer, steps):
    buffer += (1 - momentum) * (g - buffer)
    x = g + momentum * (buffer - g)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


def run_muon(rate, decay, momentum, steps):
    """The two matrices by Muon in double, the bias by PyTorch's AdamW at a tenth of the rate."""
    parameters, buffers, kept = start(np.float64), [0.0 * a for a in start(np.float64)], {}
    bias = torch.nn.Parameter(torch.tensor(parameters[2]))
    adamw = torch.optim.AdamW([bias], lr=rate / 10, weight_decay=0.0)
    for step in range(STEPS):
        g = gradients(step, np.float64)
        for i in range(2):
            update = muon_reference(g[i], momentum, buffers[i], steps)
            scale = math.sqrt(max(1.0, update.shape[0] / update.shape[1]))
            parameters[i] = (1 - rate * decay) * parameters[i] - rate * scale * update
        bias.grad = torch.tensor(g[2])
        adamw.step()
        if step in (0, STEPS - 1):
            kept[str(step + 1)] = flat([*parameters[:2], bias.detach().numpy()])
    return kept


def torch_muon(p):
    return [torch.optim.Muon(p[:2], lr=0.02, weight_decay=0.1, momentum=0.95),
            torch.optim.AdamW(p[2:], lr=0.002, weight_decay=0.0)]


cases = []


def case(name, dtype, tolerance, options, after):
    cases.append({"name": name, "dtype": dtype, "tolerance": tolerance, "options": options, "after": after})


for dtype, tolerance in (("float32", 1e-6), ("float64", 1e-13)):
    kind = np.dtype(dtype)
    case("adamw", dtype, tolerance, {"rule": 1, "learning_rate": 1e-2, "weight_decay": 0.1},
         run(grouped(torch.optim.AdamW, lr=1e-2, weight_decay=0.1), kind))
    case("adamw with its options", dtype, tolerance,
         {"rule": 1, "learning_rate": 3e-3, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4},
         run(grouped(torch.optim.AdamW, lr=3e-3, weight_decay=0.0, betas=(0.8, 0.95), eps=1e-4), kind))
    case("adamw without a first moment", dtype, tolerance, {"rule": 1, "learning_rate": 1e-3, "beta1": -1.0},
         run(grouped(torch.optim.AdamW, lr=1e-3, weight_decay=0.0, betas=(0.0, 0.999)), kind))
    case("sgd", dtype, 3 * tolerance, {"rule": 2, "learning_rate": 1e-2, "weight_decay": 0.05},
         run(grouped(torch.optim.SGD, lr=1e-2, weight_decay=0.05), kind))
    case("sgd with momentum", dtype, 10 * tolerance,
         {"rule": 2, "learning_rate": 1e-2, "weight_decay": 0.05, "momentum": 0.9},
         run(grouped(torch.optim.SGD, lr=1e-2, weight_decay=0.05, momentum=0.9), kind))
    case("sgd with nesterov's momentum", dtype, 10 * tolerance,
         {"rule": 2, "learning_rate": 1e-2, "momentum": 0.8, "nesterov": 1},
         run(grouped(torch.optim.SGD, lr=1e-2, weight_decay=0.0, momentum=0.8, nesterov=True), kind))
muon = run_muon(0.02, 0.1, 0.95, 5)
case("muon", "float64", 1e-10, {"rule": 3, "learning_rate": 0.02, "weight_decay": 0.1}, muon)
case("muon", "float32", 1e-4, {"rule": 3, "learning_rate": 0.02, "weight_decay": 0.1}, muon)
case("muon with its options", "float64", 1e-10,
     {"rule": 3, "learning_rate": 0.01, "momentum": 0.8, "newton_schulz_steps": 8}, run_muon(0.01, 0.0, 0.8, 8))
# PyTorch iterates in bfloat16: its steps agree to about a hundredth.
case("muon of torch", "float32", 0.02, {"rule": 3, "learning_rate": 0.02, "weight_decay": 0.1}, run(torch_muon, np.float32))


def descent():
    """Losses of AdamW on 0.5 |p - t|^2, whose gradients depend on where it is."""
    p = torch.nn.Parameter(torch.tensor(start(np.float32)[0]))
    t = torch.tensor(gradients(0, np.float32)[0])
    optimizer, losses = torch.optim.AdamW([p], lr=1e-2, weight_decay=0.1), []
    for _ in range(STEPS):
        losses.append(float(0.5 * ((p.detach().double() - t.double()) ** 2).sum()))
        p.grad = p.detach() - t
        optimizer.step()
    return losses


def clipped(bound):
    tensors = [torch.nn.Parameter(torch.zeros(g.shape)) for g in gradients(0, np.float32)]
    for t, g in zip(tensors, gradients(0, np.float32)):
        t.grad = torch.tensor(g)
    norm = float(torch.nn.utils.clip_grad_norm_(tensors, bound))
    return {"bound": bound, "norm": norm, "after": flat([t.grad.numpy() for t in tensors])}


def scales(build, count):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, seen = build(optimizer), []
    for _ in range(count):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


lr = torch.optim.lr_scheduler


def warm(optimizer, warmup):
    return lr.LinearLR(optimizer, start_factor=1 / warmup, end_factor=1.0, total_iters=warmup - 1)


def cosine(warmup, steps, final):
    def build(o):
        after = lr.CosineAnnealingLR(o, T_max=steps - warmup, eta_min=final)
        return lr.SequentialLR(o, [warm(o, warmup), after], [warmup]) if warmup else after
    return {"kind": 1, "steps": steps, "warmup_steps": warmup, "final_scale": final, "scales": scales(build, steps + 1)}


def wsd(warmup, steps, decay, final):
    def build(o):
        parts = [warm(o, warmup), lr.ConstantLR(o, factor=1.0),
                 lr.LinearLR(o, start_factor=1.0, end_factor=final, total_iters=decay)]
        return lr.SequentialLR(o, parts, [warmup, steps - decay])
    return {"kind": 2, "steps": steps, "warmup_steps": warmup, "decay_steps": decay, "final_scale": final,
            "scales": scales(build, steps + 1)}


json.dump({"torch": torch.__version__, "cases": cases, "descent": descent(), "clip": [clipped(0.5), clipped(1e9)],
           "schedules": [cosine(0, 50, 0.0), cosine(10, 60, 0.1), wsd(5, 40, 10, 0.05)]}, __import__("sys").stdout)
print()
