/* spectrum/dense_product_template.h - the code behind spectrum/dense_product.h, for one precision: whoever includes
 * this defines REAL, VECTORS (that a tile takes at a time), PANEL_TILE (the tile's name among the kernels),
 * DENSE_PRODUCT (the function's name), and fetch(kernels, dtype, source, count, to), which reads entries of the view.
 *
 * A few rows of the view at a time, converted in the first-level cache and multiplied by VECTORS vectors at a time. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/view.h"
#include "spectrum/dense_product.h"

/* Rows pass in groups, and those in panels of PANEL rows and DEPTH columns, converted (16 or 32 KB: first-level cache).
 * All panels of a group that lie above each other pass before the next ones beside them: many vectors, or sums, of
 * these columns stay in the second-level cache meanwhile. For few, groups are one panel high and for A^T A stay in the
 * cache themselves. Slices of rows have sums of A^T of their own; how many there are depends on the shape alone, so
 * that sums do. */
enum { TILE = NECK__PANEL_ROWS, PANEL = 32, DEPTH = NECK__PANEL_DEPTH, ROWS = 4 * PANEL, FEW_BLOCKS = 2 };
enum { SLICES = 16, ROWS_A_SLICE = 8 * PANEL };

typedef struct product {
    const neck_matrix *view;
    const neck__kernels *kernels;
    int32_t kind;
    int64_t count, blocks;      /* vectors, in blocks of VECTORS */
    int64_t padded_rows, padded_cols;
    int64_t slices, slice_rows;
    REAL *x;    /* blocks of x, rows of VECTORS, zero where padded */
    REAL *y;    /* A x: blocks of padded_rows rows of VECTORS; not used by GRAM, which keeps what a group gives */
    REAL *sums; /* of A^T: for each slice blocks of padded_cols rows of VECTORS */
} product;

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Part of a group: rows from first on, columns from `from` on. */
typedef struct panel_place {
    int64_t first, rows, from, depth;
} panel_place;

/* PANEL x DEPTH numbers, zeros where the view ends. ahead: where the next panel lies, in bytes, for too many streams
 * are read for the processor to see. */
static void fetch_panel(const product *job, const panel_place *at, int64_t ahead, REAL *panel)
{
    int64_t size = neck_dtype_size(job->view->dtype), stride = job->view->row_stride * size;
    const char *row = (const char *)neck__view_row(job->view, at->first) + at->from * size;
    for (int64_t i = 0; i < at->rows; i++, row += stride, panel += DEPTH) {
        for (int64_t byte = 0; byte < at->depth * size; byte += 64) __builtin_prefetch(row + ahead + byte);
        fetch(job->kernels, job->view->dtype, row, at->depth, panel);
        if (at->depth < DEPTH) memset(panel + at->depth, 0, (size_t)(DEPTH - at->depth) * sizeof *panel);
    }
    if (at->rows < PANEL) memset(panel, 0, (size_t)((PANEL - at->rows) * DEPTH) * sizeof *panel);
}

/* images (blocks of rows of VECTORS) += this panel of A times x. */
static void forward(const product *job, const panel_place *at, const REAL *panel, REAL *images, int64_t stride)
{
    for (int64_t b = 0; b < job->blocks; b++) {
        const REAL *x = job->x + (b * job->padded_cols + at->from) * VECTORS;
        REAL *to = images + b * stride;
        for (int64_t m = 0; m < PANEL; m += TILE)
            job->kernels->PANEL_TILE(0, at->depth, panel + m * DEPTH, x, to + m * VECTORS);
    }
}

/* sums += this panel of A, transposed, times images. */
static void backward(const product *job, const panel_place *at, const REAL *panel, const REAL *images, int64_t stride,
                     REAL *sums)
{
    for (int64_t b = 0; b < job->blocks; b++) {
        REAL *to = sums + (b * job->padded_cols + at->from) * VECTORS;
        for (int64_t m = 0; m < at->depth; m += TILE)
            job->kernels->PANEL_TILE(1, at->rows, panel + m, images + b * stride, to + m * VECTORS);
    }
}

/* A pass over a group of rows. sums NULL: forward. */
static void pass(const product *job, int64_t first, int64_t rows, REAL *images, int64_t stride, REAL *sums)
{
    REAL panel[PANEL * DEPTH] __attribute__((aligned(64)));
    int64_t size = neck_dtype_size(job->view->dtype), cols = job->view->cols;
    int64_t below = PANEL * job->view->row_stride * size;
    for (int64_t from = 0; from < cols; from += DEPTH)
        for (int64_t row = 0; row < rows; row += PANEL) {
            panel_place at = {first + row, least(rows - row, PANEL), from, least(cols - from, DEPTH)};
            fetch_panel(job, &at, row + PANEL < rows ? below : DEPTH * size - row / PANEL * below, panel);
            if (sums)
                backward(job, &at, panel, images + row * VECTORS, stride, sums);
            else
                forward(job, &at, panel, images + row * VECTORS, stride);
        }
}

