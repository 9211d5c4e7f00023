/* spectrum/operator_made.c - operators made of other operators or of a callback: products, centring. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "spectrum/operator.h"

typedef struct product_parts {
    const neck_operator *first, *second;
} product_parts;

static neck_status apply_product(neck_context *context, const neck_operator *op, int transposed, int64_t count,
                                 const double *x, double *y)
{
    const product_parts *parts = op->parts;
    neck__allocator allocator = neck__allocator_of(context);
    int64_t size;
    if (!neck__mul(parts->first->cols, count, &size))
        return neck__fail(NECK_E_OVERFLOW, "%lld vectors at once are too many", (long long)count);
    double *middle = neck__alloc(&allocator, size, sizeof *middle, "the product of a factor");
    if (!middle) return NECK_E_NOMEM;
    const neck_operator *inner = transposed ? parts->first : parts->second,
        *outer = transposed ? parts->second : parts->first;
    neck_status status = inner->kind->apply(context, inner, transposed, count, x, middle);
    if (status == NECK_OK) status = outer->kind->apply(context, outer, transposed, count, middle, y);
    neck__release(&allocator, middle);
    return status;
}

static const neck__operator_kind product = {apply_product, NULL, NULL, NULL};

neck_status neck_operator_product(neck_context *context, const neck_operator *first, const neck_operator *second,
                                  neck_operator **out)
{
    if (!first || !second || !out) return neck__fail(NECK_E_ARGUMENT, "first, second or out is NULL");
    if (first->cols != second->rows)
        return neck__fail(NECK_E_ARGUMENT, "%lld x %lld times %lld x %lld: the inner sizes differ",
                          (long long)first->rows, (long long)first->cols, (long long)second->rows,
                          (long long)second->cols);
    neck_operator *op;
    NECK_TRY(neck__operator_new(context, &product, first->rows, second->cols, -1, sizeof(product_parts), &op));
    *(product_parts *)op->parts = (product_parts){first, second};
    if (first->magnitude >= 0 && second->magnitude >= 0) op->magnitude = first->magnitude * second->magnitude;
    *out = op;
    return NECK_OK;
}

typedef struct centered_parts {
    const neck_operator *source;
    double *mean; /* cols, owned */
} centered_parts;

/* (A - 1 m^T) x = A x - 1 (m^T x); transposed: A^T x - m (1^T x). sums: count numbers. */
static neck_status apply_centered(neck_context *context, const neck_operator *op, int transposed, int64_t count,
                                  const double *x, double *y)
{
    const centered_parts *parts = op->parts;
    neck__allocator allocator = neck__allocator_of(context);
    double *sums = neck__calloc(&allocator, count, sizeof *sums, "sums of vectors");
    if (!sums) return NECK_E_NOMEM;
    neck_status status = parts->source->kind->apply(context, parts->source, transposed, count, x, y);
    int64_t in = transposed ? op->rows : op->cols, out = transposed ? op->cols : op->rows;
    for (int64_t i = 0; i < in; i++)
        for (int64_t j = 0; j < count; j++) sums[j] += (transposed ? 1 : parts->mean[i]) * x[i * count + j];
    for (int64_t i = 0; i < out && status == NECK_OK; i++)
        for (int64_t j = 0; j < count; j++) y[i * count + j] -= (transposed ? parts->mean[i] : 1) * sums[j];
    neck__release(&allocator, sums);
    return status;
}

static void close_centered(neck_operator *op)
{
    neck__release(&op->allocator, ((centered_parts *)op->parts)->mean);
}

static const neck__operator_kind centered = {apply_centered, close_centered, NULL, NULL};

static neck_status normalised(int64_t rows, const double *given, double *weights)
{
    double total = 0;
    for (int64_t i = 0; i < rows; i++) {
        weights[i] = given ? given[i] : 1;
        if (!(weights[i] >= 0) || isinf(weights[i]))
            return neck__fail(NECK_E_ARGUMENT, "row_weights[%lld] is %g: weights are finite and not negative",
                              (long long)i, weights[i]);
        total += weights[i];
    }
    if (!(total > 0) || isinf(total)) return neck__fail(NECK_E_ARGUMENT, "row_weights sum to %g", total);
    for (int64_t i = 0; i < rows; i++) weights[i] /= total;
    return NECK_OK;
}

/* A difference of squares that keeps less than this share of them has lost half of its digits. */
#define LEAST_KEPT 1e-8

/* |A - 1 m^T|_F^2 and what its products round relative to. Of a matrix from its entries. Else |A|_F^2 - 2 m . A^T 1 +
 * rows |m|^2, with the plain mean A^T 1 = rows m, otherwise one more product: not known when the difference leaves too
 * little. */
static neck_status centered_norm(neck_context *context, neck_operator *op, double *ones, double *sums)
{
    const centered_parts *parts = op->parts;
    const neck_operator *source = parts->source;
    const neck_matrix *view = neck__operator_matrix(source);
    double cross = 0, own = 0, known = source->frobenius_squared;
    for (int64_t j = 0; j < source->cols; j++) own += parts->mean[j] * parts->mean[j];
    own *= (double)source->rows;
    if (source->magnitude >= 0) op->magnitude = source->magnitude + sqrt(own);
    if (view) return neck__view_squares(context, view, parts->mean, &op->frobenius_squared);
    if (known < 0) return NECK_OK;
    for (int64_t i = 0; i < source->rows; i++) ones[i] = 1;
    NECK_TRY(source->kind->apply(context, source, 1, 1, ones, sums));
    for (int64_t j = 0; j < source->cols; j++) cross += parts->mean[j] * sums[j];
    double left = known - 2 * cross + own;
    if (left > LEAST_KEPT * (known + own)) op->frobenius_squared = left;
    return NECK_OK;
}

