/* linalg/tridiagonal.h - eigenvalues of symmetric tridiagonal matrices, on all threads. */
#ifndef NECK_LINALG_TRIDIAGONAL_H
#define NECK_LINALG_TRIDIAGONAL_H

#include "softneck/context.h"

/* Eigenvalues, ascending, of the matrix with this diagonal and these n - 1 numbers beside it, whose squares must be
 * within double. Each is within a few roundings of the largest in size, whatever n. The same bits for any number of
 * threads. Takes memory for 7 n doubles. */
neck_status neck__tridiagonal_eigenvalues(neck_context *context, int64_t n, const double *diagonal,
                                          const double *beside, double *values);

#endif
