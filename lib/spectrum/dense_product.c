/* spectrum/dense_product.c - a few rows of the view at a time: read once from memory, widened to double in the first-level cache,
 * multiplied by eight vectors at a time; for A^T A x met again while they are in the second-level cache. */
#include "spectrum/dense_product.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/view.h"

/* A group of rows, DEPTH columns of it at a time (32 KB widened). Slices of rows have sums of A^T of their own; how many there are
 * depends on the shape alone, so that sums do. */
enum { VECTORS = NECK__PANEL_VECTORS, TILE = NECK__PANEL_ROWS, ROWS = 32, DEPTH = 128, SLICES = 16, ROWS_A_SLICE = 8 * ROWS };

typedef struct product {
    const neck_matrix *view;
    const neck__kernels *kernels;
    int32_t kind;
    int64_t count, blocks;      /* vectors, in blocks of eight */
    int64_t padded_rows, padded_cols;
    int64_t slices, slice_rows;
    double *x;     /* blocks of x, rows of eight, zero where padded */
    double *y;     /* A x or A: blocks of padded_rows rows of eight; not used by GRAM, which keeps what a group gives */
    double *sums;  /* of A^T: for each slice blocks of padded_cols rows of eight */
} product;

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

/* ROWS x DEPTH doubles from (first, from) on, zeros where the view ends. */
static void widen_panel(const product *job, int64_t first, int64_t rows, int64_t from, int64_t depth, double *panel)
{
    int64_t size = neck_dtype_size(job->view->dtype), stride = job->view->row_stride * size;
    const char *row = (const char *)neck__view_row(job->view, first) + from * size;
    neck__widen_fn widen = job->kernels->widen[job->view->dtype];
    for (int64_t i = 0; i < rows; i++, row += stride, panel += DEPTH) {
        for (int64_t byte = 0; byte < depth * size; byte += 64) __builtin_prefetch(row + depth * size + byte); /* too many streams */
        widen(row, depth, panel);
        if (depth < DEPTH) memset(panel + depth, 0, (size_t)(DEPTH - depth) * sizeof *panel);
    }
    if (rows < ROWS) memset(panel, 0, (size_t)((ROWS - rows) * DEPTH) * sizeof *panel);
}

/* images (blocks of ROWS rows of eight) = these rows of A times x. */
static void forward(const product *job, int64_t first, int64_t rows, double *images, int64_t stride)
{
    double panel[ROWS * DEPTH] __attribute__((aligned(64)));
    for (int64_t b = 0; b < job->blocks; b++) memset(images + b * stride, 0, ROWS * VECTORS * sizeof *images);
    for (int64_t from = 0; from < job->view->cols; from += DEPTH) {
        int64_t depth = job->view->cols - from < DEPTH ? job->view->cols - from : DEPTH;
        widen_panel(job, first, rows, from, depth, panel);
        for (int64_t b = 0; b < job->blocks; b++)
            for (int64_t m = 0; m < ROWS; m += TILE)
                job->kernels->panel_tile(depth, panel + m * DEPTH, DEPTH, 1, job->x + (b * job->padded_cols + from) * VECTORS,
                                         images + b * stride + m * VECTORS);
    }
}

/* sums += these rows of A, transposed, times images. */
static void backward(const product *job, int64_t first, int64_t rows, const double *images, int64_t stride, double *sums)
{
    double panel[ROWS * DEPTH] __attribute__((aligned(64)));
    for (int64_t from = 0; from < job->view->cols; from += DEPTH) {
        int64_t depth = job->view->cols - from < DEPTH ? job->view->cols - from : DEPTH;
        widen_panel(job, first, rows, from, depth, panel);
        for (int64_t b = 0; b < job->blocks; b++)
            for (int64_t m = 0; m < depth; m += TILE)
                job->kernels->panel_tile(rows, panel + m, 1, DEPTH, images + b * stride,
                                         sums + (b * job->padded_cols + from + m) * VECTORS);
    }
}

/* Blocks of images of one group, as much of them as GRAM keeps at a time. */
enum { BLOCKS = 8 };

static void slice_task(void *data, int64_t slice)
{
    const product *job = data;
    double kept[BLOCKS * ROWS * VECTORS] __attribute__((aligned(64)));
    int64_t last = (slice + 1) * job->slice_rows, stride = job->padded_rows * VECTORS;
    double *sums = job->sums + slice * job->blocks * job->padded_cols * VECTORS;
    if (last > job->view->rows) last = job->view->rows;
    for (int64_t first = slice * job->slice_rows; first < last; first += ROWS) {
        int64_t rows = last - first < ROWS ? last - first : ROWS;
        if (job->kind == NECK__PLAIN) forward(job, first, rows, job->y + first * VECTORS, stride);
        if (job->kind == NECK__TRANSPOSED) backward(job, first, rows, job->x + first * VECTORS, stride, sums);
        if (job->kind != NECK__GRAM) continue;
        forward(job, first, rows, kept, ROWS * VECTORS);
        backward(job, first, rows, kept, ROWS * VECTORS, sums);
    }
}

