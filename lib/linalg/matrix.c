/* linalg/matrix.c - public operations on whole views: finite check, widening, column means. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/source.h"
#include "linalg/view.h"

/* Rows handled by one task: fixed, so that sums are ordered the same way whatever the number of threads. */
enum { ROWS_PER_TASK = 1024 };

static int64_t task_count(const neck_matrix *view)
{
    return (view->rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
}

static int64_t task_end(const neck_matrix *view, int64_t task)
{
    int64_t end = (task + 1) * ROWS_PER_TASK;
    return end < view->rows ? end : view->rows;
}

typedef struct place {
    int64_t row, col; /* row -1: none found */
} place;

typedef struct scan {
    const neck_matrix *view;
    place *found; /* one a task */
} scan;

static void scan_task(void *data, int64_t task)
{
    scan *job = data;
    place *found = &job->found[task];
    if (!neck__view_find_nonfinite(job->view, task * ROWS_PER_TASK, task_end(job->view, task), &found->row,
                                   &found->col))
        found->row = -1;
}

neck_status neck_matrix_check_finite(neck_context *context, const neck_matrix *matrix, int64_t *row, int64_t *col)
{
    neck_matrix view;
    NECK_TRY(neck__view_check(matrix, &view));
    neck__allocator allocator = neck__allocator_of(context);
    int64_t tasks = task_count(&view);
    scan job = {&view, neck__alloc(&allocator, tasks, sizeof(place), "a finite check")};
    if (!job.found) return NECK_E_NOMEM;
    neck__parallel(context, tasks, scan_task, &job);
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < tasks && status == NECK_OK; i++)
        if (job.found[i].row >= 0) {
            if (row) *row = job.found[i].row;
            if (col) *col = job.found[i].col;
            status = neck__view_nonfinite(&view, job.found[i].row, job.found[i].col);
        }
    neck__release(&allocator, job.found);
    return status;
}

typedef struct widening {
    const neck_matrix *view;
    double *out;
} widening;

static void widen_task(void *data, int64_t task)
{
    widening *job = data;
    for (int64_t i = task * ROWS_PER_TASK; i < task_end(job->view, task); i++)
        neck__view_read(job->view, i, 0, job->view->cols, job->out + i * job->view->cols);
}

neck_status neck_matrix_to_f64(neck_context *context, const neck_matrix *matrix, double *out)
{
    neck_matrix view;
    NECK_TRY(neck__view_check(matrix, &view));
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    widening job = {&view, out};
    neck__parallel(context, task_count(&view), widen_task, &job);
    return NECK_OK;
}

/* Column sums: a group of tasks has one partial sum each; partial sums are added in order. */
enum { PARTIAL_SUMS = 16 };

typedef struct mean {
    const neck_matrix *view;
    const double *weights;
    int64_t first_task;
    double *partial; /* PARTIAL_SUMS x 2*cols: sums, then a row */
} mean;

static void mean_task(void *data, int64_t index)
{
    mean *job = data;
    int64_t cols = job->view->cols, task = job->first_task + index;
    double *sum = job->partial + index * 2 * cols, *values = sum + cols;
    memset(sum, 0, (size_t)cols * sizeof *sum);
    for (int64_t i = task * ROWS_PER_TASK; i < task_end(job->view, task); i++) {
        double weight = job->weights ? job->weights[i] : 1.0;
        if (weight == 0) continue;
        neck__view_read(job->view, i, 0, cols, values);
        neck__kernels_get()->add_scaled(cols, weight, values, sum);
    }
}

/* Of the products, of a task, over tasks; of the weights, the same way at most; the quotient. */
double neck__column_mean_chain(const neck_matrix *view)
{
    double task = (double)(view->rows < ROWS_PER_TASK ? view->rows : ROWS_PER_TASK);
    return 2 * (task + (double)task_count(view)) + 3;
}

static neck_status total_weight(const double *weights, int64_t rows, double *total)
{
    double part = 0;
    *total = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (!isfinite(weights[i])) return neck__fail(NECK_E_NONFINITE, "weights[%lld] is %g", (long long)i, weights[i]);
        if (weights[i] < 0)
            return neck__fail(NECK_E_ARGUMENT, "weights[%lld] is negative: %g", (long long)i, weights[i]);
        part += weights[i];
        if ((i + 1) % ROWS_PER_TASK && i + 1 < rows) continue;
        *total += part;
        part = 0;
    }
    if (!(*total > 0) || isinf(*total)) return neck__fail(NECK_E_ARGUMENT, "the weights sum to %g", *total);
    return NECK_OK;
}

static neck_status sum_columns(neck_context *context, mean *job, double *sum)
{
    int64_t cols = job->view->cols, tasks = task_count(job->view);
    for (int64_t first = 0; first < tasks; first += PARTIAL_SUMS) {
        int64_t count = tasks - first < PARTIAL_SUMS ? tasks - first : PARTIAL_SUMS;
        NECK_TRY(neck__progress(context, "column mean", "rows", first * ROWS_PER_TASK, job->view->rows));
        job->first_task = first;
        neck__parallel(context, count, mean_task, job);
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = 0; j < cols; j++) sum[j] += job->partial[i * 2 * cols + j];
    }
    return NECK_OK;
}

neck_status neck_matrix_column_mean(neck_context *context, const neck_matrix *matrix, const double *weights,
                                    double *out)
{
    neck_matrix view;
    NECK_TRY(neck__view_check(matrix, &view));
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    double total = (double)view.rows;
    if (weights) NECK_TRY(total_weight(weights, view.rows, &total));
    neck__allocator allocator = neck__allocator_of(context);
    int64_t size;
    if (!neck__mul(view.cols, 2 * PARTIAL_SUMS + 1, &size))
        return neck__fail(NECK_E_OVERFLOW, "%lld columns are too many", (long long)view.cols);
    double *memory = neck__calloc(&allocator, size, sizeof(double), "column means");
    if (!memory) return NECK_E_NOMEM;
    mean job = {&view, weights, 0, memory + view.cols};
    neck_status status = sum_columns(context, &job, memory);
    for (int64_t j = 0; j < view.cols && status == NECK_OK; j++) {
        memory[j] /= total;
        if (isfinite(memory[j])) continue;
        int64_t row, col;
        if (neck__view_find_nonfinite(&view, 0, view.rows, &row, &col)) {
            status = neck__view_nonfinite(&view, row, col);
        } else {
            status = neck__fail(NECK_E_OVERFLOW, "the sum of column %lld exceeds the range of double", (long long)j);
        }
    }
    if (status == NECK_OK) memcpy(out, memory, (size_t)view.cols * sizeof *out);
    neck__release(&allocator, memory);
    return status;
}
