/* linalg/sparse.h - products of sparse rows with blocks of vectors. */
#ifndef NECK_LINALG_SPARSE_H
#define NECK_LINALG_SPARSE_H

#include "softneck/context.h"

/* Row i holds values[k] (NULL: 1) at column columns[k], starts[i] <= k < starts[i + 1]. */
typedef struct neck__sparse {
    int64_t rows;
    const int64_t *starts;
    const int32_t *columns;
    const double *values;
} neck__sparse;

/* y (rows x count) = A x (columns x count), both row-major. Each row is summed in its order: the same bits for any
 * number of threads. */
void neck__sparse_apply(neck_context *context, const neck__sparse *matrix, int64_t count, const double *x, double *y);

/* y += A^T A x, both cols x count, in one pass over A and without its transpose. Rows are cut into runs that depend on
 * the shape alone, each with a sum of its own, so that the bits do not depend on the threads. NECK_E_NOMEM when there
 * is no room for those sums; y is then as it was. */
neck_status neck__sparse_add_gram(neck_context *context, const neck__sparse *matrix, int64_t cols, int64_t count,
                                  const double *x, double *y);

/* The transpose in arrays of the caller's: starts cols + 1 numbers; rows (of the entries) and values (NULL when the
 * matrix has none) as many as there are entries. Rows come in increasing order. */
void neck__sparse_transpose(const neck__sparse *matrix, int64_t cols, int64_t *starts, int32_t *rows, double *values);

#endif
