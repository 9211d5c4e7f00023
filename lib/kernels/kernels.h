/* kernels/kernels.h - the few loops written for an instruction set, behind one table. Nothing outside this folder
 * names an ISA. */
#ifndef NECK_KERNELS_KERNELS_H
#define NECK_KERNELS_KERNELS_H

#include <stdint.h>

#include "kernels/reflect.h"
#include "kernels/train_loops.h"
#include "softneck/matrix.h"

/* Converts count elements, stored packed at source (any alignment), exactly to double. */
typedef void (*neck__widen_fn)(const void *source, int64_t count, double *out);

/* Of a model's MLP: x Phi(x), its approximation by tanh, max(x, 0), x / (1 + exp(-x)). Of maps of logits: ln(1 +
 * exp(x)) and its derivative, 1 / (1 + exp(-x)). */
enum { NECK__GELU, NECK__GELU_TANH, NECK__RELU, NECK__SILU, NECK__SOFTPLUS, NECK__SIGMOID, NECK__ACTIVATIONS };

/* The loops of optimizers, over arrays data[0] (p, the parameter), data[1] (g, the gradient: only read), data[2],
 * data[3] of one precision, 0: f32, 1: f64. Numbers they take stand in neck__update.
 *   ADAMW      m += blend (g - m), v = beta v + square g^2, p = keep p - rate m / (sqrt(v) + epsilon)
 *   SGD        p -= rate (g + decay p)
 *   MOMENTUM   a = g + decay p, m = beta m + a, p -= rate (along a + ahead m)
 *   LOOKAHEAD  x = g + beta (m + blend (g - m) - g), nothing else changes
 *   MUON       m += blend (g - m), p = keep p - rate x
 *   COMBINE    p = keep p + rate g
 *   SCALE      p = keep p */
enum { NECK__ADAMW, NECK__SGD, NECK__MOMENTUM, NECK__LOOKAHEAD, NECK__MUON, NECK__COMBINE, NECK__SCALE, NECK__UPDATES };

typedef struct neck__update {
    double rate, keep, decay;
    double blend, beta, square, epsilon;
    double along, ahead;
} neck__update;

typedef void (*neck__update_fn)(int64_t count, const neck__update *numbers, void *const *data);

/* Some rows of a sparse matrix: row i holds values[e] (NULL: 1) in columns[e], starts[i] <= e < starts[i + 1]. */
typedef struct neck__sparse_rows {
    int64_t rows;
    const int64_t *starts; /* rows + 1 */
    const int32_t *columns;
    const double *values;
} neck__sparse_rows;

/* Matrices are multiplied from packed panels: a panel of depth rows is stored as strips of `strip` columns, element
 * (k, j) of a strip at [k * strip + j], 64-byte aligned. A strip serves on either side of a product. */
