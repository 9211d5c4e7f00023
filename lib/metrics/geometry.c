/* metrics/geometry.c - mean cosine and mean norm of rows, from the sums of a gram. */
#include "softneck/geometry.h"

#include <float.h>
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "linalg/view.h"

/* Relative error of a sum over count rows of something computed from cols numbers each, whatever the order. */
static double rounding(int64_t count, int64_t cols)
{
    return (double)(count + cols) * DBL_EPSILON;
}

neck_status neck_anisotropy(const neck_gram *gram, neck_measure *out)
{
    if (!gram || !out) return neck__fail(NECK_E_ARGUMENT, "anisotropy: gram or out is NULL");
    int64_t count = neck_gram_count(gram) - neck_gram_zero_rows(gram), cols = neck_gram_cols(gram);
    if (count < 2)
        return neck__fail(NECK_E_STATE, "anisotropy needs two rows that are not zero: the gram holds %lld",
                          (long long)count);
    const double *sum = neck_gram_unit_sum(gram);
    double squared = 0, n = (double)count;
    for (int64_t j = 0; j < cols; j++) squared += sum[j] * sum[j];
    double pairs = n * (n - 1), sum_error = n * rounding(count, cols);
    double error = (2 * sqrt(squared) + sum_error) * sum_error / pairs;
    *out = (neck_measure){(squared - n) / pairs, error};
    return NECK_OK;
}

neck_status neck_mean_norm(const neck_gram *gram, neck_measure *out)
{
    if (!gram || !out) return neck__fail(NECK_E_ARGUMENT, "mean_norm: gram or out is NULL");
    int64_t count = neck_gram_count(gram);
    if (count < 1) return neck__fail(NECK_E_STATE, "mean_norm: the gram holds no rows");
    double mean = neck_gram_norm_sum(gram) / (double)count;
    *out = (neck_measure){mean, mean * rounding(count, neck_gram_cols(gram))};
    return NECK_OK;
}

/* The anisotropy of the rows minus shift. */
static neck_status shifted_anisotropy(neck_context *context, const neck_matrix *matrix, const double *shift,
                                      neck_measure *out)
{
    neck_gram_options options = {.struct_size = sizeof options, .shift = shift, .moments_only = 1};
    neck_gram *gram;
    NECK_TRY(neck_gram_create(context, matrix->cols, &options, &gram));
    neck_status status = neck_gram_push(context, gram, matrix);
    if (status == NECK_OK) status = neck_anisotropy(gram, out);
    neck_gram_destroy(gram);
    return status;
}

neck_status neck_matrix_anisotropy(neck_context *context, const neck_matrix *matrix, int32_t centered,
                                   neck_measure *out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "matrix_anisotropy: out is NULL");
    neck_matrix view;
    NECK_TRY(neck__view_check(matrix, &view));
    if (!centered) return shifted_anisotropy(context, matrix, NULL, out);
    neck__allocator allocator = neck__allocator_of(context);
    double *mean = neck__alloc(&allocator, matrix->cols, sizeof(double), "the mean row");
    if (!mean) return NECK_E_NOMEM;
    neck_status status = neck_matrix_column_mean(context, matrix, NULL, mean);
    if (status == NECK_OK) status = shifted_anisotropy(context, matrix, mean, out);
    neck__release(&allocator, mean);
    return status;
}
