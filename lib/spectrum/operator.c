/* spectrum/operator.c - making, reading and applying operators of any kind. */
#include "spectrum/operator.h"

#include <math.h>

#include "core/error.h"

neck_status neck__operator_new(neck_context *context, const neck__operator_kind *kind, int64_t rows, int64_t cols,
                               double frobenius_squared, size_t parts_size, neck_operator **out)
{
    neck__allocator allocator = neck__allocator_of(context);
    neck_operator *op = neck__calloc(&allocator, 1, sizeof *op, "an operator");
    if (!op) return NECK_E_NOMEM;
    double magnitude = frobenius_squared < 0 ? -1 : sqrt(frobenius_squared);
    *op = (neck_operator){allocator, kind, rows, cols, frobenius_squared, magnitude, NULL};
    op->parts = neck__calloc(&allocator, 1, (int64_t)parts_size, "an operator's parts");
    if (!op->parts) {
        neck__release(&allocator, op);
        return NECK_E_NOMEM;
    }
    *out = op;
    return NECK_OK;
}

void neck_operator_destroy(neck_operator *op)
{
    if (!op) return;
    neck__allocator allocator = op->allocator;
    if (op->kind->close) op->kind->close(op);
    neck__release(&allocator, op->parts);
    neck__release(&allocator, op);
}

int64_t neck_operator_rows(const neck_operator *op) { return op->rows; }
int64_t neck_operator_cols(const neck_operator *op) { return op->cols; }
double neck_operator_frobenius_squared(const neck_operator *op) { return op->frobenius_squared; }

neck_status neck_operator_apply(neck_context *context, const neck_operator *op, int32_t transposed, int64_t count,
                                const double *x, double *y)
{
    if (!op || !x || !y) return neck__fail(NECK_E_ARGUMENT, "op, x or y is NULL");
    if (count < 1) return neck__fail(NECK_E_ARGUMENT, "count is %lld: a product needs a vector", (long long)count);
    return op->kind->apply(context, op, transposed != 0, count, x, y);
}

neck_status neck__operator_gram(neck_context *context, const neck_operator *op, int64_t count, const double *x,
                                double *y)
{
    if (op->kind->gram) return op->kind->gram(context, op, count, x, y);
    neck__allocator allocator = neck__allocator_of(context);
    int64_t size;
    if (!neck__mul(op->rows, count, &size))
        return neck__fail(NECK_E_OVERFLOW, "%lld vectors are too many", (long long)count);
    double *between = neck__alloc(&allocator, size, sizeof *between, "a product");
    if (!between) return NECK_E_NOMEM;
    neck_status status = op->kind->apply(context, op, 0, count, x, between);
    if (status == NECK_OK) status = op->kind->apply(context, op, 1, count, between, y);
    neck__release(&allocator, between);
    return status;
}

neck_status neck_operator_apply_normal(neck_context *context, const neck_operator *op, int64_t count, const double *x,
                                       double *y)
{
    if (!op || !x || !y) return neck__fail(NECK_E_ARGUMENT, "op, x or y is NULL");
    if (count < 1) return neck__fail(NECK_E_ARGUMENT, "count is %lld: a product needs a vector", (long long)count);
    return neck__operator_gram(context, op, count, x, y);
}
