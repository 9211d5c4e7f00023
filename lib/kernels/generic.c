/* kernels/generic.c - portable C with two-double vectors, which every 64-bit CPU has. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

#define TARGET /* whatever every CPU of this kind has */
#include "kernels/vector_generic.h"
#include "kernels/loops_f32.h"
#include "kernels/loops_train_f32.h"
#include "kernels/loops_softmax_f32.h"
#include "kernels/loops_sparse.h"
#include "kernels/loops_panel.h"

static inline void roots_f32(float *x) { EACH_LANE x[i] = sqrtf(x[i]); }
static inline void roots_f64(double *x) { EACH_LANE x[i] = sqrt(x[i]); }
#include "kernels/loops_update.h"

enum { GROUP = 4 };
#if defined(__aarch64__)
enum { VECTORS = 4 }; /* 16 accumulators of 32 registers */
#else
enum { VECTORS = 2 }; /* 8 accumulators of 16 registers */
#endif
enum { STRIP = LANES * VECTORS };
#include "kernels/loops_reflect.h"

/* Products and sums may fuse here, where the CPU always has a fused instruction (arm64): twice the speed. The build
 * forbids it elsewhere. */
#if defined(__clang__)
#define FUSED
#define FUSE _Pragma("STDC FP_CONTRACT ON")
#else
#define FUSED __attribute__((optimize("fp-contract=fast")))
#define FUSE
#endif

FUSED static void tile(int64_t depth, const double *a, const double *b, double *c, int64_t stride)
{
    FUSE
    vec sum[GROUP][VECTORS];
#pragma GCC unroll 4
    for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) sum[m][v] = (vec){0};
    for (int64_t k = 0; k < depth; k++, a += STRIP, b += STRIP) {
        vec right[VECTORS];
        memcpy(right, b, sizeof right);
#pragma GCC unroll 4
        for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) sum[m][v] += a[m] * right[v];
    }
#pragma GCC unroll 4
    for (int m = 0; m < GROUP; m++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            double *to = c + m * stride + v * LANES;
            for (int lane = 0; lane < LANES; lane++) to[lane] += sum[m][v][lane];
        }
}

typedef float vector_f32 __attribute__((vector_size(16)));
enum { LANES_F32 = 4, STRIP_F32 = LANES_F32 * VECTORS };

static void tile_f32(int64_t depth, const float *a, int64_t lda, int64_t step, const float *b, float *c, int64_t ldc,
                            int accumulate)
{
    vector_f32 sum[GROUP][VECTORS] = {{{0}}};
    for (int m = 0; m < GROUP && accumulate; m++) memcpy(sum[m], c + m * ldc, sizeof sum[m]);
    for (int64_t k = 0; k < depth; k++, a += step, b += STRIP_F32) {
        vector_f32 right[VECTORS];
        memcpy(right, b, sizeof right);
        for (int m = 0; m < GROUP; m++)
            for (int v = 0; v < VECTORS; v++) sum[m][v] += a[m * lda] * right[v];
    }
    for (int m = 0; m < GROUP; m++) memcpy(c + m * ldc, sum[m], sizeof sum[m]);
}

static void tile_narrow_f32(int64_t depth, const float *a, int64_t lda, int64_t step, const float *b, float *c,
                            int64_t ldc, int accumulate)
{
    vector_f32 sum[GROUP] = {{0}};
    for (int m = 0; m < GROUP && accumulate; m++) memcpy(&sum[m], c + m * ldc, sizeof sum[m]);
    for (int64_t k = 0; k < depth; k++, a += step, b += STRIP_F32) {
        vector_f32 right;
        memcpy(&right, b, sizeof right);
        for (int m = 0; m < GROUP; m++) sum[m] += a[m * lda] * right;
    }
    for (int m = 0; m < GROUP; m++) memcpy(c + m * ldc, &sum[m], sizeof sum[m]);
}

static void widen_f32(const void *source, int64_t count, double *out)
{
    const unsigned char *bytes = source;
    for (int64_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, bytes + 4 * i, sizeof value);
        out[i] = value;
    }
}

static void widen_f64(const void *source, int64_t count, double *out)
{
    memcpy(out, source, (size_t)count * sizeof *out);
}

static void widen_f16(const void *source, int64_t count, double *out)
{
    const unsigned char *bytes = source;
    for (int64_t i = 0; i < count; i++) {
        uint16_t value;
        memcpy(&value, bytes + 2 * i, sizeof value);
        out[i] = neck__f16_to_f64(value);
    }
}

static void widen_bf16(const void *source, int64_t count, double *out)
{
    const unsigned char *bytes = source;
    for (int64_t i = 0; i < count; i++) {
        uint16_t value;
        memcpy(&value, bytes + 2 * i, sizeof value);
        out[i] = neck__bf16_to_f64(value);
    }
}

static double sum_squares(int64_t count, const double *x)
{
    double sum[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int j = 0; j < 4; j++) sum[j] += x[i + j] * x[i + j];
    for (; i < count; i++) sum[0] += x[i] * x[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void add_scaled(int64_t count, double alpha, const double *x, double *y)
{
    for (int64_t i = 0; i < count; i++) y[i] += alpha * x[i];
}

const neck__kernels neck__kernels_generic = {
    .name = "generic",
    .strip = STRIP,
    .group = GROUP,
    .tile = tile,
    .strip_f32 = STRIP_F32,
    .group_f32 = GROUP,
    .tile_f32 = tile_f32,
    .narrow_f32 = LANES_F32,
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
