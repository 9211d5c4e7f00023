/* spectrum/variant.c - raw, centred, frequency-centred: a shift; the scale that keeps squares in range. */
#include "spectrum/variant.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
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
    if (status != NECK_OK) neck__variant_close(out);
    return status;
}

void neck__variant_close(neck__variant *variant)
{
    neck__release(&variant->allocator, variant->shift);
    variant->shift = NULL;
}
