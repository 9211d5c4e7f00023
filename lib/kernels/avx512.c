/* kernels/avx512.c - AVX-512: tiles of 8 x 24 doubles in 24 accumulators. */
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "kernels/kernels.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
#include "kernels/vector_avx512.h"
#include "kernels/loops_f32.h"
#include "kernels/loops_train_f32.h"
#include "kernels/loops_softmax_f32.h"
#include "kernels/loops_sparse.h"
#include "kernels/loops_panel.h"

/* Square roots by name: compilers keep scalar ones for errno's sake. */
TARGET static inline void roots_f32(float *x) { _mm512_storeu_ps(x, _mm512_sqrt_ps(_mm512_loadu_ps(x))); }
TARGET static inline void roots_f64(double *x)
{
    for (int i = 0; i < WIDE; i += 8) _mm512_storeu_pd(x + i, _mm512_sqrt_pd(_mm512_loadu_pd(x + i)));
}
#include "kernels/loops_update.h"
enum { STRIP = 24, GROUP = 8 };
#include "kernels/loops_reflect.h"

TARGET static void tile(int64_t depth, const double *a, const double *b, double *c, int64_t stride)
{
    __m512d sum[GROUP][3];
#pragma GCC unroll 8
    for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 3
        for (int v = 0; v < 3; v++) sum[m][v] = _mm512_setzero_pd();
    for (int64_t k = 0; k < depth; k++, a += STRIP, b += STRIP) {
        __m512d b0 = _mm512_load_pd(b), b1 = _mm512_load_pd(b + 8), b2 = _mm512_load_pd(b + 16);
#pragma GCC unroll 8
        for (int m = 0; m < GROUP; m++) {
            __m512d left = _mm512_set1_pd(a[m]);
            sum[m][0] = _mm512_fmadd_pd(left, b0, sum[m][0]);
            sum[m][1] = _mm512_fmadd_pd(left, b1, sum[m][1]);
            sum[m][2] = _mm512_fmadd_pd(left, b2, sum[m][2]);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 3
        for (int v = 0; v < 3; v++) {
            double *to = c + m * stride + 8 * v;
            _mm512_storeu_pd(to, _mm512_add_pd(_mm512_loadu_pd(to), sum[m][v]));
        }
}

enum { STRIP_F32 = 48 };

/* 8 x 48 floats in the same 24 accumulators. Eight rows of a are eight streams, each a cache line every 16 steps:
 * packing them would cost more than it saves. */
TARGET static void tile_f32(int64_t depth, const float *a, int64_t lda, int64_t step, const float *b, float *c,
                            int64_t ldc, int accumulate)
{
    __m512 sum[GROUP][3];
#pragma GCC unroll 8
    for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 3
        for (int v = 0; v < 3; v++) sum[m][v] = _mm512_setzero_ps();
    for (int m = 0; m < GROUP && accumulate; m++)
        for (int v = 0; v < 3; v++) __builtin_prefetch(c + m * ldc + 16 * v, 1);
    for (int64_t k = 0; k < depth; k++, a += step, b += STRIP_F32) {
        __m512 b0 = _mm512_load_ps(b), b1 = _mm512_load_ps(b + 16), b2 = _mm512_load_ps(b + 32);
#pragma GCC unroll 8
        for (int m = 0; m < GROUP; m++) {
            __m512 left = _mm512_set1_ps(a[m * lda]);
            sum[m][0] = _mm512_fmadd_ps(left, b0, sum[m][0]);
            sum[m][1] = _mm512_fmadd_ps(left, b1, sum[m][1]);
            sum[m][2] = _mm512_fmadd_ps(left, b2, sum[m][2]);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 3
        for (int v = 0; v < 3; v++) {
            float *to = c + m * ldc + 16 * v;
            _mm512_storeu_ps(to, accumulate ? _mm512_add_ps(_mm512_loadu_ps(to), sum[m][v]) : sum[m][v]);
        }
}

TARGET static void tile_narrow_f32(int64_t depth, const float *a, int64_t lda, int64_t step, const float *b, float *c,
                                   int64_t ldc, int accumulate)
{
    __m512 sum[GROUP];
#pragma GCC unroll 8
    for (int m = 0; m < GROUP; m++) sum[m] = _mm512_setzero_ps();
    for (int64_t k = 0; k < depth; k++, a += step, b += STRIP_F32) {
        __m512 right = _mm512_loadu_ps(b);
#pragma GCC unroll 8
        for (int m = 0; m < GROUP; m++) sum[m] = _mm512_fmadd_ps(_mm512_set1_ps(a[m * lda]), right, sum[m]);
    }
#pragma GCC unroll 8
    for (int m = 0; m < GROUP; m++)
        _mm512_storeu_ps(c + m * ldc, accumulate ? _mm512_add_ps(_mm512_loadu_ps(c + m * ldc), sum[m]) : sum[m]);
}

/* Eight at a time: strips are multiples of it, so packing a strip leaves no remainder. */
TARGET static void widen_f32(const void *source, int64_t count, double *out)
{
    const char *bytes = source;
    int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm512_storeu_pd(out + i, _mm512_cvtps_pd(_mm256_loadu_ps((const float *)(const void *)(bytes + 4 * i))));
    neck__kernels_generic.widen[NECK_F32](bytes + 4 * i, count - i, out + i);
}

TARGET static void widen_f16(const void *source, int64_t count, double *out)
{
    const char *bytes = source;
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const void *from = bytes + 2 * i;
        _mm512_storeu_pd(out + i, _mm512_cvtps_pd(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from))));
    }
    neck__kernels_generic.widen[NECK_F16](bytes + 2 * i, count - i, out + i);
}

TARGET static void widen_bf16(const void *source, int64_t count, double *out)
{
    const char *bytes = source;
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(bytes + 2 * i)));
        _mm512_storeu_pd(out + i, _mm512_cvtps_pd(_mm256_castsi256_ps(_mm256_slli_epi32(bits, 16))));
    }
    neck__kernels_generic.widen[NECK_BF16](bytes + 2 * i, count - i, out + i);
}

