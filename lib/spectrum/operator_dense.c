/* spectrum/operator_dense.c - a matrix view as an operator: its entries are widened to double on their way through the cache. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/source.h"
#include "linalg/view.h"
#include "spectrum/operator.h"

/* A task turns this many strips of the result's long side over this much depth at a time into packed doubles: 200 KB, which
 * stay in the second-level cache while every vector meets them. */
enum { STRIPS = 4, DEPTH = 256 };

/* y^T = x^T op(A)^T: the vectors are the tile's rows (any small number of them wastes little), the result's side its columns. */
typedef struct product {
    const neck_matrix *view;
    const neck__kernels *kernels;
    int transposed;
    int64_t size, depth; /* of op(A) */
    int64_t count, tall; /* vectors, and with those that fill the last group */
    const double *x;     /* packed: strips of depth x strip */
    double *y;
    double *scratch; /* a lane's: packed strips, sums of tall x width, a line */
    int64_t lanes, per_lane, blocks;
} product;

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* op(A) = A^T: rows of the view run along the result. */
static void pack_transposed(const product *job, int64_t first, int64_t width, int64_t from, int64_t depth, double *to)
{
    int64_t strip = job->kernels->strip, size = neck_dtype_size(job->view->dtype);
    neck__widen_fn widen = job->kernels->widen[job->view->dtype];
    for (int64_t k = 0; k < depth; k++) {
        const char *row = (const char *)neck__view_row(job->view, from + k) + first * size;
        for (int64_t col = 0; col < width; col += strip) {
            double *line = to + col * depth + k * strip;
            int64_t count = width - col < strip ? width - col : strip;
            widen(row + col * size, count, line);
            for (int64_t n = count; n < strip; n++) line[n] = 0;
        }
    }
}

/* op(A) = A: rows of the view run along the depth, so each becomes a column of a strip. */
static void pack_plain(const product *job, int64_t first, int64_t width, int64_t from, int64_t depth, double *to, double *line)
{
    int64_t strip = job->kernels->strip;
    for (int64_t col = 0; col < ceil_div(width, strip) * strip; col++) {
        double *column = to + col / strip * strip * depth + col % strip;
        if (col < width)
            neck__view_read(job->view, first + col, from, depth, line);
        else
            memset(line, 0, (size_t)depth * sizeof *line);
        for (int64_t k = 0; k < depth; k++) column[k * strip] = line[k];
    }
}

static void multiply(const product *job, int64_t strips, int64_t from, int64_t depth, const double *packed, double *sums)
{
    int64_t strip = job->kernels->strip, group = job->kernels->group, stride = STRIPS * strip;
    for (int64_t m = 0; m < job->tall; m += group) {
        const double *vectors = job->x + m / strip * strip * job->depth + from * strip + m % strip;
        for (int64_t s = 0; s < strips; s++)
            job->kernels->tile(depth, vectors, packed + s * strip * depth, sums + m * stride + s * strip, stride);
    }
}

static void one_block(const product *job, int64_t block, double *packed)
{
    int64_t strip = job->kernels->strip, stride = STRIPS * strip, first = block * stride;
    int64_t width = job->size - first < stride ? job->size - first : stride;
    double *sums = packed + stride * DEPTH, *line = sums + job->tall * stride;
    memset(sums, 0, (size_t)(job->tall * stride) * sizeof *sums);
    for (int64_t from = 0; from < job->depth; from += DEPTH) {
        int64_t depth = job->depth - from < DEPTH ? job->depth - from : DEPTH;
        if (job->transposed)
            pack_transposed(job, first, width, from, depth, packed);
        else
            pack_plain(job, first, width, from, depth, packed, line);
        multiply(job, ceil_div(width, strip), from, depth, packed, sums);
    }
    for (int64_t i = 0; i < width; i++)
        for (int64_t j = 0; j < job->count; j++) job->y[(first + i) * job->count + j] = sums[j * stride + i];
}

static void lane(void *data, int64_t index)
{
    const product *job = data;
    for (int64_t block = index; block < job->blocks; block += job->lanes)
        one_block(job, block, job->scratch + index * job->per_lane);
}

