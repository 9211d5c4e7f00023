"""One side of the comparison of training steps, in a process of its own. Usage: training_worker.py softneck|eager|compiled|llm.c FOLDER
A case a line: OPERATION VOCABULARY WIDTH BATCH LAYERS HEADS LENGTH; operations: step, and of softneck monitor (a look at head and
states). One shape a process."""

import json
import os
import sys
import time

import numpy as np
from llmc import LlmC
from memory import peak_memory, reset_peak

THREADS = int(os.environ.get("SOFTNECK_NUM_THREADS", "2"))
STEPS = 3  # of a run, whose mean counts
TOKENS = 200000


class Softneck:
    def __init__(self, folder, vocabulary, width, batch, layers, heads, length):
        import softneck

        context = softneck.Context(threads=THREADS)
        path = os.path.join(folder, "tokens.bin")
        with softneck.TokenWriter(path, vocabulary) as writer:
            writer.document(np.random.default_rng(0).integers(0, vocabulary, TOKENS))
        model = softneck.TrainableModel(vocabulary, layers, width, heads, length, context=context)
        rule = softneck.AdamW(1e-3, weight_decay=0.1, beta2=0.95)
        self.training = softneck.Training(model, softneck.TokenFile(path), rule, batch=batch, context=context)
        self.softneck, self.context = softneck, context

    def step(self):
        return self.training.step().loss

    def monitor(self):
        monitor = self.softneck.Monitor(context=self.context)
        monitor.head(0, self.training.head_matrix())
        monitor.states(0, self.training.states())
        return monitor.latest("head.raw.singular_entropy")[1]


class Torch:
    def __init__(self, compiled, vocabulary, width, batch, layers, heads, length):
        import torch
        import transformers

        torch.set_num_threads(THREADS)
        torch.manual_seed(0)
        config = transformers.GPTNeoXConfig(
            vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
            intermediate_size=4 * width, max_position_embeddings=length, rotary_pct=0.25, tie_word_embeddings=False,
            hidden_dropout=0.0, attention_dropout=0.0,
        )
        self.model = transformers.GPTNeoXForCausalLM(config).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
        self.tokens = torch.randint(0, vocabulary, (TOKENS,))
        self.torch, self.batch, self.length = torch, batch, length

        def loss_of(inputs, targets):
            return torch.nn.functional.cross_entropy(self.model(inputs).logits.flatten(0, 1), targets.flatten())

        self.loss_of = torch.compile(loss_of) if compiled else loss_of

    def step(self):
        starts = self.torch.randint(0, TOKENS - self.length, (self.batch,)).tolist()
        rows = self.torch.stack([self.tokens[s : s + self.length + 1] for s in starts])
        self.optimizer.zero_grad()
        loss = self.loss_of(rows[:, :-1], rows[:, 1:])
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()


def made(side, folder, shape):
    if side == "softneck":
        return Softneck(folder, *shape)
    return LlmC(os.environ["LLMC"], folder, THREADS, *shape) if side == "llm.c" else Torch(side == "compiled", *shape)


def load_library(side):
    """What a process has before its model does not count as the model's memory."""
    if side == "softneck":
        import softneck  # noqa: F401
    elif side != "llm.c":
        import torch  # noqa: F401
        import transformers

        transformers.GPTNeoXForCausalLM  # loads what it needs


def main():
    side, folder = sys.argv[1:]
    load_library(side)
    reset_peak()
    before, trained = peak_memory(), None
    print(json.dumps(["step", "monitor"]), flush=True)
    for line in sys.stdin:
        operation, *shape = line.split()
        trained = trained or made(side, folder, list(map(int, shape)))
        steps = STEPS if operation == "step" and side != "llm.c" else 1  # whose every run is several steps
        start = time.perf_counter()
        for _ in range(steps):
            value = getattr(trained, operation)()
        seconds = (time.perf_counter() - start) / steps
        memory = getattr(trained, "memory", peak_memory() - before)
        print(json.dumps({"seconds": getattr(trained, "seconds", seconds), "extra_bytes": memory, "value": value}), flush=True)


main()
