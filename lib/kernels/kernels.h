/* kernels/kernels.h - the few loops written for an instruction set, behind one table. Nothing outside this folder
 * names an ISA. */
#ifndef NECK_KERNELS_KERNELS_H
#define NECK_KERNELS_KERNELS_H

#include <stdint.h>

#include "kernels/train_loops.h"
#include "softneck/matrix.h"

/* Converts count elements, stored packed at source (any alignment), exactly to double. */
typedef void (*neck__widen_fn)(const void *source, int64_t count, double *out);

/* Of a model's MLP: x Phi(x), its approximation by tanh, max(x, 0), x / (1 + exp(-x)). */
enum { NECK__GELU, NECK__GELU_TANH, NECK__RELU, NECK__SILU, NECK__ACTIVATIONS };

/* Matrices are multiplied from packed panels: a panel of depth rows is stored as strips of `strip` columns, element
 * (k, j) of a strip at [k * strip + j], 64-byte aligned. A strip serves on either side of a product. */
typedef struct neck__kernels {
    const char *name;
    int64_t strip; /* columns of a strip, a multiple of group */
    int64_t group; /* rows of a tile */

    /* c[m * stride + n] += sum over k < depth of a[k * strip + m] * b[k * strip + n], m < group, n < strip.
     * a points into a strip at a multiple of group; each element is summed over k in order. */
    void (*tile)(int64_t depth, const double *a, const double *b, double *c, int64_t stride);

    /* The same in single precision, for models and heads: a is any strided matrix as it lies, b one packed strip of strip_f32
     * columns. c[m * ldc + n] = (accumulate ? c : 0) + sum over k < depth of a[m * lda + k * step] * b[k * strip_f32 + n],
     * m < group_f32, n < strip_f32. */
    int64_t strip_f32, group_f32;
    void (*tile_f32)(int64_t depth, const float *a, int64_t lda, int64_t step, const float *b, float *c, int64_t ldc,
                     int accumulate);
    /* The same for the first narrow_f32 columns from b on, b anywhere in a strip: for what is left beside whole strips. */
    int64_t narrow_f32;
    void (*tile_narrow_f32)(int64_t depth, const float *a, int64_t lda, int64_t step, const float *b, float *c, int64_t ldc,
                            int accumulate);

    neck__widen_fn widen[5]; /* by dtype: NECK_F32 .. NECK_BF16; [0] is unused */

    double (*sum_squares)(int64_t count, const double *x);
    /* y += alpha * x */
    void (*add_scaled)(int64_t count, double alpha, const double *x, double *y);

    /* Elementwise loops of models, in place; exp is cut to between exp(-87) and exp(88). */
    void (*activate_f32[NECK__ACTIVATIONS])(int64_t count, float *x);
    void (*soft_cap_f32)(int64_t count, float cap, float *x);      /* cap * tanh(x / cap) */
    double (*exp_sum_f32)(int64_t count, float shift, float *x);   /* x = exp(x - shift); returns their sum */
    float (*max_f32)(int64_t count, const float *x);               /* count >= 1 */
    void (*moments_f32)(int64_t count, const float *x, double shift, double *sum, double *squares); /* of x - shift */

    neck__train_loops_f32 train;
} neck__kernels;

#define NECK__LARGEST_STRIP 24
#define NECK__LARGEST_GROUP 8
#define NECK__LARGEST_STRIP_F32 48

/* The best table for this CPU, or the one named by SOFTNECK_ISA (generic, avx2, avx512) if the CPU has it. Chosen once. */
const neck__kernels *neck__kernels_get(void);

extern const neck__kernels neck__kernels_generic;
#if defined(__x86_64__)
extern const neck__kernels neck__kernels_avx2;
extern const neck__kernels neck__kernels_avx512;
#endif

/* One element each, bits to double: shared by the tables' remainders. */
double neck__f16_to_f64(uint16_t bits);
double neck__bf16_to_f64(uint16_t bits);

#endif
