"""Writes tests/golden/models/*.gguf: some models of make_models.py as llama.cpp's converter would store them.

    venv/bin/pip install gguf==0.19.0 safetensors numpy
    venv/bin/python tests/golden/make_models_gguf.py

What they compute is unchanged, so the expected.safetensors of the originals holds for them. The conversion repeats the steps
of convert_hf_to_gguf.py: GPT-2's weights are transposed, NeoX's fused projection is sorted by part, Llama's queries and keys
are permuted for rotation of neighbours, Gemma's norms get their 1.
"""

import json
import os

import gguf
import numpy
from safetensors.numpy import load_file

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")

LLAMA = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
NAMES = {
    "gpt2": {"attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_1": "attn_norm", "ln_2": "ffn_norm",
             "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"},
    "neox": {"attention.query_key_value": "attn_qkv", "attention.dense": "attn_output", "input_layernorm": "attn_norm",
             "post_attention_layernorm": "ffn_norm", "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down"},
    "llama": LLAMA, "qwen2": LLAMA, "gemma": LLAMA,
    "gemma2": dict(LLAMA, **{"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
                             "post_feedforward_layernorm": "post_ffw_norm"}),
}
OUTSIDE = {
    "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "embed_in": "token_embd",
    "final_layer_norm": "output_norm", "embed_out": "output", "embed_tokens": "token_embd", "norm": "output_norm",
    "lm_head": "output",
}
ARCHITECTURES = {"neox": "gptneox"}


def new_name(model, name):
    stem, suffix = name.rsplit(".", 1)
    for prefix in ("transformer.", "gpt_neox.", "model."):
        stem = stem.removeprefix(prefix)
    parts = stem.split(".", 2)
    if parts[0] in ("h", "layers"):
        return f"blk.{parts[1]}.{NAMES[model][parts[2]]}.{suffix}"
    return f"{OUTSIDE[stem]}.{suffix}"


def permute(weights, heads):
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def convert(model, config, name, value):
    if model == "gpt2" and value.ndim == 2 and name.startswith("blk."):
        return value.T
    if model == "neox" and "attn_qkv" in name:
        heads = config["num_attention_heads"]
        by_head = value.reshape(heads, 3, value.shape[0] // heads // 3, *value.shape[1:])
        return by_head.swapaxes(0, 1).reshape(value.shape)
    if model == "llama" and "attn_q." in name:
        return permute(value, config["num_attention_heads"])
    if model == "llama" and "attn_k." in name:
        return permute(value, config["num_key_value_heads"])
    if model.startswith("gemma") and "norm" in name:
        return value + 1
    return value


def write_keys(writer, model, config):
    first = lambda *keys: next(config[key] for key in keys if config.get(key) is not None)
    heads = first("n_head", "num_attention_heads")
    hidden = first("n_embd", "hidden_size")
    writer.add_embedding_length(hidden)
    writer.add_block_count(first("n_layer", "num_hidden_layers"))
    writer.add_head_count(heads)
    writer.add_context_length(first("n_positions", "max_position_embeddings"))
    writer.add_feed_forward_length(4 * hidden if model == "gpt2" else config["intermediate_size"])
    if model in ("gpt2", "neox"):
        writer.add_layer_norm_eps(first("layer_norm_epsilon", "layer_norm_eps"))
    else:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_head_count_kv(config["num_key_value_heads"])
    rope = config.get("rope_parameters")
    if rope:
        head = config.get("head_dim") or hidden // heads
        writer.add_rope_freq_base(rope["rope_theta"])
        writer.add_rope_dimension_count(int(head * rope.get("partial_rotary_factor", 1)))
        writer.add_key_length(head)
        writer.add_value_length(head)
    if model == "neox":
        writer.add_parallel_residual(config["use_parallel_residual"])
    if model == "gemma2":
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
        writer.add_sliding_window(config["sliding_window"])


def write_model(model, source):
    folder = os.path.join(MODELS, source)
    config = json.load(open(os.path.join(folder, "config.json")))
    path = os.path.join(MODELS, f"{source}.gguf")
    writer = gguf.GGUFWriter(path, ARCHITECTURES.get(model, model))
    write_keys(writer, model, config)
    for name, value in load_file(os.path.join(folder, "model.safetensors")).items():
        name = new_name(model, name)
        writer.add_tensor(name, numpy.ascontiguousarray(convert(model, config, name, value)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(path, os.path.getsize(path))


if __name__ == "__main__":
    for family, case in {"gpt2": "gpt2", "neox": "neox", "llama": "llama", "gemma": "gemma"}.items():
        write_model(family, case)
    write_model("gemma2", "gemma2_gguf")
    write_model("qwen2", "qwen2_gguf")
