"""Times softneck against numpy and PyTorch on the same matrices: each in a process of its own, turn by turn, so that a drift
of the machine's speed hits all alike. Prints medians, ratios, errors against a double-precision reference, extra memory,
and the fraction reached of what the machine can do (see floor.c).

Usage: bench.py FLOOR_PROGRAM [--large] [--rounds N]
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from peers import Worker, take_turns


def head(rows, cols, seed, decay=0.5):
    """A head-like matrix: singular values ~ i^-decay, random directions."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((cols, cols)))[0].astype(np.float32)
    scale = np.arange(1, cols + 1, dtype=np.float32) ** -decay
    out = np.empty((rows, cols), np.float32)
    for first in range(0, rows, 8192):
        block = rng.standard_normal((min(8192, rows - first), cols), dtype=np.float32)
        out[first : first + len(block)] = (block * scale) @ rotation
    return out


def bf16(w):
    return (w.view(np.uint32) >> 16).astype(np.uint16)


def exact(w):
    if w.dtype == np.uint16:
        w = (w.astype(np.uint32) << 16).view(np.float32)
    g = np.zeros((w.shape[1],) * 2, np.longdouble if w.shape[1] <= 128 else np.float64)
    for first in range(0, len(w), 8192):
        block = w[first : first + 8192].astype(g.dtype)
        g += block.T @ block
    return np.sqrt(np.maximum(np.linalg.eigvalsh(g.astype(np.float64))[::-1], 0))


def report(measured, base, reference, floor_seconds):
    results, memory = measured
    ours = [a["seconds"] for a in results[base]]
    for run, answers in results.items():
        seconds = [a["seconds"] for a in answers]
        ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours))
        found = np.array(answers[-1]["values"])
        keep = reference > 1e-4 * reference[0]
        error = np.max(np.abs(found - reference)[keep] / reference[keep])
        extra = memory[run] / 1e6
        floor = f"{floor_seconds / statistics.median(seconds):6.2f}" if run == base and floor_seconds else "      "
        print(f"  {run[0]:9s}{run[1]:7s}{run[2]:22s}{statistics.median(seconds):9.4f} s {ratio:8.2f}x "
              f"{error:11.1e} {extra:9.1f} MB {floor}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("floor")
    arguments.add_argument("--large", action="store_true", help="also a 128256 x 4096 bf16 head (1 GB, minutes)")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    names = ["softneck", "numpy"] + (["torch"] if importlib.util.find_spec("torch") else [])
    if "torch" not in names:
        print("PyTorch is not installed here: its rows are left out")
    shapes = [("pythia-70m", 50304, 512), ("gpt2", 50257, 768), ("hybridstories", 2048, 32), ("pythia-14m", 50304, 128)]
    print("rows: median seconds, time over softneck's (pair by pair), largest relative error of sigma >= 1e-4 sigma_1,\n"
          "extra memory, fraction of the floor (dsyrk of a double copy + dsytrd + dsterf, same BLAS)")
    with tempfile.TemporaryDirectory() as folder:
        workers = {name: Worker("worker.py", name, folder) for name in names}
        for label, rows, cols in shapes:
            w = head(rows, cols, 1)
            base = f"{label}-f32"
            np.save(os.path.join(folder, base), w)
            np.save(os.path.join(folder, f"{label}-f16"), w.astype(np.float16))
            np.save(os.path.join(folder, f"{label}-bf16"), bf16(w))
            floor = json.loads(subprocess.run([given.floor, str(rows), str(cols)], capture_output=True, text=True, check=True).stdout)
            print(f"\n{label}: {rows} x {cols}; BLAS GEMM peak {floor['gemm_gflops']} GFLOP/s, dsyrk {floor['syrk_s']} s, "
                  f"eigenvalues {floor['eigen_s']} s")
            for matrix, runs in (
                (base, [(n, o) for n in names for o in ("values", "gram", "qr", "svd") if o in workers[n].operations]),
                (f"{label}-f16", [("softneck", "gram")]),
                (f"{label}-bf16", [("softneck", "gram")]),
            ):
                first = ("softneck", "gram", matrix)
                runs = [first] + [(n, o, matrix) for n, o in runs if (n, o, matrix) != first]
                results = take_turns(workers, runs, given.rounds)
                report(results, first, exact(np.load(os.path.join(folder, matrix + ".npy"))), floor["syrk_s"] + floor["eigen_s"])
        if given.large:
            w = bf16(head(128256, 4096, 2))
            np.save(os.path.join(folder, "llama3-bf16"), w)
            print("\nllama3: 128256 x 4096 bf16")
            run = ("softneck", "gram", "llama3-bf16")
            report(take_turns(workers, [run], 1), run, exact(w), 0)
        for worker in workers.values():
            worker.close()


main()
