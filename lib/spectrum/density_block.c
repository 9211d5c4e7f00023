/* spectrum/density_block.c - products of tall blocks, slice of rows by slice. */
#include "spectrum/density_block.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/parallel.h"
#include "kernels/kernels.h"

typedef struct job {
    const neck__kernels *kernels;
    int64_t n, lanes, slices;
    neck__block x, y;
    const double *c;
    double *sums; /* a lane's x.count x y.count */
} job;

int64_t neck__block_slices(int64_t n)
{
    return (n + NECK__SLICE - 1) / NECK__SLICE;
}

static int64_t end_of(const job *j, int64_t slice)
{
    int64_t end = (slice + 1) * NECK__SLICE;
    return end < j->n ? end : j->n;
}

/* At most this many sums are made side by side, a fixed number so that their bits are too. */
enum { LANES = 16 };

static void cross_lane(void *data, int64_t lane)
{
    const job *j = data;
    double *sums = j->sums + lane * j->x.count * j->y.count;
    memset(sums, 0, (size_t)(j->x.count * j->y.count) * sizeof *sums);
    for (int64_t slice = lane; slice < j->slices; slice += j->lanes)
        for (int64_t i = slice * NECK__SLICE; i < end_of(j, slice); i++) {
            const double *x = j->x.data + i * j->x.stride, *y = j->y.data + i * j->y.stride;
            for (int64_t k = 0; k < j->x.count; k++) j->kernels->add_scaled(j->y.count, x[k], y, sums + k * j->y.count);
        }
}

neck_status neck__block_cross(neck_context *context, int64_t n, neck__block x, neck__block y, double *out)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t slices = neck__block_slices(n), lanes = slices < LANES ? slices : LANES, size = x.count * y.count;
    double *sums = neck__alloc(&allocator, lanes * size, sizeof *sums, "sums of products");
    if (!sums) return NECK_E_NOMEM;
    job j = {neck__kernels_get(), n, lanes, slices, x, y, NULL, sums};
    neck__parallel(context, lanes, cross_lane, &j);
    memset(out, 0, (size_t)size * sizeof *out);
    for (int64_t lane = 0; lane < lanes; lane++)
        for (int64_t i = 0; i < size; i++) out[i] += sums[lane * size + i];
    neck__release(&allocator, sums);
    return NECK_OK;
}

static void add_slice(void *data, int64_t slice)
{
    const job *j = data;
    for (int64_t i = slice * NECK__SLICE; i < end_of(j, slice); i++) {
        const double *x = j->x.data + i * j->x.stride;
        double *y = j->y.data + i * j->y.stride;
        for (int64_t k = 0; k < j->x.count; k++) j->kernels->add_scaled(j->y.count, x[k], j->c + k * j->y.count, y);
    }
}

void neck__block_add(neck_context *context, int64_t n, neck__block x, const double *c, neck__block y)
{
    job j = {neck__kernels_get(), n, 0, neck__block_slices(n), x, y, c, NULL};
    neck__parallel(context, j.slices, add_slice, &j);
}

neck_status neck__block_project(neck_context *context, int64_t n, neck__block x, neck__block y)
{
    if (x.count == 0) return NECK_OK;
    neck__allocator allocator = neck__allocator_of(context);
    double *c = neck__alloc(&allocator, x.count * y.count, sizeof *c, "coefficients");
    if (!c) return NECK_E_NOMEM;
    neck_status status = neck__block_cross(context, n, x, y, c);
    if (status == NECK_OK) {
        for (int64_t i = 0; i < x.count * y.count; i++) c[i] = -c[i];
        neck__block_add(context, n, x, c, y);
    }
    neck__release(&allocator, c);
    return status;
}
