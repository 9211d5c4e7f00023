/* model/config_gguf.c - the configuration in a GGUF file's metadata, as llama.cpp writes it. Its keys begin with
 * the name of the architecture; sizes without a key are those of tensors. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "format/checkpoint_object.h"
#include "format/gguf.h"
#include "model/config.h"
#include "model/layout.h"

/* What is fixed for an architecture and not said in the file. llama.cpp's converter permutes Llama's queries and
 * keys so that pairs of neighbours are rotated, and adds Gemma's 1 to the weights of norms. */
typedef struct architecture {
    const char *name, *family;
    const neck__layout *layout;
    int32_t norm, activation, gated, rotary, order, bias, qkv_bias, scaled_embedding, placement;
} architecture;

static const architecture architectures[] = {
    {"gpt2", "gpt2", &neck__layout_gguf_fused, NECK__NORM_LAYER, NECK__GELU_TANH, 0, 0, 0, 1, 1, 0,
     NECK__NORM_BEFORE},
    {"gptneox", "gpt_neox", &neck__layout_gguf_fused, NECK__NORM_LAYER, NECK__GELU, 0, 1, NECK__ROTATE_HALVES, 1, 1,
     0, NECK__NORM_BEFORE},
    {"llama", "llama", &neck__layout_gguf, NECK__NORM_RMS, NECK__SILU, 1, 1, NECK__ROTATE_PAIRS, 0, 0, 0,
     NECK__NORM_BEFORE},
    {"qwen2", "qwen2", &neck__layout_gguf, NECK__NORM_RMS, NECK__SILU, 1, 1, NECK__ROTATE_HALVES, 0, 1, 0,
     NECK__NORM_BEFORE},
    {"gemma", "gemma", &neck__layout_gguf, NECK__NORM_RMS, NECK__GELU_TANH, 1, 1, NECK__ROTATE_HALVES, 0, 0, 1,
     NECK__NORM_BEFORE},
    {"gemma2", "gemma2", &neck__layout_gguf, NECK__NORM_RMS, NECK__GELU_TANH, 1, 1, NECK__ROTATE_HALVES, 0, 0, 1,
     NECK__NORM_AROUND},
};

typedef struct metadata {
    const neck__gguf *gguf;
    const char *architecture;
} metadata;

typedef char key_buffer[128];

static const neck__gguf_value *find(const metadata *m, const char *key, key_buffer full)
{
    snprintf(full, sizeof(key_buffer), "%s.%s", m->architecture, key);
    return neck__gguf_find(m->gguf, full);
}

/* fallback 0: the key must be there. */
static neck_status read_size(const metadata *m, const char *key, int64_t fallback, int64_t most, int64_t *out)
{
    key_buffer full;
    int64_t number = fallback;
    if (find(m, key, full) || !fallback) NECK_TRY(neck__gguf_integer(m->gguf, full, &number));
    if (number < 1 || number > most)
        return neck__fail(NECK_E_FORMAT, "'%s' is %lld, outside 1 to %lld", full, (long long)number, (long long)most);
    *out = number;
    return NECK_OK;
}

static neck_status read_real(const metadata *m, const char *key, double fallback, double *out)
{
    key_buffer full;
    double number = fallback;
    if (find(m, key, full)) NECK_TRY(neck__gguf_real(m->gguf, full, &number));
    if (!isfinite(number) || number < 0) return neck__fail(NECK_E_FORMAT, "'%s' is %g", full, number);
    *out = number;
    return NECK_OK;
}

static neck_status find_architecture(const neck__gguf *gguf, const architecture **out)
{
    const char *name = NULL;
    int64_t length = 0;
    NECK_TRY(neck__gguf_string(gguf, "general.architecture", &name, &length));
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
        if (strlen(architectures[i].name) == (size_t)length &&
            memcmp(architectures[i].name, name, (size_t)length) == 0) {
            *out = &architectures[i];
            return NECK_OK;
        }
    return neck__fail(NECK_E_UNSUPPORTED, "GGUF architecture '%.*s' is not supported: gpt2, gptneox, llama, qwen2, "
                      "gemma and gemma2 are", (int)(length < 100 ? length : 100), name);
}

static int64_t find_tensor(const neck_checkpoint *checkpoint, const char *name)
{
    for (int64_t i = 0; i < checkpoint->list.count; i++)
        if (strcmp(checkpoint->list.tensors[i].name, name) == 0) return i;
    return -1;
}

