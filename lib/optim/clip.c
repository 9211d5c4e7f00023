/* optim/clip.c - the norm of all gradients, and a bound on it. */
#include <float.h>
#include <math.h>

#include "core/error.h"
#include "optim/arrays.h"
#include "optim/parameters.h"

static neck_status measure(neck_context *context, const neck_parameter *parameters, int64_t count, double *norm)
{
    double total = 0;
    for (int64_t i = 0; i < count; i++) {
        const neck_parameter *p = &parameters[i];
        double squares;
        NECK_TRY(neck__array_squares(context, p->dtype, neck__parameter_size(p), p->gradient, &squares));
        total += squares;
        if (!isfinite(total)) return neck__gradient_refuse(p, p->dtype == NECK_F32 ? FLT_MAX : 0.999 * sqrt(DBL_MAX));
    }
    *norm = sqrt(total);
    return NECK_OK;
}

neck_status neck_gradients_clip(neck_context *context, const neck_parameter *parameters, int64_t count, double max_norm,
                                double *norm)
{
    if (!(max_norm > 0)) return neck__fail(NECK_E_ARGUMENT, "max_norm is %g: it must be above 0", max_norm);
    NECK_TRY(neck__parameters_check(parameters, count));
    double found = 0;
    NECK_TRY(measure(context, parameters, count, &found));
    neck__update numbers = {.keep = max_norm / found};
    for (int64_t i = 0; i < count && found > max_norm; i++) {
        void *arrays[4] = {parameters[i].gradient};
        neck__arrays_update(context, parameters[i].dtype, neck__parameter_size(&parameters[i]), NECK__SCALE, &numbers,
                            arrays);
    }
    if (norm) *norm = found;
    return NECK_OK;
}
