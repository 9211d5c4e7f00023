#!/usr/bin/env python3
"""A PyTorch output head and its loss in one, on the CPU: no tensor of tokens x vocabulary.

    python3 examples/python/torch_linear_cross_entropy.py [TOKENS VOCABULARY WIDTH]

Compares loss, gradients and time with torch.nn.functional.cross_entropy, then trains a softmax regression with it.
"""

import sys
import time

import softneck

try:
    import torch
except ImportError:
    sys.exit("torch_linear_cross_entropy: needs PyTorch (pip install torch)")


class LinearCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy of softmax(H Wt): H tokens x width, W vocabulary x width, both float32 (or both float64), y ids.

    The gradients come with the loss, so the backward pass has nothing left to do but to scale them.
    """

    @staticmethod
    def forward(ctx, H, W, y):
        wanted = zip((H, W), ctx.needs_input_grad)
        d_states, d_weights = (torch.empty(x.shape, dtype=x.dtype) if needed else None for x, needed in wanted)
        out = softneck.cross_entropy(H, W, y, d_states=d_states, d_weights=d_weights)
        ctx.save_for_backward(d_states, d_weights)
        return H.new_tensor(out.loss)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return (*(None if saved is None else saved * gradient for saved in ctx.saved_tensors), None)


linear_cross_entropy = LinearCrossEntropy.apply


def eager(H, W, y):
    return torch.nn.functional.cross_entropy(H @ W.T, y)


def timed(loss, H, W, y):
    """Loss, gradients, and the best time of three."""
    seconds = []
    for _ in range(3):
        H.grad = W.grad = None
        start = time.perf_counter()
        value = loss(H, W, y)
        value.backward()
        seconds.append(time.perf_counter() - start)
    return value.detach(), H.grad, W.grad, min(seconds)


def compare(tokens, vocabulary, width):
    H = torch.randn(tokens, width, requires_grad=True)
    W = torch.randn(vocabulary, width).mul_(width**-0.5).requires_grad_()
    y = torch.randint(vocabulary, (tokens,))
    y[::7] = -100  # not scored
    *expected, eager_seconds = timed(eager, H, W, y)
    *found, seconds = timed(linear_cross_entropy, H, W, y)
    print(f"{tokens} tokens, vocabulary {vocabulary}, width {width}")
    for name, one, other in zip(("loss", "gradient of H", "gradient of W"), found, expected):
        difference = ((one - other).norm() / other.norm()).item()
        print(f"{name:14} differs by {difference:.1e} of it")
        if not difference < 1e-5:
            sys.exit(f"torch_linear_cross_entropy: {name} is not PyTorch's")
    print(f"forward and backward: {seconds:.4f} s, torch.nn.functional.cross_entropy {eager_seconds:.4f} s")


def train(loss, steps=50):
    """A softmax regression from fixed random numbers."""
    random = torch.Generator().manual_seed(0)
    H, truth = torch.randn(400, 8, generator=random), torch.randn(20, 8, generator=random)
    y = (H @ truth.T).argmax(1)
    W = torch.zeros(20, 8, requires_grad=True)
    optimizer = torch.optim.SGD([W], lr=2.0)
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(H, W, y)
        value.backward()
        optimizer.step()
    return value.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    sizes = [int(argument) for argument in sys.argv[1:]] or [512, 20000, 128]
    if len(sizes) != 3:
        sys.exit(__doc__)
    compare(*sizes)
    losses = train(linear_cross_entropy), train(eager)
    print(f"after 50 steps of regression the losses of both are {losses[0]:.6f} and {losses[1]:.6f}")
