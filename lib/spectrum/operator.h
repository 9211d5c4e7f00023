/* spectrum/operator.h - what a neck_operator is inside the library. */
#ifndef NECK_SPECTRUM_OPERATOR_H
#define NECK_SPECTRUM_OPERATOR_H

#include "core/memory.h"
#include "softneck/operator.h"

/* One kind of operator. apply: shapes as in neck_operator_fn; count >= 1; progress and cancelling are the caller's
 * business. close releases what parts holds (NULL: nothing to release). gram: y = A^T A x, both cols x count, where
 * that is cheaper than one product after the other (else NULL). rough: z = A^T A x or, flipped, A A^T x in single
 * precision, for numbers in its range, where that is faster (else NULL); x and z are of the shorter side's length x
 * count. */
typedef struct neck__operator_kind {
    neck_status (*apply)(neck_context *context, const neck_operator *op, int transposed, int64_t count, const double *x,
                         double *y);
    void (*close)(neck_operator *op);
    neck_status (*gram)(neck_context *context, const neck_operator *op, int64_t count, const double *x, double *y);
    neck_status (*rough)(neck_context *context, const neck_operator *op, int32_t flipped, int64_t count,
                         const double *x, double *z);
} neck__operator_kind;

struct neck_operator {
    neck__allocator allocator;
    const neck__operator_kind *kind;
    int64_t rows, cols;
    double frobenius_squared; /* negative: not known */
    double magnitude;         /* what products round relative to, >= |A|_F: as much passes through their sums. Negative:
                                 not known */
    void *parts;              /* the kind's own */
};

/* An operator with parts_size zeroed bytes of parts; its magnitude is |A|_F. */
neck_status neck__operator_new(neck_context *context, const neck__operator_kind *kind, int64_t rows, int64_t cols,
                               double frobenius_squared, size_t parts_size, neck_operator **out);

/* y = A^T A x, both cols x count, row-major: the kind's own way, or two products with memory for rows x count doubles
 * between. */
neck_status neck__operator_gram(neck_context *context, const neck_operator *op, int64_t count, const double *x,
                                double *y);

/* The view behind a dense operator, NULL for the other kinds: for whoever has a better way with matrices. */
const neck_matrix *neck__operator_matrix(const neck_operator *op);

/* |A - 1 shift^T|_F^2 of a view, shift NULL: 0. Errors: NECK_E_NONFINITE, NECK_E_OVERFLOW, NECK_E_CANCELLED. */
neck_status neck__view_squares(neck_context *context, const neck_matrix *view, const double *shift, double *out);

#endif
