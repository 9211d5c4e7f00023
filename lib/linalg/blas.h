/* linalg/blas.h - the only door to BLAS: row-major doubles, 64-bit sizes, narrowed and checked here. Runs with
 * whatever number of threads the host has set for its BLAS. */
#ifndef NECK_LINALG_BLAS_H
#define NECK_LINALG_BLAS_H

#include "softneck/status.h"

/* C (m x n) = alpha * op(A) op(B) + beta * C, all row-major with leading dimensions lda, ldb, ldc >= 1; op is the
 * transpose when the flag is non-zero. Errors: NECK_E_OVERFLOW when a size exceeds what this BLAS can count. */
neck_status neck__gemm(int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                       int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc);

/* Name and kernel of the BLAS in use, e.g. "OpenBLAS 0.3.21 ... Haswell". Static string. */
const char *neck__blas_info(void);

#endif