neck_status neck_operator_centered(neck_context *context, const neck_operator *source, const double *row_weights,
                                   neck_operator **out)
{
    if (!source || !out) return neck__fail(NECK_E_ARGUMENT, "source or out is NULL");
    neck_operator *op = NULL;
    neck__allocator allocator = neck__allocator_of(context);
    double *weights = neck__alloc(&allocator, source->rows, sizeof *weights, "row weights"), *sums = NULL;
    if (!weights) return NECK_E_NOMEM;
    neck_status status = NECK_E_NOMEM;
    sums = neck__alloc(&allocator, source->cols, sizeof *sums, "column sums");
    if (!sums) goto done;
    NECK_GOTO_DONE(normalised(source->rows, row_weights, weights));
    NECK_GOTO_DONE(neck__operator_new(context, &centered, source->rows, source->cols, -1, sizeof(centered_parts), &op));
    centered_parts *parts = op->parts;
    *parts = (centered_parts){source, neck__alloc(&allocator, source->cols, sizeof *parts->mean, "a mean row")};
    if (!parts->mean) {
        status = NECK_E_NOMEM;
        goto done;
    }
    NECK_GOTO_DONE(source->kind->apply(context, source, 1, 1, weights, parts->mean));
    NECK_GOTO_DONE(centered_norm(context, op, weights, sums));
    *out = op;
done:
    neck__release(&allocator, sums);
    neck__release(&allocator, weights);
    if (status != NECK_OK) neck_operator_destroy(op);
    return status;
}

typedef struct callback_parts {
    neck_operator_fn apply;
    void *user;
} callback_parts;

/* What a callback gave, in rows of count numbers. */
static neck_status call(const callback_parts *parts, int transposed, int64_t rows, int64_t count, const char *what,
                        const double *x, double *y)
{
    if (parts->apply(parts->user, transposed, count, x, y) != 0)
        return neck__fail(NECK_E_CANCELLED, "the operator's callback said stop");
    for (int64_t i = 0; i < rows * count; i++)
        if (!isfinite(y[i]))
            return neck__fail(NECK_E_NONFINITE, "the operator's callback gave %g in row %lld of %s x", y[i],
                              (long long)(i / count), what);
    return NECK_OK;
}

static neck_status apply_callback(neck_context *context, const neck_operator *op, int transposed, int64_t count,
                                  const double *x, double *y)
{
    (void)context;
    return call(op->parts, transposed, transposed ? op->cols : op->rows, count, transposed ? "A^T" : "A", x, y);
}

static const neck__operator_kind callback = {apply_callback, NULL, NULL, NULL};

static neck_status refuse_product(neck_context *context, const neck_operator *op, int transposed, int64_t count,
                                  const double *x, double *y)
{
    (void)context, (void)op, (void)transposed, (void)count, (void)x, (void)y;
    return neck__fail(NECK_E_ARGUMENT, "this operator is known by products of A^T A alone");
}

static neck_status apply_normal(neck_context *context, const neck_operator *op, int64_t count, const double *x,
                                double *y)
{
    (void)context;
    return call(op->parts, 0, op->cols, count, "A^T A", x, y);
}

static const neck__operator_kind normal = {refuse_product, NULL, apply_normal, NULL};

static neck_status make_called(neck_context *context, const neck__operator_kind *kind, int64_t rows, int64_t cols,
                               neck_operator_fn apply, void *user, double frobenius_squared, neck_operator **out)
{
    if (!apply || !out) return neck__fail(NECK_E_ARGUMENT, "apply or out is NULL");
    if (rows < 1 || cols < 1)
        return neck__fail(NECK_E_ARGUMENT, "an operator has at least one row and column, not %lld x %lld",
                          (long long)rows, (long long)cols);
    if (isnan(frobenius_squared) || isinf(frobenius_squared))
        return neck__fail(NECK_E_NONFINITE, "frobenius_squared is %g", frobenius_squared);
    neck_operator *op;
    NECK_TRY(neck__operator_new(context, kind, rows, cols, frobenius_squared, sizeof(callback_parts), &op));
    *(callback_parts *)op->parts = (callback_parts){apply, user};
    *out = op;
    return NECK_OK;
}

neck_status neck_operator_callback(neck_context *context, int64_t rows, int64_t cols, neck_operator_fn apply,
                                   void *user, double frobenius_squared, neck_operator **out)
{
    return make_called(context, &callback, rows, cols, apply, user, frobenius_squared, out);
}

neck_status neck_operator_normal(neck_context *context, int64_t rows, int64_t cols, neck_operator_fn apply, void *user,
                                 double frobenius_squared, neck_operator **out)
{
    return make_called(context, &normal, rows, cols, apply, user, frobenius_squared, out);
}
