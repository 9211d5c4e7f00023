/* spectrum/normal.h - products of B^T B with blocks of vectors, B the tall one of an operator A and its transpose: what
 * the largest singular triplets are found from. A block is count vectors, one after the other. */
#ifndef NECK_SPECTRUM_NORMAL_H
#define NECK_SPECTRUM_NORMAL_H

#include "spectrum/operator.h"

typedef struct neck__normal {
    neck__allocator allocator;
    const neck_operator *op;
    int64_t order, length; /* of B: its columns and rows, order <= length */
    int32_t flipped;       /* B = A^T */
    double scale;          /* a power of two; all below is of scale * A, whose squares double can hold */
    double frobenius_squared; /* negative: not known */
    double magnitude;         /* what products round relative to; negative: not known */
    int64_t products, limit;  /* with single vectors: so far, and at most (0: no limit) */
} neck__normal;

/* Finds the scale. limit: see neck_truncated_options.max_products. */
neck_status neck__normal_open(neck_context *context, const neck_operator *op, int64_t limit, neck__normal *out);

/* y = B x: x count vectors of order, y length x count, row-major with the vectors as columns. */
neck_status neck__normal_forward(neck_context *context, neck__normal *normal, int64_t count, const double *x,
                                 double *y);
/* x = B^T y, shapes as above. */
neck_status neck__normal_backward(neck_context *context, neck__normal *normal, int64_t count, const double *y,
                                  double *x);
/* z = B^T B x, both count vectors of order. */
neck_status neck__normal_both(neck_context *context, neck__normal *normal, int64_t count, const double *x, double *z);

/* The same in single precision, where the operator's kind and its size allow it. */
int neck__normal_has_rough(const neck__normal *normal);
neck_status neck__normal_rough(neck_context *context, neck__normal *normal, int64_t count, const double *x, double *z);

/* to (cols x rows) = from^T (rows x cols), times scale. */
void neck__transpose(neck_context *context, int64_t rows, int64_t cols, const double *from, double scale, double *to);

#endif
