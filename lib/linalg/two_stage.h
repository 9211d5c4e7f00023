/* linalg/two_stage.h - eigenvalues of a dense symmetric matrix in two stages: to a band by products of matrices,
 * then to tridiagonal form in cache. For large matrices on several CPUs it takes a fraction of the time of LAPACK's
 * dsytrd, half of whose work waits for memory. */
#ifndef NECK_LINALG_TWO_STAGE_H
#define NECK_LINALG_TWO_STAGE_H

#include "softneck/context.h"

/* Eigenvalues, ascending, of the symmetric n x n matrix a with leading dimension lda, row-major (upper triangle
 * read, destroyed), all finite. Each is within a small multiple of n * 2^-53 times the largest in size. The same
 * bits for any number of threads. Progress as task "eigenvalues"; NECK_E_CANCELLED, NECK_E_NOMEM. */
neck_status neck__two_stage_eigenvalues(neck_context *context, int64_t n, double *a, int64_t lda, double *values);

/* What it takes beside the matrix, in bytes, and its floating-point operations. */
void neck__two_stage_cost(int64_t n, int64_t *bytes, int64_t *operations);

#endif
