/* model/config.c - where a configuration comes from, and whether it makes sense. */
#include "model/config.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "format/checkpoint_object.h"
#include "format/llama2c.h"
#include "model/layout.h"

neck_status neck__config_from_llama2c(const neck_checkpoint *checkpoint, neck__config *out)
{
    neck__llama2c_header header = {0};
    NECK_TRY(neck__llama2c_header_read(checkpoint->list.mappings[0], &header));
    if (header.layers > NECK__LAYERS_MAX)
        return neck__fail(NECK_E_UNSUPPORTED, "%lld layers: at most %d are supported", (long long)header.layers,
                          NECK__LAYERS_MAX);
    *out = (neck__config){
        .family = "llama2.c",
        .layout = &neck__layout_llama2c,
        .vocabulary = header.vocabulary,
        .hidden = header.dim,
        .layers = header.layers,
        .heads = header.heads,
        .kv_heads = header.kv_heads,
        .head_size = header.dim / header.heads,
        .inner = header.hidden,
        .context = header.context,
        .embedding = header.dim,
        .norm = NECK__NORM_RMS,
        .has_final_norm = 1,
        .norm_epsilon = 1e-5,
        .activation = NECK__SILU,
        .gated = 1,
        .positions = NECK__ROTARY,
        .rope = {.size = header.dim / header.heads, .order = NECK__ROTATE_PAIRS, .theta = 10000},
        .attention_scale = 1 / sqrt((double)header.dim / (double)header.heads),
        .embedding_scale = 1,
        .tied = header.tied,
    };
    return NECK_OK;
}

neck_status neck__config_check(const neck__config *c)
{
    if (c->heads % c->kv_heads != 0)
        return neck__fail(NECK_E_FORMAT, "%lld heads are not a multiple of %lld key heads", (long long)c->heads,
                          (long long)c->kv_heads);
    if (c->head_size > NECK__HEAD_MAX)
        return neck__fail(NECK_E_UNSUPPORTED, "heads of size %lld: at most %d are supported", (long long)c->head_size,
                          NECK__HEAD_MAX);
    if (c->heads * c->head_size > NECK__WIDTH_MAX)
        return neck__fail(NECK_E_FORMAT, "%lld heads of size %lld are wider than %d", (long long)c->heads,
                          (long long)c->head_size, NECK__WIDTH_MAX);
    if (c->positions == NECK__ROTARY && (c->rope.size < 2 || c->rope.size % 2 != 0))
        return neck__fail(NECK_E_FORMAT, "%lld rotated numbers a head: there must be pairs of them",
                          (long long)c->rope.size);
    return NECK_OK;
}

neck_status neck__config_read(const neck_checkpoint *checkpoint, neck__config *out)
{
    neck__config config;
    memset(&config, 0, sizeof config);
    if (checkpoint->format == NECK_FORMAT_LLAMA2C)
        NECK_TRY(neck__config_from_llama2c(checkpoint, &config));
    else if (checkpoint->format == NECK_FORMAT_GGUF)
        NECK_TRY(neck__config_from_gguf(checkpoint, &config));
    else if (checkpoint->config)
        NECK_TRY(neck__config_from_json(checkpoint->config, &config));
    else
        return neck__fail(NECK_E_NOT_FOUND, "no config.json: a model is opened by the folder that holds both");
    NECK_TRY(neck__config_check(&config));
    *out = config;
    return NECK_OK;
}
