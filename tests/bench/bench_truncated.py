"""Times the largest singular triplets of dense f32 matrices against numpy's Gram route, scipy's svds (ARPACK), PRIMME and scikit-learn's
randomized SVD, those of them that are installed, each in a process of its own with as many threads, turn by turn; whoever takes more
than half a minute once only, and without an answer within --limit seconds not at all. Residuals are measured the same way for all; a row
whose residual is larger than the tolerance asked for is marked. Ratios are of seconds and of the processors' seconds: the second says
more on a machine that has other things to do.

Usage: bench_truncated.py FLOOR_PROGRAM (unused) [--rounds N] [--k N] [--tolerance T] [--limit SECONDS] [--large]
--large: also 40000 x 16384 from a mapped file of 2.6 GB (PRIMME takes five minutes there, so raise the limit, or give --no-primme).
"""

import argparse
import importlib.util
import os
import statistics
import tempfile

import numpy as np
from peers import Worker, take_turns

# Shape, exponent of the decay, who can do it: forming a Gram matrix is no option for the square ones.
SHAPES = [("head", 50304, 512, 0.5), ("square", 10000, 4096, 0.5)]
LARGE = ("large", 40000, 16384, 0.5)
RUNS = {
    "head": [("softneck", "auto"), ("softneck", "krylov"), ("numpy", "gram"), ("scipy", "arpack"), ("primme", "primme"),
             ("sklearn", "randomized")],
    "square": [("softneck", "auto"), ("scipy", "arpack"), ("primme", "primme"), ("primme", "primme_block"), ("sklearn", "randomized")],
}
RUNS["large"] = RUNS["square"]


def make(path, rows, cols, decay):
    """Gaussian rows with a power-law spectrum, their columns mixed by a reflection, a block of rows at a time."""
    generator = np.random.default_rng(0)
    scale = np.arange(1, cols + 1, dtype=np.float32) ** np.float32(-decay)
    mirror = generator.standard_normal(cols, dtype=np.float32)
    mirror /= np.linalg.norm(mirror)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, cols))
    for first in range(0, rows, 1024):
        block = generator.standard_normal((min(1024, rows - first), cols), dtype=np.float32) * scale
        out[first:first + len(block)] = block - 2 * np.outer(block @ mirror, mirror)
    out.flush()


def compare(given, folder, name, rows, cols, decay):
    make(os.path.join(folder, name + ".npy"), rows, cols, decay)
    installed = {who: who in ("softneck", "numpy") or importlib.util.find_spec(who) for who, _ in RUNS[name]}
    installed["primme"] = installed.get("primme") and not given.no_primme
    wanted = [run for run in RUNS[name] if installed[run[0]]]
    workers = {who: Worker("truncated_worker.py", who, folder) for who in {run[0] for run in wanted}}
    subject = f"{name},{given.k},{given.tolerance}"
    runs = [(*run, subject) for run in wanted]
    answers, memory = take_turns(workers, runs, given.rounds, given.limit)
    print(f"{rows} x {cols} f32, {given.k} triplets, tolerance {given.tolerance:g}\n"
          "rows: median seconds, over softneck's (pair by pair), processors' seconds, over softneck's, residual, |error of a value| / s_1, "
          "extra memory")
    ours = answers[runs[0]]
    for run in runs:
        mine = answers[run]
        if not mine:
            print(f"  {run[0] + ' ' + run[1]:22s} not within {given.limit} s")
            continue
        ratio, work = (statistics.median(a[what] / b[what] for a, b in zip(mine, ours)) for what in ("seconds", "cpu"))
        error = max(abs(a - b) for a, b in zip(mine[-1]["values"], ours[-1]["values"])) / ours[-1]["values"][0]
        note = f"bound {mine[-1]['bound']:.1e}, {mine[-1]['products']} products" if "bound" in mine[-1] else ""
        note += "  RESIDUAL ABOVE TOLERANCE" if mine[-1]["residual"] > given.tolerance else ""
        print(f"  {run[0] + ' ' + run[1]:22s}{statistics.median(a['seconds'] for a in mine):9.3f} s {ratio:7.2f}x"
              f"{statistics.median(a['cpu'] for a in mine):9.3f} s {work:7.2f}x  {mine[-1]['residual']:.1e}  {error:.1e} {memory[run] / 1e6:7.0f} MB  {note}",
              flush=True)
    for worker in workers.values():
        worker.close()
    os.unlink(os.path.join(folder, name + ".npy"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("floor", nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--k", type=int, default=64)
    parser.add_argument("--tolerance", type=float, default=1e-6)
    parser.add_argument("--limit", type=float, default=100, help="seconds for one run")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--no-primme", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="softneck-bench.") as folder:
        for shape in SHAPES + ([LARGE] if given.large else []):
            compare(given, folder, *shape)


main()
