/* model/config_json.c - config.json as the transformers package writes it: a row of keys and defaults a family,
 * then what is peculiar to each. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "format/json.h"
#include "model/config_family.h"
#include "model/layout.h"

typedef neck__family family;

/* ---- one value -------------------------------------------------------------------------------------------------- */

static int is_absent(const json_t *value)
{
    return !value || json_is_null(value);
}

/* A whole number from 1 to most. fallback 0: the key must be there. */
static neck_status read_size(const json_t *root, const char *key, int64_t fallback, int64_t most, int64_t *out)
{
    const json_t *value = key ? json_object_get(root, key) : NULL;
    if (is_absent(value)) {
        if (!fallback) return neck__fail(NECK_E_FORMAT, "config.json has no '%s'", key);
        *out = fallback;
        return NECK_OK;
    }
    int64_t number = neck__json_size(value);
    if (number < 1 || number > most)
        return neck__fail(NECK_E_FORMAT, "config.json: '%s' is not a whole number from 1 to %lld", key,
                          (long long)most);
    *out = number;
    return NECK_OK;
}

/* A positive finite number; fallback when it is absent. */
static neck_status read_number(const json_t *root, const char *key, double fallback, double *out)
{
    const json_t *value = json_object_get(root, key);
    double number = is_absent(value) ? fallback : json_is_number(value) ? json_number_value(value) : NAN;
    if (!isfinite(number) || number < 0 || (number == 0 && !is_absent(value)))
        return neck__fail(NECK_E_FORMAT, "config.json: '%s' is not a positive number", key);
    *out = number;
    return NECK_OK;
}

/* A soft cap; null means none. */
static neck_status read_cap(const json_t *root, const char *key, double fallback, double *out)
{
    *out = 0;
    return json_is_null(json_object_get(root, key)) ? NECK_OK : read_number(root, key, fallback, out);
}

static neck_status read_flag(const json_t *root, const char *key, int32_t fallback, int32_t *out)
{
    const json_t *value = json_object_get(root, key);
    if (!is_absent(value) && !json_is_boolean(value))
        return neck__fail(NECK_E_FORMAT, "config.json: '%s' is neither true nor false", key);
    *out = is_absent(value) ? fallback : json_is_true(value);
    return NECK_OK;
}

/* Refuses a switch that is on and not supported. */
static neck_status refuse_flag(const json_t *root, const char *key)
{
    int32_t on = 0;
    NECK_TRY(read_flag(root, key, 0, &on));
    return on ? neck__fail(NECK_E_UNSUPPORTED, "config.json: '%s' is not supported", key) : NECK_OK;
}

static neck_status read_text(const json_t *root, const char *key, const char *fallback, const char **out)
{
    const json_t *value = json_object_get(root, key);
    if (!is_absent(value) && !json_is_string(value))
        return neck__fail(NECK_E_FORMAT, "config.json: '%s' is not text", key);
    *out = is_absent(value) ? fallback : json_string_value(value);
    return NECK_OK;
}

static neck_status read_activation(const json_t *root, const char *key, const char *fallback, int32_t *out)
{
    static const struct {
        const char *name;
        int32_t activation;
    } known[] = {{"gelu", NECK__GELU},       {"gelu_new", NECK__GELU_TANH}, {"gelu_pytorch_tanh", NECK__GELU_TANH},
                 {"gelu_fast", NECK__GELU_TANH}, {"relu", NECK__RELU},      {"silu", NECK__SILU},
                 {"swish", NECK__SILU}};
    const char *name = NULL;
    NECK_TRY(read_text(root, key, fallback, &name));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0) {
            *out = known[i].activation;
            return NECK_OK;
        }
    return neck__fail(NECK_E_UNSUPPORTED, "activation '%.100s' is not supported", name);
}

/* ---- rotary positions ------------------------------------------------------------------------------------------- */

static neck_status read_scaling(const json_t *scaling, int64_t context, neck__rope *rope)
{
    const char *type = NULL;
    NECK_TRY(read_text(scaling, "rope_type", NULL, &type));
    if (!type) NECK_TRY(read_text(scaling, "type", "default", &type));
    if (strcmp(type, "default") == 0) return NECK_OK;
    if (strcmp(type, "linear") != 0 && strcmp(type, "llama3") != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "rope scaling '%.100s' is not supported", type);
    rope->scaling = type[1] == 'i' ? NECK__ROPE_LINEAR : NECK__ROPE_LLAMA3;
    NECK_TRY(read_number(scaling, "factor", 1, &rope->factor));
    NECK_TRY(read_number(scaling, "low_freq_factor", 1, &rope->low_factor));
    NECK_TRY(read_number(scaling, "high_freq_factor", 4, &rope->high_factor));
    if (rope->high_factor <= rope->low_factor)
        return neck__fail(NECK_E_FORMAT, "config.json: 'high_freq_factor' is not above 'low_freq_factor'");
    return read_number(scaling, "original_max_position_embeddings", (double)context, &rope->original_context);
}

