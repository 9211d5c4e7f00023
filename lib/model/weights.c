/* model/weights.c - loading modules and blocks: linear weights packed, vectors as they are, all in f32. */
#include "model/weights.h"

#include <stddef.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "linalg/view.h"

/* A vector, which the checkpoint gives as n x 1. */
static neck_status load_vector(neck_context *context, neck_checkpoint *checkpoint, int64_t index, double offset,
                               float **out)
{
    if (index < 0) return NECK_OK;
    const neck__allocator allocator = neck__allocator_of(context);
    neck_matrix view;
    NECK_TRY(neck_checkpoint_matrix(context, checkpoint, index, &view));
    float *values = neck__alloc(&allocator, view.rows, sizeof *values, "a weight vector");
    if (!values) return NECK_E_NOMEM;
    for (int64_t i = 0; i < view.rows; i++) {
        double value;
        neck__view_read(&view, i, 0, 1, &value);
        values[i] = (float)(value + offset);
    }
    *out = values;
    return NECK_OK;
}

neck_status neck__norm_load(neck_context *context, const neck__config *config, neck_checkpoint *checkpoint,
                            neck__place place, neck__norm *out)
{
    NECK_TRY(load_vector(context, checkpoint, place.weight, config->norm_offset, &out->weight));
    return load_vector(context, checkpoint, place.bias, 0, &out->bias);
}

neck_status neck__linear_load(neck_context *context, const neck__config *config, neck_checkpoint *checkpoint,
                              neck__place place, neck__linear *out)
{
    if (place.weight < 0) return NECK_OK;
    neck_matrix view;
    NECK_TRY(neck_checkpoint_matrix(context, checkpoint, place.weight, &view));
    NECK_TRY(neck__gemm_pack(context, &view, config->layout->transposed, &out->weight));
    return load_vector(context, checkpoint, place.bias, 0, &out->bias);
}

void neck__norm_clear(const neck__allocator *allocator, neck__norm *norm)
{
    neck__release(allocator, norm->weight);
    neck__release(allocator, norm->bias);
    *norm = (neck__norm){NULL, NULL};
}

void neck__linear_clear(const neck__allocator *allocator, neck__linear *linear)
{
    neck__packed_destroy(linear->weight);
    neck__release(allocator, linear->bias);
    *linear = (neck__linear){NULL, NULL};
}

/* Which field of a block each module fills. */
static const struct {
    size_t offset;
    int32_t is_norm;
} fields[NECK__MODULES] = {
    [NECK__ATTENTION_NORM] = {offsetof(neck__block, attention_norm), 1},
    [NECK__ATTENTION_POST_NORM] = {offsetof(neck__block, attention_post_norm), 1},
    [NECK__MLP_NORM] = {offsetof(neck__block, mlp_norm), 1},
    [NECK__MLP_POST_NORM] = {offsetof(neck__block, mlp_post_norm), 1},
    [NECK__QKV] = {offsetof(neck__block, qkv), 0},
    [NECK__Q] = {offsetof(neck__block, q), 0},
    [NECK__K] = {offsetof(neck__block, k), 0},
    [NECK__V] = {offsetof(neck__block, v), 0},
    [NECK__OUT] = {offsetof(neck__block, out), 0},
    [NECK__GATE] = {offsetof(neck__block, gate), 0},
    [NECK__UP] = {offsetof(neck__block, up), 0},
    [NECK__DOWN] = {offsetof(neck__block, down), 0},
};

static void *field_of(neck__block *block, int module)
{
    return (char *)block + fields[module].offset;
}

neck_status neck__block_load(neck_context *context, const neck__config *config, neck_checkpoint *checkpoint,
                             const neck__place *places, neck__block *out)
{
    neck__block block;
    neck_status status = NECK_OK;
    memset(&block, 0, sizeof block);
    for (int module = NECK__FIRST_IN_BLOCK; module < NECK__MODULES && status == NECK_OK; module++)
        status = fields[module].is_norm
                     ? neck__norm_load(context, config, checkpoint, places[module], field_of(&block, module))
                     : neck__linear_load(context, config, checkpoint, places[module], field_of(&block, module));
    const neck__allocator allocator = neck__allocator_of(context);
    if (status == NECK_OK)
        *out = block;
    else
        neck__block_clear(&allocator, &block);
    return status;
}

void neck__block_clear(const neck__allocator *allocator, neck__block *block)
{
    for (int module = NECK__FIRST_IN_BLOCK; module < NECK__MODULES; module++) {
        if (fields[module].is_norm)
            neck__norm_clear(allocator, field_of(block, module));
        else
            neck__linear_clear(allocator, field_of(block, module));
    }
}

int64_t neck__block_bytes(const neck__config *c)
{
    int64_t attention = 2 * (c->heads + c->kv_heads) * c->head_size, mlp = (c->gated ? 3 : 2) * c->inner;
    return (attention + mlp) * c->hidden * (int64_t)sizeof(float);
}
