"""One side of a comparison, in a process of its own: reads a case a line, answers with its seconds as JSON.

Usage: worker.py softneck|numpy|torch FOLDER      cases: OPERATION MATRIX      (MATRIX.npy lies in FOLDER)
"""

import json
import os
import sys
import time

import numpy as np
from memory import peak_memory, reset_peak


def softneck_operations():
    import softneck

    dtype = {"uint16": "bf16"}

    def spectrum(method):
        return lambda w: softneck.spectrum(w, method=method, dtype=dtype.get(str(w.dtype))).singular_values

    def svd(w):
        u, s, vt = softneck.svd(w)
        return s

    return {"values": spectrum("auto"), "gram": spectrum("gram"), "qr": spectrum("qr"), "svd": svd}


def numpy_operations():
    def gram(w):
        w = w.astype(np.float64)
        return np.sqrt(np.maximum(np.linalg.eigvalsh(w.T @ w)[::-1], 0))

    return {
        "values": lambda w: np.linalg.svd(w, compute_uv=False),
        "gram": gram,
        "svd": lambda w: np.linalg.svd(w.astype(np.float64), full_matrices=False)[1],
    }


def torch_operations():
    import torch

    def tensor(w):
        t = torch.from_numpy(w)
        return t.view(torch.bfloat16).float() if w.dtype == np.uint16 else t

    return {
        "values": lambda w: torch.linalg.svdvals(tensor(w)).numpy(),
        "svd": lambda w: torch.linalg.svd(tensor(w).double(), full_matrices=False)[1].numpy(),
    }


def main():
    operations = {"softneck": softneck_operations, "numpy": numpy_operations, "torch": torch_operations}[sys.argv[1]]()
    loaded = {}
    print(json.dumps(sorted(operations)), flush=True)
    for line in sys.stdin:
        operation, name = line.split()
        if name not in loaded:
            loaded = {name: np.load(os.path.join(sys.argv[2], name + ".npy"))}
        reset_peak()
        before = peak_memory()
        start = time.perf_counter()
        values = operations[operation](loaded[name])
        seconds = time.perf_counter() - start
        answer = {"seconds": seconds, "extra_bytes": peak_memory() - before, "values": np.asarray(values, float).tolist()}
        print(json.dumps(answer), flush=True)


main()
