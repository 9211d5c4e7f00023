/* spectrum/variant.c - raw, centred, frequency-centred: a shift; the scale that keeps squares in range. */
#include "spectrum/variant.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "linalg/source.h"
#include "linalg/view.h"
#include "softneck/spectrum.h"

static neck_status check(int32_t variant, const double *row_weights)
{
    if (variant < NECK_VARIANT_RAW || variant > NECK_VARIANT_DROP_TOP)
        return neck__fail(NECK_E_ARGUMENT, "variant %d is not one of NECK_VARIANT_*", variant);
    if ((variant == NECK_VARIANT_FREQUENCY_CENTERED) != (row_weights != NULL))
        return neck__fail(NECK_E_ARGUMENT, row_weights ? "row_weights are used by the frequency_centered variant only"
                                                       : "the frequency_centered variant needs row_weights");
    return NECK_OK;
}

/* With e the error of the mean row m of X = Y + 1 m^T, |1 e^T| = sqrt(rows) |e|, and e is at most `chain` roundings of
 * sum w |x| / sum w <= |m| + sqrt(sum w^2) |Y|_F / sum w. */
static void find_error(const double *weights, neck__variant *variant)
{
    const neck_matrix *view = &variant->source.view;
    double rows = (double)view->rows, sum = rows, squares = rows, most = 1;
    if (weights) {
        most = 0;
        sum = squares = 0;
        for (int64_t i = 0; i < view->rows; i++) most = fmax(most, weights[i]);
        for (int64_t i = 0; i < view->rows; i++) {
            double weight = weights[i] / most;
            sum += weight;
            squares += weight * weight;
        }
    }
    double scale = variant->source.scale, chain = neck__column_mean_chain(view) * (DBL_EPSILON / 2), size = 0;
    for (int64_t j = 0; j < view->cols; j++) size = hypot(size, variant->shift[j] * scale);
    variant->of_rows = chain * sqrt(rows * squares) / sum;
    double denormal = (1 + rows / (sum * most)) * DBL_TRUE_MIN * scale; /* what a product loses that is one */
    variant->of_shift = chain * sqrt(rows) * size + sqrt(rows * (double)view->cols) * denormal;
}

double neck__variant_error(const neck__variant *variant, double frobenius_squared)
{
    return variant->of_rows * sqrt(frobenius_squared) + variant->of_shift;
}

neck_status neck__variant_open(neck_context *context, const neck_matrix *matrix, int32_t variant,
                               const double *row_weights, neck__variant *out)
{
    memset(out, 0, sizeof *out);
    out->allocator = neck__allocator_of(context);
    NECK_TRY(neck__view_check(matrix, &out->source.view));
    NECK_TRY(check(variant, row_weights));
    out->source.by_rows = out->source.view.rows < out->source.view.cols;
    NECK_TRY(neck__source_choose_scale(context, &out->source));
    if (variant != NECK_VARIANT_CENTERED && variant != NECK_VARIANT_FREQUENCY_CENTERED) return NECK_OK;
    out->shift = neck__alloc(&out->allocator, out->source.view.cols, sizeof(double), "a mean row");
    if (!out->shift) return NECK_E_NOMEM;
    neck_status status = neck_matrix_column_mean(context, &out->source.view, row_weights, out->shift);
    out->source.shift = out->shift;
    if (status == NECK_OK)
        find_error(row_weights, out);
    else
        neck__variant_close(out);
    return status;
}

void neck__variant_close(neck__variant *variant)
{
    neck__release(&variant->allocator, variant->shift);
    variant->shift = NULL;
}
