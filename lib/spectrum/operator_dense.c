/* spectrum/operator_dense.c - a matrix view as an operator; its norm and its entries are checked when it is made. */
#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/source.h"
#include "linalg/view.h"
#include "spectrum/dense_product.h"
#include "spectrum/operator.h"

static neck_status apply(neck_context *context, const neck_operator *op, int transposed, int64_t count, const double *x,
                         double *y)
{
    return neck__dense_product(context, op->parts, transposed ? NECK__TRANSPOSED : NECK__PLAIN, count, x, y);
}

static neck_status gram(neck_context *context, const neck_operator *op, int64_t count, const double *x, double *y)
{
    return neck__dense_product(context, op->parts, NECK__GRAM, count, x, y);
}

static neck_status rough(neck_context *context, const neck_operator *op, int32_t flipped, int64_t count,
                         const double *x, double *z)
{
    if (!flipped) return neck__dense_product_f32(context, op->parts, NECK__GRAM, count, x, z);
    neck__allocator allocator = neck__allocator_of(context);
    double *between = neck__alloc(&allocator, op->cols, count * (int64_t)sizeof *between, "a block of vectors");
    if (!between) return NECK_E_NOMEM;
    neck_status status = neck__dense_product_f32(context, op->parts, NECK__TRANSPOSED, count, x, between);
    if (status == NECK_OK) status = neck__dense_product_f32(context, op->parts, NECK__PLAIN, count, between, z);
    neck__release(&allocator, between);
    return status;
}

static const neck__operator_kind dense = {apply, NULL, gram, rough};

const neck_matrix *neck__operator_matrix(const neck_operator *op)
{
    return op->kind == &dense ? op->parts : NULL;
}

enum { ROWS_A_TASK = 64, ROUND = 64, DEPTH = 256 };

typedef struct squaring {
    const neck__source *source;
    double *sums; /* one a task */
    int64_t first;
} squaring;

static void square_rows(void *data, int64_t task)
{
    squaring *job = data;
    double line[DEPTH], sum = 0;
    int64_t from = (job->first + task) * ROWS_A_TASK, last = from + ROWS_A_TASK;
    const neck_matrix *view = &job->source->view;
    for (int64_t row = from; row < last && row < view->rows; row++)
        for (int64_t col = 0; col < view->cols; col += DEPTH) {
            int64_t count = view->cols - col < DEPTH ? view->cols - col : DEPTH;
            neck__source_read(job->source, row, col, count, line);
            sum += neck__sum_squares(count, line);
        }
    job->sums[task] = sum;
}

/* Not finite when an entry is not. */
neck_status neck__view_squares(neck_context *context, const neck_matrix *view, const double *shift, double *out)
{
    neck__source source = {*view, 0, shift, 1, 0};
    double sums[ROUND], total = 0;
    squaring job = {&source, sums, 0};
    int64_t tasks = (view->rows + ROWS_A_TASK - 1) / ROWS_A_TASK;
    for (; job.first < tasks; job.first += ROUND) {
        int64_t now = tasks - job.first < ROUND ? tasks - job.first : ROUND;
        neck__parallel(context, now, square_rows, &job);
        for (int64_t i = 0; i < now; i++) total += sums[i];
        int64_t done = (job.first + now) * ROWS_A_TASK;
        NECK_TRY(neck__progress(context, "norm", "rows", done < view->rows ? done : view->rows, view->rows));
    }
    if (!(total <= 1e300)) return neck__source_not_finite(&source);
    *out = total;
    return NECK_OK;
}

neck_status neck_operator_dense(neck_context *context, const neck_matrix *matrix, neck_operator **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    neck_matrix view;
    double squares;
    NECK_TRY(neck__view_check(matrix, &view));
    NECK_TRY(neck__view_squares(context, &view, NULL, &squares));
    neck_operator *op;
    NECK_TRY(neck__operator_new(context, &dense, view.rows, view.cols, squares, sizeof view, &op));
    *(neck_matrix *)op->parts = view;
    *out = op;
    return NECK_OK;
}
