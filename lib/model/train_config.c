/* model/train_config.c - config.json of models that are made here. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "format/json.h"
#include "model/config_family.h"
#include "model/layout.h"
#include "model/trainable_object.h"

/* What transformers calls the class, and the MLP's kind. */
static const struct {
    const char *type, *architecture;
    int gated;
} classes[] = {
    {"gpt2", "GPT2LMHeadModel", 0},     {"gpt_neox", "GPTNeoXForCausalLM", 0}, {"opt", "OPTForCausalLM", 0},
    {"llama", "LlamaForCausalLM", 1},   {"mistral", "MistralForCausalLM", 1},  {"qwen2", "Qwen2ForCausalLM", 1},
    {"gemma", "GemmaForCausalLM", 1},   {"gemma2", "Gemma2ForCausalLM", 1},
};

static int class_of(const char *type)
{
    int i = 0;
    while (strcmp(classes[i].type, type) != 0) i++;
    return i;
}

/* A key the family lacks may only be asked for what it is anyhow. */
static neck_status check_key(const neck__family *f, const char *key, const char *field, int64_t value, int64_t implied)
{
    if (key || value == 0 || value == implied) return NECK_OK;
    return neck__fail(NECK_E_ARGUMENT, "%s is %lld: in the family %s it is %lld", field, (long long)value, f->type,
                      (long long)implied);
}

