/* linalg/moments.h - sums over rows that need no products between columns. */
#ifndef NECK_LINALG_MOMENTS_H
#define NECK_LINALG_MOMENTS_H

#include "softneck/matrix.h"

typedef struct neck__moments {
    double *sum, *unit_sum;      /* cols each: sum y, sum y/|y| */
    double norm_sum, square_sum; /* sum |y|, sum |y|^2 */
    int64_t zero_rows;           /* rows with y = 0 */
} neck__moments;

/* Adds the moments of y = x - shift over all rows of a checked view; shift may be NULL. Sums are ordered by row,
 * whatever the number of threads. After a failure *out holds garbage; NECK_E_NONFINITE names the element. */
neck_status neck__moments_add(neck_context *context, const neck_matrix *view, const double *shift, neck__moments *out);

#endif