static void clear_images(const product *job, int64_t rows, REAL *images, int64_t stride)
{
    for (int64_t b = 0; b < job->blocks; b++) memset(images + b * stride, 0, (size_t)(rows * VECTORS) * sizeof *images);
}

/* Blocks of images of one group, as much of them as GRAM keeps at a time. */
enum { BLOCKS = 64 / VECTORS };

static void slice_task(void *data, int64_t slice)
{
    const product *job = data;
    REAL kept[BLOCKS * ROWS * VECTORS] __attribute__((aligned(64)));
    int64_t last = (slice + 1) * job->slice_rows, stride = job->padded_rows * VECTORS;
    REAL *sums = job->sums + slice * job->blocks * job->padded_cols * VECTORS;
    if (last > job->view->rows) last = job->view->rows;
    int64_t group = job->blocks > FEW_BLOCKS ? ROWS : PANEL;
    for (int64_t first = slice * job->slice_rows; first < last; first += group) {
        int64_t rows = last - first < group ? last - first : group, own = job->kind == NECK__GRAM;
        REAL *images = own ? kept : (job->kind == NECK__PLAIN ? job->y : job->x) + first * VECTORS;
        int64_t apart = own ? ROWS * VECTORS : stride;
        if (job->kind != NECK__TRANSPOSED) clear_images(job, group, images, apart);
        if (job->kind != NECK__TRANSPOSED) pass(job, first, rows, images, apart, NULL);
        if (job->kind != NECK__PLAIN) pass(job, first, rows, images, apart, sums);
    }
}

enum { LINES = 512 };

typedef struct moving {
    const product *job;
    int64_t rows, padded, width, col; /* of the caller's block, whose columns from col on are moved */
    const double *from; /* the caller's x, */
    double *to;         /* or y */
} moving;

/* The caller's rows become rows of VECTORS, a block after the other. */
static void pack_task(void *data, int64_t task)
{
    const moving *move = data;
    const product *job = move->job;
    int64_t first = task * LINES, last = first + LINES < move->padded ? first + LINES : move->padded;
    for (int64_t b = 0; b < job->blocks; b++)
        for (int64_t i = first; i < last; i++) {
            REAL *to = job->x + (b * move->padded + i) * VECTORS;
            const double *from = move->from + i * move->width + move->col + b * VECTORS;
            int64_t left = job->count - b * VECTORS, used = i >= move->rows ? 0 : left < VECTORS ? left : VECTORS;
            for (int64_t j = 0; j < used; j++) to[j] = (REAL)from[j];
            for (int64_t j = used; j < VECTORS; j++) to[j] = 0;
        }
}

/* And back, the sums of all slices added in order. */
static void unpack_task(void *data, int64_t task)
{
    const moving *move = data;
    const product *job = move->job;
    int64_t first = task * LINES, last = first + LINES < move->rows ? first + LINES : move->rows;
    int64_t plain = job->kind == NECK__PLAIN, parts = plain ? 1 : job->slices;
    int64_t stride = job->blocks * move->padded * VECTORS;
    for (int64_t b = 0; b < job->blocks; b++)
        for (int64_t i = first; i < last; i++)
            for (int64_t j = 0; j < VECTORS && b * VECTORS + j < job->count; j++) {
                const REAL *from = (plain ? job->y : job->sums) + (b * move->padded + i) * VECTORS + j;
                double sum = 0;
                for (int64_t p = 0; p < parts; p++) sum += from[p * stride];
                move->to[i * move->width + move->col + b * VECTORS + j] = sum;
            }
}

static void run(neck_context *context, product *job, int64_t width, int64_t col, const double *x, double *y)
{
    int64_t rows = job->view->rows, cols = job->view->cols, plain = job->kind == NECK__PLAIN;
    int transposed = job->kind == NECK__TRANSPOSED;
    int64_t in = transposed ? rows : cols, padded_in = transposed ? job->padded_rows : job->padded_cols;
    moving to = {job, in, padded_in, width, col, x, NULL};
    neck__parallel(context, (padded_in + LINES - 1) / LINES, pack_task, &to);
    int64_t sums = job->slices * job->blocks * job->padded_cols * VECTORS;
    if (!plain) memset(job->sums, 0, (size_t)sums * sizeof *job->sums);
    neck__parallel(context, job->slices, slice_task, job);
    moving back = {job, plain ? rows : cols, plain ? job->padded_rows : job->padded_cols, width, col, NULL, y};
    neck__parallel(context, (back.rows + LINES - 1) / LINES, unpack_task, &back);
}

neck_status DENSE_PRODUCT(neck_context *context, const neck_matrix *view, int32_t kind, int64_t count, const double *x,
                          double *y)
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
