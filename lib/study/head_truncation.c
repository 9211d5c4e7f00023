/* study/head_truncation.c - the best heads of every rank, from the Gram matrix of the head and the moments of the
 * states. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "linalg/blas.h"
#include "linalg/view.h"
#include "softneck/bottleneck.h"
#include "study/eigen.h"
#include "study/rows.h"

/* Column i of A is W right_i, row i of B is left_i: the head of rank r is W sum_{i<r} right_i left_i^T. */
struct neck_truncation {
    neck__allocator allocator;
    neck_matrix weights;
    double *mean;         /* d numbers subtracted from every row of W, or NULL */
    double *right, *left; /* d x d, a vector a row; PLAIN: the same array */
    double *tails;        /* d + 1 */
};

static neck_status check_moments(const neck_gram *moments, int64_t width)
{
    if (!moments) return neck__fail(NECK_E_ARGUMENT, "a WEIGHTED truncation needs the moments of the states");
    if (neck_gram_shift(moments) || !neck_gram_data(moments))
        return neck__fail(NECK_E_ARGUMENT,
                          "the moments must be of states as they are: without a shift, not moments_only");
    if (neck_gram_count(moments) == 0) return neck__fail(NECK_E_STATE, "no states were pushed into the moments");
    if (neck_gram_cols(moments) != width)
        return neck__fail(NECK_E_STATE, "the moments are of states of %lld numbers, the head takes %lld",
                          (long long)neck_gram_cols(moments), (long long)width);
    return NECK_OK;
}

static neck_status check(const neck_truncate_options *given, int64_t width)
{
    if (given->kind == NECK_TRUNCATE_WEIGHTED) return check_moments(given->moments, width);
    if (given->kind != NECK_TRUNCATE_PLAIN)
        return neck__fail(NECK_E_ARGUMENT, "neck_truncate_options.kind is %d: PLAIN or WEIGHTED", given->kind);
    if (given->moments) return neck__fail(NECK_E_ARGUMENT, "a PLAIN truncation takes no moments");
    return NECK_OK;
}

static neck_status allocate(neck_truncation *made, const neck_truncate_options *given)
{
    int64_t width = made->weights.cols, square;
    if (!neck__mul(width, width, &square))
        return neck__fail(NECK_E_OVERFLOW, "a head of width %lld is too large", (long long)width);
    made->tails = neck__calloc(&made->allocator, 2 * width + 1, sizeof(double), "tails");
    if (!made->tails) return NECK_E_NOMEM;
    if (given->centered) made->mean = made->tails + width + 1;
    made->right = neck__alloc(&made->allocator, square, sizeof(double), "right factors");
    if (!made->right) return NECK_E_NOMEM;
    made->left = made->right;
    if (given->kind == NECK_TRUNCATE_WEIGHTED)
        made->left = neck__alloc(&made->allocator, square, sizeof(double), "left factors");
    return made->left ? NECK_OK : NECK_E_NOMEM;
}

/* A part of the space of states: row i of basis and of dual is a vector times its root, and over it; the roots are
 * those of the states' second moments along an orthonormal basis. */
typedef struct subspace {
    int64_t first, count;
    const double *basis, *dual;
} subspace;

/* Truncated SVD of W F, F = basis^T, mapped back by dual: (W F)^T (W F) = basis G basis^T = U^T diag(values) U, so
 * right = U basis, left = U dual. product: room for d x d. */
static neck_status solve_subspace(neck_context *context, const neck_truncation *made, const double *gram,
                                  const subspace *part, double *product, double *values)
{
    int64_t d = made->weights.cols, n = part->count;
    double *right = made->right + part->first * d, *left = made->left + part->first * d;
    if (n == 0) return NECK_OK;
    NECK_TRY(neck__gemm(0, 0, n, d, d, 1, part->basis, d, gram, d, 0, right, d));
    NECK_TRY(neck__gemm(0, 1, n, n, d, 1, right, d, part->basis, d, 0, product, n));
    NECK_TRY(neck__eigen_decreasing(context, n, product, values));
    NECK_TRY(neck__gemm(0, 0, n, d, n, 1, product, n, part->basis, d, 0, right, d));
    return neck__gemm(0, 0, n, d, n, 1, product, n, part->dual, d, 0, left, d);
}

/* The states' subspace first; directions they never take follow, by their weight in W, so that rank d is all of W. */
static neck_status solve_weighted(neck_context *context, const neck_truncation *made, const double *gram,
                                  const neck_gram *moments, double *room, double *values)
{
    int64_t d = made->weights.cols, rank;
    double *basis = room, *dual = basis + d * d, *product = dual + d * d;
    NECK_TRY(neck__gram_eigen(context, moments, values, basis, &rank));
    for (int64_t i = 0; i < d; i++) {
        double root = i < rank ? sqrt(values[i] / (double)neck_gram_count(moments)) : 1;
        for (int64_t j = i * d; j < (i + 1) * d; j++) {
            dual[j] = basis[j] / root;
            basis[j] *= root;
        }
    }
    subspace taken = {0, rank, basis, dual}, rest = {rank, d - rank, basis + rank * d, dual + rank * d};
    NECK_TRY(solve_subspace(context, made, gram, &taken, product, values));
    NECK_TRY(solve_subspace(context, made, gram, &rest, product, values + rank));
    memset(values + rank, 0, (size_t)(d - rank) * sizeof *values);
    return NECK_OK;
}

