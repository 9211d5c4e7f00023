/* linalg/sparse.c - products of sparse rows with blocks of vectors. */
#include "linalg/sparse.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/parallel.h"
#include "kernels/kernels.h"

/* Rows differ in length, so tasks are pieces of equal numbers of entries and rows together: times count, this many. */
enum { WORK_A_TASK = 131072 };

typedef struct product {
    const neck__sparse *matrix;
    const neck__kernels *kernels;
    int64_t count, tasks;
    const double *x;
    double *y;
    int64_t size; /* gram: numbers in y, and in the sum of each task but the first, whose sum is y */
    double *sums;
} product;

/* What rows before this one cost. */
static int64_t work_before(const neck__sparse *matrix, int64_t row)
{
    return matrix->starts[row] + row;
}

/* The first row whose work begins at or after the share of tasks before index. */
static int64_t first_row(const product *job, int64_t index)
{
    int64_t total = work_before(job->matrix, job->matrix->rows);
    int64_t wanted = (int64_t)((double)total / (double)job->tasks * (double)index), low = 0, high = job->matrix->rows;
    if (index == job->tasks) return high;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (work_before(job->matrix, middle) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static neck__sparse_rows rows_of_task(const product *job, int64_t index, int64_t *first)
{
    const neck__sparse *matrix = job->matrix;
    *first = first_row(job, index);
    return (neck__sparse_rows){first_row(job, index + 1) - *first, matrix->starts + *first, matrix->columns,
                               matrix->values};
}

static void apply_task(void *data, int64_t index)
{
    const product *job = data;
    int64_t first;
    neck__sparse_rows rows = rows_of_task(job, index, &first);
    job->kernels->sparse_product(0, &rows, job->count, job->x, job->y + first * job->count);
}

void neck__sparse_apply(neck_context *context, const neck__sparse *matrix, int64_t count, const double *x, double *y)
{
    int64_t tasks = work_before(matrix, matrix->rows) / (WORK_A_TASK / count + 1) + 1;
    product job = {.matrix = matrix, .kernels = neck__kernels_get(), .count = count, .tasks = tasks, .x = x, .y = y};
    neck__parallel(context, tasks, apply_task, &job);
}

/* ---- A^T A x ---- */

static void gram_task(void *data, int64_t index)
{
    const product *job = data;
    int64_t first;
    neck__sparse_rows rows = rows_of_task(job, index, &first);
    double *sum = index == 0 ? job->y : job->sums + (index - 1) * job->size;
    if (index > 0) memset(sum, 0, (size_t)job->size * sizeof *sum);
    job->kernels->sparse_product(1, &rows, job->count, job->x, sum);
}

enum { ADDED_A_TASK = 4096, MOST_RUNS = 16 };

static void add_task(void *data, int64_t index)
{
    const product *job = data;
    int64_t first = index * ADDED_A_TASK, left = job->size - first, length = left < ADDED_A_TASK ? left : ADDED_A_TASK;
    for (int64_t run = 0; run < job->tasks - 1; run++)
        job->kernels->add_scaled(length, 1, job->sums + run * job->size + first, job->y + first);
}

/* A sum of its own costs a run of rows three passes over it, so a run has several entries for each of its numbers. */
static int64_t gram_runs(const neck__sparse *matrix, int64_t cols)
{
    int64_t runs = matrix->starts[matrix->rows] / (4 * cols);
    return runs < 1 ? 1 : runs > MOST_RUNS ? MOST_RUNS : runs;
}

neck_status neck__sparse_add_gram(neck_context *context, const neck__sparse *matrix, int64_t cols, int64_t count,
                                  const double *x, double *y)
{
    neck__allocator allocator = neck__allocator_of(context);
    product job = {.matrix = matrix, .kernels = neck__kernels_get(), .count = count, .tasks = gram_runs(matrix, cols),
                   .x = x, .y = y};
    int64_t size;
    if (!neck__mul(cols, count, &job.size) || !neck__mul(job.size, job.tasks - 1, &size))
        return neck__fail(NECK_E_OVERFLOW, "%lld vectors are too many", (long long)count);
    job.sums = neck__alloc(&allocator, size, sizeof *job.sums, "sums of runs of rows");
    if (!job.sums) return NECK_E_NOMEM;
    neck__parallel(context, job.tasks, gram_task, &job);
    if (job.tasks > 1) neck__parallel(context, (job.size + ADDED_A_TASK - 1) / ADDED_A_TASK, add_task, &job);
    neck__release(&allocator, job.sums);
    return NECK_OK;
}

void neck__sparse_transpose(const neck__sparse *matrix, int64_t cols, int64_t *starts, int32_t *rows, double *values)
{
    int64_t entries = matrix->starts[matrix->rows];
    memset(starts, 0, (size_t)(cols + 1) * sizeof *starts);
    for (int64_t k = 0; k < entries; k++) starts[matrix->columns[k] + 1]++;
    for (int64_t col = 0; col < cols; col++) starts[col + 1] += starts[col];
    for (int64_t row = 0; row < matrix->rows; row++)
        for (int64_t k = matrix->starts[row]; k < matrix->starts[row + 1]; k++) {
            int64_t to = starts[matrix->columns[k]]++;
            rows[to] = (int32_t)row;
            if (values) values[to] = matrix->values[k];
        }
    /* Each start has moved on to the next one's place. */
    memmove(starts + 1, starts, (size_t)cols * sizeof *starts);
    starts[0] = 0;
}
