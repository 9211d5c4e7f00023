/* linalg/pack.c - widening, shifting and scaling a panel of a view into strips. */
#include "linalg/pack.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/view.h"

/* Deep panels pay for reading and writing C once a panel; 256 rows of a strip (48 KB) just fit a first-level cache.
 * Narrow matrices have little work a panel, so theirs are deeper. The whole panel stays below PANEL_BYTES. */
enum { DEEP = 512, USUAL = 256, NARROW = 128, LEAST = 16, PANEL_BYTES = 32 << 20 };

/* Slices of the long side packed by one task when lines run along the width. */
enum { LINES_PER_TASK = 16 };

/* Strips that reading is announced ahead. */
enum { AHEAD = 4 };

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int64_t neck__panel_depth(const neck__source *source)
{
    int64_t width = neck__source_order(source);
    int64_t depth = width <= NARROW ? DEEP : USUAL;
    int64_t fits = PANEL_BYTES / 8 / (width + NECK__LARGEST_STRIP) / LEAST * LEAST;
    if (fits < LEAST) fits = LEAST;
    return depth < fits ? depth : fits;
}

neck_status neck__panel_create(const neck__allocator *allocator, const neck__source *source, neck__panel *panel)
{
    int64_t strip = neck__kernels_get()->strip;
    memset(panel, 0, sizeof *panel);
    panel->width = neck__source_order(source);
    panel->strips = ceil_div(panel->width, strip);
    panel->capacity = neck__panel_depth(source);
    if (panel->capacity > neck__source_length(source)) panel->capacity = neck__source_length(source);
    int64_t tasks = source->by_rows ? panel->strips : ceil_div(panel->capacity, LINES_PER_TASK);
    int64_t data, scratch;
    if (!neck__mul(panel->strips * strip, panel->capacity, &data) ||
        !neck__mul(source->by_rows ? tasks : 0, panel->capacity, &scratch))
        return neck__fail(NECK_E_OVERFLOW, "a matrix with %lld columns is too wide", (long long)panel->width);
    panel->data = neck__alloc(allocator, data, sizeof(double), "a packed panel");
    panel->scratch = panel->data ? neck__alloc(allocator, scratch, sizeof(double), "packing lines") : NULL;
    panel->squares = panel->scratch ? neck__alloc(allocator, tasks, sizeof(double), "sums of squares") : NULL;
    if (panel->squares) return NECK_OK;
    neck__panel_destroy(allocator, panel);
    return NECK_E_NOMEM;
}

void neck__panel_destroy(const neck__allocator *allocator, neck__panel *panel)
{
    neck__release(allocator, panel->data);
    neck__release(allocator, panel->scratch);
    neck__release(allocator, panel->squares);
    memset(panel, 0, sizeof *panel);
}

typedef struct filling {
    const neck__source *source;
    neck__panel *panel;
    const neck__kernels *kernels;
} filling;

/* C = Y^T Y: some rows of Y, cut over the strips. Strip by strip, so that what is written lies together; reading
 * follows as many streams as there are rows. */
static void pack_rows(void *data, int64_t task)
{
    filling *job = data;
    const neck__source *source = job->source;
    neck__panel *panel = job->panel;
    int64_t strip = job->kernels->strip, from = task * LINES_PER_TASK, lines = panel->depth - from;
    if (lines > LINES_PER_TASK) lines = LINES_PER_TASK;
    const char *rows = neck__view_row(&source->view, panel->first + from);
    int64_t size = neck_dtype_size(source->view.dtype), stride = source->view.row_stride * size;
    neck__widen_fn widen = job->kernels->widen[source->view.dtype];
    double squares = 0;
    for (int64_t s = 0; s < panel->strips; s++) {
        int64_t col = s * strip, count = panel->width - col < strip ? panel->width - col : strip;
        double *to = panel->data + (s * panel->depth + from) * strip;
        if (count < strip) memset(to, 0, (size_t)(lines * strip) * sizeof *to);
        for (int64_t k = 0; k < lines; k++) {
            /* Too many streams for the CPU's own. */
            __builtin_prefetch(rows + k * stride + (col + AHEAD * strip) * size);
            widen(rows + k * stride + col * size, count, to + k * strip);
            neck__source_adjust(source, col, count, to + k * strip);
        }
        squares += job->kernels->sum_squares(lines * strip, to);
    }
    panel->squares[task] = squares;
}

/* C = Y Y^T: a line is a piece of a row of Y; it becomes one column of a strip. */
static void pack_columns(void *data, int64_t task)
{
    filling *job = data;
    neck__panel *panel = job->panel;
    int64_t strip = job->kernels->strip;
    double *line = panel->scratch + task * panel->capacity, squares = 0;
    double *to = panel->data + task * panel->depth * strip;
    for (int64_t n = 0; n < strip; n++) {
        int64_t row = task * strip + n;
        if (row < panel->width) {
            neck__source_read(job->source, row, panel->first, panel->depth, line);
            squares += job->kernels->sum_squares(panel->depth, line);
        } else {
            memset(line, 0, (size_t)panel->depth * sizeof *line);
        }
        for (int64_t k = 0; k < panel->depth; k++) to[k * strip + n] = line[k];
    }
    panel->squares[task] = squares;
}

void neck__panel_fill(neck_context *context, const neck__source *source, int64_t first, neck__panel *panel)
{
    int64_t left = neck__source_length(source) - first;
    filling job = {source, panel, neck__kernels_get()};
    panel->first = first;
    panel->depth = left < panel->capacity ? left : panel->capacity;
    panel->tasks = source->by_rows ? panel->strips : ceil_div(panel->depth, LINES_PER_TASK);
    neck__parallel(context, panel->tasks, source->by_rows ? pack_columns : pack_rows, &job);
}
