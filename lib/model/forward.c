/* model/forward.c - the one forward pass of all families. */
#include "model/forward.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "core/parallel.h"
#include "linalg/view.h"

/* Rows that go through the MLP together: enough for every thread, few enough for the caches. */
enum { CHUNK = 1024 };

int64_t neck__forward_length(const neck__forward *run, int64_t sequence)
{
    return run->options.lengths ? run->options.lengths[sequence] : run->length;
}

/* ---- arguments and memory --------------------------------------------------------------------------------------- */

static neck_status check_tokens(const neck__forward *run)
{
    const neck__config *config = &run->model->config;
    for (int64_t b = 0; b < run->batch; b++) {
        int64_t length = neck__forward_length(run, b);
        if (length < 1 || length > run->length)
            return neck__fail(NECK_E_ARGUMENT, "lengths[%lld] is %lld, outside 1 to %lld", (long long)b,
                              (long long)length, (long long)run->length);
        for (int64_t t = 0; t < length; t++) {
            int32_t id = run->tokens[b * run->length + t];
            if (id < 0 || id >= config->vocabulary)
                return neck__fail(NECK_E_ARGUMENT, "token id %d (sequence %lld, position %lld) is outside the "
                                  "vocabulary of %lld", id, (long long)b, (long long)t,
                                  (long long)config->vocabulary);
        }
    }
    return NECK_OK;
}

/* Before anything is computed, so that a bad target costs nothing. */
static neck_status check_targets(const neck__forward *run)
{
    for (int64_t i = 0; run->options.targets && i < run->batch * run->length; i++) {
        int32_t id = run->options.targets[i];
        if (id != NECK_NO_TARGET && (id < 0 || id >= run->model->config.vocabulary))
            return neck__fail(NECK_E_ARGUMENT, "targets[%lld] is %d, outside the vocabulary of %lld", (long long)i, id,
                              (long long)run->model->config.vocabulary);
    }
    return NECK_OK;
}

static neck_status check(const neck__forward *run)
{
    if (!run->model || !run->tokens) return neck__fail(NECK_E_ARGUMENT, "model or tokens is NULL");
    if (run->batch < 1 || run->length < 1 || run->batch > INT32_MAX / run->length)
        return neck__fail(NECK_E_ARGUMENT,
                          "a batch of %lld x %lld tokens: both must be at least 1, the product below 2^31",
                          (long long)run->batch, (long long)run->length);
    const neck__config *config = &run->model->config;
    if (config->positions == NECK__LEARNED && run->length > config->context)
        return neck__fail(NECK_E_ARGUMENT, "%lld tokens, but the model has learned only %lld positions",
                          (long long)run->length, (long long)config->context);
    NECK_TRY(check_tokens(run));
    return check_targets(run);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static neck_status allocate(neck__forward *run)
{
    const neck__config *c = &run->model->config;
    int64_t queries = c->heads * c->head_size, keys = c->kv_heads * c->head_size;
    int64_t chunk = run->rows < CHUNK ? run->rows : CHUNK;
    const struct {
        float **to;
        int64_t rows, width;
    } buffers[] = {
        {&run->x, run->rows, c->hidden},
        {&run->branch, run->rows, larger(c->hidden, c->embedding)},
        {&run->qkv, run->rows, queries + 2 * keys},
        {&run->mixed, run->rows, larger(queries, c->embedding)},
        {&run->packed, neck__attention_room(c, run->batch, run->length), 1},
        {&run->inner, chunk, c->inner},
        {&run->gate, c->gated ? chunk : 0, c->inner},
    };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        *buffers[i].to = neck__alloc(&run->allocator, buffers[i].rows, buffers[i].width * (int64_t)sizeof(float),
                                     "activations");
        if (!*buffers[i].to) return NECK_E_NOMEM;
    }
    return neck__rotation_create(&run->allocator, c, run->length, &run->rotation);
}

void neck__forward_clear(neck__forward *run)
{
    float *buffers[] = {run->x, run->branch, run->qkv, run->mixed, run->packed, run->inner, run->gate};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) neck__release(&run->allocator, buffers[i]);
    neck__rotation_clear(&run->allocator, &run->rotation);
}

/* ---- embedding -------------------------------------------------------------------------------------------------- */

/* out = [out if accumulate] + row * scale */
static void read_row(const neck_matrix *table, int64_t row, double scale, int accumulate, float *out)
{
    double line[256];
    for (int64_t first = 0; first < table->cols; first += 256) {
        int64_t count = table->cols - first < 256 ? table->cols - first : 256;
        neck__view_read(table, row, first, count, line);
        for (int64_t i = 0; i < count; i++)
            out[first + i] = (accumulate ? out[first + i] : 0) + (float)(line[i] * scale);
    }
}

