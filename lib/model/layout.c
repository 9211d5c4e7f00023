/* model/layout.c - one table a family. */
#include "model/layout.h"

#include <stddef.h>

const neck__layout neck__layout_gpt2 = {
    .prefixes = {"transformer.", ""},
    .block = "h.%lld.",
    .names = {[NECK__EMBEDDING] = "wte",
              [NECK__POSITIONS] = "wpe",
              [NECK__FINAL_NORM] = "ln_f",
              [NECK__HEAD] = "lm_head",
              [NECK__ATTENTION_NORM] = "ln_1",
              [NECK__QKV] = "attn.c_attn",
              [NECK__OUT] = "attn.c_proj",
              [NECK__MLP_NORM] = "ln_2",
              [NECK__UP] = "mlp.c_fc",
              [NECK__DOWN] = "mlp.c_proj"},
    .fused = NECK__FUSED_BY_PART,
    .transposed = 1,
};

const neck__layout neck__layout_gpt_neox = {
    .prefixes = {"gpt_neox.", ""},
    .block = "layers.%lld.",
    .names = {[NECK__EMBEDDING] = "embed_in",
              [NECK__FINAL_NORM] = "final_layer_norm",
              [NECK__HEAD] = "embed_out",
              [NECK__ATTENTION_NORM] = "input_layernorm",
              [NECK__QKV] = "attention.query_key_value",
              [NECK__OUT] = "attention.dense",
              [NECK__MLP_NORM] = "post_attention_layernorm",
              [NECK__UP] = "mlp.dense_h_to_4h",
              [NECK__DOWN] = "mlp.dense_4h_to_h"},
    .fused = NECK__FUSED_BY_HEAD,
};

const neck__layout neck__layout_opt = {
    .prefixes = {"model.decoder.", "decoder.", ""},
    .block = "layers.%lld.",
    .names = {[NECK__EMBEDDING] = "embed_tokens",
              [NECK__POSITIONS] = "embed_positions",
              [NECK__PROJECT_IN] = "project_in",
              [NECK__PROJECT_OUT] = "project_out",
              [NECK__FINAL_NORM] = "final_layer_norm",
              [NECK__HEAD] = "lm_head",
              [NECK__ATTENTION_NORM] = "self_attn_layer_norm",
              [NECK__Q] = "self_attn.q_proj",
              [NECK__K] = "self_attn.k_proj",
              [NECK__V] = "self_attn.v_proj",
              [NECK__OUT] = "self_attn.out_proj",
              [NECK__MLP_NORM] = "final_layer_norm",
              [NECK__UP] = "fc1",
              [NECK__DOWN] = "fc2"},
};

#define LLAMA_NAMES                                                                                     \
    [NECK__EMBEDDING] = "embed_tokens", [NECK__FINAL_NORM] = "norm", [NECK__HEAD] = "lm_head",          \
    [NECK__ATTENTION_NORM] = "input_layernorm", [NECK__Q] = "self_attn.q_proj",                         \
    [NECK__K] = "self_attn.k_proj", [NECK__V] = "self_attn.v_proj", [NECK__OUT] = "self_attn.o_proj",   \
    [NECK__GATE] = "mlp.gate_proj", [NECK__UP] = "mlp.up_proj", [NECK__DOWN] = "mlp.down_proj"

const neck__layout neck__layout_llama = {
    .prefixes = {"model.", ""},
    .block = "layers.%lld.",
    .names = {LLAMA_NAMES, [NECK__MLP_NORM] = "post_attention_layernorm"},
};

const neck__layout neck__layout_gemma2 = {
    .prefixes = {"model.", ""},
    .block = "layers.%lld.",
    .names = {LLAMA_NAMES,
              [NECK__ATTENTION_POST_NORM] = "post_attention_layernorm",
              [NECK__MLP_NORM] = "pre_feedforward_layernorm",
              [NECK__MLP_POST_NORM] = "post_feedforward_layernorm"},
};

const neck__layout neck__layout_llama2c = {
    .prefixes = {""},
    .block = "layers.%lld.",
    .names = {[NECK__EMBEDDING] = "tok_embeddings",
              [NECK__FINAL_NORM] = "norm",
              [NECK__HEAD] = "output",
              [NECK__ATTENTION_NORM] = "attention_norm",
              [NECK__Q] = "attention.wq",
              [NECK__K] = "attention.wk",
              [NECK__V] = "attention.wv",
              [NECK__OUT] = "attention.wo",
              [NECK__MLP_NORM] = "ffn_norm",
              [NECK__GATE] = "feed_forward.w1",
              [NECK__UP] = "feed_forward.w3",
              [NECK__DOWN] = "feed_forward.w2"},
};

#define GGUF_NAMES                                                                                                  \
    [NECK__EMBEDDING] = "token_embd", [NECK__POSITIONS] = "position_embd", [NECK__FINAL_NORM] = "output_norm",      \
    [NECK__HEAD] = "output", [NECK__ATTENTION_NORM] = "attn_norm", [NECK__OUT] = "attn_output",                     \
    [NECK__MLP_NORM] = "ffn_norm", [NECK__UP] = "ffn_up", [NECK__DOWN] = "ffn_down"

/* llama.cpp's names are the same for all families. */
const neck__layout neck__layout_gguf = {
    .prefixes = {""},
    .block = "blk.%lld.",
    .names = {GGUF_NAMES,
              [NECK__Q] = "attn_q",
              [NECK__K] = "attn_k",
              [NECK__V] = "attn_v",
              [NECK__ATTENTION_POST_NORM] = "post_attention_norm",
              [NECK__GATE] = "ffn_gate",
              [NECK__MLP_POST_NORM] = "post_ffw_norm"},
};

const neck__layout neck__layout_gguf_fused = {
    .prefixes = {""},
    .block = "blk.%lld.",
    .names = {GGUF_NAMES, [NECK__QKV] = "attn_qkv"},
    .fused = NECK__FUSED_BY_PART,
};
