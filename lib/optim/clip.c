/* optim/clip.c - the norm of all gradients, and a bound on it. */
#include <float.h>
#include <math.h>

#include "core/error.h"
#include "optim/arrays.h"
#include "optim/parameters.h"

/* The part of a gradient that is looked at: the i-th of runs, or all of it. */
typedef struct part {
    int64_t first, size;
    void *gradient;
} part;

static part part_of(const neck_parameter *p, const int64_t *run)
{
    int64_t first = run ? run[0] : 0;
    return (part){first, run ? run[1] : neck__parameter_size(p),
                  (char *)p->gradient + first * neck_dtype_size(p->dtype)};
}

neck_status neck__gradients_measure(neck_context *context, const neck_parameter *parameters, int64_t count,
                                    const int64_t *runs,
                                    double *squares)
{
    double total = 0;
    for (int64_t i = 0; i < count; i++) {
        const neck_parameter *p = &parameters[i];
        part here = part_of(p, runs ? runs + 2 * i : NULL);
        double found;
        if (here.size == 0) continue;
        NECK_TRY(neck__array_squares(context, p->dtype, here.size, here.gradient, &found));
        total += found;
        if (!isfinite(total))
            return neck__gradient_refuse(p, here.first, here.size,
                                         p->dtype == NECK_F32 ? FLT_MAX : 0.999 * sqrt(DBL_MAX));
    }
    *squares = total;
    return NECK_OK;
}

void neck__gradients_scale(neck_context *context, const neck_parameter *parameters, int64_t count, const int64_t *runs,
                           double factor)
{
    neck__update numbers = {.keep = factor};
    for (int64_t i = 0; i < count; i++) {
        part here = part_of(&parameters[i], runs ? runs + 2 * i : NULL);
        void *arrays[4] = {here.gradient};
        neck__arrays_update(context, parameters[i].dtype, here.size, NECK__SCALE, &numbers, arrays);
    }
}

neck_status neck_gradients_clip(neck_context *context, const neck_parameter *parameters, int64_t count, double max_norm,
                                double *norm)
{
    if (!(max_norm > 0)) return neck__fail(NECK_E_ARGUMENT, "max_norm is %g: it must be above 0", max_norm);
    NECK_TRY(neck__parameters_check(parameters, count));
    double squares = 0;
    NECK_TRY(neck__gradients_measure(context, parameters, count, NULL, &squares));
    double found = sqrt(squares);
    if (found > max_norm) neck__gradients_scale(context, parameters, count, NULL, max_norm / found);
    if (norm) *norm = found;
    return NECK_OK;
}
