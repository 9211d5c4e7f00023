"""One side of the comparison of models, in a process of its own. Usage: model_worker.py softneck|transformers FOLDER
A case a line: OPERATION MODEL; operations: loss (the head and its cross-entropy too), states (every hidden state, no head),
watched (loss, and the geometry of every layer accumulated on the way; softneck only)."""

import json
import os
import sys
import time

import numpy as np
from memory import peak_memory, reset_peak

BATCH, LENGTH, THREADS = 8, 512, int(os.environ.get("SOFTNECK_NUM_THREADS", "2"))


def ids(vocabulary):
    return np.arange(BATCH * LENGTH, dtype=np.int32).reshape(BATCH, LENGTH) * 7919 % vocabulary


def softneck_model(path):
    import softneck

    model = softneck.Model.open(path, context=softneck.Context(threads=THREADS))
    tokens = ids(model.vocabulary)

    def evaluate(layers):
        # one token more than a window predicts: eight full windows, run as one batch
        evaluation = softneck.Evaluation(model, layers=layers, context_length=LENGTH)
        evaluation.push(np.append(tokens.ravel(), 0).astype(np.int32))
        return evaluation.loss.loss

    return {
        "loss": lambda: model.loss(tokens),
        "states": lambda: float(model.hidden_states(tokens)[-1][0, 0, 0]),
        "unwatched": lambda: evaluate(False),
        "watched": lambda: evaluate(True),
    }


def transformers_model(path):
    import torch
    import transformers

    torch.set_num_threads(THREADS)
    model = transformers.AutoModelForCausalLM.from_pretrained(path).float().eval()
    tokens = torch.from_numpy(ids(model.config.vocab_size).astype(np.int64))

    def loss():
        with torch.no_grad():
            return float(model(tokens, labels=tokens, use_cache=False).loss)

    def states():
        with torch.no_grad():
            return float(model.base_model(tokens, output_hidden_states=True, use_cache=False).hidden_states[-1][0, 0, 0])

    return {"loss": loss, "states": states}


def main():
    make = {"softneck": softneck_model, "transformers": transformers_model}[sys.argv[1]]
    operations = {"softneck": ["loss", "states", "unwatched", "watched"], "transformers": ["loss", "states"]}[sys.argv[1]]
    loaded, model = None, {}
    print(json.dumps(operations), flush=True)
    for line in sys.stdin:
        operation, name = line.split()
        if name != loaded:
            loaded, model = name, make(os.path.join(sys.argv[2], name))
        reset_peak()
        before, start = peak_memory(), time.perf_counter()
        value = model[operation]()
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "extra_bytes": peak_memory() - before, "value": value}), flush=True)


main()
