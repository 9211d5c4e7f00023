/* ngram/ngram_operator.c - products with [sqrt(D); R], all of it or its largest part. */
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "ngram/ngram_matrix.h"
#include "spectrum/operator.h"

/* The first columns and the rows that touch them: parts stand side by side, the largest first. */
typedef struct structured {
    const neck_ngram_matrix *matrix;
    const int32_t *tokens; /* where the caller's columns are in another order; NULL for a part */
    int64_t hot, cols, rows;
} structured;

enum { ROWS_A_TASK = 2048 };

/* Row i of `to` is something made of row i of `from`, both in blocks of count vectors. */
typedef struct row_job {
    const structured *op;
    const neck__kernels *kernels;
    int64_t rows, count;
    const double *from;
    double *to;
    void (*row)(const struct row_job *job, int64_t i);
} row_job;

static void rows_task(void *data, int64_t index)
{
    const row_job *job = data;
    int64_t first = index * ROWS_A_TASK, left = job->rows - first,
        last = first + (left < ROWS_A_TASK ? left : ROWS_A_TASK);
    for (int64_t i = first; i < last; i++) job->row(job, i);
}

static void each_row(neck_context *context, const structured *op, int64_t rows, int64_t count, const double *from,
                     double *to, void (*row)(const row_job *job, int64_t i))
{
    row_job job = {op, neck__kernels_get(), rows, count, from, to, row};
    neck__parallel(context, (rows + ROWS_A_TASK - 1) / ROWS_A_TASK, rows_task, &job);
}

static void scale_row(const row_job *job, double factor, const double *from, double *to)
{
    for (int64_t v = 0; v < job->count; v++) to[v] = factor * from[v];
}

static void hot_product(const row_job *job, int64_t i)
{
    const neck_ngram_matrix *matrix = job->op->matrix;
    scale_row(job, matrix->hot_roots[i], job->from + matrix->hot_columns[i] * job->count, job->to + i * job->count);
}

static void add_hot_product(const row_job *job, int64_t i)
{
    const neck_ngram_matrix *matrix = job->op->matrix;
    job->kernels->add_scaled(job->count, matrix->hot_roots[i], job->from + i * job->count,
                             job->to + matrix->hot_columns[i] * job->count);
}

static void diagonal_product(const row_job *job, int64_t i)
{
    scale_row(job, job->op->matrix->diagonal[i], job->from + i * job->count, job->to + i * job->count);
}

static void take_token(const row_job *job, int64_t i)
{
    memcpy(job->to + i * job->count, job->from + job->op->tokens[i] * job->count, (size_t)job->count * sizeof *job->to);
}

static void give_token(const row_job *job, int64_t i)
{
    memcpy(job->to + job->op->tokens[i] * job->count, job->from + i * job->count, (size_t)job->count * sizeof *job->to);
}

/* ---- products in our order of columns ---- */

static void product(neck_context *context, const structured *op, int transposed, int64_t count, const double *x,
                    double *y)
{
    neck__sparse rows = op->matrix->rows, turned = op->matrix->turned;
    rows.rows = op->rows;
    turned.rows = op->cols;
    if (!transposed) {
        each_row(context, op, op->hot, count, x, y, hot_product);
        neck__sparse_apply(context, &rows, count, x, y + op->hot * count);
    } else {
        neck__sparse_apply(context, &turned, count, x + op->hot * count, y);
        each_row(context, op, op->hot, count, x, y, add_hot_product);
    }
}

static neck_status gram_product(neck_context *context, const structured *op, int64_t count, const double *x, double *y)
{
    neck__sparse rows = op->matrix->rows;
    rows.rows = op->rows;
    each_row(context, op, op->cols, count, x, y, diagonal_product);
    return neck__sparse_add_gram(context, &rows, op->cols, count, x, y);
}

/* ---- products in the caller's ---- */

static neck_status allocate_block(neck_context *context, int64_t cols, int64_t count, double **out)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t size;
    if (!neck__mul(cols, count, &size))
        return neck__fail(NECK_E_OVERFLOW, "%lld vectors are too many", (long long)count);
    *out = neck__alloc(&allocator, size, sizeof **out, "a block of vectors");
    return *out ? NECK_OK : NECK_E_NOMEM;
}

static neck_status apply(neck_context *context, const neck_operator *op, int transposed, int64_t count, const double *x,
                         double *y)
{
    const structured *self = op->parts;
    if (!self->tokens) {
        product(context, self, transposed, count, x, y);
        return NECK_OK;
    }
    double *ours;
    NECK_TRY(allocate_block(context, self->cols, count, &ours));
    if (!transposed) each_row(context, self, self->cols, count, x, ours, take_token);
    product(context, self, transposed, count, transposed ? x : ours, transposed ? ours : y);
    if (transposed) each_row(context, self, self->cols, count, ours, y, give_token);
    neck__allocator allocator = neck__allocator_of(context);
    neck__release(&allocator, ours);
    return NECK_OK;
}

static neck_status gram(neck_context *context, const neck_operator *op, int64_t count, const double *x, double *y)
{
    const structured *self = op->parts;
    if (!self->tokens) return gram_product(context, self, count, x, y);
    double *ours;
    NECK_TRY(allocate_block(context, self->cols, 2 * count, &ours));
    double *result = ours + self->cols * count;
    each_row(context, self, self->cols, count, x, ours, take_token);
    neck_status status = gram_product(context, self, count, ours, result);
    if (status == NECK_OK) each_row(context, self, self->cols, count, result, y, give_token);
    neck__allocator allocator = neck__allocator_of(context);
    neck__release(&allocator, ours);
    return status;
}

static const neck__operator_kind kind = {apply, NULL, gram};

/* ---- making them ---- */

static neck_status make(neck_context *context, const structured *op, double frobenius_squared, neck_operator **out)
{
    NECK_TRY(neck__operator_new(context, &kind, op->hot + op->rows, op->cols, frobenius_squared, sizeof *op, out));
    *(structured *)(*out)->parts = *op;
    return NECK_OK;
}

neck_status neck__ngram_operator_whole(neck_context *context, const neck_ngram_matrix *matrix, neck_operator **out)
{
    structured op = {matrix, matrix->layout.tokens, matrix->hot, matrix->layout.cols, matrix->layout.rows};
    return make(context, &op, matrix->frobenius_squared, out);
}

neck_status neck__ngram_operator_part(neck_context *context, const neck_ngram_matrix *matrix, neck_operator **out)
{
    const neck__ngram_part *part = &matrix->layout.part[0];
    int64_t from, to;
    neck__ngram_hot_range(matrix, 0, part->columns, &from, &to);
    double frobenius_squared = 0;
    for (int64_t j = 0; j < part->columns; j++) frobenius_squared += matrix->diagonal[j];
    for (int64_t e = 0; e < matrix->rows.starts[part->rows]; e++)
        frobenius_squared += matrix->rows.values[e] * matrix->rows.values[e];
    structured op = {matrix, NULL, to, part->columns, part->rows};
    return make(context, &op, frobenius_squared, out);
}