/* The base, the rotated share of a head and the scaling stand at the top, in rope_scaling, or (newer) all together in
 * rope_parameters. */
static neck_status read_rope(const json_t *root, const char *theta_key, const char *share_key, double default_share,
                             neck__config *config)
{
    const json_t *object = json_object_get(root, "rope_parameters");
    if (is_absent(object)) object = json_object_get(root, "rope_scaling");
    if (!is_absent(object) && !json_is_object(object))
        return neck__fail(NECK_E_FORMAT, "config.json: the rope parameters are not an object");
    double share = default_share;
    config->positions = NECK__ROTARY;
    NECK_TRY(read_number(root, theta_key, 10000, &config->rope.theta));
    if (share_key) NECK_TRY(read_number(root, share_key, default_share, &share));
    if (!is_absent(object)) {
        NECK_TRY(read_number(object, "rope_theta", config->rope.theta, &config->rope.theta));
        NECK_TRY(read_number(object, "partial_rotary_factor", share, &share));
        NECK_TRY(read_scaling(object, config->context, &config->rope));
    }
    if (share > 1) return neck__fail(NECK_E_FORMAT, "config.json: more than the whole of a head is rotated");
    config->rope.size = (int64_t)((double)config->head_size * share);
    return NECK_OK;
}

/* ---- sliding windows -------------------------------------------------------------------------------------------- */

/* layer_types where the file has it, else layers `first`, `first` + `step` and so on. A window of null is none. */
static neck_status read_window(const json_t *root, int64_t first, int64_t step, neck__config *config)
{
    const json_t *types = json_object_get(root, "layer_types");
    if (json_is_null(json_object_get(root, "sliding_window"))) return NECK_OK;
    NECK_TRY(read_size(root, "sliding_window", 4096, INT32_MAX, &config->window));
    for (int64_t i = first; i < config->layers; i += step) config->sliding[i] = 1;
    if (is_absent(types)) return NECK_OK;
    if (!json_is_array(types) || json_array_size(types) != (size_t)config->layers)
        return neck__fail(NECK_E_FORMAT, "config.json: 'layer_types' is not a list of %lld", (long long)config->layers);
    for (int64_t i = 0; i < config->layers; i++) {
        const char *type = json_string_value(json_array_get(types, (size_t)i));
        if (!type || (strcmp(type, "sliding_attention") != 0 && strcmp(type, "full_attention") != 0))
            return neck__fail(NECK_E_UNSUPPORTED, "layer type '%.100s' is not supported", type ? type : "?");
        config->sliding[i] = type[0] == 's';
    }
    return NECK_OK;
}

/* ---- families --------------------------------------------------------------------------------------------------- */

static neck_status read_gpt2(const json_t *root, neck__config *config)
{
    int32_t scaled = 1;
    NECK_TRY(refuse_flag(root, "add_cross_attention"));
    NECK_TRY(read_flag(root, "scale_attn_weights", 1, &scaled));
    NECK_TRY(read_flag(root, "scale_attn_by_inverse_layer_idx", 0, &config->divide_by_layer));
    if (!scaled) config->attention_scale = 1;
    config->positions = NECK__LEARNED;
    config->qkv_bias = config->output_bias = config->mlp_bias = 1;
    return NECK_OK;
}

static neck_status read_gpt_neox(const json_t *root, neck__config *config)
{
    NECK_TRY(read_flag(root, "use_parallel_residual", 1, &config->parallel));
    NECK_TRY(read_flag(root, "attention_bias", 1, &config->qkv_bias));
    config->output_bias = config->qkv_bias;
    config->mlp_bias = 1;
    return read_rope(root, "rotary_emb_base", "rotary_pct", 0.25, config);
}

