"""Writes tests/golden/models: a tiny model with random weights for every code path, and what transformers computes with it.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 transformers==5.23.0 safetensors numpy
    venv/bin/python tests/golden/make_models.py [stories260K.tsv]

Each folder holds config.json, model.safetensors and expected.safetensors: ids (batch x length), states_0 .. states_L (the
entries of output_hidden_states) and logits. All expected values are computed in float32 with eager attention from the weights
as stored. With the path of the reference log-likelihoods of stories260K, their ids and nll are stored too.
"""

import os
import sys

import numpy
import torch
from safetensors.numpy import save_file
from transformers import (
    Gemma2Config, Gemma2ForCausalLM, GemmaConfig, GemmaForCausalLM, GPT2Config, GPT2LMHeadModel, GPTNeoXConfig,
    GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, OPTConfig, OPTForCausalLM,
    Qwen2Config, Qwen2ForCausalLM,
)

HERE = os.path.dirname(os.path.abspath(__file__))
VOCABULARY = 61
COMMON = dict(vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0, pad_token_id=None)
SIZES = dict(COMMON, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=36,
             max_position_embeddings=64)
GROUPED = dict(SIZES, num_attention_heads=4, num_key_value_heads=2)
GPT2 = dict(COMMON, n_embd=16, n_layer=2, n_head=2, n_positions=64)
OPT = dict(COMMON, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=36, max_position_embeddings=64)
LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
LONG = dict(GROUPED, max_position_embeddings=512)

# name: model class, configuration, stored dtype, batch, length
CASES = {
    "gpt2": (GPT2LMHeadModel, GPT2Config(**GPT2), torch.float32, 2, 19),
    "gpt2_variant": (GPT2LMHeadModel,
                     GPT2Config(**GPT2, n_inner=20, activation_function="relu", scale_attn_by_inverse_layer_idx=True,
                                tie_word_embeddings=False), torch.float32, 2, 19),
    "gpt2_bf16": (GPT2LMHeadModel, GPT2Config(**GPT2), torch.bfloat16, 1, 19),
    "neox": (GPTNeoXForCausalLM, GPTNeoXConfig(**SIZES), torch.float32, 2, 19),
    "neox_sequential": (GPTNeoXForCausalLM,
                        GPTNeoXConfig(**SIZES, use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new",
                                      rope_parameters=dict(rope_type="default", rope_theta=500.0,
                                                           partial_rotary_factor=1.0)), torch.float32, 2, 19),
    "neox_f16": (GPTNeoXForCausalLM, GPTNeoXConfig(**SIZES), torch.float16, 1, 19),
    "opt": (OPTForCausalLM, OPTConfig(**OPT), torch.float32, 2, 19),
    "opt_projected": (OPTForCausalLM, OPTConfig(**OPT, word_embed_proj_dim=12, do_layer_norm_before=False),
                      torch.float32, 2, 19),
    "opt_unbiased": (OPTForCausalLM, OPTConfig(**OPT, enable_bias=False, _remove_final_layer_norm=True),
                     torch.float32, 1, 19),
    "llama": (LlamaForCausalLM, LlamaConfig(**GROUPED, tie_word_embeddings=True), torch.float32, 2, 19),
    "llama_biased": (LlamaForCausalLM,
                     LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True, head_dim=6, hidden_act="gelu",
                                 rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0)),
                     torch.float32, 1, 19),
    "llama3": (LlamaForCausalLM, LlamaConfig(**LONG, rope_parameters=LLAMA3), torch.bfloat16, 1, 230),
    "mistral": (MistralForCausalLM, MistralConfig(**GROUPED, sliding_window=5), torch.float32, 2, 19),
    "mistral_f16": (MistralForCausalLM, MistralConfig(**LONG, sliding_window=70), torch.float16, 1, 230),
    "qwen2": (Qwen2ForCausalLM,
              Qwen2Config(**GROUPED, use_sliding_window=True, sliding_window=7, max_window_layers=1), torch.float32, 2, 19),
    "gemma": (GemmaForCausalLM, GemmaConfig(**GROUPED, head_dim=12), torch.float32, 2, 19),
    "gemma2": (Gemma2ForCausalLM,
               Gemma2Config(**GROUPED, head_dim=12, sliding_window=6, query_pre_attn_scalar=9, attn_logit_softcapping=2.0,
                            final_logit_softcapping=3.0), torch.float32, 2, 19),
    # What GGUF can say of these two: see make_models_gguf.py.
    "gemma2_gguf": (Gemma2ForCausalLM,
                    Gemma2Config(**GROUPED, head_dim=12, sliding_window=6, query_pre_attn_scalar=12,
                                 attn_logit_softcapping=2.0, final_logit_softcapping=3.0), torch.float32, 1, 19),
    "qwen2_gguf": (Qwen2ForCausalLM, Qwen2Config(**GROUPED, tie_word_embeddings=True), torch.float32, 1, 19),
}


def randomise(model):
    """Weights large enough that a wrong activation, scale or norm shows."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape)
        is_norm = parameter.ndim == 1 and name.endswith("weight")
        offset = 1.0 if is_norm and not model.config.model_type.startswith("gemma") else 0.0
        parameter.data = offset + noise * (0.3 if parameter.ndim > 1 else 0.2)


def write_case(name, model_class, config, dtype, batch, length):
    torch.manual_seed(sum(name.encode()))
    model = model_class(config).eval()
    with torch.no_grad():
        randomise(model)
        model = model.to(dtype)
        folder = os.path.join(HERE, "models", name)
        model.save_pretrained(folder)
        # Read again rather than widened: tables of rotations must not have been rounded.
        model = model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        ids = torch.randint(0, VOCABULARY, (batch, length))
        out = model(ids, output_hidden_states=True, use_cache=False)
    os.remove(os.path.join(folder, "generation_config.json"))
    tensors = {"ids": ids.numpy().astype(numpy.int32), "logits": out.logits.numpy()}
    for i, state in enumerate(out.hidden_states):
        tensors[f"states_{i}"] = numpy.ascontiguousarray(state.numpy())
    save_file(tensors, os.path.join(folder, "expected.safetensors"))
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    print(f"{name}: {size} bytes, logits within {out.logits.abs().max():.2f}, {len(out.hidden_states)} states")


def write_stories(path):
    rows = [line.split("\t") for line in open(path).read().splitlines()[1:]]
    stories = sorted({int(row[0]) for row in rows})
    tensors = {}
    for story in stories:
        mine = [row for row in rows if int(row[0]) == story]
        tensors[f"tokens_{story}"] = numpy.array([int(row[2]) for row in mine], dtype=numpy.int32)
        tensors[f"targets_{story}"] = numpy.array([int(row[3]) for row in mine], dtype=numpy.int32)
        tensors[f"nll_{story}"] = numpy.array([float(row[4]) for row in mine], dtype=numpy.float64)
    save_file(tensors, os.path.join(HERE, "models", "stories260K.safetensors"))
    print("stories260K:", {name: len(value) for name, value in tensors.items()})


if __name__ == "__main__":
    for case, arguments in CASES.items():
        write_case(case, *arguments)
    if len(sys.argv) > 1:
        write_stories(sys.argv[1])
