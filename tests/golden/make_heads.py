"""Golden losses and gradients of output heads, by PyTorch in double: heads.npz. Needs torch and numpy.

    python3 tests/golden/make_heads.py

Kinds that PyTorch has no function for are written from their formulas. Arrays of a case are named CASE.NAME: settings, the
parameters, states, targets, loss, and g_NAME for gradients.
"""
import pathlib

import numpy
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
N, V, D = 11, 37, 6
KINDS = {"dense": 1, "factored": 3, "mos": 4, "sigsoftmax": 5, "plif": 6}


def shapes(kind, o):
    rank, components, knots = o["rank"], o["components"], o["knots"]
    own = {
        "dense": {"weight": (V, D)},
        "factored": {"a": (V, rank), "b": (rank, D)},
        "mos": {"weight": (V, rank), "projection": (components * rank, D), "projection_bias": (1, components * rank),
                "prior": (components, D)},
        "sigsoftmax": {"weight": (V, D)},
        "plif": {"weight": (V, D), "slopes": (1, knots)},
    }[kind]
    return {**own, "bias": (1, V)} if o["bias"] else own


def plif(z, slopes, reach):
    """The integral from 0 to z of a step function, interval by interval."""
    knots = slopes.shape[1]
    width = 2 * reach / knots
    result = torch.zeros_like(z)
    for j in range(knots):
        low = -numpy.inf if j == 0 else -reach + j * width
        high = numpy.inf if j == knots - 1 else -reach + (j + 1) * width
        # the length of [0, z] within [low, high], negative to the left
        inside = torch.clamp(z, low, high) - min(max(0.0, low), high)
        result = result + F.softplus(slopes[0, j]) * inside
    return result


def logits(kind, p, features, o):
    weight = p["a"] if kind == "factored" else p["weight"]
    z = o["logit_scale"] * (features @ weight.T + (p["bias"][0] if o["bias"] else 0))
    if o["soft_cap"]:
        z = o["soft_cap"] * torch.tanh(z / o["soft_cap"])
    if kind == "sigsoftmax":
        z = z + F.logsigmoid(z)
    if kind == "plif":
        z = plif(z, p["slopes"], o["range"])
    return z


def token_terms(kind, p, x, o):
    """log-probabilities (N x V) and the square of the log-normalizer, its mean over the components of a mixture"""
    if kind != "mos":
        z = logits(kind, p, x @ p["b"].T if kind == "factored" else x, o)
        return F.log_softmax(z, 1), torch.logsumexp(z, 1) ** 2
    hidden = torch.tanh(x @ p["projection"].T + p["projection_bias"]).reshape(N, o["components"], o["rank"])
    z = logits(kind, p, hidden, o)
    prior = F.log_softmax(x @ p["prior"].T, 1)
    return torch.logsumexp(prior[:, :, None] + F.log_softmax(z, 2), 1), (torch.logsumexp(z, 2) ** 2).mean(1)


def run(kind, o, seed):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda shape, scale: (scale * torch.randn(shape, generator=generator)).float().double().requires_grad_()
    p = {name: draw(shape, 0.7) for name, shape in shapes(kind, o).items()}
    x = draw((N, D), 1.0)
    targets = torch.randint(0, V, (N,), generator=generator)
    targets[3] = -100
    log_p, squares = token_terms(kind, p, x, o)
    loss = F.nll_loss(log_p, targets, reduction="none") * (1 - o["label_smoothing"])
    loss = loss - o["label_smoothing"] * log_p.mean(1) + o["z_loss"] * squares
    scored = targets != -100
    if kind == "dense" and not o["z_loss"]:  # the library's own function where there is one
        z = logits(kind, p, x, o)
        ours = loss[scored].mean()
        theirs = F.cross_entropy(z, targets, label_smoothing=o["label_smoothing"])
        assert abs(ours - theirs) < 1e-14 * abs(ours) + 1e-15, (ours, theirs)
    loss = loss[scored].mean()
    loss.backward()
    out = {name: value.detach().numpy() for name, value in p.items()}
    out.update({"g_" + name: value.grad.numpy() for name, value in p.items()})
    out.update(states=x.detach().numpy(), g_states=x.grad.numpy(), targets=targets.numpy().astype(numpy.int32),
               loss=numpy.array([loss.item()]), log_probabilities=log_p.detach().numpy())
    out["settings"] = numpy.array([KINDS[kind], V, D, o["rank"], o["components"], o["knots"], o["range"], o["bias"],
                                   o["logit_scale"], o["soft_cap"], o["label_smoothing"], o["z_loss"]], float)
    return out


def main():
    arrays = {}
    plain = dict(rank=0, components=0, knots=0, range=0, bias=0, logit_scale=1, soft_cap=0, label_smoothing=0, z_loss=0)
    rich = dict(bias=1, logit_scale=1.3, label_smoothing=0.1, z_loss=0.01)
    own = {"dense": {}, "factored": dict(rank=3), "mos": dict(rank=4, components=3), "sigsoftmax": {},
           "plif": dict(knots=10, range=2.5)}
    for kind, sizes in own.items():
        cap = dict(soft_cap=4) if kind in ("dense", "factored") else {}
        for name, options in (("plain", {}), ("bias", dict(bias=1)), ("rich", {**rich, **cap})):
            case = run(kind, {**plain, **sizes, **options}, len(arrays))
            arrays.update({f"{kind}_{name}.{key}": value for key, value in case.items()})
    numpy.savez(pathlib.Path(__file__).parent / "heads.npz", **arrays)


main()
