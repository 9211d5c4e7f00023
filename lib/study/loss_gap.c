/* study/loss_gap.c - the loss of a factored head in place of a full one, and every bound on it: both heads' logits of a
 * block of tokens against a stretch of the vocabulary, folded token by token. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/blas.h"
#include "linalg/matmul.h"
#include "linalg/view.h"
#include "softneck/bottleneck.h"
#include "study/rows.h"
#include "study/token_gap.h"

/* Multiples of the tiles' own blocks; a few megabytes of logits of each head. */
enum { TOKENS = 576, STRETCH = 2304 };

typedef struct gap_job {
    neck_context *context;
    neck__allocator allocator;
    neck_matrix weights, a, b, states;
    const int32_t *targets;
    double scale;
    int32_t dtype;          /* of products */
    int64_t tokens, *index; /* rows that are scored */
    neck__token_gap *fold;  /* of a block's tokens */
    void *projection;       /* B */
    void *block[2];         /* the states: as they are, and B times them */
    void *head[2];          /* a stretch of W, of A */
    void *logits[2];        /* TOKENS x STRETCH each */
    int64_t first, width;   /* the stretch */
} gap_job;

static neck_status check_shapes(const gap_job *job)
{
    if (job->a.rows != job->weights.rows || job->b.cols != job->weights.cols || job->a.cols != job->b.rows)
        return neck__fail(NECK_E_ARGUMENT, "a %lld x %lld, b %lld x %lld are no factors of %lld x %lld weights",
                          (long long)job->a.rows, (long long)job->a.cols, (long long)job->b.rows,
                          (long long)job->b.cols, (long long)job->weights.rows, (long long)job->weights.cols);
    if (job->states.cols != job->weights.cols)
        return neck__fail(NECK_E_ARGUMENT, "the states have %lld numbers, the head takes %lld",
                          (long long)job->states.cols, (long long)job->weights.cols);
    return NECK_OK;
}

static neck_status check_views(gap_job *job, const neck_matrix *weights, const neck_matrix *a, const neck_matrix *b,
                               const neck_labeled_states *data)
{
    if (!data || !data->targets) return neck__fail(NECK_E_ARGUMENT, "data or its targets are NULL");
    const neck_matrix *given[] = {weights, a, b, &data->states};
    neck_matrix *checked[] = {&job->weights, &job->a, &job->b, &job->states};
    static const char *const names[] = {"weights", "a", "b", "states"};
    for (int i = 0; i < 4; i++) {
        neck_status status = neck__view_check(given[i], checked[i]);
        if (status != NECK_OK) return neck__fail_in(status, "%s", names[i]);
    }
    NECK_TRY(check_shapes(job));
    for (int i = 0; i < 4; i++) {
        neck_status status = neck_matrix_check_finite(job->context, checked[i], NULL, NULL);
        if (status != NECK_OK) return neck__fail_in(status, "%s", names[i]);
    }
    return NECK_OK;
}

/* Lists the scored rows. -100 is how PyTorch says that a row is not. */
static neck_status list_scored(gap_job *job)
{
    job->index = neck__alloc(&job->allocator, job->states.rows, sizeof *job->index, "scored rows");
    if (!job->index) return NECK_E_NOMEM;
    for (int64_t i = 0; i < job->states.rows; i++) {
        int32_t target = job->targets[i];
        if (target == NECK_NO_TARGET || target == -100) continue;
        if (target < 0 || target >= job->weights.rows)
            return neck__fail(NECK_E_ARGUMENT, "targets[%lld] is %d: the vocabulary has %lld tokens", (long long)i,
                              target, (long long)job->weights.rows);
        job->index[job->tokens++] = i;
    }
    return job->tokens ? NECK_OK : neck__fail(NECK_E_ARGUMENT, "no token is scored: there is no loss to compare");
}

static neck_status allocate(gap_job *job)
{
    int64_t size = neck_dtype_size(job->dtype), tokens = job->tokens < TOKENS ? job->tokens : TOKENS;
    int64_t stretch = job->weights.rows < STRETCH ? job->weights.rows : STRETCH;
    job->fold = neck__alloc(&job->allocator, tokens, sizeof *job->fold, "tokens");
    job->projection = neck__alloc(&job->allocator, job->b.rows * job->b.cols, size, "a projection");
    if (!job->fold || !job->projection) return NECK_E_NOMEM;
    for (int i = 0; i < 2; i++) {
        int64_t depth = i ? job->a.cols : job->weights.cols;
        job->block[i] = neck__alloc(&job->allocator, tokens * depth, size, "a block of states");
        job->head[i] = neck__alloc(&job->allocator, stretch * depth, size, "a stretch of the head");
        job->logits[i] = neck__alloc(&job->allocator, tokens * stretch, size, "logits");
        if (!job->block[i] || !job->head[i] || !job->logits[i]) return NECK_E_NOMEM;
    }
    return NECK_OK;
}

