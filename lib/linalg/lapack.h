/* linalg/lapack.h - the only door to LAPACK. Every input must be finite: LAPACK hangs on infinities, so callers
 * check first. Sizes are narrowed and workspace is computed here; it comes from the context. LAPACK sees the transpose
 * of our row-major arrays; names and comments below are row-major. */
#ifndef NECK_LINALG_LAPACK_H
#define NECK_LINALG_LAPACK_H

#include "softneck/context.h"

/* Eigenvalues, ascending, of the symmetric n x n matrix a with leading dimension lda (upper triangle read; destroyed),
 * by LAPACK, or, for large n, by linalg/two_stage.h, with progress as task "eigenvalues". */
neck_status neck__symmetric_eigenvalues(neck_context *context, int64_t n, double *a, int64_t lda, double *values);

/* What that takes, the packed matrix itself included, in bytes, and its floating-point operations; the largest int64_t
 * for what is beyond it. */
void neck__symmetric_eigenvalues_cost(int64_t n, int64_t *bytes, int64_t *operations);

/* The same with eigenvectors: row i of a becomes the unit eigenvector of values[i]. a is packed. */
neck_status neck__symmetric_eigen(neck_context *context, int64_t n, double *a, double *values);

/* Singular values, decreasing, of the n x n matrix a (destroyed). gesdd, then gesvd on a fresh copy should it fail. */
neck_status neck__singular_values(neck_context *context, int64_t n, double *a, double *values);

/* SVD a = U diag(s) Vt of the n x n matrix a (destroyed), all n x n, row-major. */
neck_status neck__small_svd(neck_context *context, int64_t n, double *a, double *u, double *s, double *vt);

/* How wrong the values of both can be, relative to the largest. */
double neck__singular_values_error(int64_t n);

/* Householder QR, column-major as LAPACK has it (ld = leading dimension of columns), for tall blocks. */

/* a (m x n, m >= n) becomes R above the diagonal and reflectors below; tau: n. */
neck_status neck__qr_factor(neck_context *context, int64_t m, int64_t n, double *a, int64_t lda, double *tau);
/* c (m x k) = Q c for that factorisation. */
neck_status neck__qr_apply(neck_context *context, int64_t m, int64_t k, int64_t n, const double *a, int64_t lda,
                           const double *tau, double *c, int64_t ldc);

/* Reflectors of a block of n columns are accumulated in panels of this many. */
int64_t neck__qr_block(int64_t n);
/* [R; b] becomes [R'; reflectors]: R n x n upper triangular, b m x n, t qr_block(n) x n. */
neck_status neck__qr_update(neck_context *context, int64_t m, int64_t n, double *r, int64_t ldr, double *b, int64_t ldb,
                            double *t);
/* [top; c] = Q [top; c]: top n x k, c m x k, b and t as qr_update left them. */
neck_status neck__qr_update_apply(neck_context *context, int64_t m, int64_t k, int64_t n, const double *b, int64_t ldb,
                                  const double *t, double *top, int64_t ldtop, double *c, int64_t ldc);

#endif
