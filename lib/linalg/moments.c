/* linalg/moments.c - one pass over rows, in chunks with partial sums that are added in order. */
#include "linalg/moments.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/view.h"

enum { ROWS_PER_CHUNK = 256, CHUNKS = 16 };

typedef struct chunk {
    double *sum, *unit_sum, *line; /* cols each */
    double norm_sum, square_sum;
    int64_t zero_rows;
} chunk;

typedef struct moments_job {
    const neck_matrix *view;
    const double *shift;
    int64_t first_row;
    chunk chunks[CHUNKS];
} moments_job;

static void add_row(const moments_job *job, int64_t row, chunk *part)
{
    const neck__kernels *kernels = neck__kernels_get();
    int64_t cols = job->view->cols;
    neck__view_read(job->view, row, 0, cols, part->line);
    if (job->shift)
        for (int64_t j = 0; j < cols; j++) part->line[j] -= job->shift[j];
    double squares = kernels->sum_squares(cols, part->line);
    part->square_sum += squares;
    if (squares == 0) {
        part->zero_rows++;
        return;
    }
    double norm = sqrt(squares);
    part->norm_sum += norm;
    kernels->add_scaled(cols, 1.0, part->line, part->sum);
    kernels->add_scaled(cols, 1.0 / norm, part->line, part->unit_sum);
}

static void chunk_task(void *data, int64_t index)
{
    moments_job *job = data;
    chunk *part = &job->chunks[index];
    memset(part->sum, 0, (size_t)job->view->cols * 2 * sizeof(double)); /* sum and unit_sum */
    part->norm_sum = part->square_sum = 0;
    part->zero_rows = 0;
    int64_t first = job->first_row + index * ROWS_PER_CHUNK, last = first + ROWS_PER_CHUNK;
    if (last > job->view->rows) last = job->view->rows;
    for (int64_t row = first; row < last; row++) add_row(job, row, part);
}

static void add_chunk(const chunk *part, int64_t cols, neck__moments *out)
{
    for (int64_t j = 0; j < cols; j++) {
        out->sum[j] += part->sum[j];
        out->unit_sum[j] += part->unit_sum[j];
    }
    out->norm_sum += part->norm_sum;
    out->square_sum += part->square_sum;
    out->zero_rows += part->zero_rows;
}

static neck_status not_finite(const neck_matrix *view)
{
    int64_t row, col;
    if (neck__view_find_nonfinite(view, 0, view->rows, &row, &col)) return neck__view_nonfinite(view, row, col);
    return neck__fail(NECK_E_OVERFLOW, "the squares of the rows exceed the range of double: scale the data down");
}

static neck_status run(neck_context *context, moments_job *job, neck__moments *out)
{
    const neck_matrix *view = job->view;
    const int64_t step = (int64_t)ROWS_PER_CHUNK * CHUNKS;
    for (int64_t first = 0; first < view->rows; first += step) {
        int64_t left = view->rows - first < step ? view->rows - first : step;
        int64_t count = (left + ROWS_PER_CHUNK - 1) / ROWS_PER_CHUNK;
        job->first_row = first;
        neck__parallel(context, count, chunk_task, job);
        for (int64_t i = 0; i < count; i++) add_chunk(&job->chunks[i], view->cols, out);
        if (!isfinite(out->square_sum)) return not_finite(view);
        NECK_TRY(neck__progress(context, "row moments", "rows", first + left, view->rows));
    }
    return NECK_OK;
}

neck_status neck__moments_add(neck_context *context, const neck_matrix *view, const double *shift, neck__moments *out)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t chunks = (view->rows + ROWS_PER_CHUNK - 1) / ROWS_PER_CHUNK, size;
    if (chunks > CHUNKS) chunks = CHUNKS;
    if (!neck__mul(view->cols, 3 * chunks, &size))
        return neck__fail(NECK_E_OVERFLOW, "%lld columns are too many", (long long)view->cols);
    double *memory = neck__alloc(&allocator, size, sizeof(double), "row moments");
    if (!memory) return NECK_E_NOMEM;
    moments_job job = {.view = view, .shift = shift};
    for (int64_t i = 0; i < chunks; i++) {
        job.chunks[i].sum = memory + i * 3 * view->cols;
        job.chunks[i].unit_sum = job.chunks[i].sum + view->cols;
        job.chunks[i].line = job.chunks[i].unit_sum + view->cols;
    }
    neck_status status = run(context, &job, out);
    neck__release(&allocator, memory);
    return status;
}
