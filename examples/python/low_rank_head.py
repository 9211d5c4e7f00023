#!/usr/bin/env python3
"""Writes the best rank-d factors of a model's head, the smallest d that loses at most a given share of it.

    python3 examples/python/low_rank_head.py examples/data/stories260K/stories260K.bin 0.3 factors.safetensors
"""

import sys

import softneck


def main(path, w_error, out):
    with softneck.open(path) as checkpoint:
        head = checkpoint.head()
        s = softneck.spectrum(head)
        rank = int(s.rank_for_w_error(float(w_error)))
        U, sigma, Vt = softneck.svd(head)
    left, right = (U[:, :rank] * sigma[:rank]).astype("float32"), Vt[:rank].astype("float32")
    softneck.write_safetensors(out, {"left": left, "right": right}, {"factors of": head.name})
    print(f"{head.name}: {s.rows} x {s.cols} = ({s.rows} x {rank}) ({rank} x {s.cols}), W-error {s.w_error(rank):.4f}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:4]) if len(sys.argv) == 4 else sys.exit(__doc__)
    except (softneck.Error, ValueError) as error:
        sys.exit(f"low_rank_head: {error}")
