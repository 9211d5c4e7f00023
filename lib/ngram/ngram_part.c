/* ngram/ngram_part.c - one part of an n-gram matrix made dense: its rows for QR, or D + R^T R for an eigensolver. */
#include "ngram/ngram_part.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/lapack.h"

/* QR is taken below this many multiplications: half a second at most for every digit. */
#define CHEAP_QR 2e9

#define ROUNDOFF (DBL_EPSILON / 2)

int64_t neck__ngram_part_rows(const neck_ngram_matrix *matrix, const neck__ngram_part *part)
{
    int64_t from, to;
    neck__ngram_hot_range(matrix, part->first_column, part->first_column + part->columns, &from, &to);
    return to - from + part->rows;
}

int64_t neck__ngram_part_size(const neck_ngram_matrix *matrix, const neck__ngram_part *part)
{
    int64_t rows = neck__ngram_part_rows(matrix, part);
    return rows < part->columns ? rows : part->columns;
}

static double qr_work(const neck_ngram_matrix *matrix, const neck__ngram_part *part)
{
    return (double)neck__ngram_part_rows(matrix,
                                         part) * (double)part->columns * (double)neck__ngram_part_size(matrix, part);
}

void neck__ngram_part_cost(const neck_ngram_matrix *matrix, const neck__ngram_part *part, double *bytes,
                           double *operations)
{
    double rows = (double)neck__ngram_part_rows(matrix, part), n = (double)part->columns, work = qr_work(matrix, part);
    double size = fmin(rows, n);
    if (work <= CHEAP_QR) { /* the rows; R, a chunk of twice its size at most, and LAPACK's copy */
        *bytes = 8 * (rows * n + 8 * size * size);
        *operations = 2 * work + 8.0 / 3 * size * size * size;
    } else {
        int64_t most_bytes, most_operations;
        neck__symmetric_eigenvalues_cost(part->columns, &most_bytes, &most_operations);
        *bytes = (double)most_bytes + 16 * n;
        *operations = (double)most_operations;
    }
}

/* ---- by QR ---- */

static neck_status dense_rows(neck_context *context, const neck_ngram_matrix *matrix, const neck__ngram_part *part,
                              double **out)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t first = part->first_column, n = part->columns, rows = neck__ngram_part_rows(matrix, part), from, to;
    double *dense = neck__calloc(&allocator, rows * n, sizeof *dense, "the rows of a part");
    if (!dense) return NECK_E_NOMEM;
    neck__ngram_hot_range(matrix, first, first + n, &from, &to);
    double *line = dense;
    for (int64_t h = from; h < to; h++, line += n) line[matrix->hot_columns[h] - first] = matrix->hot_roots[h];
    for (int64_t i = part->first_row; i < part->first_row + part->rows; i++, line += n)
        for (int64_t e = matrix->rows.starts[i]; e < matrix->rows.starts[i + 1]; e++)
            line[matrix->rows.columns[e] - first] = matrix->rows.values[e];
    *out = dense;
    return NECK_OK;
}

/* Each entry of a row comes from two roundings and a root, and its squared weight from `roundings`. */
static neck_status solve_by_qr(neck_context *context, const neck_ngram_matrix *matrix, const neck__ngram_part *part,
                               neck__solution *solution)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t rows = neck__ngram_part_rows(matrix, part), n = part->columns;
    double *dense;
    NECK_TRY(dense_rows(context, matrix, part, &dense));
    neck__source source = {.view = {.data = dense, .rows = rows, .cols = n, .row_stride = n, .dtype = NECK_F64},
                           .by_rows = rows < n, .scale = 1, .silent = 1};
    neck_status status = neck__solve_by_qr(context, &source, solution);
    neck__release(&allocator, dense);
    if (status != NECK_OK) return status;
    double more = (4 + matrix->roundings) * ROUNDOFF * sqrt(solution->frobenius_squared);
    for (int64_t i = 0; i < neck__ngram_part_size(matrix, part); i++) solution->bounds[i] += more;
    solution->resolution += more;
    return NECK_OK;
}

/* ---- by the Gram matrix ---- */

typedef struct filling {
    const neck_ngram_matrix *matrix;
    const neck__ngram_part *part;
    int64_t begin; /* columns from here on, of the part, in this slab */
    double *gram;
} filling;

/* Row a of the upper triangle: for each row of R that holds column a, its entries from a on. Summed in the order of
 * rows. */