static void release(gap_job *job)
{
    for (int i = 0; i < 2; i++) {
        neck__release(&job->allocator, job->block[i]);
        neck__release(&job->allocator, job->head[i]);
        neck__release(&job->allocator, job->logits[i]);
    }
    neck__release(&job->allocator, job->projection);
    neck__release(&job->allocator, job->fold);
    neck__release(&job->allocator, job->index);
}

/* C (m x n) = A (m x depth) B^T (n x depth), packed. */
static neck_status multiply(const gap_job *job, int64_t m, int64_t n, int64_t depth, const void *a, const void *b,
                            void *c)
{
    if (job->dtype == NECK_F64)
        return neck__matmul_f64(job->context, m, n, depth, a, depth, 1, b, 1, depth, c, n, 0);
    return neck__matmul_f32(job->context, m, n, depth, a, depth, 1, b, 1, depth, c, n, 0);
}

static void read_logits(const gap_job *job, int head, int64_t token, double *out)
{
    int64_t at = token * job->width;
    for (int64_t j = 0; j < job->width; j++, at++)
        out[j] = job->scale * (job->dtype == NECK_F64 ? ((const double *)job->logits[head])[at]
                                                      : (double)((const float *)job->logits[head])[at]);
}

static void fold_task(void *data, int64_t token)
{
    const gap_job *job = data;
    double full[STRETCH], reduced[STRETCH];
    read_logits(job, NECK__FULL, token, full);
    read_logits(job, NECK__REDUCED, token, reduced);
    neck__token_gap_add(&job->fold[token], job->first, job->width, full, reduced);
}

/* All of the vocabulary for count tokens from the at-th scored one on. */
static neck_status fold_block(gap_job *job, int64_t at, int64_t count)
{
    int64_t vocabulary = job->weights.rows;
    const neck_matrix *heads[2] = {&job->weights, &job->a};
    for (int64_t i = 0; i < count; i++) neck__token_gap_start(&job->fold[i], job->targets[job->index[at + i]]);
    neck__rows_read(job->context, &(neck__rows){&job->states, job->index + at, 0, count, NULL}, job->dtype,
                    job->block[0]);
    NECK_TRY(multiply(job, count, job->b.rows, job->b.cols, job->block[0], job->projection, job->block[1]));
    for (job->first = 0; job->first < vocabulary; job->first += STRETCH) {
        job->width = vocabulary - job->first < STRETCH ? vocabulary - job->first : STRETCH;
        for (int i = 0; i < 2; i++) {
            neck__rows_read(job->context, &(neck__rows){heads[i], NULL, job->first, job->width, NULL}, job->dtype,
                            job->head[i]);
            NECK_TRY(multiply(job, count, job->width, heads[i]->cols, job->block[i], job->head[i], job->logits[i]));
        }
        neck__parallel(job->context, count, fold_task, job);
    }
    return NECK_OK;
}

static neck_status add_block(const gap_job *job, int64_t at, int64_t count, neck_loss_gap *sums)
{
    for (int64_t i = 0; i < count; i++) {
        const neck__token_gap *token = &job->fold[i];
        neck__gap_terms terms = neck__token_gap_finish(token, job->weights.rows);
        if (!terms.finite)
            return neck__fail(NECK_E_NONFINITE, "the logits of row %lld overflow: scale states or heads down",
                              (long long)job->index[at + i]);
        sums->full_loss += terms.loss[NECK__FULL];
        sums->reduced_loss += terms.loss[NECK__REDUCED];
        sums->gap += terms.loss[NECK__REDUCED] - terms.loss[NECK__FULL];
        sums->full_accuracy += token->best[NECK__FULL] == token->target;
        sums->reduced_accuracy += token->best[NECK__REDUCED] == token->target;
        sums->first_order += terms.first_order;
        sums->quadratic_bound += terms.quadratic;
        sums->range_bound += terms.range;
        sums->weighted_tail += terms.delta_squares / (job->scale * job->scale);
    }
    return NECK_OK;
}

