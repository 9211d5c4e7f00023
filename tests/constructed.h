/* tests/constructed.h - matrices with known singular values, made without any SVD. */
#ifndef TESTS_CONSTRUCTED_H
#define TESTS_CONSTRUCTED_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "softneck.h"

/* splitmix64: the tests' own numbers, the same everywhere. */
static inline uint64_t next_bits(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [-1, 1). */
static inline double next_number(uint64_t *state)
{
    return (double)(int64_t)next_bits(state) * 0x1p-63;
}

/* a (m x n) becomes H a with the reflection H = 1 - 2 v v^T of a random unit vector v. */
static inline void reflect_rows(int64_t m, int64_t n, double *a, uint64_t *state)
{
    double *v = malloc((size_t)(m + n) * sizeof *v), *sum = v + m, norm = 0;
    for (int64_t i = 0; i < m; i++) {
        v[i] = next_number(state);
        norm += v[i] * v[i];
    }
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) sum[j] += v[i] * a[i * n + j];
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) a[i * n + j] -= 2 * v[i] * sum[j] / norm;
    free(v);
}

static inline void reflect_columns(int64_t m, int64_t n, double *a, uint64_t *state)
{
    double *v = malloc((size_t)n * sizeof *v), norm = 0;
    for (int64_t j = 0; j < n; j++) {
        v[j] = next_number(state);
        norm += v[j] * v[j];
    }
    for (int64_t i = 0; i < m; i++) {
        double sum = 0;
        for (int64_t j = 0; j < n; j++) sum += v[j] * a[i * n + j];
        for (int64_t j = 0; j < n; j++) a[i * n + j] -= 2 * v[j] * sum / norm;
    }
    free(v);
}

/* m x n doubles, row-major, with the given min(m, n) singular values: a diagonal between random reflections, each of
 * which errs by a few roundings of the largest value. */
static inline double *constructed(int64_t m, int64_t n, const double *values, uint64_t seed)
{
    double *a = calloc((size_t)(m * n), sizeof *a);
    for (int64_t i = 0; i < m && i < n; i++) a[i * n + i] = values[i];
    for (int pass = 0; pass < 4; pass++) {
        reflect_rows(m, n, a, &seed);
        reflect_columns(m, n, a, &seed);
    }
    return a;
}

static inline double *random_matrix(int64_t m, int64_t n, uint64_t seed)
{
    double *a = malloc((size_t)(m * n) * sizeof *a);
    for (int64_t i = 0; i < m * n; i++) a[i] = next_number(&seed);
    return a;
}

/* The same numbers in another dtype, rounded to nearest; for 16-bit types only numbers that fit exactly should be
 * given. */
static inline void *as_dtype(const double *a, int64_t count, int32_t dtype)
{
    void *out = malloc((size_t)(count * neck_dtype_size(dtype)));
    for (int64_t i = 0; i < count; i++) {
        if (dtype == NECK_F64) ((double *)out)[i] = a[i];
        if (dtype == NECK_F32) ((float *)out)[i] = (float)a[i];
        if (dtype == NECK_BF16) {
            float single = (float)a[i];
            uint32_t bits;
            memcpy(&bits, &single, sizeof bits);
            ((uint16_t *)out)[i] = (uint16_t)(bits >> 16);
        }
        if (dtype == NECK_F16) { /* sign, exponent, 10 bits: normal numbers only */
            int exponent;
            double fraction = frexp(fabs(a[i]), &exponent);
            uint16_t bits = a[i] == 0 ? 0 : (uint16_t)((exponent + 14) << 10 | ((int)(fraction * 2048) & 0x3ff));
            ((uint16_t *)out)[i] = (uint16_t)(bits | (signbit(a[i]) ? 0x8000 : 0));
        }
    }
    return out;
}

/* Small multiples of 1/16: exact in every dtype, sums of their products too. */
static inline double *exact_matrix(int64_t m, int64_t n, uint64_t seed)
{
    double *a = malloc((size_t)(m * n) * sizeof *a);
    for (int64_t i = 0; i < m * n; i++) a[i] = (double)((int64_t)(next_bits(&seed) % 129) - 64) / 16;
    return a;
}

#endif
