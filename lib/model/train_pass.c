/* model/train_pass.c - passes of trainable models as callers see them: arguments, memory, precision. */
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "model/trainable_object.h"

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static neck_status check_shape(const neck_trainable *model, int64_t batch, int64_t length)
{
    if (batch < 1 || length < 1 || batch > INT32_MAX / length)
        return neck__fail(NECK_E_ARGUMENT,
                          "a batch of %lld x %lld tokens: both must be at least 1, the product below 2^31",
                          (long long)batch, (long long)length);
    if (model->config.positions == NECK__LEARNED && length > model->config.context)
        return neck__fail(NECK_E_ARGUMENT, "%lld tokens, but the model has only %lld positions", (long long)length,
                          (long long)model->config.context);
    return NECK_OK;
}

static neck_status grow(neck_trainable *model, int64_t bytes)
{
    if (bytes <= model->bytes) return NECK_OK;
    void *memory = neck__alloc(&model->allocator, bytes, 1, "activations and their gradients");
    if (!memory) return NECK_E_NOMEM;
    neck__release(&model->allocator, model->memory);
    model->memory = memory;
    model->bytes = bytes;
    return NECK_OK;
}

static neck_status reserve(neck_trainable *model, int64_t batch, int64_t length, int64_t *bytes)
{
    int is_double = model->dtype == NECK_F64;
    NECK_TRY(is_double ? neck__train_room_f64(model, batch, length,
                                              bytes) : neck__train_room_f32(model, batch, length, bytes));
    if (batch == model->batch && length == model->length) return NECK_OK;
    NECK_TRY(grow(model, *bytes));
    model->ran = model->has_states = 0;
    model->batch = batch;
    model->length = length;
    if (is_double)
        neck__train_prepare_f64(model);
    else
        neck__train_prepare_f32(model);
    return NECK_OK;
}

neck_status neck_trainable_reserve(neck_context *context, neck_trainable *model, int64_t batch, int64_t length,
                                   int64_t *bytes)
{
    (void)context; /* memory comes from the model's own */
    int64_t needed;
    if (!model) return neck__fail(NECK_E_ARGUMENT, "model is NULL");
    NECK_TRY(check_shape(model, batch, length));
    NECK_TRY(reserve(model, batch, length, &needed));
    if (bytes) *bytes = needed;
    return NECK_OK;
}

/* ---- passes ----------------------------------------------------------------------------------------------------- */

static neck_status check_tokens(const neck_trainable *model, const int32_t *tokens, int64_t batch, int64_t length)
{
    for (int64_t i = 0; i < batch * length; i++)
        if (tokens[i] < 0 || tokens[i] >= model->config.vocabulary)
            return neck__fail(NECK_E_ARGUMENT,
                              "token id %d (sequence %lld, position %lld) is outside the vocabulary of %lld", tokens[i],
                              (long long)(i / length), (long long)(i % length), (long long)model->config.vocabulary);
    return NECK_OK;
}

neck_status neck_trainable_forward(neck_context *context, neck_trainable *model, const int32_t *tokens, int64_t batch,
                                   int64_t length, int64_t step, neck_matrix *states)
{
    return neck_trainable_forward_part(context, model, tokens, 0, batch, length, step, states);
}

neck_status neck_trainable_forward_part(neck_context *context, neck_trainable *model, const int32_t *tokens,
                                        int64_t first,
                                        int64_t batch, int64_t length, int64_t step, neck_matrix *states)
{
    int64_t bytes;
    if (!model || !tokens || !states) return neck__fail(NECK_E_ARGUMENT, "model, tokens or states is NULL");
    if (step < NECK_EVALUATION) return neck__fail(NECK_E_ARGUMENT,
                                                  "step is %lld: it must be at least 0, or NECK_EVALUATION",
                                                  (long long)step);
    if (first < 0 || first > INT32_MAX) return neck__fail(NECK_E_ARGUMENT, "first is %lld: it must be from 0 to 2^31",
                                                          (long long)first);
    NECK_TRY(check_shape(model, batch, length));
    NECK_TRY(check_tokens(model, tokens, batch, length));
    NECK_TRY(reserve(model, batch, length, &bytes));
    memcpy(model->tokens, tokens, (size_t)(batch * length) * sizeof *tokens);
    model->step = step;
    model->first = first;
    model->ran = model->has_states = 0;
    NECK_TRY(model->dtype == NECK_F64 ? neck__train_forward_f64(context,
                                                                model) : neck__train_forward_f32(context, model));
    model->ran = model->has_states = 1;
    return neck_trainable_states(model, model->config.layers, states);
}

neck_status neck_trainable_states(const neck_trainable *model, int64_t layer, neck_matrix *out)
{
    if (!model || !out) return neck__fail(NECK_E_ARGUMENT, "model or out is NULL");
    if (layer < 0 || layer > model->config.layers)
        return neck__fail(NECK_E_ARGUMENT, "layer %lld is outside 0 to %lld", (long long)layer,
                          (long long)model->config.layers);
    if (!model->has_states) return neck__fail(NECK_E_STATE, "there are no states before a forward pass");
    int64_t width = layer < model->config.layers ? model->config.hidden : model->config.embedding;
    const void *data = model->dtype == NECK_F64 ? (const void *)neck__train_states_f64(model, layer)
                                                : neck__train_states_f32(model, layer);
    *out = (neck_matrix){data, model->batch * model->length, width, width, model->dtype, 0};
    return NECK_OK;
}

neck_status neck_trainable_backward(neck_context *context, neck_trainable *model, const void *states_gradient)
{
    return neck_trainable_backward_telling(context, model, states_gradient, NULL, NULL);
}

neck_status neck_trainable_backward_telling(neck_context *context, neck_trainable *model, const void *states_gradient,
                                            neck_trainable_ready_fn ready, void *user)
{
    const neck__train_ready listener = {ready, user};
    if (!model || !states_gradient) return neck__fail(NECK_E_ARGUMENT, "model or states_gradient is NULL");
    if (!model->ran) return neck__fail(NECK_E_STATE, "a backward pass follows a forward pass, once");
    model->ran = 0;
    if (model->dtype == NECK_F64)
        neck__train_backward_f64(context, model, states_gradient, &listener);
    else
        neck__train_backward_f32(context, model, states_gradient, &listener);
    return NECK_OK;
}

/* ---- gradients -------------------------------------------------------------------------------------------------- */

enum { CLEAR_BYTES = 1 << 18 };

static void clear_task(void *data, int64_t index)
{
    const neck_trainable *model = data;
    int64_t bytes = model->size * (model->dtype == NECK_F64 ? 8 : 4), first = index * CLEAR_BYTES;
    memset((char *)model->gradients + first, 0, (size_t)(bytes - first < CLEAR_BYTES ? bytes - first : CLEAR_BYTES));
}

void neck_trainable_clear_gradients(neck_context *context, neck_trainable *model)
{
    if (!model) return;
    int64_t bytes = model->size * (model->dtype == NECK_F64 ? 8 : 4);
    neck__parallel(context, (bytes + CLEAR_BYTES - 1) / CLEAR_BYTES, clear_task, model);
}
