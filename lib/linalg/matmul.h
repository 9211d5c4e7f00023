/* linalg/matmul.h - products of matrices as they lie (any strides), in f32 and f64 by the tiles of this CPU. On our own
 * threads; the same bits for any number of them. */
#ifndef NECK_LINALG_MATMUL_H
#define NECK_LINALG_MATMUL_H

#include "softneck/context.h"

/* Columns of a packed strip. */
int64_t neck__strip_f32(void);
int64_t neck__strip_f64(void);

/* Packs B (depth x n, element (k, j) at b[k * ldb + j * step]) into ceil(n / strip) strips of depth x strip numbers
 * each, a strip after `stride` numbers; columns beyond n are zero. out is 64-byte aligned and stride a multiple of
 * 16. */
void neck__pack_f32(int64_t depth, int64_t n, const float *b, int64_t ldb, int64_t step, float *out, int64_t stride);
void neck__pack_f64(int64_t depth, int64_t n, const double *b, int64_t ldb, int64_t step, double *out, int64_t stride);

/* On the calling thread: C (m x n, leading dimension ldc) = [C if accumulate] + A B, A (m x depth, element (i, k) at
 * a[i * lda + k * step]), B in strips. Best when m x 256 of A fit the second-level cache. */
void neck__tiles_f32(int64_t m, int64_t n, int64_t depth, const float *a, int64_t lda, int64_t step, const float *b,
                     int64_t stride, float *c, int64_t ldc, int accumulate);
void neck__tiles_f64(int64_t m, int64_t n, int64_t depth, const double *a, int64_t lda, int64_t step, const double *b,
                     int64_t stride, double *c, int64_t ldc, int accumulate);

/* C (m x n) = [C if accumulate] + A (m x depth) B (depth x n), any strides: element (i, j) of X at x[i * ldx + j *
 * stepx]. Takes memory for a packed copy of B. */
neck_status neck__matmul_f32(neck_context *context, int64_t m, int64_t n, int64_t depth, const float *a, int64_t lda,
                             int64_t step_a, const float *b, int64_t ldb, int64_t step_b, float *c, int64_t ldc,
                             int accumulate);
neck_status neck__matmul_f64(neck_context *context, int64_t m, int64_t n, int64_t depth, const double *a, int64_t lda,
                             int64_t step_a, const double *b, int64_t ldb, int64_t step_b, double *c, int64_t ldc,
                             int accumulate);

#endif
