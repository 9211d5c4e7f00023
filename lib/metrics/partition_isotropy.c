/* metrics/partition_isotropy.c - how much the partition function of a row set depends on the direction. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/blas.h"
#include "linalg/lapack.h"
#include "linalg/view.h"
#include "softneck/geometry.h"

/* Doubles in a block of rows and, again, in its projections. */
#define BLOCK_DOUBLES (256 * 1024)
#define LEAST_BLOCK_ROWS 16
#define DIRECTIONS_PER_TASK 16

/* sum exp(z) as exp(peak) * sum. */
typedef struct log_sum {
    double peak, sum;
} log_sum;

typedef struct partition {
    neck__allocator allocator;
    int64_t cols, block_rows;
    double *directions;  /* cols x cols, a unit eigenvector a row */
    double *eigenvalues; /* cols, ascending */
    double *rows;        /* block_rows x cols */
    double *projections; /* cols x block_rows: a direction a row */
    log_sum *sums;       /* of c and of -c for each direction */
    int64_t filled;      /* rows in the block */
    double longest;      /* largest |y|^2 so far */
} partition;

static void log_sum_add(log_sum *sum, const double *z, int64_t count, double sign)
{
    double peak = sum->peak;
    for (int64_t i = 0; i < count; i++) peak = fmax(peak, sign * z[i]);
    double total = sum->sum * exp(sum->peak - peak);
    for (int64_t i = 0; i < count; i++) total += exp(sign * z[i] - peak);
    *sum = (log_sum){peak, total};
}

static void add_directions(void *data, int64_t index)
{
    partition *p = data;
    int64_t last = (index + 1) * DIRECTIONS_PER_TASK;
    if (last > p->cols) last = p->cols;
    for (int64_t c = index * DIRECTIONS_PER_TASK; c < last; c++) {
        log_sum_add(&p->sums[2 * c], p->projections + c * p->block_rows, p->filled, 1);
        log_sum_add(&p->sums[2 * c + 1], p->projections + c * p->block_rows, p->filled, -1);
    }
}

static neck_status partition_alloc(neck_context *context, int64_t cols, partition *p)
{
    memset(p, 0, sizeof *p);
    p->allocator = neck__allocator_of(context);
    p->cols = cols;
    p->block_rows = BLOCK_DOUBLES / cols;
    if (p->block_rows < LEAST_BLOCK_ROWS) p->block_rows = LEAST_BLOCK_ROWS;
    int64_t row_bytes = cols * (int64_t)sizeof(double); /* cols^2 doubles exist already, in the gram */
    if (!(p->directions = neck__alloc(&p->allocator, cols, row_bytes, "eigenvectors"))) return NECK_E_NOMEM;
    if (!(p->eigenvalues = neck__alloc(&p->allocator, 1, row_bytes, "eigenvalues"))) return NECK_E_NOMEM;
    if (!(p->rows = neck__alloc(&p->allocator, p->block_rows, row_bytes, "a block of rows"))) return NECK_E_NOMEM;
    if (!(p->projections = neck__alloc(&p->allocator, p->block_rows, row_bytes, "projections"))) return NECK_E_NOMEM;
    if (!(p->sums = neck__alloc(&p->allocator, 2 * cols, sizeof(log_sum), "partition sums"))) return NECK_E_NOMEM;
    for (int64_t c = 0; c < 2 * cols; c++) p->sums[c] = (log_sum){-INFINITY, 0};
    return NECK_OK;
}

static void partition_free(partition *p)
{
    neck__release(&p->allocator, p->directions);
    neck__release(&p->allocator, p->eigenvalues);
    neck__release(&p->allocator, p->rows);
    neck__release(&p->allocator, p->projections);
    neck__release(&p->allocator, p->sums);
}

/* Reads rows [first, first + filled) minus shift into the block. */
static neck_status read_block(const neck_matrix *view, int64_t first, const double *shift, partition *p)
{
    int64_t row, col;
    if (neck__view_find_nonfinite(view, first, first + p->filled, &row, &col))
        return neck__view_nonfinite(view, row, col);
    for (int64_t i = 0; i < p->filled; i++) {
        double *y = p->rows + i * p->cols, squared = 0;
        neck__view_read(view, first + i, 0, p->cols, y);
        for (int64_t j = 0; j < p->cols; j++) {
            if (shift) y[j] -= shift[j];
            squared += y[j] * y[j];
        }
        p->longest = fmax(p->longest, squared);
    }
    return isfinite(p->longest) ? NECK_OK : neck__fail(NECK_E_OVERFLOW, "partition_isotropy: a row's norm overflows");
}

