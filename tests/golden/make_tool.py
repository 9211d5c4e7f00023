#!/usr/bin/env python3
"""Writes tool.json: what neck-spectrum must say about the sample models, by numpy's SVD.

Run from the repository root with numpy. The heads are read here by Python's own zipfile and pickle, not by the
library: the pickle is taken apart with stand-ins for torch's classes.
"""
import collections
import io
import json
import math
import pickle
import struct
import zipfile

import numpy as np

DATA = "examples/data"
STEPS = (2000, 10000, 20000)


class Torch(pickle.Unpickler):
    """Loads a torch.save archive of float32 tensors as numpy arrays."""

    def __init__(self, archive):
        self.archive = archive
        self.root = next(n for n in archive.namelist() if n.endswith("/data.pkl"))[: -len("data.pkl")]
        super().__init__(io.BytesIO(archive.read(self.root + "data.pkl")))

    def find_class(self, module, name):
        if name == "_rebuild_tensor_v2":
            return self.rebuild
        if name == "OrderedDict":
            return collections.OrderedDict  # torch sets attributes on it
        return (module, name)

    def persistent_load(self, reference):
        return np.frombuffer(self.archive.read(f"{self.root}data/{reference[2]}"), dtype="<f4")

    @staticmethod
    def rebuild(storage, offset, shape, stride, *_):
        return np.lib.stride_tricks.as_strided(storage[offset:], shape, [4 * s for s in stride])


def hybridstories(step):
    with zipfile.ZipFile(f"{DATA}/hybridstories/step_{step}.pt") as archive:
        content = Torch(archive).load()
    while "tok_emb.weight" not in content:
        content = content.get("model") or content["model_state_dict"]
    return content["tok_emb.weight"].astype(np.float64)


def stories260k():
    with open(f"{DATA}/stories260K/stories260K.bin", "rb") as file:
        width, _, _, _, _, vocabulary, _ = struct.unpack("<7i", file.read(28))
        return np.frombuffer(file.read(4 * width * vocabulary), dtype="<f4").reshape(vocabulary, width).astype(np.float64)


def variants(head):
    """The four matrices that --variant names; weights 1, 1/2, 1/3 ... for the third."""
    weights = 1.0 / np.arange(1, len(head) + 1)
    left, values, right = np.linalg.svd(head, full_matrices=False)
    return {
        "raw": head,
        "centered": head - head.mean(axis=0),
        "frequency_centered": head - weights @ head / weights.sum(),
        "drop_top": head - values[0] * np.outer(left[:, 0], right[0]),
    }


def entropy(p):
    return -math.fsum(x * math.log(x) for x in p if x > 0)


def measures(s):
    """Definitions written out again, on the singular values alone."""
    squares, linear = s**2 / np.sum(s**2), s / np.sum(s)
    return {
        "singular_entropy": math.log(len(s)) - entropy(squares),
        "singular_entropy_linear": math.log(len(s)) - entropy(linear),
        "effective_rank": math.exp(entropy(linear)),
        "matrix_entropy_rank": math.exp(entropy(squares)),
        "stable_rank": float(np.sum(s**2) / s[0] ** 2),
        "participation_ratio": float(np.sum(s**2) ** 2 / np.sum(s**4)),
        "numerical_rank": len(s),
        "condition_number": float(s[0] / s[-1]),
        "nuclear_norm": float(np.sum(s)),
        "frobenius_norm": float(np.sqrt(np.sum(s**2))),
        "spectral_norm": float(s[0]),
        "top_component_share": float(squares[0]),
    }


def case(head, variant):
    s = np.linalg.svd(variants(head)[variant], compute_uv=False)
    if variant == "drop_top":
        s = s[:-1]
    return {"rows": head.shape[0], "cols": head.shape[1], "singular_values": s.tolist(), "metrics": measures(s)}


def main():
    golden = {f"hybridstories/step_{step}.pt": {"raw": case(hybridstories(step), "raw")} for step in STEPS}
    golden["stories260K/stories260K.bin"] = {name: case(stories260k(), name) for name in variants(stories260k())}
    with open("tests/golden/tool.json", "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
