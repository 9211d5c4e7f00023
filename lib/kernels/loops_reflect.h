/* kernels/loops_reflect.h - the loops of kernels/reflect.h, compiled once for each instruction set: whoever includes
 * this defines TARGET, the vectors of a kernels/vector_*.h, and the tile's STRIP and GROUP. */
#ifndef NECK_KERNELS_LOOPS_REFLECT_H
#define NECK_KERNELS_LOOPS_REFLECT_H

#include <math.h>
#include <string.h>

#include "kernels/reflect.h"

enum { BAND = NECK__BAND, CHUNKS = BAND / LANES, TILE_VECTORS = STRIP / LANES };
#define REFLECT_INLINE TARGET static inline __attribute__((always_inline))

TARGET static void reflect_tile(int64_t depth, const double *a, int64_t lda, int64_t step, const double *b, double *c,
                                int64_t ldc, int accumulate)
{
    vec sum[GROUP][TILE_VECTORS];
#pragma GCC unroll 8
    for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECTORS; v++) sum[m][v] = vec_splat(0);
    for (int64_t k = 0; k < depth; k++, a += step, b += STRIP) {
        vec right[TILE_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECTORS; v++) right[v] = vec_load(b + v * LANES);
#pragma GCC unroll 8
        for (int m = 0; m < GROUP; m++) {
            vec left = vec_splat(a[m * lda]);
#pragma GCC unroll 4
            for (int v = 0; v < TILE_VECTORS; v++) sum[m][v] = vec_fma(left, right[v], sum[m][v]);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECTORS; v++) {
            double *to = c + m * ldc + v * LANES;
            vec_store(to, accumulate ? vec_add(vec_load(to), sum[m][v]) : sum[m][v]);
        }
}

/* nx rows of x with ny of y, both constants where this is inlined. */
REFLECT_INLINE void dots_of(int64_t count, int nx, const double *x, int64_t ldx, int ny, const double *y, int64_t ldy,
                            double *out, int64_t ldo)
{
    vec sum[4][4];
    for (int i = 0; i < nx; i++)
        for (int j = 0; j < ny; j++) sum[i][j] = vec_splat(0);
    for (int64_t k = 0; k < count; k += LANES) {
        vec right[4];
        for (int j = 0; j < ny; j++) right[j] = vec_load(y + j * ldy + k);
#pragma GCC unroll 4
        for (int i = 0; i < nx; i++) {
            vec left = vec_load(x + i * ldx + k);
#pragma GCC unroll 4
            for (int j = 0; j < ny; j++) sum[i][j] = vec_fma(left, right[j], sum[i][j]);
        }
    }
    for (int i = 0; i < nx; i++)
        for (int j = 0; j < ny; j++) out[i * ldo + j] = vec_sum(sum[i][j]);
}

TARGET static void reflect_dots(int64_t count, int64_t nx, const double *x, int64_t ldx, int64_t ny, const double *y,
                                int64_t ldy, double *dots)
{
    int64_t i = 0;
    for (; i + 4 <= nx; i += 4) {
        int64_t j = 0;
        for (; j + 4 <= ny; j += 4) dots_of(count, 4, x + i * ldx, ldx, 4, y + j * ldy, ldy, dots + i * ny + j, ny);
        for (; j < ny; j++) dots_of(count, 4, x + i * ldx, ldx, 1, y + j * ldy, ldy, dots + i * ny + j, ny);
    }
    for (; i < nx; i++) {
        int64_t j = 0;
        for (; j + 4 <= ny; j += 4) dots_of(count, 1, x + i * ldx, ldx, 4, y + j * ldy, ldy, dots + i * ny + j, ny);
        for (; j < ny; j++) dots_of(count, 1, x + i * ldx, ldx, 1, y + j * ldy, ldy, dots + i * ny + j, ny);
    }
}

REFLECT_INLINE void subtract_of(int64_t count, int nx, const double *x, int64_t ldx, int ny, double *y, int64_t ldy,
                                const double *factors, int64_t ldf)
{
    vec factor[NECK__REFLECTIONS][2];
    for (int i = 0; i < nx; i++)
        for (int j = 0; j < ny; j++) factor[i][j] = vec_splat(factors[i * ldf + j]);
    for (int64_t k = 0; k < count; k += LANES) {
        vec sum[2];
        for (int j = 0; j < ny; j++) sum[j] = vec_load(y + j * ldy + k);
#pragma GCC unroll 8
        for (int i = 0; i < nx; i++) {
            vec left = vec_load(x + i * ldx + k);
#pragma GCC unroll 2
            for (int j = 0; j < ny; j++) sum[j] = vec_fnma(factor[i][j], left, sum[j]);
        }
        for (int j = 0; j < ny; j++) vec_store(y + j * ldy + k, sum[j]);
    }
}

