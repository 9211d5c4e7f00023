/* model/head.c - the head's weights, and logits by a block of the vocabulary after another. */
#include "model/head.h"

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/matmul.h"
#include "linalg/view.h"

/* A block of weights, packed for its product, takes a few megabytes. */
enum { IDS = 2304, LINE = 256 };

typedef struct widening {
    const neck_matrix *from;
    float *to;
} widening;

static void widen_row(void *data, int64_t row)
{
    const widening *job = data;
    double line[LINE];
    float *to = job->to + row * job->from->cols;
    for (int64_t col = 0; col < job->from->cols; col += LINE) {
        int64_t count = job->from->cols - col < LINE ? job->from->cols - col : LINE;
        neck__view_read(job->from, row, col, count, line);
        for (int64_t i = 0; i < count; i++) to[col + i] = (float)line[i];
    }
}

neck_status neck__head_load(neck_context *context, neck_model *model, int64_t *left)
{
    int64_t bytes = model->head.rows * model->head.cols * (int64_t)sizeof(float);
    if (model->head.dtype == NECK_F32 || bytes > *left) return NECK_OK;
    model->wide_head = neck__alloc(&model->allocator, bytes, 1, "the head");
    if (!model->wide_head) return NECK_E_NOMEM;
    widening job = {&model->head, model->wide_head};
    neck__parallel(context, model->head.rows, widen_row, &job);
    *left -= bytes;
    return NECK_OK;
}

neck_matrix neck__head_view(const neck_model *model)
{
    neck_matrix view = model->head;
    if (!model->wide_head) return view;
    return (neck_matrix){model->wide_head, view.rows, view.cols, view.cols, NECK_F32, 0};
}

typedef struct capping {
    float *logits;
    int64_t vocabulary;
    float cap;
} capping;

static void cap_row(void *data, int64_t row)
{
    const capping *job = data;
    neck__kernels_get()->soft_cap_f32(job->vocabulary, job->cap, job->logits + row * job->vocabulary);
}

neck_status neck__head_logits(neck_context *context, const neck_model *model, const float *states, int64_t rows,
                              float *logits)
{
    neck__allocator allocator = neck__allocator_of(context);
    neck_matrix head = neck__head_view(model);
    int64_t width = head.cols, vocabulary = head.rows;
    float *weights = neck__alloc(&allocator, IDS * width, sizeof *weights, "a block of the head");
    neck_status status = weights ? NECK_OK : NECK_E_NOMEM;
    for (int64_t id = 0; id < vocabulary && status == NECK_OK; id += IDS) {
        int64_t ids = vocabulary - id < IDS ? vocabulary - id : IDS;
        neck_matrix block = head;
        block.data = neck__view_row(&head, id);
        widening job = {&block, weights};
        neck__parallel(context, ids, widen_row, &job);
        status = neck__progress(context, "head", "tokens", id, vocabulary);
        if (status == NECK_OK)
            status = neck__matmul_f32(context, rows, ids, width, states, width, 1, weights, 1, width, logits + id,
                                      vocabulary, 0);
    }
    neck__release(&allocator, weights);
    if (status != NECK_OK) return status;
    capping job = {logits, vocabulary, (float)model->config.logit_cap};
    if (job.cap > 0) neck__parallel(context, rows, cap_row, &job);
    return NECK_OK;
}
