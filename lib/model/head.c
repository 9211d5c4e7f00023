/* model/head.c - a block of the vocabulary after another, each over all rows. */
#include "model/head.h"

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/view.h"

/* A block of logits is 3.5 MB: what the products write is still in a cache when it is read. IDS is a multiple of
 * every packed strip. */
enum { ROWS = 384, IDS = 2304, CAP_ROWS = 16 };

typedef struct capping {
    const neck__kernels *kernels;
    const neck__logits *block;
    float cap;
} capping;

static void cap_task(void *data, int64_t index)
{
    const capping *job = data;
    int64_t first = index * CAP_ROWS, rows = job->block->rows - first < CAP_ROWS ? job->block->rows - first : CAP_ROWS;
    job->kernels->soft_cap_f32(rows * job->block->ids, job->cap, job->block->logits + first * job->block->ids);
}

typedef struct sweep {
    neck_context *context;
    neck_model *model;
    const float *states;
    int64_t rows;
    float *logits;
    neck__logits_fn consume;
    void *data;
} sweep;

/* ids of packed rows [first, first + ids), which are ids first_id .. of the vocabulary. */
static void sweep_rows(const sweep *s, const neck__packed *packed, int64_t first, int64_t first_id, int64_t ids)
{
    int64_t width = s->model->config.embedding;
    for (int64_t row = 0; row < s->rows; row += ROWS) {
        neck__logits block = {row, s->rows - row < ROWS ? s->rows - row : ROWS, first_id, ids, s->logits};
        neck__gemm_f32_part(s->context, block.rows, s->states + row * width, width, packed, first, first + ids, 0,
                            s->logits, ids);
        capping job = {neck__kernels_get(), &block, (float)s->model->config.logit_cap};
        if (job.cap > 0) neck__parallel(s->context, (block.rows + CAP_ROWS - 1) / CAP_ROWS, cap_task, &job);
        s->consume(s->data, &block);
    }
}

/* A head that is not in memory is packed a block at a time. */
static neck_status sweep_ids(const sweep *s, int64_t first_id, int64_t ids)
{
    if (s->model->packed_head) {
        sweep_rows(s, s->model->packed_head, first_id, first_id, ids);
        return NECK_OK;
    }
    neck_matrix part = s->model->head;
    neck__packed *packed = NULL;
    part.data = neck__view_row(&part, first_id);
    part.rows = ids;
    NECK_TRY(neck__gemm_pack(s->context, &part, 0, &packed));
    sweep_rows(s, packed, 0, first_id, ids);
    neck__packed_destroy(packed);
    return NECK_OK;
}

neck_status neck__head_sweep(neck_context *context, neck_model *model, const float *states, int64_t rows,
                             neck__logits_fn consume, void *data)
{
    const neck__allocator allocator = neck__allocator_of(context);
    int64_t vocabulary = model->config.vocabulary;
    float *logits = neck__alloc(&allocator, rows < ROWS ? rows : ROWS, IDS * (int64_t)sizeof(float), "logits");
    if (!logits) return NECK_E_NOMEM;
    const sweep s = {context, model, states, rows, logits, consume, data};
    neck_status status = NECK_OK;
    for (int64_t id = 0; id < vocabulary && status == NECK_OK; id += IDS) {
        status = neck__progress(context, "head", "tokens", id, vocabulary);
        if (status == NECK_OK) status = sweep_ids(&s, id, vocabulary - id < IDS ? vocabulary - id : IDS);
    }
    neck__release(&allocator, logits);
    return status;
}
