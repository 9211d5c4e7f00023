#!/usr/bin/env python3
"""Geometry of representations that never are in memory together: blocks of rows pushed into a Gram as they come.

    python3 examples/python/stream_rows.py

The blocks here are made up: tokens in a narrow cone, as the hidden states of small language models are. Two
workers each see half of them; their sums merge into what one would have found.
"""

import numpy as np

import softneck

COLS = 64


def hidden_states(seed, blocks=20, rows=500):
    random = np.random.default_rng(seed)
    cone = np.random.default_rng(0).standard_normal(COLS) * 2
    for _ in range(blocks):
        yield (random.standard_normal((rows, COLS)) * np.linspace(2, 0.1, COLS) + cone).astype("float16")


def main():
    workers = [softneck.Gram(COLS), softneck.Gram(COLS)]
    for seed, gram in enumerate(workers, start=1):
        for block in hidden_states(seed):
            gram.push(block)

    total, other = workers
    total += other
    print(f"{total.count} rows of {total.cols}, mean length {total.mean_norm():.3f}")
    print(f"anisotropy (mean cosine)  {total.anisotropy():.4f}")
    print(f"IsoScore                  {total.isoscore():.4f}")
    print(f"effective rank            {total.spectrum().effective_rank():.2f} of {total.cols}")
    print(f"effective rank, centred   {total.spectrum('centered').effective_rank():.2f}")


if __name__ == "__main__":
    main()