static int is_padding(const neck__forward *run, int64_t row)
{
    return row % run->length >= neck__forward_length(run, row / run->length);
}

static void embed_task(void *data, int64_t row)
{
    neck__forward *run = data;
    const neck_model *model = run->model;
    int64_t width = model->config.embedding;
    float *out = (model->project_in.weight ? run->branch : run->x) + row * width;
    if (is_padding(run, row))
        memset(out, 0, (size_t)width * sizeof *out);
    else
        read_row(&model->embedding, run->tokens[row], model->config.embedding_scale, 0, out);
}

static void position_task(void *data, int64_t row)
{
    neck__forward *run = data;
    const neck__config *config = &run->model->config;
    read_row(&run->model->positions, row % run->length + config->position_offset, 1, 1, run->x + row * config->hidden);
}

static void embed(neck__forward *run)
{
    const neck_model *model = run->model;
    neck__parallel(run->context, run->rows, embed_task, run);
    if (model->project_in.weight)
        neck__linear_apply(run->context, &model->project_in, run->rows, run->branch, 0, run->x, model->config.hidden);
    if (model->positions.data) neck__parallel(run->context, run->rows, position_task, run);
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static void normalise(neck__forward *run, const neck__norm *norm, const float *x, float *out)
{
    const neck__config *config = &run->model->config;
    neck__norm_apply(run->context, config, norm, run->rows, config->hidden, x, out, &run->faulty);
}

/* Queries, keys and values of all rows, and where the heads of each are. */
static void project_heads(neck__forward *run, const neck__block *block, const float *input, neck__attention *attention)
{
    const neck__config *c = &run->model->config;
    int64_t size = c->head_size, queries = c->heads * size, keys = c->kv_heads * size, stride = queries + 2 * keys;
    int by_head = block->qkv.weight && c->layout->fused == NECK__FUSED_BY_HEAD;
    int64_t step = by_head ? 3 * size : size;
    float *k = run->qkv + (by_head ? size : queries), *v = k + (by_head ? size : keys);
    if (block->qkv.weight) {
        neck__linear_apply(run->context, &block->qkv, run->rows, input, 0, run->qkv, stride);
    } else {
        neck__linear_apply(run->context, &block->q, run->rows, input, 0, run->qkv, stride);
        neck__linear_apply(run->context, &block->k, run->rows, input, 0, k, stride);
        neck__linear_apply(run->context, &block->v, run->rows, input, 0, v, stride);
    }
    attention->queries = (neck__heads){run->qkv, stride, step};
    attention->keys = (neck__heads){k, stride, step};
    attention->values = (neck__heads){v, stride, step};
}

/* A branch adds its output to x, or leaves it in run->branch when a norm follows (NECK__NORM_AROUND). */
static void attention_branch(neck__forward *run, const neck__block *block, int64_t layer, const float *input)
{
    const neck__config *config = &run->model->config;
    int around = config->placement == NECK__NORM_AROUND;
    neck__attention attention = {config, &run->rotation, run->batch, run->length, layer, {0}, {0}, {0}, run->packed,
                                 run->mixed};
    project_heads(run, block, input, &attention);
    neck__attend(run->context, &attention);
    /* Both branches read the block's input: take it before it changes. */
    if (config->parallel) normalise(run, &block->mlp_norm, run->x, run->branch);
    neck__linear_apply(run->context, &block->out, run->rows, run->mixed, !around, around ? run->branch : run->x,
                       config->hidden);
}

static void mlp_branch(neck__forward *run, const neck__block *block, const float *input)
{
    const neck__config *config = &run->model->config;
    int64_t hidden = config->hidden, inner = config->inner;
    int around = config->placement == NECK__NORM_AROUND;
    for (int64_t first = 0; first < run->rows; first += CHUNK) {
        int64_t rows = run->rows - first < CHUNK ? run->rows - first : CHUNK;
        const float *from = input + first * hidden;
        neck__linear_apply(run->context, &block->up, rows, from, 0, run->inner, inner);
        if (config->gated) neck__linear_apply(run->context, &block->gate, rows, from, 0, run->gate, inner);
        neck__activate(run->context, config->activation, rows, inner, config->gated ? run->gate : NULL, run->inner);
        neck__linear_apply(run->context, &block->down, rows, run->inner, !around,
                           (around ? run->branch : run->x) + first * hidden, hidden);
    }
}

static void finish_branch(neck__forward *run, const neck__norm *after, const neck__norm *around)
{
    const neck__config *config = &run->model->config;
    if (config->placement == NECK__NORM_AFTER) normalise(run, after, run->x, run->x);
    if (config->placement != NECK__NORM_AROUND) return;
    normalise(run, around, run->branch, run->branch);
    neck__rows_add(run->context, run->rows, config->hidden, run->branch, run->x);
}

static void run_block(neck__forward *run, const neck__block *block, int64_t layer)
{
    const neck__config *config = &run->model->config;
    int after = config->placement == NECK__NORM_AFTER;
    if (!after) normalise(run, &block->attention_norm, run->x, run->branch);
    attention_branch(run, block, layer, after ? run->x : run->branch);
    finish_branch(run, &block->attention_norm, &block->attention_post_norm);
    if (!after && !config->parallel) normalise(run, &block->mlp_norm, run->x, run->branch);
    mlp_branch(run, block, after ? run->x : run->branch);
    finish_branch(run, &block->mlp_norm, &block->mlp_post_norm);
}

/* A block that is not in memory is loaded for the moment. */
static neck_status run_layer(neck__forward *run, int64_t layer)
{
    neck_model *model = run->model;
    if (layer < model->resident) {
        run_block(run, &model->blocks[layer], layer);
        return NECK_OK;
    }
    neck__block block;
    NECK_TRY(neck__block_load(run->context, &model->config, model->checkpoint,
                              model->places + (layer + 1) * NECK__MODULES, &block));
    run_block(run, &block, layer);
    neck__block_clear(&run->allocator, &block);
    return NECK_OK;
}

/* ---- hidden states ---------------------------------------------------------------------------------------------- */

static neck_status give_rows(const neck__forward *run, int64_t layer, int64_t first, int64_t rows, const float *x,
                             int64_t width)
{
    neck_states states = {sizeof states, layer, run->model->config.layers + 1, first,
                          {x + first * width, rows, width, width, NECK_F32, 0}};
    if (run->options.states(run->options.states_user, &states) != 0)
        return neck__fail(NECK_E_CANCELLED, "cancelled by the callback for hidden states, at layer %lld",
                          (long long)layer);
    return NECK_OK;
}

static neck_status give_states(const neck__forward *run, int64_t layer, const float *x, int64_t width)
{
    if (run->faulty)
        return neck__fail(NECK_E_NONFINITE, "a hidden state before layer %lld is NaN or infinite", (long long)layer);
    if (!run->options.states) return NECK_OK;
    if (!run->options.lengths) return give_rows(run, layer, 0, run->rows, x, width);
    for (int64_t b = 0; b < run->batch; b++)
        NECK_TRY(give_rows(run, layer, b * run->length, neck__forward_length(run, b), x, width));
    return NECK_OK;
}

static neck_status finish(neck__forward *run)
{
    const neck_model *model = run->model;
    const neck__config *config = &model->config;
    run->last = run->x;
    if (config->has_final_norm) {
        normalise(run, &model->final_norm, run->x, run->branch);
        run->last = run->branch;
    }
    if (model->project_out.weight) {
        neck__linear_apply(run->context, &model->project_out, run->rows, run->last, 0, run->mixed, config->embedding);
        run->last = run->mixed;
    }
    return give_states(run, config->layers, run->last, config->embedding);
}

static neck_status run_layers(neck__forward *run)
{
    const neck__config *config = &run->model->config;
    embed(run);
    for (int64_t layer = 0; layer < config->layers; layer++) {
        NECK_TRY(give_states(run, layer, run->x, config->hidden));
        NECK_TRY(neck__progress(run->context, "forward", "layers", layer, config->layers));
        NECK_TRY(run_layer(run, layer));
    }
    NECK_TRY(finish(run));
    return neck__progress(run->context, "forward", "layers", config->layers, config->layers);
}

neck_status neck__forward_run(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                              int64_t length, const neck_forward_options *options, neck__forward *run)
{
    memset(run, 0, sizeof *run);
    NECK_OPTIONS(neck_forward_options, given, options);
    *run = (neck__forward){.context = context, .model = model, .options = given, .tokens = tokens, .batch = batch,
                           .length = length, .allocator = neck__allocator_of(context)};
    NECK_TRY(check(run));
    run->rows = batch * length;
    NECK_TRY(allocate(run));
    return run_layers(run);
}

neck_status neck_model_forward(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                               int64_t length, const neck_forward_options *options)
{
    neck__forward run;
    neck_status status = neck__forward_run(context, model, tokens, batch, length, options, &run);
    neck__forward_clear(&run);
    return status;
}
