/* head/logit_loss.c - checks the inputs of a loss and cuts its work into chunks that fit the memory. */
#include "head/logit_loss.h"

#include <math.h>

#include "core/error.h"
#include "linalg/view.h"

enum { LANES = 16, CHUNK_UNIT = 48, LARGEST_CHUNK = 768 };
static const int64_t default_memory = (int64_t)96 << 20;

int neck__is_scored(const neck_cross_entropy_options *options, int32_t target)
{
    return target != NECK_NO_TARGET && target != -100
        && !(options->use_ignore_index && target == options->ignore_index);
}

/* ---- checks ----------------------------------------------------------------------------------------------------- */

static neck_status check_numbers(const neck_cross_entropy_options *o)
{
    if (!isfinite(o->logit_scale)) return neck__fail(NECK_E_ARGUMENT, "logit_scale is %g", o->logit_scale);
    if (!(o->soft_cap >= 0) || isinf(o->soft_cap)) return neck__fail(NECK_E_ARGUMENT, "soft_cap is %g", o->soft_cap);
    if (!(o->label_smoothing >= 0 && o->label_smoothing < 1))
        return neck__fail(NECK_E_ARGUMENT, "label_smoothing is %g, not from 0 to below 1", o->label_smoothing);
    if (!(o->z_loss >= 0) || isinf(o->z_loss)) return neck__fail(NECK_E_ARGUMENT, "z_loss is %g", o->z_loss);
    if (!(o->filter_tolerance >= 0 && o->filter_tolerance < 1))
        return neck__fail(NECK_E_ARGUMENT, "filter_tolerance is %g, not from 0 to below 1", o->filter_tolerance);
    if (o->reduction != NECK_REDUCTION_MEAN && o->reduction != NECK_REDUCTION_SUM)
        return neck__fail(NECK_E_ARGUMENT, "reduction %d is unknown", (int)o->reduction);
    if (o->reserved != 0) return neck__fail(NECK_E_ARGUMENT, "reserved must be 0");
    if (o->memory_cap < 0) return neck__fail(NECK_E_ARGUMENT, "memory_cap is negative");
    return NECK_OK;
}

static neck_status check_targets(neck__logit_plan *plan)
{
    for (int64_t i = 0; i < plan->contexts; i++) {
        int32_t target = plan->loss->targets[i];
        if (!neck__is_scored(plan->options, target)) continue;
        if (target < 0 || target >= plan->vocabulary)
            return neck__fail(NECK_E_ARGUMENT, "target %d of row %lld is not a token of the vocabulary of %lld",
                              (int)target, (long long)i, (long long)plan->vocabulary);
        plan->scored++;
    }
    return NECK_OK;
}

static neck_status check_shapes(const neck_matrix *states, const neck_matrix *weights, const neck__logit_loss *loss)
{
    if (states->cols != weights->cols)
        return neck__fail(NECK_E_ARGUMENT, "states have %lld columns, weights %lld", (long long)states->cols,
                          (long long)weights->cols);
    if (states->dtype == NECK_F64 && weights->dtype != NECK_F64)
        return neck__fail(NECK_E_ARGUMENT, "states are F64 but weights are %s", neck_dtype_name(weights->dtype));
    if (weights->rows > INT32_MAX)
        return neck__fail(NECK_E_OVERFLOW, "a vocabulary of %lld does not fit 32-bit ids", (long long)weights->rows);
    if (!loss->targets) return neck__fail(NECK_E_ARGUMENT, "targets is NULL");
    return NECK_OK;
}

/* ---- plan ------------------------------------------------------------------------------------------------------- */

static int64_t memory_of(const neck__logit_plan *plan)
{
    return plan->loss->states.dtype == NECK_F64 ? neck__logit_memory_f64(plan) : neck__logit_memory_f32(plan);
}

static int64_t round_up(int64_t value)
{
    return (value + CHUNK_UNIT - 1) / CHUNK_UNIT * CHUNK_UNIT;
}

/* As many contexts at a time as the memory holds, all chunks alike. */
static void choose_chunk(neck__logit_plan *plan)
{
    int64_t cap = plan->options->memory_cap ? plan->options->memory_cap : default_memory;
    int64_t whole = round_up(plan->contexts);
    plan->chunk = whole < LARGEST_CHUNK ? whole : LARGEST_CHUNK;
    while (plan->chunk > CHUNK_UNIT && memory_of(plan) > cap) plan->chunk -= CHUNK_UNIT;
    int64_t chunks = (plan->contexts + plan->chunk - 1) / plan->chunk;
    plan->chunk = round_up((plan->contexts + chunks - 1) / chunks);
}

static void make_plan(neck__logit_plan *plan)
{
    const neck_cross_entropy_options *o = plan->options;
    const neck_cross_entropy_gradients *g = plan->gradients;
    int64_t blocks = (plan->vocabulary + NECK__VOCABULARY_BLOCK - 1) / NECK__VOCABULARY_BLOCK;
    plan->lanes = blocks < LANES ? blocks : LANES;
    plan->scale = o->logit_scale == 0 ? 1 : o->logit_scale;
    plan->backward = g->states || g->weights || g->bias || plan->loss->prior_gradient || plan->loss->map_gradient;
    plan->keeps = plan->backward || (plan->components > 1 && (o->accuracy || o->best || o->label_smoothing > 0));
    choose_chunk(plan);
}

neck_status neck__logit_loss_run(neck_context *context, const neck__logit_loss *given,
                                 const neck_cross_entropy_options *options,
                                 const neck_cross_entropy_gradients *gradients, neck_cross_entropy_result *result)
{
    static const neck_cross_entropy_gradients none = {.struct_size = sizeof none};
    neck__logit_loss loss = *given;
    NECK_TRY(neck__view_check(&given->states, &loss.states));
    NECK_TRY(neck__view_check(&given->weights, &loss.weights));
    NECK_TRY(check_shapes(&loss.states, &loss.weights, &loss));
    NECK_TRY(check_numbers(options));
    neck__logit_plan plan = {.loss = &loss, .options = options, .gradients = gradients ? gradients : &none};
    plan.components = loss.components;
    plan.contexts = loss.states.rows / loss.components;
    plan.vocabulary = loss.weights.rows;
    plan.width = loss.weights.cols;
    NECK_TRY(check_targets(&plan));
    NECK_TRY(neck_matrix_check_finite(context, &loss.states, NULL, NULL));
    if (!loss.weights_are_finite) NECK_TRY(neck_matrix_check_finite(context, &loss.weights, NULL, NULL));
    make_plan(&plan);
    *result = (neck_cross_entropy_result){.struct_size = sizeof *result, .kept_fraction = 1};
    return loss.states.dtype == NECK_F64 ? neck__logit_work_f64(context, &plan, result)
                                         : neck__logit_work_f32(context, &plan, result);
}
