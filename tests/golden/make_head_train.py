"""head_train.json: losses of linear heads that PyTorch trains (AdamW, clipping, warm-up, cosine) on states from formulas.

    python3 tests/golden/make_head_train.py > tests/golden/head_train.json
"""
import json
import math

import torch

V, D, TRAIN, VALID, STEPS, EVERY, RATE, DECAY, CLIP = 11, 6, 48, 16, 200, 20, 0.05, 0.1, 0.25


def states(first, count):
    return torch.tensor([[math.sin(0.7 * i + 1.3 * j + 0.1 * i * j) for j in range(D)]
                         for i in range(first, first + count)], dtype=torch.float64)


def targets(first, count):
    return torch.tensor([(i * i + 3 * i) % V for i in range(first, first + count)])


def matrix(rows, cols, shift):
    return torch.nn.Parameter(torch.tensor([[0.5 * math.cos(shift + i + 2.1 * j) for j in range(cols)]
                                            for i in range(rows)], dtype=torch.float64))


def scale(step):
    """Warm-up over a hundredth of the steps, then half a cosine to 0.1."""
    warmup = STEPS // 100
    if step < warmup:
        return (step + 1) / warmup
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (STEPS - warmup)))


def curve(parameters, logits):
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, scale)
    loss = torch.nn.CrossEntropyLoss()
    rows = []
    for step in range(STEPS):
        optimizer.zero_grad()
        train_loss = loss(logits(states(0, TRAIN)), targets(0, TRAIN))
        train_loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        schedule.step()
        if (step + 1) % EVERY == 0:
            with torch.no_grad():
                z, y = logits(states(TRAIN, VALID)), targets(TRAIN, VALID)
                rows.append({"valid_loss": loss(z, y).item(),
                             "accuracy": (z.argmax(1) == y).double().mean().item()})
    return rows


weight, a, b = matrix(V, D, 0.2), matrix(V, 3, 0.4), matrix(3, D, 0.6)
print(json.dumps({"dense": curve([weight], lambda x: x @ weight.T),
                  "factored": curve([a, b], lambda x: x @ b.T @ a.T)}, indent=1))
