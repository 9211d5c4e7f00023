"""Times training steps (forward, backward, clipping, AdamW) against PyTorch's eager and compiled GPTNeoXForCausalLM of the same
sizes, and against llm.c's train_gpt2.c where LLMC names a checkout of it: random weights and tokens, f32, the same threads, each side
in a process of its own, turn by turn. Prints the median and the quickest step, time over softneck's (pair by pair), the fraction of
the machine's GEMM peak, and the memory that each takes beside its libraries; then what the monitor costs at its default interval.

Usage: bench_training.py FLOOR_PROGRAM [--rounds N]
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile

from peers import Worker, take_turns

LAYERS, HEADS, LENGTH = 6, 8, 256
SHAPES = [(8192, 256, 8), (50304, 512, 4)]  # vocabulary, width, batch
MONITOR_INTERVAL = 50


def gflop(vocabulary, width, batch):
    """6 for each weight that a token is multiplied with, the embedding not counted, and attention without regard to its mask."""
    tokens = batch * LENGTH
    weights = LAYERS * 12 * width * width + vocabulary * width
    return (6 * weights + 12 * LAYERS * LENGTH * width) * tokens * 1e-9


def report(side, answers, ours, memory, amount, peak):
    seconds = [a["seconds"] for a in answers]
    middle, least = statistics.median(seconds), min(seconds)
    ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours))
    print(f"  {side:10s}{middle:9.3f} s (least {least:.3f}) {ratio:6.2f}x {amount / least:8.0f} GFLOP/s {amount / least / peak:6.2f} "
          f"{memory / 1e6:8.0f} MB   loss {answers[-1]['value']:.3f}")


def compare(sides, shape, rounds, peak, folder):
    workers = {side: Worker("training_worker.py", side, folder) for side in sides}
    subject = " ".join(map(str, (*shape, LAYERS, HEADS, LENGTH)))
    runs = [(side, "step", subject) for side in sides]
    answers, memory = take_turns(workers, runs, rounds)
    ours = [a["seconds"] for a in answers[runs[0]]]
    for run in runs:
        report(run[0], answers[run], ours, memory[run], gflop(*shape), peak)
    look = min(workers["softneck"].run("monitor", subject)["seconds"] for _ in range(3))
    print(f"  the monitor: {look:.3f} s every {MONITOR_INTERVAL} steps, {100 * look / MONITOR_INTERVAL / min(ours):.2f} % of training")
    for worker in workers.values():
        worker.close()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("floor")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    if not importlib.util.find_spec("transformers") or not importlib.util.find_spec("torch"):
        print("transformers or PyTorch is not installed here: training is not compared")
        return
    peak = json.loads(subprocess.run([given.floor, "2048", "512"], capture_output=True, text=True, check=True).stdout)["sgemm_gflops"]
    print(f"training: f32, AdamW, {LAYERS} layers, {HEADS} heads, windows of {LENGTH}; BLAS single-precision GEMM peak {peak} GFLOP/s\n"
          "rows: median seconds a step, time over softneck's (pair by pair), rate of the least and its fraction of that peak, memory")
    sides = ["softneck", "eager", "compiled", *(["llm.c"] if os.environ.get("LLMC") else [])]
    for shape in SHAPES:
        vocabulary, width, batch = shape
        print(f"\nvocabulary {vocabulary}, width {width}, batch {batch}")
        with tempfile.TemporaryDirectory() as folder:
            compare(sides, shape, given.rounds, peak, folder)


sys.exit(main())
