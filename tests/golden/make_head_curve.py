#!/usr/bin/env python3
"""Writes head_curve.json: the loss at each of 100 steps of PyTorch's AdamW on a linear head in f32, from a start and batches that
the test makes again (splitmix64 numbers, as make_cross_entropy.py).

    make_head_curve.py > head_curve.json

Needs torch.
"""

import json
import sys

import torch
from make_cross_entropy import numbers

ROWS, VOCABULARY, WIDTH, BATCH, STEPS = 256, 97, 16, 64, 100
OPTIONS = dict(lr=0.02, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)

drawn = numbers(4047, ROWS * WIDTH + VOCABULARY * WIDTH + ROWS)
states = torch.tensor(drawn[: ROWS * WIDTH], dtype=torch.float32).reshape(ROWS, WIDTH)
weights = torch.tensor(drawn[ROWS * WIDTH : -ROWS], dtype=torch.float32).reshape(VOCABULARY, WIDTH).requires_grad_()
targets = ((torch.tensor(drawn[-ROWS:], dtype=torch.float64) + 1) / 2 * VOCABULARY).floor().long()
optimizer = torch.optim.AdamW([weights], **OPTIONS)
losses = []
for step in range(STEPS):
    first = step * BATCH % ROWS
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(states[first : first + BATCH] @ weights.T, targets[first : first + BATCH])
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
json.dump(losses, sys.stdout, indent=0)