enum { LINES = 512 };

typedef struct moving {
    const product *job;
    int64_t rows, padded, width, col; /* of the caller's block, whose columns from col on are moved */
    const double *from;
    double *to;
} moving;

/* The caller's rows become rows of eight, a block after the other. */
static void pack_task(void *data, int64_t task)
{
    const moving *move = data;
    const product *job = move->job;
    int64_t first = task * LINES, last = first + LINES < move->padded ? first + LINES : move->padded;
    for (int64_t b = 0; b < job->blocks; b++)
        for (int64_t i = first; i < last; i++) {
            double *to = move->to + (b * move->padded + i) * VECTORS;
            int64_t left = job->count - b * VECTORS, used = i >= move->rows ? 0 : left < VECTORS ? left : VECTORS;
            if (used > 0) memcpy(to, move->from + i * move->width + move->col + b * VECTORS, (size_t)used * sizeof *to);
            memset(to + used, 0, (size_t)(VECTORS - used) * sizeof *to);
        }
}

/* And back, the sums of all slices added in order. */
static void unpack_task(void *data, int64_t task)
{
    const moving *move = data;
    const product *job = move->job;
    int64_t first = task * LINES, last = first + LINES < move->rows ? first + LINES : move->rows;
    int64_t parts = job->kind == NECK__PLAIN ? 1 : job->slices, stride = job->blocks * move->padded * VECTORS;
    for (int64_t b = 0; b < job->blocks; b++)
        for (int64_t i = first; i < last; i++)
            for (int64_t j = 0; j < VECTORS && b * VECTORS + j < job->count; j++) {
                double sum = 0;
                for (int64_t p = 0; p < parts; p++) sum += move->from[p * stride + (b * move->padded + i) * VECTORS + j];
                move->to[i * move->width + move->col + b * VECTORS + j] = sum;
            }
}

static void run(neck_context *context, product *job, int64_t width, int64_t col, const double *x, double *y)
{
    int64_t rows = job->view->rows, cols = job->view->cols, plain = job->kind == NECK__PLAIN;
    int64_t in = job->kind == NECK__TRANSPOSED ? rows : cols, padded_in = job->kind == NECK__TRANSPOSED ? job->padded_rows : job->padded_cols;
    moving to = {job, in, padded_in, width, col, x, job->x};
    neck__parallel(context, (padded_in + LINES - 1) / LINES, pack_task, &to);
    if (!plain) memset(job->sums, 0, (size_t)(job->slices * job->blocks * job->padded_cols * VECTORS) * sizeof *job->sums);
    neck__parallel(context, job->slices, slice_task, job);
    moving back = {job, plain ? rows : cols, plain ? job->padded_rows : job->padded_cols, width, col, plain ? job->y : job->sums, y};
    neck__parallel(context, (back.rows + LINES - 1) / LINES, unpack_task, &back);
}

neck_status neck__dense_product(neck_context *context, const neck_matrix *view, int32_t kind, int64_t count, const double *x, double *y)
{
    neck__allocator allocator = neck__allocator_of(context);
    product job = {.view = view, .kernels = neck__kernels_get(), .kind = kind};
    int64_t most = round_up(count, VECTORS) / VECTORS;
    if (most > BLOCKS) most = BLOCKS;
    job.padded_rows = round_up(view->rows, ROWS);
    job.padded_cols = round_up(view->cols, DEPTH);
    /* Wide, short matrices have few groups; many slices of them would be sums of little. */
    job.slices = (view->rows + ROWS_A_SLICE - 1) / ROWS_A_SLICE;
    int64_t limit = kind == NECK__PLAIN ? job.slices : SLICES;
    if (job.slices > limit) job.slices = limit;
    job.slice_rows = round_up((view->rows + job.slices - 1) / job.slices, ROWS);
    int64_t in = kind == NECK__TRANSPOSED ? job.padded_rows : job.padded_cols;
    int64_t out = kind == NECK__PLAIN ? job.padded_rows : job.slices * job.padded_cols, size;
    if (!neck__mul(in + out, most * VECTORS, &size))
        return neck__fail(NECK_E_OVERFLOW, "%lld vectors at once are too many", (long long)count);
    job.x = neck__alloc(&allocator, size, sizeof *job.x, "a block of vectors");
    if (!job.x) return NECK_E_NOMEM;
    job.y = job.sums = job.x + in * most * VECTORS;
    for (int64_t col = 0; col < count; col += BLOCKS * VECTORS) {
        job.count = count - col < BLOCKS * VECTORS ? count - col : BLOCKS * VECTORS;
        job.blocks = round_up(job.count, VECTORS) / VECTORS;
        run(context, &job, count, col, x, y);
    }
    neck__release(&allocator, job.x);
    return NECK_OK;
}