TARGET static void reflect_subtract(int64_t count, int64_t nx, const double *x, int64_t ldx, int64_t ny, double *y,
                                    int64_t ldy, const double *factors)
{
    int64_t j = 0;
    if (nx == NECK__REFLECTIONS)
        for (; j + 2 <= ny; j += 2) subtract_of(count, NECK__REFLECTIONS, x, ldx, 2, y + j * ldy, ldy, factors + j, ny);
    for (; j < ny; j++)
        for (int64_t i = 0; i < nx; i++)
            subtract_of(count, 1, x + i * ldx, ldx, 1, y + j * ldy, ldy, factors + i * ny + j, ny);
}

/* LAPACK's dlarfg, without its rescaling: numbers whose squares underflow beside the rest of the matrix count as
 * zero. */
TARGET static void reflect_start(double *x, double *v, double *tau)
{
    vec sum = vec_load_from(1, x);
    sum = vec_mul(sum, sum);
    for (int c = 1; c < CHUNKS; c++) sum = vec_fma(vec_load(x + c * LANES), vec_load(x + c * LANES), sum);
    double tail = vec_sum(sum), head = x[0], length = sqrt(head * head + tail), beta = head > 0 ? -length : length;
    *tau = tail > 0 ? (beta - head) / beta : 0;
    double scale = tail > 0 ? 1 / (head - beta) : 0;
    for (int c = 0; c < CHUNKS; c++) vec_store(v + c * LANES, vec_mul(vec_splat(scale), vec_load(x + c * LANES)));
    v[0] = 1;
    memset(x, 0, BAND * sizeof *x);
    x[0] = tail > 0 ? beta : head;
}

/* w = block v. Column j of the lower triangle serves twice: as column j and as row j. */
REFLECT_INLINE void times_symmetric(const double *block, int64_t ld, const double *v, vec *w)
{
    double rows[BAND];
    vec x[CHUNKS];
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++) x[c] = vec_load(v + c * LANES), w[c] = vec_splat(0);
#pragma GCC unroll 6
    for (int b = 0; b < CHUNKS; b++)
        for (int l = 0; l < LANES; l++) {
            int j = b * LANES + l;
            const double *column = block + j * ld;
            vec part = vec_load_from(l + 1, column + b * LANES), left = vec_splat(v[j]), dot = vec_mul(part, x[b]);
            w[b] = vec_fma(part, left, w[b]);
#pragma GCC unroll 6
            for (int c = b + 1; c < CHUNKS; c++) {
                part = vec_load(column + c * LANES);
                w[c] = vec_fma(part, left, w[c]);
                dot = vec_fma(part, x[c], dot);
            }
            rows[j] = column[j] * v[j] + vec_sum(dot);
        }
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++) w[c] = vec_add(w[c], vec_load(rows + c * LANES));
}

/* H A H = A - v w^T - w v^T with w = tau A v - (tau^2 / 2) (v . A v) v. */
TARGET static void reflect_diagonal(double *block, int64_t ld, const double *v, double tau)
{
    double rows[BAND];
    vec x[CHUNKS], w[CHUNKS], dot = vec_splat(0);
    times_symmetric(block, ld, v, w);
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++) {
        x[c] = vec_load(v + c * LANES);
        w[c] = vec_mul(vec_splat(tau), w[c]);
        dot = vec_fma(x[c], w[c], dot);
    }
    vec half = vec_splat(-0.5 * tau * vec_sum(dot));
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++) {
        w[c] = vec_fma(half, x[c], w[c]);
        vec_store(rows + c * LANES, w[c]);
    }
