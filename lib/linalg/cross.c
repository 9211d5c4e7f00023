/* linalg/cross.c - C += Y^T Y by panels: pack, then tiles over blocks of strips. */
#include "linalg/cross.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/pack.h"

/* A task multiplies a block of this many strips with another: both stay in the second-level cache while each strip is
 * used this many times. */
enum { BLOCK = 3 };

typedef struct multiplying {
    const neck__panel *panel;
    const neck__kernels *kernels;
    double *c;
    int64_t ldc;
} multiplying;

/* Pair number index of the pairs (left, right) with left <= right: (0,0) (0,1) (1,1) (0,2) ... */
static void pair_of(int64_t index, int64_t *left, int64_t *right)
{
    int64_t r = (int64_t)((sqrt(8.0 * (double)index + 1.0) - 1.0) / 2.0);
    while (r * (r + 1) / 2 > index) r--;
    while ((r + 1) * (r + 2) / 2 <= index) r++;
    *right = r;
    *left = index - r * (r + 1) / 2;
}

/* A tile that reaches over the edge of C goes through a whole one. */
static void edge_tile(const multiplying *job, const double *a, const double *b, int64_t row, int64_t col)
{
    double whole[NECK__LARGEST_GROUP * NECK__LARGEST_STRIP] = {0};
    int64_t strip = job->kernels->strip, order = job->panel->width;
    job->kernels->tile(job->panel->depth, a, b, whole, strip);
    for (int64_t m = 0; m < job->kernels->group && row + m < order; m++)
        for (int64_t n = 0; n < strip && col + n < order; n++)
            job->c[(row + m) * job->ldc + col + n] += whole[m * strip + n];
}

static void multiply_strips(const multiplying *job, int64_t left, int64_t right)
{
    int64_t strip = job->kernels->strip, group = job->kernels->group, order = job->panel->width;
    int64_t size = job->panel->depth * strip, col = right * strip;
    const double *b = job->panel->data + right * size;
    for (int64_t m = 0; m < strip; m += group) {
        int64_t row = left * strip + m;
        if (row >= order) return;
        const double *a = job->panel->data + left * size + m;
        if (row + group <= order && col + strip <= order)
            job->kernels->tile(job->panel->depth, a, b, job->c + row * job->ldc + col, job->ldc);
        else
            edge_tile(job, a, b, row, col);
    }
}

static void multiply_blocks(void *data, int64_t index)
{
    const multiplying *job = data;
    int64_t left, right;
    pair_of(index, &left, &right);
    for (int64_t j = right * BLOCK; j < (right + 1) * BLOCK && j < job->panel->strips; j++)
        for (int64_t i = left * BLOCK; i < (left + 1) * BLOCK && i <= j; i++) multiply_strips(job, i, j);
}

static neck_status one_panel(neck_context *context, const neck__source *source, int64_t first, neck__panel *panel,
                             multiplying *job, double *trace)
{
    neck__panel_fill(context, source, first, panel);
    for (int64_t i = 0; i < panel->tasks; i++) *trace += panel->squares[i];
    if (!isfinite(*trace)) return neck__source_not_finite(source);
    int64_t blocks = (panel->strips + BLOCK - 1) / BLOCK;
    neck__parallel(context, blocks * (blocks + 1) / 2, multiply_blocks, job);
    return NECK_OK;
}

neck_status neck__cross(neck_context *context, const neck__source *source, double *c, int64_t ldc, double *trace)
{
    neck__allocator allocator = neck__allocator_of(context);
    neck__panel panel;
    NECK_TRY(neck__panel_create(&allocator, source, &panel));
    multiplying job = {&panel, neck__kernels_get(), c, ldc};
    int64_t length = neck__source_length(source);
    neck_status status = NECK_OK;
    for (int64_t first = 0; first < length && status == NECK_OK; first += panel.capacity) {
        status = one_panel(context, source, first, &panel, &job, trace);
        if (status == NECK_OK && !source->silent)
            status = neck__progress(context, "gram", neck__source_unit(source), first + panel.depth, length);
    }
    neck__panel_destroy(&allocator, &panel);
    return status;
}

double neck__cross_chain(const neck__source *source)
{
    int64_t length = neck__source_length(source);
    int64_t depth = neck__panel_depth(source);
    if (depth > length) depth = length;
    return (double)depth + (double)(length + depth - 1) / (double)depth + 4;
}

enum { MIRROR_BLOCK = 64 };

typedef struct mirroring {
    int64_t n, ldc;
    double *c;
} mirroring;

/* Blocks of rows: a transposed copy by elements would miss the cache at every one. */
static void mirror_task(void *data, int64_t block)
{
    const mirroring *job = data;
    int64_t first = block * MIRROR_BLOCK, last = first + MIRROR_BLOCK < job->n ? first + MIRROR_BLOCK : job->n;
    for (int64_t from = 0; from < last; from += MIRROR_BLOCK)
        for (int64_t i = first; i < last; i++)
            for (int64_t j = from; j < from + MIRROR_BLOCK && j < i; j++)
                job->c[i * job->ldc + j] = job->c[j * job->ldc + i];
}

void neck__mirror(neck_context *context, int64_t n, double *c, int64_t ldc)
{
    mirroring job = {n, ldc, c};
    neck__parallel(context, (n + MIRROR_BLOCK - 1) / MIRROR_BLOCK, mirror_task, &job);
}
