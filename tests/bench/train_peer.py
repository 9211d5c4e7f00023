"""Trains in PyTorch by the recipe of a run of neck-train: the same token file, split, architecture, initial distributions, schedule
and optimizer, but random numbers of its own. Scores the same held-out windows. Prints JSON lines as log.jsonl has them.

Usage: train_peer.py RUN [--seed N] [--threads N]
RUN: a folder of neck-train with --family gpt_neox --optimizer adamw --schedule cosine --order random
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM


def read_tokens(path):
    """A token file; its layout is in softneck/token_file.h."""
    with open(path, "rb") as file:
        header = file.read(64)
    size, count = int.from_bytes(header[12:16], "little"), int.from_bytes(header[32:40], "little")
    return torch.from_numpy(np.fromfile(path, f"<u{size}", count, offset=64).astype(np.int64))


def windows_at(tokens, starts, length):
    rows = torch.stack([tokens[s : s + length + 1] for s in starts])
    return rows[:, :-1], rows[:, 1:]


def initialise(model, layers, hidden):
    """As GPT-NeoX does: small_init, and wang_init for what ends a branch."""
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2:
            ends = name.endswith(("attention.dense.weight", "dense_4h_to_h.weight"))
            torch.nn.init.normal_(
                parameter, std=2 / (layers * math.sqrt(hidden)) if ends else math.sqrt(2 / (5 * hidden))
            )
        else:
            torch.nn.init.constant_(parameter, float("norm" in name and name.endswith("weight")))


def scale_of(recipe, step):
    steps = recipe["steps"]
    warmup = steps // 100 if recipe["warmup"] < 0 else recipe["warmup"]
    if step < warmup:
        return (step + 1) / warmup
    low = recipe["final_scale"]
    return low + (1 - low) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def loss_of(model, inputs, targets, reduction):
    return torch.nn.functional.cross_entropy(model(inputs).logits.flatten(0, 1), targets.flatten(), reduction=reduction)


@torch.no_grad()
def evaluate(model, held_out, length, batch):
    model.eval()
    starts = range(0, (len(held_out) - 1) // length * length, length)
    total = sum(
        loss_of(model, *windows_at(held_out, starts[i : i + batch], length), "sum").item()
        for i in range(0, len(starts), batch)
    )
    model.train()
    return total / (len(starts) * length)


def train(model, tokens, recipe, seed):
    held = math.floor(recipe["validation_share"] * len(tokens))
    training, held_out = tokens[: len(tokens) - held], tokens[len(tokens) - held :]
    length, batch = recipe["context"], recipe["batch"]
    matrices = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": recipe["weight_decay"]}, {"params": others, "weight_decay": 0}],
        betas=(recipe["beta1"], recipe["beta2"]),
        fused=True,
    )
    random = torch.Generator().manual_seed(seed)
    for step in range(recipe["steps"]):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = recipe["learning_rate"] * scale_of(recipe, step)
        starts = torch.randint(0, len(training) - length, (batch,), generator=random).tolist()
        optimizer.zero_grad()
        loss = loss_of(model, *windows_at(training, starts, length), "mean")
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["clip"])
        optimizer.step()
        line = {
            "step": step + 1,
            "loss": loss.item(),
            "gradient_norm": norm.item(),
            "seconds": time.perf_counter() - start,
        }
        if (step + 1) % recipe["evaluate_every"] == 0 or step + 1 == recipe["steps"]:
            line["validation_loss"] = evaluate(model, held_out, length, batch)
        print(json.dumps(line), flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("run")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--threads", type=int, default=int(os.environ.get("SOFTNECK_NUM_THREADS", "2")))
    given = arguments.parse_args()
    with open(os.path.join(given.run, "run.json")) as file:
        recipe = json.load(file)
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    config = AutoConfig.from_pretrained(os.path.join(given.run, "checkpoints", "step-0"))
    model = AutoModelForCausalLM.from_config(config)
    initialise(model, config.num_hidden_layers, config.hidden_size)
    train(model.train(), read_tokens(os.path.join(given.run, "tokens.bin")), recipe, given.seed)


main()