static void widen_f64(const void *source, int64_t count, double *out)
{
    memcpy(out, source, (size_t)count * sizeof *out);
}

TARGET static double sum_squares(int64_t count, const double *x)
{
    __m512d sum[4];
    for (int v = 0; v < 4; v++) sum[v] = _mm512_setzero_pd();
    int64_t i = 0;
    for (; i + 32 <= count; i += 32)
        for (int v = 0; v < 4; v++) {
            __m512d value = _mm512_loadu_pd(x + i + 8 * v);
            sum[v] = _mm512_fmadd_pd(value, value, sum[v]);
        }
    double lanes[8];
    _mm512_storeu_pd(lanes, _mm512_add_pd(_mm512_add_pd(sum[0], sum[1]), _mm512_add_pd(sum[2], sum[3])));
    double rest = neck__kernels_generic.sum_squares(count - i, x + i);
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])) + rest;
}

TARGET static void add_scaled(int64_t count, double alpha, const double *x, double *y)
{
    __m512d factor = _mm512_set1_pd(alpha);
    int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm512_storeu_pd(y + i, _mm512_fmadd_pd(factor, _mm512_loadu_pd(x + i), _mm512_loadu_pd(y + i)));
    for (; i < count; i++) y[i] = __builtin_fma(alpha, x[i], y[i]);
}

const neck__kernels neck__kernels_avx512 = {
    .name = "avx512",
    .strip = STRIP,
    .group = GROUP,
    .tile = tile,
    .strip_f32 = STRIP_F32,
    .group_f32 = GROUP,
    .tile_f32 = tile_f32,
    .narrow_f32 = 16,
    .tile_narrow_f32 = tile_narrow_f32,
    .widen = {NULL, widen_f32, widen_f64, widen_f16, widen_bf16},
    .sum_squares = sum_squares,
    .add_scaled = add_scaled,
    .sparse_product = sparse_product,
    .panel_tile = panel_tile,
    .panel_tile_f32 = panel_tile_f32,
    NECK__LOOPS_REFLECT,
    NECK__LOOPS_F32,
    NECK__LOOPS_TRAIN_F32,
    NECK__LOOPS_SOFTMAX_F32,
    NECK__LOOPS_UPDATE,
};
#else
typedef int neck__no_avx512; /* ISO C wants something in every file */
#endif
