/* model/locate.c - which tensor is which weight, and whether the file and its configuration agree. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "format/checkpoint_object.h"
#include "model/weights.h"

enum { ABSENT, PRESENT };

static neck__expected vector_of(const neck__config *c, int32_t present)
{
    return (neck__expected){c->hidden, 0, present, present && c->norm == NECK__NORM_LAYER, 0};
}

static neck__expected linear_of(int64_t rows, int64_t cols, int32_t present, int32_t bias)
{
    return (neck__expected){rows, cols, present, present && bias, 1};
}

static neck__expected table_of(int64_t rows, int64_t cols, int32_t present)
{
    return (neck__expected){rows, cols, present, 0, 0};
}

neck__expected neck__expect(const neck__config *c, enum neck__module module)
{
    int64_t queries = c->heads * c->head_size, keys = c->kv_heads * c->head_size;
    int32_t fused = c->layout->names[NECK__QKV] != NULL, projected = c->embedding != c->hidden;
    switch (module) {
    case NECK__EMBEDDING: return table_of(c->vocabulary, c->embedding, PRESENT);
    case NECK__POSITIONS: return table_of(c->context + c->position_offset, c->hidden, c->positions == NECK__LEARNED);
    case NECK__PROJECT_IN: return linear_of(c->hidden, c->embedding, projected, 0);
    case NECK__PROJECT_OUT: return linear_of(c->embedding, c->hidden, projected, 0);
    case NECK__FINAL_NORM: return vector_of(c, c->has_final_norm);
    case NECK__HEAD: return table_of(c->vocabulary, c->embedding, !c->tied);
    case NECK__ATTENTION_NORM:
    case NECK__MLP_NORM: return vector_of(c, PRESENT);
    case NECK__ATTENTION_POST_NORM:
    case NECK__MLP_POST_NORM: return vector_of(c, c->placement == NECK__NORM_AROUND);
    case NECK__QKV: return linear_of(queries + 2 * keys, c->hidden, fused, c->qkv_bias);
    case NECK__Q: return linear_of(queries, c->hidden, !fused, c->qkv_bias);
    case NECK__K:
    case NECK__V: return linear_of(keys, c->hidden, !fused, c->qkv_bias);
    case NECK__OUT: return linear_of(c->hidden, queries, PRESENT, c->output_bias);
    case NECK__GATE: return linear_of(c->inner, c->hidden, c->gated, c->mlp_bias);
    case NECK__UP: return linear_of(c->inner, c->hidden, PRESENT, c->mlp_bias);
    case NECK__DOWN: return linear_of(c->hidden, c->inner, PRESENT, c->mlp_bias);
    default: return table_of(0, 0, ABSENT);
    }
}

/* Looks for names without setting an error: absence is often right. */
static int64_t find_name(const neck_checkpoint *checkpoint, const char *name)
{
    for (int64_t i = 0; i < checkpoint->list.count; i++)
        if (strcmp(checkpoint->list.tensors[i].name, name) == 0) return i;
    return -1;
}

typedef struct search {
    const neck__config *config;
    const neck_checkpoint *checkpoint;
    const char *prefix;
    int64_t parameters;
} search;

void neck__tensor_name(const neck__layout *layout, const char *prefix, enum neck__module module, int64_t layer,
                       const char *suffix, neck__name out)
{
    char block[64] = "";
    if (module >= NECK__FIRST_IN_BLOCK) {
        const char *number = strstr(layout->block, "%lld");
        snprintf(block, sizeof block, "%.*s%lld%s", (int)(number - layout->block), layout->block, (long long)layer,
                 number + 4);
    }
    snprintf(out, sizeof(neck__name), "%s%s%s%s", module == NECK__HEAD ? "" : prefix, block, layout->names[module],
             suffix);
}

static void name_of(const search *s, enum neck__module module, int64_t layer, const char *suffix, neck__name out)
{
    neck__tensor_name(s->config->layout, s->prefix, module, layer, suffix, out);
}

