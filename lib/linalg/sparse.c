/* linalg/sparse.c - products of sparse rows with blocks of vectors. */
#include "linalg/sparse.h"

#include <string.h>

#include "core/parallel.h"
#include "kernels/kernels.h"

/* Rows differ in length, so tasks are pieces of equal numbers of entries and rows together. */
enum { WORK_A_TASK = 16384 };

typedef struct product {
    const neck__sparse *matrix;
    const neck__kernels *kernels;
    int64_t count, tasks;
    const double *x;
    double *y;
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

static void rows_of_task(void *data, int64_t index)
{
    const product *job = data;
    const neck__sparse *matrix = job->matrix;
    int64_t last = first_row(job, index + 1), count = job->count;
    for (int64_t row = first_row(job, index); row < last; row++) {
        double *to = job->y + row * count;
        memset(to, 0, (size_t)count * sizeof *to);
        for (int64_t k = matrix->starts[row]; k < matrix->starts[row + 1]; k++)
            job->kernels->add_scaled(count, matrix->values ? matrix->values[k] : 1, job->x + matrix->columns[k] * count, to);
    }
}

void neck__sparse_apply(neck_context *context, const neck__sparse *matrix, int64_t count, const double *x, double *y)
{
    int64_t tasks = work_before(matrix, matrix->rows) / WORK_A_TASK + 1;
    product job = {matrix, neck__kernels_get(), count, tasks, x, y};
    neck__parallel(context, tasks, rows_of_task, &job);
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
