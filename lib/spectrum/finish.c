/* spectrum/finish.c - back to the caller's units; without the top component. */
#include "spectrum/finish.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "spectrum/spectrum_object.h"

static neck_status unscale(neck_spectrum *spectrum, double scale)
{
    if (scale == 1) return NECK_OK;
    for (int64_t i = 0; i < spectrum->count; i++) {
        spectrum->values[i] /= scale;
        spectrum->bounds[i] = spectrum->bounds[i] / scale + DBL_TRUE_MIN; /* denormals round too */
    }
    spectrum->resolution /= scale;
    spectrum->frobenius_squared = spectrum->frobenius_squared / scale / scale;
    if (isinf(spectrum->values[0]))
        return neck__fail(NECK_E_OVERFLOW,
                          "the largest singular value exceeds the range of double: scale the matrix down");
    return NECK_OK;
}

static neck_status drop_top(neck_spectrum *spectrum)
{
    if (spectrum->size < 2)
        return neck__fail(NECK_E_ARGUMENT, "a %lld x %lld matrix has one singular value: nothing is left without it",
                          (long long)spectrum->rows, (long long)spectrum->cols);
    spectrum->count--;
    spectrum->size--;
    memmove(spectrum->values, spectrum->values + 1, (size_t)spectrum->count * sizeof(double));
    memmove(spectrum->bounds, spectrum->bounds + 1, (size_t)spectrum->count * sizeof(double));
    spectrum->frobenius_squared = 0; /* summed anew: subtracting the top square would cancel */
    for (int64_t i = spectrum->count - 1; i >= 0; i--)
        spectrum->frobenius_squared += spectrum->values[i] * spectrum->values[i];
    return NECK_OK;
}

neck_status neck__spectrum_finish(neck_spectrum *spectrum, double scale)
{
    NECK_TRY(unscale(spectrum, scale));
    return spectrum->variant == NECK_VARIANT_DROP_TOP ? drop_top(spectrum) : NECK_OK;
}