/* Every size up to the bounds of configurations, so that nothing below overflows. */
static neck_status check_sizes(const neck_trainable_options *o, const neck__family *f)
{
    const struct {
        const char *field;
        int64_t value, least, most;
    } sizes[] = {
        {"vocabulary", o->vocabulary, 1, NECK__VOCABULARY_MAX}, {"layers", o->layers, 1, NECK__LAYERS_MAX},
        {"hidden_size", o->hidden_size, 1, NECK__WIDTH_MAX},    {"heads", o->heads, 1, NECK__WIDTH_MAX},
        {"kv_heads", o->kv_heads, 0, NECK__WIDTH_MAX},          {"head_size", o->head_size, 0, NECK__HEAD_MAX},
        {"inner_size", o->inner_size, 0, NECK__WIDTH_MAX},      {"context_length", o->context_length, 1, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < sizes[i].least || sizes[i].value > sizes[i].most)
            return neck__fail(NECK_E_ARGUMENT, "%s is %lld: it must be %lld to %lld", sizes[i].field,
                              (long long)sizes[i].value, (long long)sizes[i].least, (long long)sizes[i].most);
    if (o->head_size == 0 && o->hidden_size % o->heads != 0)
        return neck__fail(NECK_E_ARGUMENT, "hidden_size %lld does not split into %lld heads", (long long)o->hidden_size,
                          (long long)o->heads);
    if (o->tied < -1 || o->tied > 1) return neck__fail(NECK_E_ARGUMENT, "tied is %d: it must be -1, 0 or 1", o->tied);
    NECK_TRY(check_key(f, f->kv_heads, "kv_heads", o->kv_heads, o->heads));
    return check_key(f, f->head_size, "head_size", o->head_size, o->hidden_size / o->heads);
}

static int64_t inner_size(const neck_trainable_options *o, int gated)
{
    if (o->inner_size) return o->inner_size;
    return gated ? (8 * o->hidden_size + 95) / 96 * 32 : 4 * o->hidden_size;
}

/* What is peculiar to a family and has a default there that suits only its published sizes. */
static int put_peculiar(json_t *root, const neck__family *f, int64_t head_size, int64_t hidden)
{
    /* A quarter of a head is rotated, as in Pythia, or all of it where a quarter is not made of pairs. */
    double share = head_size % 8 == 0 ? 0.25 : 1;
    if (strcmp(f->type, "gpt_neox") == 0)
        return json_object_set_new(root, "rotary_pct", json_real(share)) |
               json_object_set_new(root, "rotary_emb_base", json_real(10000));
    if (strcmp(f->type, "opt") == 0)
        return json_object_set_new(root, "word_embed_proj_dim", json_integer(hidden)) |
               json_object_set_new(root, "do_layer_norm_before", json_true());
    if (strcmp(f->type, "mistral") == 0) return json_object_set_new(root, "sliding_window", json_null());
    if (strcmp(f->type, "gemma2") == 0)
        return json_object_set_new(root, "query_pre_attn_scalar", json_integer(head_size));
    return 0;
}

static int put_size(json_t *root, const char *key, int64_t value)
{
    return key ? json_object_set_new(root, key, json_integer(value)) : 0;
}

/* Tokens that begin, end and pad texts are the tokenizer's affair: the families' own are outside a small vocabulary. */
static int put_no_tokens(json_t *root)
{
    return json_object_set_new(root, "bos_token_id", json_null()) | json_object_set_new(root, "eos_token_id",
                                                                                        json_null()) |
           json_object_set_new(root, "pad_token_id", json_null());
}

static int put_all(json_t *root, const neck_trainable_options *o, const neck__family *f)
{
    int class = class_of(f->type), failed = 0;
    int64_t head_size = o->head_size ? o->head_size : o->hidden_size / o->heads;
    failed |= json_object_set_new(root, "architectures", json_pack("[s]", classes[class].architecture));
    failed |= json_object_set_new(root, "model_type", json_string(f->type));
    failed |= put_size(root, "vocab_size", o->vocabulary);
    failed |= put_size(root, f->hidden, o->hidden_size);
    failed |= put_size(root, f->layers, o->layers);
    failed |= put_size(root, f->heads, o->heads);
    failed |= put_size(root, f->kv_heads, o->kv_heads ? o->kv_heads : o->heads);
    failed |= put_size(root, f->head_size, head_size);
    failed |= put_size(root, f->inner, inner_size(o, classes[class].gated));
    failed |= put_size(root, f->context, o->context_length);
    failed |= json_object_set_new(root, f->activation,
                                  json_string(o->activation ? o->activation : f->default_activation));
    failed |= json_object_set_new(root, f->epsilon, json_real(f->default_epsilon));
    failed |= json_object_set_new(root, "tie_word_embeddings", json_boolean(o->tied ? o->tied > 0 : f->tied));
    failed |= put_peculiar(root, f, head_size, o->hidden_size);
    return failed | put_no_tokens(root);
}

/* The library's memory and a newline at the end; takes the reference to root. */
static neck_status dump(const neck__allocator *allocator, json_t *root, char **out)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15)), *copy = NULL;
    json_decref(root);
    if (text) {
        size_t length = strlen(text);
        copy = neck__alloc(allocator, (int64_t)length + 2, 1, "config.json");
        if (copy) memcpy(copy, text, length), memcpy(copy + length, "\n", 2);
    }
    free(text);
    if (!copy) return neck__fail_nomem("config.json", 0);
    *out = copy;
    return NECK_OK;
}

neck_status neck__train_config_write(const neck__allocator *allocator, const neck_trainable_options *options,
                                     char **out)
{
    const neck__family *family = NULL;
    NECK_TRY(neck__family_find(options->family ? options->family : "gpt_neox", &family));
    NECK_TRY(check_sizes(options, family));
    json_t *root = json_object();
    if (!root || put_all(root, options, family) != 0) {
        json_decref(root);
        return neck__fail_nomem("config.json", 0);
    }
    return dump(allocator, root, out);
}

neck_status neck__train_config_adapt(const neck__allocator *allocator, const char *text, int32_t dtype, int32_t tied,
                                     char **out)
{
    json_t *root = NULL;
    const char *name = dtype == NECK_F64 ? "float64" : "float32";
    NECK_TRY(neck__json_parse(text, (int64_t)strlen(text), 32, 1 << 20, &root));
    if (json_object_set_new(root, "dtype", json_string(name)) | json_object_set_new(root, "torch_dtype",
                                                                                    json_string(name)) |
        json_object_set_new(root, "tie_word_embeddings", json_boolean(tied))) {
        json_decref(root);
        return neck__fail_nomem("config.json", 0);
    }
    return dump(allocator, root, out);
}