/* The entry of largest magnitude of every left vector becomes positive. */
static void fix_signs(neck_truncation *made)
{
    int64_t d = made->weights.cols;
    for (int64_t i = 0; i < d; i++) {
        double *left = made->left + i * d, *right = made->right + i * d, top = 0;
        for (int64_t j = 0; j < d; j++)
            if (fabs(left[j]) > fabs(top)) top = left[j];
        for (int64_t j = 0; top < 0 && j < d; j++) left[j] = -left[j];
        for (int64_t j = 0; top < 0 && left != right && j < d; j++) right[j] = -right[j];
    }
}

static neck_status solve(neck_context *context, neck_truncation *made, const double *gram, const neck_gram *moments)
{
    int64_t d = made->weights.cols, room_size = moments ? 3 * d * d + d : d;
    double *values = neck__alloc(&made->allocator, room_size, sizeof *values, "an eigenproblem");
    if (!values) return NECK_E_NOMEM;
    neck_status status;
    if (moments) {
        status = solve_weighted(context, made, gram, moments, values + d, values);
    } else {
        memcpy(made->right, gram, (size_t)(d * d) * sizeof *gram);
        status = neck__eigen_decreasing(context, d, made->right, values);
    }
    double square = 0;
    for (int64_t i = d - 1; status == NECK_OK && i >= 0; i--) made->tails[i] = sqrt(square += values[i]);
    neck__release(&made->allocator, values);
    if (status == NECK_OK) fix_signs(made);
    return status;
}

static neck_status fill(neck_context *context, neck_truncation *made, const neck_truncate_options *given)
{
    NECK_TRY(allocate(made, given));
    if (made->mean) NECK_TRY(neck_matrix_column_mean(context, &made->weights, NULL, made->mean));
    neck_gram_options options = {.struct_size = sizeof options, .shift = made->mean};
    neck_gram *gram;
    NECK_TRY(neck_gram_create(context, made->weights.cols, &options, &gram));
    neck_status status = neck_gram_push(context, gram, &made->weights);
    if (status == NECK_OK) status = solve(context, made, neck_gram_data(gram), given->moments);
    neck_gram_destroy(gram);
    return status;
}

neck_status neck_truncation_create(neck_context *context, const neck_matrix *weights,
                                   const neck_truncate_options *options, neck_truncation **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_truncate_options, given, options);
    neck_matrix view;
    NECK_TRY(neck__view_check(weights, &view));
    NECK_TRY(check(&given, view.cols));
    neck__allocator allocator = neck__allocator_of(context);
    neck_truncation *made = neck__calloc(&allocator, 1, sizeof *made, "a truncation");
    if (!made) return NECK_E_NOMEM;
    made->allocator = allocator;
    made->weights = view;
    neck_status status = fill(context, made, &given);
    if (status == NECK_OK)
        *out = made;
    else
        neck_truncation_destroy(made);
    return status;
}

void neck_truncation_destroy(neck_truncation *truncation)
{
    if (!truncation) return;
    neck__allocator allocator = truncation->allocator;
    if (truncation->left != truncation->right) neck__release(&allocator, truncation->left);
    neck__release(&allocator, truncation->right);
    neck__release(&allocator, truncation->tails);
    neck__release(&allocator, truncation);
}

neck_status neck_truncation_tails(const neck_truncation *truncation, double *out)
{
    if (!truncation || !out) return neck__fail(NECK_E_ARGUMENT, "truncation or out is NULL");
    memcpy(out, truncation->tails, (size_t)(truncation->weights.cols + 1) * sizeof *out);
    return NECK_OK;
}

neck_status neck_head_truncate(neck_context *context, const neck_truncation *truncation, int64_t rank, double *a,
                               double *b)
{
    if (!truncation || !a || !b) return neck__fail(NECK_E_ARGUMENT, "truncation, a or b is NULL");
    const neck_matrix *weights = &truncation->weights;
    int64_t d = weights->cols, step = neck__rows_per_block(d);
    if (rank < 1 || rank > d)
        return neck__fail(NECK_E_ARGUMENT, "rank is %lld: it must be 1 to %lld", (long long)rank, (long long)d);
    neck__allocator allocator = neck__allocator_of(context);
    double *block = neck__alloc(&allocator, step * d, sizeof *block, "rows of the head");
    if (!block) return NECK_E_NOMEM;
    neck_status status = NECK_OK;
    for (int64_t row = 0; status == NECK_OK && row < weights->rows; row += step) {
        int64_t count = weights->rows - row < step ? weights->rows - row : step;
        neck__rows_read(context, &(neck__rows){weights, NULL, row, count, truncation->mean}, NECK_F64, block);
        status = neck__gemm(0, 1, count, rank, d, 1, block, d, truncation->right, d, 0, a + row * rank, rank);
    }
    neck__release(&allocator, block);
    if (status == NECK_OK) memcpy(b, truncation->left, (size_t)(rank * d) * sizeof *b);
    return status;
}
