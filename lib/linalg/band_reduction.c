/* linalg/band_reduction.c - A becomes Q^T A Q panel by panel: the NECK__BAND rows on top of what is left are
 * reflected to a triangle beside the band, Q = 1 - V T V^T, and what lies beyond becomes A - V Z^T - Z V^T with X =
 * A V and Z = X T - V (T^T V^T X T) / 2 (Dongarra, Hammarling and Sorensen 1989).
 *
 * A is read and written once a panel: a block of its upper triangle is updated for the last panel and, while in
 * cache, multiplied with the V of this one. */
#include "linalg/band_reduction.h"

#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "linalg/reduction_job.h"
#include "linalg/reflector_panel.h"

/* The panel's rows, a block of columns, updated for the last panel. */
static void panel_task(void *data, int64_t index)
{
    const neck__reduction *job = data;
    int64_t col = index * BLOCK, end = col + BLOCK < BAND + job->padded ? col + BLOCK : BAND + job->padded;
    int64_t have = job->left < end ? job->left - col : end - col;
    for (int64_t r = 0; r < BAND; r++) {
        double *to = job->panel + r * job->line + col;
        int64_t count = r < job->left && have > 0 ? have : 0;
        if (count > 0) memcpy(to, job->a + (job->first + r) * job->lda + job->first + col, (size_t)count * sizeof *to);
        memset(to + count, 0, (size_t)(end - col - count) * sizeof *to);
    }
    for (int64_t c = col; job->first > 0 && c < end; c += job->strip)
        for (int64_t r = 0; r < BAND; r += job->group)
            neck__reduction_update(job, r, c, job->panel + r * job->line + c, job->line);
}

/* The diagonal block and the triangle beside it, transposed: the band has its lower triangle. */
static void store_band(const neck__reduction *job)
{
    int64_t inside = job->left < BAND ? job->left : BAND;
    for (int64_t r = 0; r < inside; r++) {
        double *column = job->band->data + (job->first + r) * NECK__BAND_LINE + job->first;
        int64_t beside = r + 1 < job->order ? r + 1 : job->order;
        memcpy(column + r, job->panel + r * job->line + r, (size_t)(inside - r) * sizeof *column);
        memcpy(column + BAND, job->l + r * BAND, (size_t)beside * sizeof *column);
    }
}

static int64_t round_up(int64_t count, int64_t unit)
{
    return (count + unit - 1) / unit * unit;
}

static void place_panel(neck__reduction *job, int64_t first)
{
    job->first = first;
    job->left = job->band->order - first;
    job->order = job->left > BAND ? job->left - BAND : 0;
    job->padded = round_up(job->order, BAND);
    job->blocks = (job->padded + BLOCK - 1) / BLOCK;
    job->parts = neck__reduction_parts(job->blocks);
}

static void one_panel(neck_context *context, neck__reduction *job)
{
    neck__parallel(context, (BAND + job->padded + BLOCK - 1) / BLOCK, panel_task, job);
    if (job->order > 0)
        neck__panel_factor(context, job->padded, job->panel + BAND, job->line, job->l, job->tau, job->scratch);
    store_band(job);
    if (job->order == 0) return;
    neck__reduction_prepare(context, job);
    neck__parallel(context, job->parts, neck__reduction_multiply_task, job);
    neck__reduction_finish(context, job);
}

/* Rows of panels keep out of each other's cache sets. */
static int64_t panel_line(int64_t order)
{
    return round_up(order, BAND) + BAND + 8;
}

enum { ARRAYS = 7 };

/* Lengths of panel, update, v, x, part_x, buffer and sums with scratch, for a matrix of this order. */
static int64_t array_lengths(int64_t order, int64_t *lengths)
{
    int64_t padded = round_up(order, BAND), blocks = (padded + BLOCK - 1) / BLOCK,
        parts = neck__reduction_parts(blocks), sum = 0;
    const int64_t all[ARRAYS] = {BAND * panel_line(order), 3 * BAND * padded, BAND * padded, BAND * padded,
                                 parts * BAND * padded, parts * BLOCK * BUFFER_LINE,
                                 blocks * BAND * BAND + neck__panel_scratch(padded)};
    for (int i = 0; i < ARRAYS; i++) sum += lengths[i] = all[i];
    return sum;
}

int64_t neck__band_reduction_bytes(int64_t order)
{
    int64_t lengths[ARRAYS];
    return array_lengths(order, lengths) * (int64_t)sizeof(double) + (int64_t)sizeof(neck__reduction);
}

static void place_arrays(neck__reduction *job, double *memory)
{
    int64_t lengths[ARRAYS], order = job->band->order;
    double **const arrays[ARRAYS] = {&job->panel, &job->update, &job->v, &job->x, &job->part_x, &job->buffer,
                                     &job->sums};
    array_lengths(order, lengths);
    for (int i = 0; i < ARRAYS; memory += lengths[i++]) *arrays[i] = memory;
    job->scratch = memory - neck__panel_scratch(round_up(order, BAND));
    job->line = panel_line(order);
}

int64_t neck__band_reduction_operations(int64_t order)
{
    double n = (double)order;
    return (int64_t)(4.0 / 3.0 * n * n * n);
}

static neck_status all_panels(neck__work *work, neck__reduction *job)
{
    int64_t order = job->band->order;
    for (int64_t first = 0; first < order; first += BAND) {
        place_panel(job, first);
        one_panel(work->context, job);
        int64_t done = neck__band_reduction_operations(job->left) - neck__band_reduction_operations(job->order);
        NECK_TRY(neck__work_done(work, done));
    }
    return NECK_OK;
}

neck_status neck__band_reduction(neck__work *work, int64_t lda, double *a, neck__band *band)
{
    neck__allocator allocator = neck__allocator_of(work->context);
    neck__reduction *job = neck__alloc(&allocator, neck__band_reduction_bytes(band->order), 1,
                                       "panels of a symmetric matrix");
    if (!job) return NECK_E_NOMEM;
    memset(job, 0, sizeof *job);
    job->kernels = neck__kernels_get();
    job->strip = job->kernels->strip;
    job->group = job->kernels->group;
    job->band = band;
    job->a = a;
    job->lda = lda;
    place_arrays(job, (double *)(void *)(job + 1));
    neck_status status = all_panels(work, job);
    neck__release(&allocator, job);
    return status;
}