static neck_status read_sizes(const neck_checkpoint *checkpoint, const metadata *m, neck__config *c)
{
    int64_t embedding = find_tensor(checkpoint, "token_embd.weight");
    if (embedding < 0) return neck__fail(NECK_E_NOT_FOUND, "no token embedding 'token_embd.weight'");
    c->vocabulary = checkpoint->list.tensors[embedding].shape[0];
    NECK_TRY(read_size(m, "embedding_length", 0, NECK__WIDTH_MAX, &c->hidden));
    NECK_TRY(read_size(m, "block_count", 0, NECK__LAYERS_MAX, &c->layers));
    NECK_TRY(read_size(m, "attention.head_count", 0, NECK__WIDTH_MAX, &c->heads));
    NECK_TRY(read_size(m, "attention.head_count_kv", c->heads, NECK__WIDTH_MAX, &c->kv_heads));
    NECK_TRY(read_size(m, "feed_forward_length", 0, NECK__WIDTH_MAX, &c->inner));
    NECK_TRY(read_size(m, "context_length", 0, INT32_MAX, &c->context));
    if (c->vocabulary < 1 || c->vocabulary > NECK__VOCABULARY_MAX)
        return neck__fail(NECK_E_FORMAT, "a vocabulary of %lld", (long long)c->vocabulary);
    NECK_TRY(read_size(m, "attention.key_length", c->hidden / c->heads, NECK__WIDTH_MAX, &c->head_size));
    int64_t values = 0;
    NECK_TRY(read_size(m, "attention.value_length", c->head_size, NECK__WIDTH_MAX, &values));
    c->embedding = c->hidden;
    return values == c->head_size ? NECK_OK
                                  : neck__fail(NECK_E_UNSUPPORTED, "values of size %lld with keys of size %lld are not "
                                               "supported", (long long)values, (long long)c->head_size);
}

static neck_status read_rope(const neck_checkpoint *checkpoint, const metadata *m, neck__config *c)
{
    key_buffer full;
    const char *type = "none";
    int64_t length = 4;
    if (find_tensor(checkpoint, "rope_freqs.weight") >= 0)
        return neck__fail(NECK_E_UNSUPPORTED, "'rope_freqs.weight' (rope scaling by a table) is not supported");
    NECK_TRY(read_size(m, "rope.dimension_count", c->head_size, c->head_size, &c->rope.size));
    NECK_TRY(read_real(m, "rope.freq_base", 10000, &c->rope.theta));
    if (find(m, "rope.scaling.type", full)) NECK_TRY(neck__gguf_string(m->gguf, full, &type, &length));
    if (length == 4 && memcmp(type, "none", 4) == 0) return NECK_OK;
    if (length != 6 || memcmp(type, "linear", 6) != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "rope scaling '%.*s' is not supported",
                          (int)(length < 50 ? length : 50), type);
    c->rope.scaling = NECK__ROPE_LINEAR;
    NECK_TRY(read_real(m, "rope.scaling.factor", 1, &c->rope.factor));
    return c->rope.factor > 0 ? NECK_OK : neck__fail(NECK_E_FORMAT, "'rope.scaling.factor' is 0");
}

/* The scale is not in the file: it is that of the heads, but for the 27B model, which has 46 layers. */
static neck_status read_gemma2(const metadata *m, neck__config *c)
{
    if (c->layers == 46) c->attention_scale = 1 / sqrt((double)c->hidden / (double)c->heads);
    NECK_TRY(read_real(m, "attn_logit_softcapping", 50, &c->attention_cap));
    NECK_TRY(read_real(m, "final_logit_softcapping", 30, &c->logit_cap));
    NECK_TRY(read_size(m, "attention.sliding_window", 4096, INT32_MAX, &c->window));
    for (int64_t i = 0; i < c->layers; i += 2) c->sliding[i] = 1;
    return NECK_OK;
}

static neck_status read_neox(const metadata *m, neck__config *c)
{
    key_buffer full;
    int parallel = 1;
    if (find(m, "use_parallel_residual", full)) NECK_TRY(neck__gguf_boolean(m->gguf, full, &parallel));
    c->parallel = parallel;
    return NECK_OK;
}

static void take_architecture(const architecture *a, neck__config *c)
{
    c->family = a->family;
    c->layout = a->layout;
    c->norm = a->norm;
    c->placement = a->placement;
    c->has_final_norm = 1;
    c->activation = a->activation;
    c->gated = a->gated;
    c->positions = a->rotary ? NECK__ROTARY : NECK__LEARNED;
    c->rope.order = a->order;
    c->qkv_bias = a->qkv_bias;
    c->output_bias = c->mlp_bias = a->bias;
    c->embedding_scale = a->scaled_embedding ? sqrt((double)c->hidden) : 1;
    c->attention_scale = 1 / sqrt((double)c->head_size);
}

neck_status neck__config_from_gguf(const neck_checkpoint *checkpoint, neck__config *out)
{
    const architecture *a = NULL;
    const neck__gguf *gguf = neck__checkpoint_gguf(checkpoint);
    NECK_TRY(find_architecture(gguf, &a));
    const metadata m = {gguf, a->name};
    int layer_norm = a->norm == NECK__NORM_LAYER;
    NECK_TRY(read_sizes(checkpoint, &m, out));
    take_architecture(a, out);
    out->tied = find_tensor(checkpoint, "output.weight") < 0;
    NECK_TRY(read_real(&m, layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
                       layer_norm ? 1e-5 : 1e-6, &out->norm_epsilon));
    if (a->rotary) NECK_TRY(read_rope(checkpoint, &m, out));
    if (strcmp(a->name, "gemma2") == 0) return read_gemma2(&m, out);
    return strcmp(a->name, "gptneox") == 0 ? read_neox(&m, out) : NECK_OK;
}
