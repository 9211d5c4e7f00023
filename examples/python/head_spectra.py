#!/usr/bin/env python3
"""Rank metrics of the LM head of every checkpoint that a path stands for, in order of training step.

    python3 examples/python/head_spectra.py examples/data/hybridstories
"""

import sys

import softneck


def main(paths):
    print(f"{'step':>8}  {'shape':>12}  {'entropy':>8}  {'eff.rank':>8}  {'stable':>8}  {'top share':>9}")
    for path in paths:
        for step, file in softneck.series(path):
            with softneck.open(file) as checkpoint:
                s = softneck.spectrum(checkpoint.head())
            print(
                f"{'-' if step is None else step:>8}  {f'{s.rows} x {s.cols}':>12}  {s.singular_entropy():8.4f}  "
                f"{s.effective_rank():8.2f}  {s.stable_rank():8.3f}  {s.top_component_share():9.4f}"
            )


if __name__ == "__main__":
    try:
        main(sys.argv[1:] or sys.exit(__doc__))
    except softneck.Error as error:
        sys.exit(f"head_spectra: {error}")
