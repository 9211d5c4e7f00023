#!/usr/bin/env python3
"""What a head of lower rank costs on a model's own states, without training: the loss it adds, and the bound on that.

    neck-layers MODEL --text TEXT --dump-states states.safetensors
    python3 examples/python/head_bottleneck.py MODEL states.safetensors
"""

import sys

import softneck


def main(model, states):
    with softneck.open(model) as checkpoint, softneck.open(states) as file:
        W, X, y = checkpoint.head(), file.tensors["states"], file.tensors["targets"]
        gram = softneck.Gram(X.shape[1])
        gram.push(X)
        heads = softneck.Truncation(W), softneck.Truncation(W, gram)
        cols, rank = heads[0].cols, 1
        suppressed = softneck.gradient_suppression(W, X, y).suppressed
        print(f"{X.shape[0]} states; {suppressed:.1%} of the logits' gradient never reaches them")
        print("rank  W-error       gap     bound  weighted     bound")
        while rank <= cols:
            plain, weighted = (softneck.loss_gap(W, *truncation.head(rank), X, y) for truncation in heads)
            gaps = [number for gap in (plain, weighted) for number in (gap.gap, gap.first_order + gap.range_bound)]
            print(f"{rank:4}  {plain.w_error:7.4f}", *(f"{number:9.4f}" for number in gaps))
            rank = min(2 * rank, cols) if rank < cols else cols + 1


if __name__ == "__main__":
    try:
        main(*sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
    except softneck.Error as error:
        sys.exit(f"head_bottleneck: {error}")
