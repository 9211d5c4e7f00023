/* tests/density_support.h - operators with known singular values, and what a density must say of them. */
#ifndef TESTS_DENSITY_SUPPORT_H
#define TESTS_DENSITY_SUPPORT_H

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "softneck/density.h"

typedef struct made {
    double *entries;
    neck_matrix view;
    neck_operator *op;
} made;

static inline made dense_operator(int64_t m, int64_t n, double *entries)
{
    made a = {.entries = entries, .view = {entries, m, n, 0, NECK_F64, 0}};
    ck_assert_msg(neck_operator_dense(NULL, &a.view, &a.op) == NECK_OK, "%s", neck_last_error());
    return a;
}

static inline void drop(made a)
{
    neck_operator_destroy(a.op);
    free(a.entries);
}

/* Shapes of spectra, decreasing. */
enum { ZIPF, SLOW, FLAT, CONSTANT, LOW_RANK, REPEATED, EXPONENTIAL, STEEP, KINDS };

static inline void spectrum_of(int kind, int64_t n, double *values)
{
    for (int64_t i = 0; i < n; i++) {
        double k = (double)(i + 1), x = (double)i / (double)n;
        double shapes[KINDS] = {pow(k, -0.5), pow(k, -0.25), 1.1 - 0.1 * x, 2, i < n / 8 ? 1.5 - x : 0,
                                x < 0.1 ? 3 : x < 0.4 ? 1 : 0.1, exp(-20 * x), pow(k, -1.5)};
        values[i] = shapes[kind];
    }
}

static inline double true_w_error(int64_t n, const double *values, int64_t rank)
{
    double tail = 0, all = 0;
    for (int64_t i = n - 1; i >= 0; i--) {
        all += values[i] * values[i];
        if (i >= rank) tail = all;
    }
    return sqrt(rank < n ? tail / all : 0);
}

static inline double true_entropy(int64_t n, const double *values, int linear)
{
    double all = 0, h = 0;
    for (int64_t i = 0; i < n; i++) all += linear ? values[i] : values[i] * values[i];
    for (int64_t i = 0; i < n; i++) {
        double p = (linear ? values[i] : values[i] * values[i]) / all;
        if (p > 0) h -= p * log(p);
    }
    return log((double)n) - h;
}

static inline int within(neck_band band, double truth, double slack)
{
    return band.low - slack <= truth && truth <= band.high + slack && band.low <= band.value && band.value <= band.high;
}

/* Whether the bands of W-error hold the truth at all ranks; *width: of the widest. values: all, decreasing. */
static inline int covers(const neck_density *density, int64_t n, const double *values, double *width)
{
    int all = 1;
    *width = 0;
    for (int64_t rank = 0; rank <= n; rank++) {
        neck_band band;
        ck_assert_int_eq(neck_density_w_error(density, rank, &band), NECK_OK);
        all &= within(band, true_w_error(n, values, rank), 1e-7);
        *width = fmax(*width, band.high - band.low);
    }
    return all;
}

static inline neck_density *computed(neck_context *context, const neck_operator *op,
                                     const neck_density_options *options)
{
    neck_density *density;
    ck_assert_msg(neck_density_compute(context, op, options, &density) == NECK_OK, "%s", neck_last_error());
    return density;
}

static inline neck_density_report report_of(const neck_density *density)
{
    neck_density_report report = {.struct_size = sizeof report};
    ck_assert_int_eq(neck_density_describe(density, &report), NECK_OK);
    return report;
}

static inline neck_context *context_of(uint64_t seed, int32_t threads)
{
    neck_context_options options = {.struct_size = sizeof options, .threads = threads, .seed = seed};
    neck_context *context;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    return context;
}

/* A matrix whose columns hardly overlap: row r has a 1, often moved in part to another column. Returns its singular
 * values. */
static inline double *nearly_diagonal(int64_t m, int64_t n, uint64_t seed, double share, double *entries,
                                      double *diagonal)
{
    memset(entries, 0, (size_t)(m * n) * sizeof *entries);
    for (int64_t r = 0; r < m; r++) {
        double u = (next_number(&seed) + 1) / 2;
        int64_t first = (int64_t)(pow((double)n, u) - 1), second = (int64_t)(next_bits(&seed) % (uint64_t)n);
        double moved = r % 7 ? 0 : share;
        entries[r * n + first] += 1 - moved;
        entries[r * n + second] += moved;
    }
    memset(diagonal, 0, (size_t)n * sizeof *diagonal);
    for (int64_t i = 0; i < m * n; i++) diagonal[i % n] += entries[i] * entries[i];
    neck_matrix view = {entries, m, n, 0, NECK_F64, 0};
    neck_spectrum *spectrum;
    ck_assert_int_eq(neck_spectrum_compute(NULL, &view, NULL, &spectrum), NECK_OK);
    double *values = malloc((size_t)n * sizeof *values);
    memcpy(values, neck_spectrum_values(spectrum), (size_t)n * sizeof *values);
    neck_spectrum_destroy(spectrum);
    return values;
}

#endif
