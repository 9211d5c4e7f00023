/* study/rank_correlation.c - ranks, their correlation, and moving blocks. */
#include "study/rank_correlation.h"

#include <math.h>
#include <stdlib.h>

#include "core/random.h"

typedef struct item {
    double value, place;
} item;

static int by_value(const void *a, const void *b)
{
    double x = ((const item *)a)->value, y = ((const item *)b)->value;
    return (x > y) - (x < y);
}

/* Mean rank among equals, from 0. items: count of them. */
static void rank(int64_t count, const double *values, item *items, double *ranks)
{
    for (int64_t i = 0; i < count; i++) items[i] = (item){values[i], (double)i};
    qsort(items, (size_t)count, sizeof *items, by_value);
    for (int64_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && items[end].value == items[first].value;) end++;
        for (int64_t i = first; i < end; i++) ranks[(int64_t)items[i].place] = 0.5 * (double)(first + end - 1);
    }
}

static double correlation(int64_t count, const double *x, const double *y)
{
    double middle = 0.5 * (double)(count - 1), xx = 0, yy = 0, xy = 0; /* the mean of ranks, ties or not */
    for (int64_t i = 0; i < count; i++) {
        double dx = x[i] - middle, dy = y[i] - middle;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx) / sqrt(yy) : NAN;
}

double neck__spearman(int64_t count, const double *x, const double *y, double *room)
{
    double *x_ranks = room + 2 * count, *y_ranks = room + 3 * count;
    rank(count, x, (item *)(void *)room, x_ranks);
    rank(count, y, (item *)(void *)room, y_ranks);
    return correlation(count, x_ranks, y_ranks);
}

static void draw_blocks(int64_t count, const double *x, const double *y, int64_t block, neck__random *random,
                        double *x_out, double *y_out)
{
    for (int64_t i = 0; i < count;) {
        int64_t from = neck__random_below(random, count - block + 1);
        for (int64_t k = 0; k < block && i < count; k++, i++) {
            x_out[i] = x[from + k];
            y_out[i] = y[from + k];
        }
    }
}

/* Blocks are few, and resamples of few blocks differ too little: by Student's t of blocks - 1 degrees of freedom
 * against the normal (Cornish & Fisher's first terms, at two standard deviations), and because no block reaches over an
 * end. */
static double widening(int64_t count, int64_t block)
{
    double degrees = (double)count / (double)block - 1;
    return (1 + 1.25 / degrees + 1.53 / degrees / degrees) * sqrt((double)count / (double)(count - block));
}

/* A resampled correlation further from the estimate, as Fisher's z, where the distances are alike everywhere. */
static double widened(double resampled, double estimate, double times)
{
    if (!(fabs(resampled) < 1 && fabs(estimate) < 1)) return resampled;
    double z = atanh(estimate);
    return tanh(z + times * (atanh(resampled) - z));
}

neck_status neck__spearman_interval(neck_context *context, int64_t count, const double *x, const double *y,
                                    int64_t block, int64_t resamples, double confidence, neck__rank_interval *out)
{
    neck__allocator allocator = neck__allocator_of(context);
    double *numbers = neck__alloc(&allocator, 6 * count + 2 * resamples, sizeof *numbers, "resampled correlations");
    if (!numbers) return NECK_E_NOMEM;
    double *room = numbers, *x_drawn = numbers + 4 * count, *y_drawn = x_drawn + count;
    item *drawn = (item *)(void *)(y_drawn + count);
    int64_t defined = 0;
    uint64_t seed = neck__context_seed(context);
    for (int64_t i = 0; i < resamples; i++) {
        neck__random random = neck__random_seeded(seed, (uint64_t)i);
        draw_blocks(count, x, y, block, &random, x_drawn, y_drawn);
        double value = neck__spearman(count, x_drawn, y_drawn, room);
        if (!isnan(value)) drawn[defined++] = (item){value, 0};
    }
    qsort(drawn, (size_t)defined, sizeof *drawn, by_value);
    int64_t tail = (int64_t)(0.5 * (1 - confidence) * (double)defined);
    out->value = neck__spearman(count, x, y, room);
    double times = widening(count, block);
    out->low = defined > 0 ? fmin(widened(drawn[tail].value, out->value, times), out->value) : NAN;
    out->high = defined > 0 ? fmax(widened(drawn[defined - 1 - tail].value, out->value, times), out->value) : NAN;
    neck__release(&allocator, numbers);
    return NECK_OK;
}
