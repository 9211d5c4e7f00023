/* evaluate/watch.c - states of a batch into one gram and one sample a layer. */
#include "evaluate/watch.h"

#include "core/context.h"
#include "core/error.h"

static neck_status init_layer(neck_context *context, const neck__allocator *allocator, int64_t cols,
                              int64_t sample_rows, neck__watched_layer *out)
{
    NECK_TRY(neck__sample_init(allocator, sample_rows, cols, neck__context_seed(context), &out->sample));
    return neck_gram_create(context, cols, NULL, &out->gram);
}

neck_status neck__watch_init(neck_context *context, const neck_model *model, int64_t sample_rows, neck__watch *out)
{
    neck__watch watch = {.allocator = neck__allocator_of(context), .count = neck_model_layers(model) + 1};
    watch.layers = neck__calloc(&watch.allocator, watch.count, sizeof *watch.layers, "the layers");
    if (!watch.layers) return NECK_E_NOMEM;
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < watch.count && status == NECK_OK; i++) {
        int64_t cols = i + 1 < watch.count ? neck_model_hidden_size(model) : neck_model_head_size(model);
        status = init_layer(context, &watch.allocator, cols, sample_rows, &watch.layers[i]);
    }
    if (status == NECK_OK) *out = watch;
    else neck__watch_free(&watch);
    return status;
}

void neck__watch_free(neck__watch *watch)
{
    for (int64_t i = 0; i < watch->count; i++) {
        neck_gram_destroy(watch->layers[i].gram);
        if (watch->layers[i].sample.rows) neck__sample_free(&watch->layers[i].sample);
    }
    neck__release(&watch->allocator, watch->layers);
}

void neck__watch_leave_out(neck__watch *watch, int64_t count)
{
    for (int64_t i = 0; i < watch->count; i++) neck__sample_leave_out(&watch->layers[i].sample, count);
}

/* The rows [first, last) of the batch, as far as this block has them. */
static neck_status take(neck__watch *watch, const neck_states *states, int64_t first, int64_t last)
{
    neck_matrix rows = states->matrix;
    int64_t stride = rows.row_stride ? rows.row_stride : rows.cols;
    if (first < states->first_row) first = states->first_row;
    if (last > states->first_row + rows.rows) last = states->first_row + rows.rows;
    if (first >= last) return NECK_OK;
    const float *data = (const float *)rows.data + (first - states->first_row) * stride;
    rows.data = data;
    rows.rows = last - first;
    if (watch->layers) {
        neck__watched_layer *layer = &watch->layers[states->layer];
        neck_status status = neck_gram_push(watch->context, layer->gram, &rows);
        if (status != NECK_OK) return neck__fail_in(status, "states of layer %lld", (long long)states->layer);
        neck__sample_push(&layer->sample, data, rows.rows, stride);
    }
    if (!watch->dump || states->layer + 1 < states->count) return NECK_OK;
    return neck_states_file_push(watch->dump, &rows, watch->targets + first);
}

int32_t neck__watch_states(void *user, const neck_states *states)
{
    neck__watch *watch = user;
    for (int64_t i = 0; i < watch->batch && watch->status == NECK_OK; i++) {
        int64_t end = i * watch->length + watch->windows[i].inputs;
        watch->status = take(watch, states, end - watch->windows[i].targets, end);
    }
    if (watch->status != NECK_OK) neck_last_error_copy(watch->message, sizeof watch->message);
    return watch->status != NECK_OK;
}