typedef struct neck__kernels {
    const char *name;
    int64_t strip; /* columns of a strip, a multiple of group */
    int64_t group; /* rows of a tile */

    /* c[m * stride + n] += sum over k < depth of a[k * strip + m] * b[k * strip + n], m < group, n < strip.
     * a points into a strip at a multiple of group; each element is summed over k in order. */
    void (*tile)(int64_t depth, const double *a, const double *b, double *c, int64_t stride);

    /* The same in single precision, for models and heads: a is any strided matrix as it lies, b one packed strip of
     * strip_f32 columns. c[m * ldc + n] = (accumulate ? c : 0) + sum over k < depth of a[m * lda + k * step] * b[k *
     * strip_f32 + n], m < group_f32, n < strip_f32. */
    int64_t strip_f32, group_f32;
    void (*tile_f32)(int64_t depth, const float *a, int64_t lda, int64_t step, const float *b, float *c, int64_t ldc,
                     int accumulate);
    /* The same for the first narrow_f32 columns from b on, b anywhere in a strip: for what is left beside whole
     * strips. */
    int64_t narrow_f32;
    void (*tile_narrow_f32)(int64_t depth, const float *a, int64_t lda, int64_t step, const float *b, float *c,
                            int64_t ldc, int accumulate);

    neck__widen_fn widen[5]; /* by dtype: NECK_F32 .. NECK_BF16; [0] is unused */

    double (*sum_squares)(int64_t count, const double *x);
    /* y += alpha * x */
    void (*add_scaled)(int64_t count, double alpha, const double *x, double *y);

    /* Both blocks row-major, count numbers a row. gram 0: y (a row for each of s) = S x. gram 1: y += S^T S x. */
    void (*sparse_product)(int gram, const neck__sparse_rows *s, int64_t count, const double *x, double *y);

    /* c[m * NECK__PANEL_VECTORS + n] += sum over k < depth of a(m, k) * b[k * NECK__PANEL_VECTORS + n], m <
     * NECK__PANEL_ROWS, n < NECK__PANEL_VECTORS, eight vectors; a(m, k) is a[m * NECK__PANEL_DEPTH + k] or, transposed,
     * a[k * NECK__PANEL_DEPTH + m]. */
    void (*panel_tile)(int transposed, int64_t depth, const double *a, const double *b, double *c);
    /* The same in single precision, with NECK__PANEL_VECTORS_F32. */
    void (*panel_tile_f32)(int transposed, int64_t depth, const float *a, const float *b, float *c);

    neck__reflect reflect;

    /* Elementwise loops of models, in place; exp is cut to between exp(-87) and exp(88). */
    void (*activate_f32[NECK__ACTIVATIONS])(int64_t count, float *x);
    void (*soft_cap_f32)(int64_t count, float cap, float *x);      /* cap * tanh(x / cap) */
    double (*exp_sum_f32)(int64_t count, float shift, float *x);   /* x = exp(x - shift); returns their sum */
    float (*max_f32)(int64_t count, const float *x);               /* count >= 1 */
    void (*moments_f32)(int64_t count, const float *x, double shift, double *sum, double *squares); /* of x - shift */

    neck__train_loops_f32 train;
    /* Softmax down the columns of x (rows x cols, cols a multiple of 16; so are counts below).
     * column_max: most_j = max(most_j, x_ij). column_exp_sum: sum_j += exp(x_ij - shift_j), squares_j (or NULL) += its
     * square. column_gradient: x_ij = exp(x_ij - shift_j) scale_j - offset_j. */
    void (*column_max_f32)(int64_t rows, int64_t cols, const float *x, int64_t ldx, float *most);
    void (*column_exp_sum_f32)(int64_t rows, int64_t cols, const float *x, int64_t ldx, const float *shift, double *sum,
                               double *squares);
    void (*column_gradient_f32)(int64_t rows, int64_t cols, float *x, int64_t ldx, const float *shift,
                                const float *scale, const float *offset);
    /* sums_lj += |x_j| where |x_j| < level 4^l, l < levels, rows of sums `stride` apart.
     * select: index = those j with |x_j| >= limit_j; returns how many.
     * add_below: sums_j += |x_j| scale where |x_j| < limit_j; returns the sum of |x_j| weight_j over those.
     * add_rows: y += sum over n < rows of alpha_n times row index_n of x; any count. */
    void (*sum_below_f32)(int64_t count, int64_t levels, const float *x, float level, float *sums, int64_t stride);
    int64_t (*select_f32)(int64_t count, const float *x, const float *limit, int32_t *index);
    double (*add_below_f32)(int64_t count, const float *x, const float *limit, const float *weight, float scale,
                            float *sums);
    void (*add_rows_f32)(int64_t count, int64_t rows, const float *alpha, const float *x, int64_t ldx,
                         const int32_t *index, float *y);

    neck__update_fn update[2][NECK__UPDATES];
    int (*squares_finite[2])(int64_t count, const void *x); /* 0: some square is NaN or (nearly) infinite */
} neck__kernels;

#define NECK__PANEL_ROWS 16
#define NECK__PANEL_DEPTH 128
#define NECK__PANEL_VECTORS 8
#define NECK__PANEL_VECTORS_F32 16
#define NECK__LARGEST_STRIP 24
#define NECK__LARGEST_GROUP 8
#define NECK__LARGEST_STRIP_F32 48

/* The best table for this CPU, or the one named by SOFTNECK_ISA (generic, avx2, avx512) if the CPU has it. Chosen
 * once. */
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
