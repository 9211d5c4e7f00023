"""Makes training.json and the model folder training: 200 steps of PyTorch on a tiny GPT-NeoX, for test_training.c.

Needs torch and transformers. Tokens are the first bytes of a text; batches are windows in their order, as
NECK_BATCHES_SEQUENTIAL has them. Initial weights are rounded to f16, so that the folder is small and exact.
"""
import json
import math
import os
import sys

import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = os.path.join(HERE, "..", "..", "examples", "data", "text", "tinystories-100.jsonl")
RECIPE = {"tokens": 20000, "validation_share": 0.1, "batch": 4, "context": 32, "accumulation": 2, "steps": 200,
          "learning_rate": 3e-3, "beta1": 0.9, "beta2": 0.95, "weight_decay": 0.1, "clip": 1.0, "warmup": 20,
          "final_scale": 0.1}


def make_model():
    torch.manual_seed(1)
    config = GPTNeoXConfig(vocab_size=256, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
                           intermediate_size=64, max_position_embeddings=64, rotary_pct=0.25, hidden_act="gelu",
                           use_parallel_residual=True, tie_word_embeddings=False, hidden_dropout=0.0,
                           attention_dropout=0.0, bos_token_id=0, eos_token_id=0)
    model = GPTNeoXForCausalLM(config)
    model.half().save_pretrained(os.path.join(HERE, "training"))
    generation = os.path.join(HERE, "training", "generation_config.json")
    if os.path.exists(generation):
        os.remove(generation)
    return model.float()


def window(tokens, index, context):
    part = tokens[index * context:index * context + context + 1]
    return part[:-1], part[1:]


def loss_of(model, pairs, reduction="mean"):
    inputs = torch.stack([pair[0] for pair in pairs])
    targets = torch.stack([pair[1] for pair in pairs])
    logits = model(inputs).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction=reduction)


def scale(step):
    r = RECIPE
    if step < r["warmup"]:
        return (step + 1) / r["warmup"]
    share = (step - r["warmup"]) / (r["steps"] - r["warmup"])
    return r["final_scale"] + (1 - r["final_scale"]) * 0.5 * (1 + math.cos(math.pi * share))


def main():
    torch.set_num_threads(1)
    r = RECIPE
    with open(TEXT, "rb") as file:
        tokens = torch.tensor(list(file.read(r["tokens"])))
    held_out = math.floor(r["validation_share"] * r["tokens"])
    training, validation = tokens[:-held_out], tokens[-held_out:]
    model = make_model()
    model.train()
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": r["weight_decay"]},
              {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=r["learning_rate"], betas=(r["beta1"], r["beta2"]), eps=1e-8)
    windows = (len(training) - 1) // r["context"]
    losses, norms = [], []
    for step in range(r["steps"]):
        optimizer.zero_grad()
        total = 0.0
        for part in range(r["accumulation"]):
            first = (step * r["accumulation"] + part) * r["batch"]
            pairs = [window(training, (first + row) % windows, r["context"]) for row in range(r["batch"])]
            loss = loss_of(model, pairs) / r["accumulation"]
            loss.backward()
            total += loss.item()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), r["clip"]).item())
        for group in optimizer.param_groups:
            group["lr"] = r["learning_rate"] * scale(step)
        optimizer.step()
        losses.append(total)
    model.eval()
    count = (len(validation) - 1) // r["context"]
    with torch.no_grad():
        final = loss_of(model, [window(validation, i, r["context"]) for i in range(count)], "mean").item()
    with open(os.path.join(HERE, "training.json"), "w", encoding="utf-8") as file:
        json.dump({"recipe": r, "losses": losses, "gradient_norms": norms, "validation_loss": final}, file, indent=1)
        file.write("\n")
    print(f"first {losses[0]:.4f}, last {losses[-1]:.4f}, validation {final:.4f}", file=sys.stderr)


if __name__ == "__main__":
    main()
