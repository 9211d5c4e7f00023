/* linalg/source.c - reading shifted and scaled rows; choosing the scale. */
#include "linalg/source.h"

#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/view.h"

int64_t neck__source_order(const neck__source *source)
{
    return source->by_rows ? source->view.rows : source->view.cols;
}

int64_t neck__source_length(const neck__source *source)
{
    return source->by_rows ? source->view.cols : source->view.rows;
}

const char *neck__source_unit(const neck__source *source)
{
    return source->by_rows ? "columns" : "rows";
}

void neck__source_adjust(const neck__source *source, int64_t col, int64_t count, double *line)
{
    if (source->shift)
        for (int64_t j = 0; j < count; j++) line[j] -= source->shift[col + j];
    if (source->scale != 1)
        for (int64_t j = 0; j < count; j++) line[j] *= source->scale;
}

void neck__source_read(const neck__source *source, int64_t row, int64_t col, int64_t count, double *out)
{
    neck__view_read(&source->view, row, col, count, out);
    neck__source_adjust(source, col, count, out);
}

double neck__sum_squares(int64_t count, const double *x)
{
    return neck__kernels_get()->sum_squares(count, x);
}

neck_status neck__source_not_finite(const neck__source *source)
{
    int64_t row, col;
    if (neck__view_find_nonfinite(&source->view, 0, source->view.rows, &row, &col))
        return neck__view_nonfinite(&source->view, row, col);
    return neck__fail(NECK_E_OVERFLOW, "the squares of the matrix exceed the range of double: scale it down");
}

/* Squares of numbers within these exponents neither overflow nor lose what double could hold, whatever their count. */
enum { SAFE_EXPONENT = 400, LARGEST_SHIFT = 1000, ROWS_PER_TASK = 256, PIECE = 512 };

typedef struct largest {
    const neck_matrix *view;
    double *found; /* one a task; NaN or infinity when there is one */
} largest;

static double largest_of_row(const neck_matrix *view, int64_t row)
{
    double piece[PIECE], most = 0, poison = 0;
    for (int64_t j = 0; j < view->cols; j += PIECE) {
        int64_t count = view->cols - j < PIECE ? view->cols - j : PIECE;
        neck__view_read(view, row, j, count, piece);
        for (int64_t k = 0; k < count; k++) {
            double size = fabs(piece[k]);
            most = size > most ? size : most;
            poison += piece[k] * 0.0;
        }
    }
    return most + poison;
}

static void largest_task(void *data, int64_t task)
{
    largest *job = data;
    int64_t last = (task + 1) * ROWS_PER_TASK;
    double most = 0;
    if (last > job->view->rows) last = job->view->rows;
    for (int64_t i = task * ROWS_PER_TASK; i < last; i++) {
        double size = largest_of_row(job->view, i);
        if (!(size <= most)) most = size;
        if (isnan(most)) break;
    }
    job->found[task] = most;
}

neck_status neck__source_choose_scale(neck_context *context, neck__source *source)
{
    source->scale = 1;
    if (source->view.dtype != NECK_F64) return NECK_OK;
    neck__allocator allocator = neck__allocator_of(context);
    int64_t tasks = (source->view.rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    largest job = {&source->view, neck__alloc(&allocator, tasks, sizeof(double), "largest elements")};
    if (!job.found) return NECK_E_NOMEM;
    neck__parallel(context, tasks, largest_task, &job);
    double most = 0;
    for (int64_t i = 0; i < tasks; i++)
        if (!(job.found[i] <= most)) most = isnan(most) ? most : job.found[i];
    neck__release(&allocator, job.found);
    if (!isfinite(most)) return neck__source_not_finite(source);
    int exponent = 0;
    if (most > 0) frexp(most, &exponent);
    if (exponent < -LARGEST_SHIFT) exponent = -LARGEST_SHIFT;
    if (exponent > SAFE_EXPONENT || exponent < -SAFE_EXPONENT) source->scale = ldexp(1, -exponent);
    return NECK_OK;
}
