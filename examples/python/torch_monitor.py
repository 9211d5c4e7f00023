#!/usr/bin/env python3
"""A PyTorch training loop with a softneck.Monitor: a small byte-level language model on any text.

    python3 examples/python/torch_monitor.py TEXT RUN [STEPS]

RUN/monitor.jsonl grows with every observation. RUN/model.pt and RUN/monitor.safetensors are the last checkpoint: run
again, with more STEPS or after a kill, and it goes on from there; the log ends as that of a run that was never stopped.
"""

import os
import sys
from pathlib import Path

import torch
from torch import nn

import softneck

WIDTH, LAYERS, HEADS, CONTEXT, BATCH, BYTES = 32, 2, 4, 64, 16, 256


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(BYTES, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        block = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, LAYERS, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, BYTES, bias=False)

    def states(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.blocks(self.tokens(ids) + self.places.weight[:length], mask=mask, is_causal=True)


def batch(data, step):
    """Chosen by the step alone, so that a resumed run sees what it would have seen."""
    starts = torch.randint(len(data) - CONTEXT, (BATCH, 1), generator=torch.Generator().manual_seed(step))
    windows = data[starts + torch.arange(CONTEXT + 1)]
    return windows[:, :-1], windows[:, 1:]


def observe(monitor, step, model, states, loss):
    norm = torch.cat([p.detach().flatten() for p in model.parameters()]).norm()
    events = monitor.head(step, model.head.weight)
    events += monitor.states(step, states.flatten(0, 1))
    events += monitor.gradient(step, model.head.weight.grad)
    events += monitor.values(step, {"loss": loss.item(), "norm.weights": norm.item()})
    _, entropy = monitor.latest("head.raw.singular_entropy")
    _, anisotropy = monitor.latest("states.raw.anisotropy")
    print(f"step {step:6}  loss {loss.item():.4f}  singular entropy {entropy:.4f}  anisotropy {anisotropy:.4f}")
    for event in events:
        print(f"  {event.series}: {event.kind}, begun at step {event.onset_step}")


def save(run, step, model, optimizer, monitor):
    """The monitor first: one that is ahead of the model goes back to its step, see main."""
    monitor.save(run / "monitor.safetensors")
    torch.save({"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, run / "model.new")
    os.replace(run / "model.new", run / "model.pt")


def main(text, run, steps=200):
    data = torch.tensor(list(Path(text).read_bytes()))
    run = Path(run)
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model, monitor, done = Model(), softneck.Monitor(interval=20), -1
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    if (run / "model.pt").exists():
        saved = torch.load(run / "model.pt")
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        done = saved["step"]
        monitor.load(run / "monitor.safetensors")
        monitor.rewind(done)
    monitor.log(run / "monitor.jsonl")

    for step in range(done + 1, int(steps)):
        ids, targets = batch(data, step)
        states = model.states(ids)
        loss = nn.functional.cross_entropy(model.head(states).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        if monitor.due(step):
            observe(monitor, step, model, states, loss)
        optimizer.step()
        if (step + 1) % 50 == 0:
            save(run, step, model, optimizer, monitor)
    monitor.write_csv(run / "monitor.csv")
    print(f"{len(monitor.names)} series in {run / 'monitor.csv'}; observing took {monitor.seconds:.3f} s")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:4]) if len(sys.argv) in (3, 4) else sys.exit(__doc__)
    except (softneck.Error, OSError) as error:
        sys.exit(f"torch_monitor: {error}")
