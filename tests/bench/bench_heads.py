"""Times the fused head and loss against PyTorch's eager and compiled ones, and AdamW against its fused one: random weights, f32,
the same threads, each side in a process of its own, turn by turn. Prints medians, the ratio pair by pair, the fraction of
the machine's GEMM peak, and extra memory beside inputs and gradients.

Usage: bench_heads.py FLOOR_PROGRAM [--rounds N]
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys

from peers import Worker, take_turns

SHAPES = [(2048, 50304, 512), (2048, 8192, 256)]
PARAMETERS = [(25000, 1000), (1000, 1000)]


def report(run, answers, ours, memory, rate, peak, unit):
    seconds = [a["seconds"] for a in answers]
    middle = statistics.median(seconds)
    ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours))
    part = f"{rate / middle / peak:6.2f}" if peak else ""
    print(f"  {run[0]:10s}{run[1]:10s}{middle:9.4f} s {ratio:6.2f}x {rate / middle:8.0f} {unit} {part} {memory / 1e6:8.0f} MB   "
          f"value {answers[-1]['value']:.6f}")


def compare(workers, operation, shape, rounds, amount, peak, unit):
    runs = [(side, operation, " ".join(map(str, shape))) for side in workers]
    answers, memory = take_turns(workers, runs, rounds)
    ours = [a["seconds"] for a in answers[runs[0]]]
    for run in runs:
        report(run, answers[run], ours, memory[run], amount, peak, unit)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("floor")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    if not importlib.util.find_spec("torch"):
        print("PyTorch is not installed here: heads are not compared")
        return
    peak = json.loads(subprocess.run([given.floor, "2048", "512"], capture_output=True, text=True, check=True).stdout)["sgemm_gflops"]
    print(f"heads: f32; BLAS single-precision GEMM peak {peak} GFLOP/s\n"
          "rows: median seconds, time over softneck's (pair by pair), rate and its fraction of that peak, extra memory")
    workers = {side: Worker("head_worker.py", side, ".") for side in ("softneck", "eager", "compiled")}
    for shape in SHAPES:
        rows, vocabulary, width = shape
        product = 2e-9 * rows * vocabulary * width
        print(f"\n{rows} states of {width}, vocabulary {vocabulary}")
        compare(workers, "loss", shape, given.rounds, product, peak, "GFLOP/s")
        compare(workers, "gradient", shape, given.rounds, 3 * product, peak, "GFLOP/s")
    for vocabulary, width in PARAMETERS:
        print(f"\nAdamW, {vocabulary * width / 1e6:.0f} million parameters (28 bytes each)")
        sides = {side: workers[side] for side in ("softneck", "eager")}
        for operation in ("adamw", "update"):
            compare(sides, operation, (1, vocabulary, width), given.rounds, 28e-9 * vocabulary * width, None, "GB/s   ")
    for worker in workers.values():
        worker.close()


sys.exit(main())