static neck_status read_opt(const json_t *root, neck__config *config)
{
    int32_t before = 1, removed = 0, affine = 1;
    NECK_TRY(read_flag(root, "do_layer_norm_before", 1, &before));
    NECK_TRY(read_flag(root, "_remove_final_layer_norm", 0, &removed));
    NECK_TRY(read_flag(root, "layer_norm_elementwise_affine", 1, &affine));
    if (!affine) return neck__fail(NECK_E_UNSUPPORTED, "config.json: norms without weights are not supported");
    NECK_TRY(read_flag(root, "enable_bias", 1, &config->qkv_bias));
    NECK_TRY(read_size(root, "word_embed_proj_dim", config->hidden, NECK__WIDTH_MAX, &config->embedding));
    config->placement = before ? NECK__NORM_BEFORE : NECK__NORM_AFTER;
    config->has_final_norm = before && !removed;
    config->positions = NECK__LEARNED;
    config->position_offset = 2; /* the first two rows are left over from padding */
    config->output_bias = config->mlp_bias = config->qkv_bias;
    return NECK_OK;
}

static neck_status read_llama_like(const json_t *root, neck__config *config)
{
    NECK_TRY(refuse_flag(root, "rope_interleaved"));
    NECK_TRY(refuse_flag(root, "use_mrope"));
    config->norm = NECK__NORM_RMS;
    config->gated = 1;
    return read_rope(root, "rope_theta", NULL, 1, config);
}

static neck_status read_llama(const json_t *root, neck__config *config)
{
    NECK_TRY(read_flag(root, "attention_bias", 0, &config->qkv_bias));
    NECK_TRY(read_flag(root, "mlp_bias", 0, &config->mlp_bias));
    config->output_bias = config->qkv_bias;
    return read_llama_like(root, config);
}

static neck_status read_mistral(const json_t *root, neck__config *config)
{
    NECK_TRY(read_window(root, 0, 1, config));
    return read_llama_like(root, config);
}

static neck_status read_qwen2(const json_t *root, neck__config *config)
{
    const json_t *full = json_object_get(root, "max_window_layers"); /* layers before the first that slides */
    int64_t first = is_absent(full) ? 28 : neck__json_size(full);
    int32_t slides = 0;
    if (first < 0) return neck__fail(NECK_E_FORMAT, "config.json: 'max_window_layers' is not a whole number");
    NECK_TRY(read_flag(root, "use_sliding_window", 0, &slides));
    if (slides) NECK_TRY(read_window(root, first, 1, config));
    config->qkv_bias = 1;
    return read_llama_like(root, config);
}

/* What Gemma 1 and 2 share: RMS norms that store weight - 1, embeddings multiplied by sqrt(hidden). Gemma's gelu is
 * the tanh one whatever an old file says. */
static neck_status read_gemma(const json_t *root, neck__config *config)
{
    NECK_TRY(refuse_flag(root, "use_bidirectional_attention"));
    NECK_TRY(read_flag(root, "attention_bias", 0, &config->qkv_bias));
    config->output_bias = config->qkv_bias;
    config->norm_offset = 1;
    config->embedding_scale = sqrt((double)config->hidden);
    if (config->activation == NECK__GELU) config->activation = NECK__GELU_TANH;
    return read_llama_like(root, config);
}

static neck_status read_gemma2(const json_t *root, neck__config *config)
{
    double scalar = 0;
    NECK_TRY(read_gemma(root, config));
    NECK_TRY(read_number(root, "query_pre_attn_scalar", 256, &scalar));
    NECK_TRY(read_cap(root, "attn_logit_softcapping", 50, &config->attention_cap));
    NECK_TRY(read_cap(root, "final_logit_softcapping", 30, &config->logit_cap));
    config->attention_scale = 1 / sqrt(scalar);
    config->placement = NECK__NORM_AROUND;
    return read_window(root, 0, 2, config);
}

#define USUAL "hidden_size", "num_hidden_layers", "num_attention_heads"
static const family families[] = {
    {"gpt2", &neck__layout_gpt2, "n_embd", "n_layer", "n_head", NULL, NULL, "n_inner", "n_positions",
     "activation_function", "layer_norm_epsilon", "gelu_new", 1e-5, 1024, 1, read_gpt2},
    {"gpt_neox", &neck__layout_gpt_neox, USUAL, NULL, NULL, "intermediate_size", "max_position_embeddings",
     "hidden_act", "layer_norm_eps", "gelu", 1e-5, 2048, 0, read_gpt_neox},
    {"opt", &neck__layout_opt, USUAL, NULL, NULL, "ffn_dim", "max_position_embeddings",
     "activation_function", "layer_norm_eps", "relu", 1e-5, 2048, 1, read_opt},
    {"llama", &neck__layout_llama, USUAL, "num_key_value_heads", "head_dim", "intermediate_size",
     "max_position_embeddings", "hidden_act", "rms_norm_eps", "silu", 1e-6, 2048, 0, read_llama},
    {"mistral", &neck__layout_llama, USUAL, "num_key_value_heads", "head_dim", "intermediate_size",
     "max_position_embeddings", "hidden_act", "rms_norm_eps", "silu", 1e-6, 131072, 0, read_mistral},
    {"qwen2", &neck__layout_llama, USUAL, "num_key_value_heads", NULL, "intermediate_size",
     "max_position_embeddings", "hidden_act", "rms_norm_eps", "silu", 1e-6, 32768, 0, read_qwen2},
    {"gemma", &neck__layout_llama, USUAL, "num_key_value_heads", "head_dim", "intermediate_size",
     "max_position_embeddings", "hidden_act", "rms_norm_eps", "gelu_pytorch_tanh", 1e-6, 8192, 1, read_gemma},
    {"gemma2", &neck__layout_gemma2, USUAL, "num_key_value_heads", "head_dim", "intermediate_size",
     "max_position_embeddings", "hidden_activation", "rms_norm_eps", "gelu_pytorch_tanh", 1e-6, 8192, 1, read_gemma2},
};