static void fill_row(const filling *job, int64_t a)
{
    const neck__sparse *rows = &job->matrix->rows, *turned = &job->matrix->turned;
    int64_t first = job->part->first_column, n = job->part->columns, column = first + a;
    double *line = job->gram + a * n - first; /* indexed by column; its part from a on is ours */
    memset(line + column, 0, (size_t)(n - a) * sizeof *line);
    for (int64_t e = turned->starts[column]; e < turned->starts[column + 1]; e++) {
        int64_t row = turned->columns[e];
        double value = turned->values[e];
        for (int64_t k = rows->starts[row + 1] - 1; k >= rows->starts[row] && rows->columns[k] >= column; k--)
            line[rows->columns[k]] += value * rows->values[k];
    }
    line[column] += job->matrix->diagonal[column];
}

enum { COLUMNS_A_TASK = 16, TASKS_A_SLAB = 32 };

static void fill_task(void *data, int64_t index)
{
    const filling *job = data;
    int64_t first = job->begin + index * COLUMNS_A_TASK, last = first + COLUMNS_A_TASK;
    if (last > job->part->columns) last = job->part->columns;
    for (int64_t a = first; a < last; a++) fill_row(job, a);
}

static neck_status fill(neck_context *context, filling *job)
{
    const int64_t slab = (int64_t)COLUMNS_A_TASK * TASKS_A_SLAB, n = job->part->columns;
    for (job->begin = 0; job->begin < n; job->begin += slab) {
        int64_t left = n - job->begin < slab ? n - job->begin : slab;
        neck__parallel(context, (left + COLUMNS_A_TASK - 1) / COLUMNS_A_TASK, fill_task, job);
        NECK_TRY(neck__progress(context, "gram of n-grams", "columns", job->begin + left, n));
    }
    return NECK_OK;
}

/* Entries are not negative, so an entry of D + R^T R errs by at most its relative roundings, the error's spectral norm
 * is at most that times the largest eigenvalue, and this is at most the largest row sum (Perron). */
static neck_status gram_error(neck_context *context, const neck_ngram_matrix *matrix, const neck__ngram_part *part,
                              double *out)
{
    neck__allocator allocator = neck__allocator_of(context);
    const neck__sparse *rows = &matrix->rows, *turned = &matrix->turned;
    int64_t first = part->first_column, longest = 0;
    double *sums = neck__alloc(&allocator, part->columns, sizeof *sums, "row sums"), largest = 0;
    if (!sums) return NECK_E_NOMEM;
    memcpy(sums, matrix->diagonal + first, (size_t)part->columns * sizeof *sums);
    for (int64_t i = part->first_row; i < part->first_row + part->rows; i++) {
        double row = 0;
        for (int64_t e = rows->starts[i]; e < rows->starts[i + 1]; e++) row += rows->values[e];
        for (int64_t e = rows->starts[i]; e < rows->starts[i + 1]; e++)
            sums[rows->columns[e] - first] += row * rows->values[e];
    }
    for (int64_t j = 0; j < part->columns; j++) {
        int64_t length = turned->starts[first + j + 1] - turned->starts[first + j];
        if (length > longest) longest = length;
        largest = fmax(largest, sums[j]);
    }
    neck__release(&allocator, sums);
    *out = ((double)longest + 10 + matrix->roundings) * ROUNDOFF * largest;
    return NECK_OK;
}

static neck_status solve_by_gram(neck_context *context, const neck_ngram_matrix *matrix, const neck__ngram_part *part,
                                 neck__solution *solution)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t n = part->columns, size;
    double error;
    NECK_TRY(gram_error(context, matrix, part, &error));
    if (!neck__mul(n, n, &size))
        return neck__fail(NECK_E_OVERFLOW, "a part of %lld columns is too large", (long long)n);
    filling job = {.matrix = matrix, .part = part};
    job.gram = neck__alloc(&allocator, size, sizeof *job.gram, "the Gram matrix of a part");
    if (!job.gram) return NECK_E_NOMEM;
    neck_status status = fill(context, &job);
    if (status == NECK_OK)
        status = neck__solve_eigen(context, n, job.gram, error, neck__ngram_part_size(matrix, part), solution);
    neck__release(&allocator, job.gram);
    return status;
}

neck_status neck__ngram_part_solve(neck_context *context, const neck_ngram_matrix *matrix, const neck__ngram_part *part,
                                   neck__solution *solution)
{
    return qr_work(matrix, part) <= CHEAP_QR ? solve_by_qr(context, matrix, part, solution)
                                             : solve_by_gram(context, matrix, part, solution);
}