static neck_status sum_tokens(gap_job *job, neck_loss_gap *sums)
{
    for (int64_t at = 0; at < job->tokens; at += TOKENS) {
        int64_t count = job->tokens - at < TOKENS ? job->tokens - at : TOKENS;
        NECK_TRY(fold_block(job, at, count));
        NECK_TRY(add_block(job, at, count, sums));
        NECK_TRY(neck__progress(job->context, "loss gap", "tokens", at + count, job->tokens));
    }
    double *const means[] = {&sums->full_loss,        &sums->reduced_loss, &sums->gap,
                             &sums->full_accuracy,    &sums->first_order,  &sums->quadratic_bound,
                             &sums->reduced_accuracy, &sums->range_bound,  &sums->weighted_tail};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) *means[i] /= (double)job->tokens;
    sums->weighted_tail = sqrt(sums->weighted_tail);
    sums->tokens = job->tokens;
    return NECK_OK;
}

/* |A B - W|_F and its share of |W|_F, in double: b is B widened, a and w have room for step rows of A and W. */
static neck_status sum_difference(const gap_job *job, int64_t step, const double *b, double *a, double *w,
                                  neck_loss_gap *sums)
{
    int64_t d = job->weights.cols, rank = job->a.cols;
    double difference = 0, whole = 0;
    for (int64_t row = 0; row < job->weights.rows; row += step) {
        int64_t count = job->weights.rows - row < step ? job->weights.rows - row : step;
        neck__rows_read(job->context, &(neck__rows){&job->weights, NULL, row, count, NULL}, NECK_F64, w);
        neck__rows_read(job->context, &(neck__rows){&job->a, NULL, row, count, NULL}, NECK_F64, a);
        for (int64_t i = 0; i < count * d; i++) whole += w[i] * w[i];
        NECK_TRY(neck__gemm(0, 0, count, d, rank, 1, a, rank, b, d, -1, w, d));
        for (int64_t i = 0; i < count * d; i++) difference += w[i] * w[i];
    }
    sums->frobenius_tail = sqrt(difference);
    sums->w_error = whole > 0 ? sqrt(difference / whole) : 0;
    return NECK_OK;
}

static neck_status measure_difference(const gap_job *job, neck_loss_gap *sums)
{
    int64_t d = job->weights.cols, rank = job->a.cols, step = neck__rows_per_block(d);
    double *b = neck__alloc(&job->allocator, rank * d + step * (d + rank), sizeof *b, "a difference of heads");
    if (!b) return NECK_E_NOMEM;
    double *a = b + rank * d, *w = a + step * rank;
    neck__rows_read(job->context, &(neck__rows){&job->b, NULL, 0, rank, NULL}, NECK_F64, b);
    neck_status status = sum_difference(job, step, b, a, w, sums);
    neck__release(&job->allocator, b);
    return status;
}

static neck_status measure(gap_job *job, neck_loss_gap *sums)
{
    NECK_TRY(list_scored(job));
    NECK_TRY(allocate(job));
    neck__rows_read(job->context, &(neck__rows){&job->b, NULL, 0, job->b.rows, NULL}, job->dtype, job->projection);
    NECK_TRY(measure_difference(job, sums));
    return sum_tokens(job, sums);
}

neck_status neck_loss_gap_measure(neck_context *context, const neck_matrix *weights, const neck_matrix *a,
                                  const neck_matrix *b, const neck_labeled_states *data, double scale,
                                  neck_loss_gap *out)
{
    if (!out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "out is NULL or its struct_size is not set");
    if (!isfinite(scale)) return neck__fail(NECK_E_ARGUMENT, "scale is %g", scale);
    gap_job job = {.context = context, .allocator = neck__allocator_of(context), .scale = scale == 0 ? 1 : scale};
    NECK_TRY(check_views(&job, weights, a, b, data));
    job.targets = data->targets;
    job.dtype = job.states.dtype == NECK_F64 ? NECK_F64 : NECK_F32;
    neck_loss_gap sums = {.struct_size = out->struct_size};
    neck_status status = measure(&job, &sums);
    release(&job);
    if (status == NECK_OK) memcpy(out, &sums, out->struct_size < sizeof sums ? out->struct_size : sizeof sums);
    return status;
}