static neck_status add_rows(neck_context *context, const neck_matrix *view, const double *shift, partition *p)
{
    int64_t tasks = (p->cols + DIRECTIONS_PER_TASK - 1) / DIRECTIONS_PER_TASK;
    for (int64_t first = 0; first < view->rows; first += p->filled) {
        NECK_TRY(neck__progress(context, "partition isotropy", "rows", first, view->rows));
        p->filled = view->rows - first < p->block_rows ? view->rows - first : p->block_rows;
        NECK_TRY(read_block(view, first, shift, p));
        NECK_TRY(neck__gemm(0, 1, p->cols, p->filled, p->cols, 1, p->directions, p->cols, p->rows, p->cols, 0,
                            p->projections, p->block_rows));
        neck__parallel(context, tasks, add_directions, p);
    }
    return neck__progress(context, "partition isotropy", "rows", view->rows, view->rows);
}

/* Bound on the error of every ln Z(c): |dln Z| <= max|y| |dc|. An eigenvector of a matrix known to within
 * rounding * trace turns by at most that over its distance to the next eigenvalue, and never by more than 2. */
static double direction_error(const partition *p, int64_t c, int64_t rows)
{
    double gap = INFINITY, trace = 0, rounding = (double)(rows + p->cols) * DBL_EPSILON;
    if (c > 0) gap = p->eigenvalues[c] - p->eigenvalues[c - 1];
    if (c + 1 < p->cols) gap = fmin(gap, p->eigenvalues[c + 1] - p->eigenvalues[c]);
    for (int64_t j = 0; j < p->cols; j++) trace += fabs(p->eigenvalues[j]);
    double turn = gap > 0 ? fmin(2, rounding * trace / gap) : 2;
    return sqrt(p->longest) * (turn + (double)p->cols * DBL_EPSILON);
}

/* min Z / max Z, and the extremes that the errors of the single ln Z allow. */
static neck_measure extremes(const partition *p, int64_t rows)
{
    double least = INFINITY, least_low = INFINITY, least_high = INFINITY;
    double most = -INFINITY, most_low = -INFINITY, most_high = -INFINITY;
    for (int64_t c = 0; c < p->cols; c++) {
        double error = direction_error(p, c, rows);
        for (int64_t sign = 0; sign < 2; sign++) {
            const log_sum *sum = &p->sums[2 * c + sign];
            double value = sum->peak + log(sum->sum);
            least = fmin(least, value);
            least_low = fmin(least_low, value - error);
            least_high = fmin(least_high, value + error);
            most = fmax(most, value);
            most_low = fmax(most_low, value - error);
            most_high = fmax(most_high, value + error);
        }
    }
    double value = exp(least - most), low = exp(least_low - most_high), high = fmin(1, exp(least_high - most_low));
    return (neck_measure){value, fmax(high - value, value - low)};
}

static neck_status check_inputs(const neck_gram *gram, const neck_matrix *matrix, const neck_measure *out,
                                neck_matrix *view)
{
    if (!gram || !out) return neck__fail(NECK_E_ARGUMENT, "partition_isotropy: gram or out is NULL");
    NECK_TRY(neck__view_check(matrix, view));
    if (view->cols != neck_gram_cols(gram))
        return neck__fail(NECK_E_ARGUMENT, "partition_isotropy: the matrix has %lld columns, the gram %lld",
                          (long long)view->cols, (long long)neck_gram_cols(gram));
    if (neck_gram_count(gram) < 1) return neck__fail(NECK_E_STATE, "partition_isotropy: the gram holds no rows");
    if (!neck_gram_data(gram))
        return neck__fail(NECK_E_STATE, "partition_isotropy: the gram was created with moments_only");
    return NECK_OK;
}

neck_status neck_partition_isotropy(neck_context *context, const neck_gram *gram, const neck_matrix *matrix,
                                    neck_measure *out)
{
    neck_matrix view;
    NECK_TRY(check_inputs(gram, matrix, out, &view));
    partition p;
    neck_status status;
    NECK_GOTO_DONE(partition_alloc(context, view.cols, &p));
    memcpy(p.directions, neck_gram_data(gram), (size_t)p.cols * (size_t)p.cols * sizeof(double));
    NECK_GOTO_DONE(neck__symmetric_eigen(context, p.cols, p.directions, p.eigenvalues));
    NECK_GOTO_DONE(add_rows(context, &view, neck_gram_shift(gram), &p));
    *out = extremes(&p, view.rows);
done:
    partition_free(&p);
    return status;
}