static void pack_vectors(const product *job, const double *x, double *to)
{
    int64_t strip = job->kernels->strip;
    for (int64_t col = 0; col < job->count; col += strip) {
        int64_t count = job->count - col < strip ? job->count - col : strip;
        double *packed = to + col * job->depth;
        for (int64_t k = 0; k < job->depth; k++) {
            memcpy(packed + k * strip, x + k * job->count + col, (size_t)count * sizeof *x);
            memset(packed + k * strip + count, 0, (size_t)(strip - count) * sizeof *x);
        }
    }
}

static neck_status apply(neck_context *context, const neck_operator *op, int transposed, int64_t count, const double *x, double *y)
{
    const neck_matrix *view = op->parts;
    neck__allocator allocator = neck__allocator_of(context);
    product job = {view, neck__kernels_get(), transposed, view->rows, view->cols, count, 0, NULL, y, NULL, 0, 0, 0};
    if (transposed) job.size = view->cols, job.depth = view->rows;
    int64_t strip = job.kernels->strip, packed;
    job.tall = ceil_div(count, job.kernels->group) * job.kernels->group;
    job.blocks = ceil_div(job.size, STRIPS * strip);
    job.lanes = neck_context_threads(context) < job.blocks ? neck_context_threads(context) : job.blocks;
    job.per_lane = STRIPS * strip * (DEPTH + job.tall) + DEPTH;
    if (!neck__mul(ceil_div(count, strip) * strip, job.depth, &packed))
        return neck__fail(NECK_E_OVERFLOW, "%lld vectors at once are too many", (long long)count);
    double *vectors = neck__alloc(&allocator, packed, sizeof *vectors, "packed vectors");
    job.scratch = vectors ? neck__alloc(&allocator, job.lanes * job.per_lane, sizeof(double), "packed panels") : NULL;
    if (job.scratch) {
        pack_vectors(&job, x, vectors);
        job.x = vectors;
        neck__parallel(context, job.lanes, lane, &job);
    }
    neck__release(&allocator, job.scratch);
    neck__release(&allocator, vectors);
    return job.scratch ? NECK_OK : NECK_E_NOMEM;
}

static const neck__operator_kind dense = {apply, NULL, NULL};

const neck_matrix *neck__operator_matrix(const neck_operator *op)
{
    return op->kind == &dense ? op->parts : NULL;
}

enum { ROWS_A_TASK = 64, ROUND = 64 };

typedef struct squaring {
    const neck_matrix *view;
    double *sums; /* one a task */
    int64_t first;
} squaring;

static void square_rows(void *data, int64_t task)
{
    squaring *job = data;
    double line[DEPTH], sum = 0;
    int64_t from = (job->first + task) * ROWS_A_TASK, last = from + ROWS_A_TASK;
    for (int64_t row = from; row < last && row < job->view->rows; row++)
        for (int64_t col = 0; col < job->view->cols; col += DEPTH) {
            int64_t count = job->view->cols - col < DEPTH ? job->view->cols - col : DEPTH;
            neck__view_read(job->view, row, col, count, line);
            sum += neck__sum_squares(count, line);
        }
    job->sums[task] = sum;
}

/* |A|_F^2, which is not finite when an entry is not. */
static neck_status frobenius(neck_context *context, const neck_matrix *view, double *out)
{
    double sums[ROUND], total = 0;
    squaring job = {view, sums, 0};
    int64_t tasks = ceil_div(view->rows, ROWS_A_TASK);
    for (; job.first < tasks; job.first += ROUND) {
        int64_t now = tasks - job.first < ROUND ? tasks - job.first : ROUND;
        neck__parallel(context, now, square_rows, &job);
        for (int64_t i = 0; i < now; i++) total += sums[i];
        int64_t done = (job.first + now) * ROWS_A_TASK;
        NECK_TRY(neck__progress(context, "norm", "rows", done < view->rows ? done : view->rows, view->rows));
    }
    if (!(total <= 1e300)) {
        neck__source source = {*view, 0, NULL, 1, 0};
        return neck__source_not_finite(&source);
    }
    *out = total;
    return NECK_OK;
}

neck_status neck_operator_dense(neck_context *context, const neck_matrix *matrix, neck_operator **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    neck_matrix view;
    double squares;
    NECK_TRY(neck__view_check(matrix, &view));
    NECK_TRY(frobenius(context, &view, &squares));
    neck_operator *op;
    NECK_TRY(neck__operator_new(context, &dense, view.rows, view.cols, squares, sizeof view, &op));
    *(neck_matrix *)op->parts = view;
    *out = op;
    return NECK_OK;
}
