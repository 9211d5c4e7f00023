"""Times the forward pass against transformers on PyTorch: random weights in the shapes of Pythia-70m and -160m, f32, batch 8 x
512, the same threads, each side in a process of its own, turn by turn. Prints medians, the ratio pair by pair, the fraction of
the machine's GEMM peak, and what watching every layer costs.

Usage: bench_models.py FLOOR_PROGRAM [--rounds N]
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

SHAPES = {"pythia-70m": (512, 6, 8), "pythia-160m": (768, 12, 12)}
VOCABULARY, TOKENS, LENGTH = 50304, 4096, 512


def make_model(folder, name):
    import torch
    import transformers

    hidden, layers, heads = SHAPES[name]
    config = transformers.GPTNeoXConfig(
        vocab_size=VOCABULARY, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=4 * hidden, max_position_embeddings=2048, rotary_pct=0.25,
    )
    torch.manual_seed(0)
    transformers.GPTNeoXForCausalLM(config).save_pretrained(os.path.join(folder, name))


def gflop(name, with_head):
    """Multiplications and additions of the matrix products: blocks, causal attention, head."""
    hidden, layers, _ = SHAPES[name]
    block = 2 * 12 * hidden * hidden + 2 * 2 * hidden * LENGTH / 2
    return TOKENS * (layers * block + (2 * VOCABULARY * hidden if with_head else 0)) * 1e-9


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("floor")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    if not importlib.util.find_spec("transformers") or not importlib.util.find_spec("torch"):
        print("transformers or PyTorch is not installed here: models are not compared")
        return
    peak = json.loads(subprocess.run([given.floor, "2048", "512"], capture_output=True, text=True, check=True).stdout)["sgemm_gflops"]
    print(f"models: f32, batch 8 x 512; BLAS single-precision GEMM peak {peak} GFLOP/s\n"
          "rows: median seconds, time over softneck's (pair by pair), GFLOP/s of matrix products and their fraction of that peak, extra memory")
    with tempfile.TemporaryDirectory() as folder:
        for name in SHAPES:
            make_model(folder, name)
        workers = {side: Worker("model_worker.py", side, folder) for side in ("softneck", "transformers")}
        for name in SHAPES:
            print(f"\n{name}")
            for operation in ("loss", "states"):
                runs = [(side, operation, name) for side in workers]
                answers, memory = take_turns(workers, runs, given.rounds)
                ours = [a["seconds"] for a in answers[runs[0]]]
                for run in runs:
                    seconds = [a["seconds"] for a in answers[run]]
                    rate = gflop(name, operation == "loss") / statistics.median(seconds)
                    ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours))
                    print(f"  {run[0]:13s}{operation:10s}{statistics.median(seconds):8.3f} s {ratio:6.2f}x {rate:8.0f} {rate / peak:6.2f} "
                          f"{memory[run] / 1e6:9.0f} MB   value {answers[run][-1]['value']:.6f}")
            runs = [("softneck", operation, name) for operation in ("unwatched", "watched")]
            answers, _ = take_turns(workers, runs, given.rounds)
            cost = statistics.median(w["seconds"] / u["seconds"] for u, w in zip(answers[runs[0]], answers[runs[1]]))
            print(f"  watching every layer's geometry: {100 * (cost - 1):+.1f} % time")
        for worker in workers.values():
            worker.close()


sys.exit(main())
