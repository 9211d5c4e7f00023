"""Writes gradients.safetensors into each folder of tests/golden/models: what PyTorch's autograd gives there.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 transformers==5.23.0 safetensors numpy
    venv/bin/python tests/golden/make_backward.py

The loss is the mean cross-entropy over all positions but each sequence's last, of the ids in expected.safetensors; computed in
double precision with eager attention. Tensors: loss (1), and the gradient of every parameter under its name.
"""

import json
import os

import numpy
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "models")


def write_gradients(name):
    folder = os.path.join(MODELS, name)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for attribute in ("attention_dropout", "dropout"):
            if isinstance(getattr(module, attribute, None), float):
                setattr(module, attribute, 0.0)
    ids = torch.tensor(load_file(os.path.join(folder, "expected.safetensors"))["ids"], dtype=torch.int64)
    logits = model(ids, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))
    loss.backward()
    tensors = {"loss": numpy.array([loss.item()])}
    for key, parameter in model.named_parameters():
        stored = {"lm_head.weight": "embed_out.weight"}.get(key, key) if model.config.model_type == "gpt_neox" else key
        tensors[stored] = parameter.grad.to(torch.float32).numpy()
    save_file(tensors, os.path.join(folder, "gradients.safetensors"))
    print(f"{name}: loss {loss.item():.6f}, {len(tensors) - 1} gradients")


if __name__ == "__main__":
    for entry in sorted(os.listdir(MODELS)):
        if os.path.isfile(os.path.join(MODELS, entry, "config.json")):
            write_gradients(entry)
