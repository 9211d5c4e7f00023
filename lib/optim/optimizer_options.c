/* optim/optimizer_options.c - defaults and bounds of an optimizer's options. */
#include <inttypes.h>
#include <math.h>

#include "core/error.h"
#include "core/options.h"
#include "optim/optimizer_object.h"

/* Below this, epsilon vanishes in single precision, and 0 / 0 appears where a gradient has always been 0. */
#define LEAST_EPSILON 1e-30
enum { MOST_NEWTON_SCHULZ_STEPS = 100 };

static void fill_defaults(neck_optimizer_options *o)
{
    if (o->rule == 0) o->rule = NECK_OPTIMIZER_ADAMW;
    if (o->beta1 == 0) o->beta1 = 0.9;
    if (o->beta2 == 0) o->beta2 = 0.999;
    if (o->beta1 < 0) o->beta1 = 0;
    if (o->beta2 < 0) o->beta2 = 0;
    if (o->epsilon == 0) o->epsilon = 1e-8;
    if (o->rule == NECK_OPTIMIZER_MUON && o->momentum == 0) o->momentum = 0.95;
    if (o->adam_learning_rate == 0) o->adam_learning_rate = o->learning_rate / 10;
    if (o->newton_schulz_steps == 0) o->newton_schulz_steps = 5;
}

static neck_status check(const neck_optimizer_options *o)
{
    if (o->rule < NECK_OPTIMIZER_ADAMW || o->rule > NECK_OPTIMIZER_MUON)
        return neck__fail(NECK_E_ARGUMENT, "rule %d is unknown", (int)o->rule);
    if (!(o->learning_rate > 0) || isinf(o->learning_rate) || !(o->adam_learning_rate > 0)
        || isinf(o->adam_learning_rate))
        return neck__fail(NECK_E_ARGUMENT, "learning_rate (%g) and adam_learning_rate (%g) must be above 0",
                          o->learning_rate, o->adam_learning_rate);
    if (!(o->weight_decay >= 0) || isinf(o->weight_decay))
        return neck__fail(NECK_E_ARGUMENT, "weight_decay is %g: it must not be negative", o->weight_decay);
    if (!(o->beta1 < 1) || !(o->beta2 < 1))
        return neck__fail(NECK_E_ARGUMENT, "beta1 (%g) and beta2 (%g) must be below 1", o->beta1, o->beta2);
    if (!(o->epsilon >= LEAST_EPSILON) || isinf(o->epsilon))
        return neck__fail(NECK_E_ARGUMENT, "epsilon is %g: it must be at least %g", o->epsilon, LEAST_EPSILON);
    if (!(o->momentum >= 0 && o->momentum < 1))
        return neck__fail(NECK_E_ARGUMENT, "momentum is %g: it must be from 0 to below 1", o->momentum);
    if (o->rule == NECK_OPTIMIZER_SGD && o->nesterov && o->momentum == 0)
        return neck__fail(NECK_E_ARGUMENT, "nesterov needs a momentum");
    if (o->newton_schulz_steps < 1 || o->newton_schulz_steps > MOST_NEWTON_SCHULZ_STEPS)
        return neck__fail(NECK_E_ARGUMENT, "newton_schulz_steps is %" PRId64 ": 1 to %d make sense",
                          o->newton_schulz_steps, MOST_NEWTON_SCHULZ_STEPS);
    if (o->reserved != 0) return neck__fail(NECK_E_ARGUMENT, "reserved must be 0");
    return NECK_OK;
}

neck_status neck__optimizer_options_read(const neck_optimizer_options *options, neck_optimizer_options *out)
{
    NECK_OPTIONS(neck_optimizer_options, o, options);
    fill_defaults(&o);
    NECK_TRY(check(&o));
    *out = o;
    return NECK_OK;
}