neck_status neck__family_find(const char *type, const neck__family **out)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i].type, type) == 0) {
            *out = &families[i];
            return NECK_OK;
        }
    return neck__fail(NECK_E_UNSUPPORTED, "architecture '%.100s' is not supported: gpt2, gpt_neox, opt, llama, "
                      "mistral, qwen2, gemma and gemma2 are", type);
}

static neck_status find_family(const json_t *root, const family **out)
{
    const char *type = NULL;
    NECK_TRY(read_text(root, "model_type", NULL, &type));
    return type ? neck__family_find(type, out) : neck__fail(NECK_E_FORMAT, "config.json has no 'model_type'");
}

static neck_status read_sizes(const json_t *root, const family *f, neck__config *config)
{
    NECK_TRY(read_size(root, "vocab_size", 0, NECK__VOCABULARY_MAX, &config->vocabulary));
    NECK_TRY(read_size(root, f->hidden, 0, NECK__WIDTH_MAX, &config->hidden));
    NECK_TRY(read_size(root, f->layers, 0, NECK__LAYERS_MAX, &config->layers));
    NECK_TRY(read_size(root, f->heads, 0, NECK__WIDTH_MAX, &config->heads));
    NECK_TRY(read_size(root, f->kv_heads, config->heads, NECK__WIDTH_MAX, &config->kv_heads));
    NECK_TRY(read_size(root, f->context, f->default_context, INT32_MAX, &config->context));
    /* GPT-2 leaves its MLP's width out when it is four times the model's. */
    NECK_TRY(read_size(root, f->inner, f->layout == &neck__layout_gpt2 ? 4 * config->hidden : 0, NECK__WIDTH_MAX,
                       &config->inner));
    int64_t even_share = config->hidden % config->heads == 0 ? config->hidden / config->heads : 0;
    if (f->head_size && !is_absent(json_object_get(root, f->head_size))) even_share = 1;
    if (!even_share)
        return neck__fail(NECK_E_FORMAT, "config.json: width %lld does not split into %lld heads",
                          (long long)config->hidden, (long long)config->heads);
    return read_size(root, f->head_size, even_share, NECK__WIDTH_MAX, &config->head_size);
}

static neck_status read_root(const json_t *root, neck__config *config)
{
    const family *f = NULL;
    if (!json_is_object(root)) return neck__fail(NECK_E_FORMAT, "config.json is not an object");
    NECK_TRY(find_family(root, &f));
    if (!is_absent(json_object_get(root, "quantization_config")))
        return neck__fail(NECK_E_UNSUPPORTED, "config.json: 'quantization_config' is not supported");
    NECK_TRY(read_sizes(root, f, config));
    NECK_TRY(read_activation(root, f->activation, f->default_activation, &config->activation));
    NECK_TRY(read_number(root, f->epsilon, f->default_epsilon, &config->norm_epsilon));
    NECK_TRY(read_flag(root, "tie_word_embeddings", f->tied, &config->tied));
    config->family = f->type;
    config->layout = f->layout;
    config->embedding = config->hidden;
    config->embedding_scale = 1;
    config->has_final_norm = 1;
    config->attention_scale = 1 / sqrt((double)config->head_size);
    return f->read(root, config);
}

neck_status neck__config_from_json(const char *text, neck__config *out)
{
    json_t *root = NULL;
    NECK_TRY(neck__json_parse(text, (int64_t)strlen(text), 32, 1 << 20, &root));
    neck_status status = read_root(root, out);
    json_decref(root);
    return status;
}