static neck_status check_shape(const neck__tensor *tensor, int64_t rows, int64_t cols)
{
    int32_t ndim = cols > 0 ? 2 : 1;
    if (tensor->ndim == ndim && tensor->shape[0] == rows && (ndim == 1 || tensor->shape[1] == cols)) return NECK_OK;
    char found[128] = "";
    for (int32_t i = 0, used = 0; i < tensor->ndim && used < 100; i++)
        used += snprintf(found + used, sizeof found - (size_t)used, "%s%lld", i ? " x " : "",
                         (long long)tensor->shape[i]);
    if (ndim == 1)
        return neck__fail(NECK_E_FORMAT, "tensor '%.200s' has shape %s: the configuration says %lld", tensor->name,
                          found, (long long)rows);
    return neck__fail(NECK_E_FORMAT, "tensor '%.200s' has shape %s: the configuration says %lld x %lld", tensor->name,
                      found, (long long)rows, (long long)cols);
}

/* One tensor: there when it should be, with the right shape; not there when it should not. */
static neck_status locate(search *s, enum neck__module module, int64_t layer, const char *suffix, int32_t wanted,
                          int64_t rows, int64_t cols, int64_t *out)
{
    neck__name name;
    name_of(s, module, layer, suffix, name);
    int64_t index = find_name(s->checkpoint, name);
    /* Some files hold a tied head too. */
    int copy_of_embedding = module == NECK__HEAD && strcmp(suffix, ".weight") == 0;
    if (!wanted && index >= 0 && !copy_of_embedding)
        return neck__fail(NECK_E_FORMAT, "there is a tensor '%s', but the configuration has no place for it", name);
    *out = -1;
    if (!wanted) return NECK_OK;
    if (index < 0) return neck__fail(NECK_E_NOT_FOUND, "no tensor '%s', which the configuration asks for", name);
    NECK_TRY(check_shape(&s->checkpoint->list.tensors[index], rows, cols));
    s->parameters += cols > 0 ? rows * cols : rows;
    *out = index;
    return NECK_OK;
}

static neck_status locate_module(search *s, enum neck__module module, int64_t layer, neck__place *out)
{
    *out = (neck__place){-1, -1};
    if (!s->config->layout->names[module]) return NECK_OK;
    neck__expected e = neck__expect(s->config, module);
    int swapped = e.linear && s->config->layout->transposed;
    int64_t rows = swapped ? e.cols : e.rows, cols = swapped ? e.rows : e.cols;
    NECK_TRY(locate(s, module, layer, ".weight", e.weight, rows, cols, &out->weight));
    return locate(s, module, layer, ".bias", e.bias, e.rows, 0, &out->bias);
}

static neck_status find_prefix(search *s)
{
    neck__name name;
    for (int i = 0; i < 3 && s->config->layout->prefixes[i]; i++) {
        s->prefix = s->config->layout->prefixes[i];
        name_of(s, NECK__EMBEDDING, 0, ".weight", name);
        if (find_name(s->checkpoint, name) >= 0) return NECK_OK;
    }
    s->prefix = s->config->layout->prefixes[0];
    name_of(s, NECK__EMBEDDING, 0, ".weight", name);
    return neck__fail(NECK_E_NOT_FOUND, "no token embedding '%s' (model type %s)", name, s->config->family);
}

/* A model cut short by its configuration would compute something, and be wrong. */
static neck_status check_last_layer(const search *s)
{
    neck__name name;
    name_of(s, NECK__OUT, s->config->layers, ".weight", name);
    if (find_name(s->checkpoint, name) < 0) return NECK_OK;
    return neck__fail(NECK_E_FORMAT, "there is a tensor '%s', but the configuration has only %lld layers", name,
                      (long long)s->config->layers);
}

neck_status neck__weights_locate(const neck__config *config, const neck_checkpoint *checkpoint, neck__place *places,
                                 int64_t *parameters)
{
    search s = {config, checkpoint, "", 0};
    NECK_TRY(find_prefix(&s));
    for (int module = 0; module < NECK__FIRST_IN_BLOCK; module++)
        NECK_TRY(locate_module(&s, (enum neck__module)module, 0, &places[module]));
    for (int64_t layer = 0; layer < config->layers; layer++) {
        neck__place *row = places + (layer + 1) * NECK__MODULES;
        for (int module = NECK__FIRST_IN_BLOCK; module < NECK__MODULES; module++)
            NECK_TRY(locate_module(&s, (enum neck__module)module, layer, &row[module]));
    }
    NECK_TRY(check_last_layer(&s));
    *parameters = s.parameters;
    return NECK_OK;
}
