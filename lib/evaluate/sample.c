/* evaluate/sample.c - reservoir sampling of rows, and the mean cosine of a sample. */
#include "evaluate/sample.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"

neck_status neck__sample_init(const neck__allocator *allocator, int64_t capacity, int64_t cols, uint64_t seed,
                              neck__sample *out)
{
    int64_t size;
    if (!neck__mul(capacity, cols, &size))
        return neck__fail(NECK_E_OVERFLOW, "a sample of %lld rows of %lld numbers is too large", (long long)capacity,
                          (long long)cols);
    float *rows = neck__calloc(allocator, size, sizeof *rows, "a sample of states");
    if (!rows) return NECK_E_NOMEM;
    *out = (neck__sample){.allocator = *allocator, .seed = seed, .capacity = capacity, .cols = cols, .rows = rows};
    return NECK_OK;
}

void neck__sample_free(neck__sample *sample)
{
    neck__release(&sample->allocator, sample->rows);
}

/* SplitMix64 (Steele, Lea & Flood 2014): the number-th output of the generator that starts at seed. */
static uint64_t random_of(uint64_t seed, uint64_t number)
{
    uint64_t x = seed + (number + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Where row `number` goes, or -1. The remainder's bias, number / 2^64, is nothing. */
static int64_t slot_of(const neck__sample *sample, int64_t number)
{
    if (number < sample->capacity) return number;
    int64_t slot = (int64_t)(random_of(sample->seed, (uint64_t)number) % (uint64_t)(number + 1));
    return slot < sample->capacity ? slot : -1;
}

void neck__sample_push(neck__sample *sample, const float *rows, int64_t count, int64_t row_stride)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t slot = slot_of(sample, sample->seen++);
        if (slot < 0) continue;
        memcpy(sample->rows + slot * sample->cols, rows + i * row_stride, (size_t)sample->cols * sizeof *rows);
    }
}

void neck__sample_leave_out(neck__sample *sample, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t slot = slot_of(sample, sample->seen++);
        if (slot >= 0) memset(sample->rows + slot * sample->cols, 0, (size_t)sample->cols * sizeof *sample->rows);
    }
}

/* out = (row - center) / |row - center|; 0 when they are the same. */
static int unit_row(const float *row, const double *center, int64_t cols, double *out)
{
    double squared = 0;
    for (int64_t j = 0; j < cols; j++) {
        out[j] = (double)row[j] - center[j];
        squared += out[j] * out[j];
    }
    if (squared == 0) return 0;
    double norm = sqrt(squared);
    for (int64_t j = 0; j < cols; j++) out[j] /= norm;
    return 1;
}

/* sum gets the sum of the unit rows; the number of those that have a direction is returned. */
static int64_t sum_units(const neck__sample *sample, int64_t kept, const double *center, double *sum, double *unit)
{
    int64_t directed = 0;
    for (int64_t i = 0; i < kept; i++) {
        if (!unit_row(sample->rows + i * sample->cols, center, sample->cols, unit)) continue;
        for (int64_t j = 0; j < sample->cols; j++) sum[j] += unit[j];
        directed++;
    }
    return directed;
}

/* The mean over pairs is a U-statistic; with a_i the mean cosine of row i with the others, its variance is
 * 4 var(a_i) / n to first order (Hoeffding 1948), times the share of the rows that is not in the sample. */
static double spread(const neck__sample *sample, int64_t kept, const double *center, const double *sum, double *unit,
                     double mean, double n)
{
    double squares = 0;
    for (int64_t i = 0; i < kept; i++) {
        double product = 0;
        if (!unit_row(sample->rows + i * sample->cols, center, sample->cols, unit)) continue;
        for (int64_t j = 0; j < sample->cols; j++) product += sum[j] * unit[j];
        double own = (product - 1) / (n - 1) - mean;
        squares += own * own;
    }
    double left_out = 1 - (double)kept / (double)sample->seen;
    return 2 * sqrt(squares / (n - 1) / n * left_out);
}

neck_status neck__sample_anisotropy(const neck__sample *sample, const double *center, neck_measure *out,
                                    double *standard_error)
{
    int64_t kept = sample->seen < sample->capacity ? sample->seen : sample->capacity, cols = sample->cols;
    double *sum = neck__calloc(&sample->allocator, cols, 2 * sizeof *sum, "sums of rows");
    if (!sum) return NECK_E_NOMEM;
    double *unit = sum + cols, squared = 0;
    int64_t directed = sum_units(sample, kept, center, sum, unit);
    neck_status status = NECK_OK;
    if (directed < 2) {
        status = neck__fail(NECK_E_STATE, "anisotropy needs two rows that differ from their mean: there are %lld",
                            (long long)directed);
    } else {
        double n = (double)directed, rounding = n * (double)(directed + cols) * DBL_EPSILON;
        for (int64_t j = 0; j < cols; j++) squared += sum[j] * sum[j];
        out->value = (squared - n) / (n * (n - 1));
        out->error = (2 * sqrt(squared) + rounding) * rounding / (n * (n - 1));
        *standard_error = spread(sample, kept, center, sum, unit, out->value, n);
    }
    neck__release(&sample->allocator, sum);
    return status;
}
