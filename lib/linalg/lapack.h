/* linalg/lapack.h - the only door to LAPACK. Every input must be finite: LAPACK hangs on infinities, so callers
 * check first. Workspace comes from the context. */
#ifndef NECK_LINALG_LAPACK_H
#define NECK_LINALG_LAPACK_H

#include "softneck/context.h"

/* Eigenvalues, ascending, of the symmetric n x n matrix a (both triangles set; destroyed). */
neck_status neck__symmetric_eigenvalues(neck_context *context, int64_t n, double *a, double *values);

/* The same with eigenvectors: row i of a becomes the unit eigenvector of values[i]. */
neck_status neck__symmetric_eigen(neck_context *context, int64_t n, double *a, double *values);

#endif
