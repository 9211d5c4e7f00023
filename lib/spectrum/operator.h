/* spectrum/operator.h - what a neck_operator is inside the library. */
#ifndef NECK_SPECTRUM_OPERATOR_H
#define NECK_SPECTRUM_OPERATOR_H

#include "core/memory.h"
#include "softneck/operator.h"

/* One kind of operator. apply: shapes as in neck_operator_fn; count >= 1; progress and cancelling are the caller's business.
 * close releases what parts holds (NULL: nothing to release). */
typedef struct neck__operator_kind {
    neck_status (*apply)(neck_context *context, const neck_operator *op, int transposed, int64_t count, const double *x, double *y);
    void (*close)(neck_operator *op);
} neck__operator_kind;

struct neck_operator {
    neck__allocator allocator;
    const neck__operator_kind *kind;
    int64_t rows, cols;
    double frobenius_squared; /* negative: not known */
    void *parts;              /* the kind's own */
};

/* An operator with parts_size zeroed bytes of parts. */
neck_status neck__operator_new(neck_context *context, const neck__operator_kind *kind, int64_t rows, int64_t cols,
                               double frobenius_squared, size_t parts_size, neck_operator **out);

/* The view behind a dense operator, NULL for the other kinds: for whoever has a better way with matrices. */
const neck_matrix *neck__operator_matrix(const neck_operator *op);

#endif
