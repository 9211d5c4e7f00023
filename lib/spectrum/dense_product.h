/* spectrum/dense_product.h - products of a matrix view with blocks of vectors, in one pass over it. */
#ifndef NECK_SPECTRUM_DENSE_PRODUCT_H
#define NECK_SPECTRUM_DENSE_PRODUCT_H

#include "core/memory.h"
#include "softneck/matrix.h"

enum { NECK__PLAIN, NECK__TRANSPOSED, NECK__GRAM };

/* y = A x, A^T x or A^T A x of a checked view, blocks row-major with the vectors as columns. Entries become doubles in
 * the cache and products are summed in double, in an order that the shape alone decides. */
neck_status neck__dense_product(neck_context *context, const neck_matrix *view, int32_t kind, int64_t count,
                                const double *x, double *y);

/* The same with entries, vectors and sums rounded to single precision; sums of slices are added in double. No bound is
 * kept of the error, about 1e-7 of |A| |x| for each product of a matrix whose entries are alike. Entries and sums must
 * be in float's range. */
neck_status neck__dense_product_f32(neck_context *context, const neck_matrix *view, int32_t kind, int64_t count,
                                    const double *x, double *y);

#endif