#pragma GCC unroll 6
    for (int b = 0; b < CHUNKS; b++)
        for (int l = 0; l < LANES; l++) {
            double *column = block + (b * LANES + l) * ld;
            vec along = vec_splat(rows[b * LANES + l]), across = vec_splat(v[b * LANES + l]);
            vec part = vec_load_from(l, column + b * LANES);
            vec_store_from(l, column + b * LANES, vec_fnma(x[b], along, vec_fnma(w[b], across, part)));
#pragma GCC unroll 6
            for (int c = b + 1; c < CHUNKS; c++) {
                double *to = column + c * LANES;
                vec_store(to, vec_fnma(x[c], along, vec_fnma(w[c], across, vec_load(to))));
            }
        }
}

/* One pass over the columns after the first: from the right with v, then from the left with next. */
REFLECT_INLINE void both_sides(double *column, const vec *product, double factor, const vec *next, double tau)
{
    vec part[CHUNKS], dot[2] = {vec_splat(0), vec_splat(0)}, left = vec_splat(factor);
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++) {
        part[c] = vec_fnma(product[c], left, vec_load(column + c * LANES));
        dot[c % 2] = vec_fma(part[c], next[c], dot[c % 2]);
    }
    vec scale = vec_splat(tau * vec_sum(vec_add(dot[0], dot[1])));
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++) vec_store(column + c * LANES, vec_fnma(scale, next[c], part[c]));
}

TARGET static void reflect_below(double *block, int64_t ld, const double *v, double tau, double *next, double *next_tau)
{
    vec product[CHUNKS], direction[CHUNKS];
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++) product[c] = vec_splat(0);
    for (int j = 0; j < BAND; j++) {
        vec left = vec_splat(tau * v[j]);
#pragma GCC unroll 6
        for (int c = 0; c < CHUNKS; c++) product[c] = vec_fma(vec_load(block + j * ld + c * LANES), left, product[c]);
    }
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++)
        vec_store(block + c * LANES, vec_fnma(product[c], vec_splat(v[0]), vec_load(block + c * LANES)));
    reflect_start(block, next, next_tau);
#pragma GCC unroll 6
    for (int c = 0; c < CHUNKS; c++) direction[c] = vec_load(next + c * LANES);
    for (int j = 1; j < BAND; j++) both_sides(block + j * ld, product, v[j], direction, *next_tau);
}

/* Vectors of points that hide each other's divisions, as many as there are registers for. */
enum { ABREAST = LANES == 8 ? 4 : 2 };

/* Pivots q_i = d_i - x - e_(i-1)^2 / q_(i-1), their derivatives, and the sum of q' / q, which is that of the
 * determinant. */
TARGET static void sturm_abreast(int64_t n, const double *diagonal, const double *squares, double tiny,
                                 const double *points, double *counts, double *slopes)
{
    vec x[ABREAST], count[ABREAST], slope[ABREAST], inverse[ABREAST], ratio[ABREAST];
    const vec one = vec_splat(1), least = vec_splat(tiny);
    for (int v = 0; v < ABREAST; v++) {
        x[v] = vec_load(points + v * LANES);
        count[v] = slope[v] = inverse[v] = ratio[v] = vec_splat(0);
    }
    for (int64_t i = 0; i < n; i++) {
        vec d = vec_splat(diagonal[i]), square = vec_splat(i > 0 ? squares[i - 1] : 0);
#pragma GCC unroll 4
        for (int v = 0; v < ABREAST; v++) {
            vec carried = vec_mul(square, inverse[v]),
                pivot = vec_away_from_zero(vec_sub(vec_sub(d, x[v]), carried), least);
            inverse[v] = vec_div(one, pivot);
            ratio[v] = vec_mul(vec_sub(vec_mul(carried, ratio[v]), one), inverse[v]);
            slope[v] = vec_add(slope[v], ratio[v]);
            count[v] = vec_count_negative(pivot, count[v]);
        }
    }
    for (int v = 0; v < ABREAST; v++) {
        vec_store(counts + v * LANES, count[v]);
        vec_store(slopes + v * LANES, slope[v]);
    }
}

TARGET static void reflect_sturm(int64_t n, const double *diagonal, const double *squares, double tiny, const double *x,
                                 double *count, double *slope)
{
    for (int at = 0; at < NECK__POINTS; at += ABREAST * LANES)
        sturm_abreast(n, diagonal, squares, tiny, x + at, count + at, slope + at);
}

#define NECK__LOOPS_REFLECT                                                                                   \
    .reflect = {reflect_tile, reflect_dots, reflect_subtract, reflect_start, reflect_diagonal, reflect_below, \
                reflect_sturm}

#endif
