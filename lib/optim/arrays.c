/* optim/arrays.c - loops over whole arrays, block by block. */
#include "optim/arrays.h"

#include <stdatomic.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/parallel.h"
#include "softneck/matrix.h"

/* Elements: 64 KB of each f32 array, long enough for the hardware's prefetching, short enough to share out evenly. */
enum { BLOCK = 131072 };

typedef struct work {
    int64_t size, blocks, element;
    int precision; /* as in kernels.h */
    neck__update_fn update;
    const neck__update *numbers;
    void *const *arrays;
    const char *data;
    double *sums;
    atomic_int spoilt;
} work;

static work work_on(int32_t dtype, int64_t size)
{
    return (work){.size = size, .blocks = (size + BLOCK - 1) / BLOCK, .element = neck_dtype_size(dtype),
                  .precision = dtype == NECK_F64};
}

static int64_t count_of(const work *w, int64_t block)
{
    int64_t left = w->size - block * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

static void update_task(void *data, int64_t index)
{
    const work *w = data;
    int64_t block = w->blocks - 1 - index;
    void *at[4];
    for (int n = 0; n < 4; n++) at[n] = w->arrays[n] ? (char *)w->arrays[n] + block * BLOCK * w->element : NULL;
    w->update(count_of(w, block), w->numbers, at);
}

void neck__arrays_update(neck_context *context, int32_t dtype, int64_t size, int kind, const neck__update *numbers,
                         void *const *arrays)
{
    work w = work_on(dtype, size);
    w.update = neck__kernels_get()->update[w.precision][kind];
    w.numbers = numbers;
    w.arrays = arrays;
    neck__parallel(context, w.blocks, update_task, &w);
}

static void finite_task(void *data, int64_t block)
{
    work *w = data;
    if (!neck__kernels_get()->squares_finite[w->precision](count_of(w, block), w->data + block * BLOCK * w->element))
        atomic_store_explicit(&w->spoilt, 1, memory_order_relaxed);
}

int neck__array_squares_finite(neck_context *context, int32_t dtype, int64_t size, const void *data)
{
    work w = work_on(dtype, size);
    w.data = data;
    neck__parallel(context, w.blocks, finite_task, &w);
    return !atomic_load(&w.spoilt);
}

static void squares_task(void *data, int64_t block)
{
    const work *w = data;
    const void *from = w->data + block * BLOCK * w->element;
    double sum;
    if (w->precision)
        w->sums[block] = neck__kernels_get()->sum_squares(count_of(w, block), from);
    else
        neck__kernels_get()->moments_f32(count_of(w, block), from, 0, &sum, &w->sums[block]);
}

neck_status neck__array_squares(neck_context *context, int32_t dtype, int64_t size, const void *data, double *sum)
{
    neck__allocator allocator = neck__allocator_of(context);
    work w = work_on(dtype, size);
    w.data = data;
    w.sums = neck__alloc(&allocator, w.blocks, sizeof *w.sums, "sums of squares");
    if (!w.sums) return NECK_E_NOMEM;
    neck__parallel(context, w.blocks, squares_task, &w);
    double total = 0;
    for (int64_t block = 0; block < w.blocks; block++) total += w.sums[block];
    neck__release(&allocator, w.sums);
    *sum = total;
    return NECK_OK;
}
