/* head/head_loss.c - loss and gradients of a head: states to features, the engine, gradients back. */
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "head/head_pass.h"

static neck_status read_options(const neck_head *head, const neck_cross_entropy_options *options,
                                neck_cross_entropy_options *out)
{
    NECK_OPTIONS(neck_cross_entropy_options, given, options);
    if (given.bias || given.logit_scale != 0 || given.soft_cap != 0)
        return neck__fail(NECK_E_ARGUMENT, "%s must be 0: it is the head's own",
                          given.bias ? "bias" : given.logit_scale != 0 ? "logit_scale" : "soft_cap");
    int32_t kind = head->kind->number;
    if (given.filter_tolerance != 0
        && (kind == NECK_HEAD_MOS || kind == NECK_HEAD_PLIF || kind == NECK_HEAD_SIGSOFTMAX))
        return neck__fail(NECK_E_ARGUMENT, "the gradients of a %s head are not filtered: filter_tolerance must be 0",
                          head->kind->name);
    if ((given.gradient_norm || given.log_normalizer) && kind == NECK_HEAD_MOS)
        return neck__fail(NECK_E_ARGUMENT, "a mos head has no %s",
                          given.gradient_norm ? "gradient_norm" : "log_normalizer");
    given.logit_scale = head->options.logit_scale;
    given.soft_cap = head->options.soft_cap;
    *out = given;
    return NECK_OK;
}

static neck_status check_call(const neck_head *head, const neck_cross_entropy_result *result)
{
    if (!head) return neck__fail(NECK_E_ARGUMENT, "head is NULL");
    if (!result || result->struct_size < sizeof result->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "result is NULL or its struct_size is not set");
    return NECK_OK;
}

static void give(const neck_cross_entropy_result *found, neck_cross_entropy_result *result)
{
    neck_cross_entropy_result all = *found;
    all.struct_size = result->struct_size;
    memcpy(result, &all, result->struct_size < sizeof all ? result->struct_size : sizeof all);
}

/* Gradients of the parameters that the engine knows, and of the features. */
static neck_status run_backward(neck__head_pass *pass, const neck_cross_entropy_options *options,
                                neck_cross_entropy_result *found)
{
    const neck_head *head = pass->head;
    const neck_matrix *features = &pass->loss.states;
    neck_cross_entropy_gradients wanted = {sizeof wanted, .states = pass->states_gradient,
                                           .weights = head->parameters[0].gradient};
    if (head->options.bias) wanted.bias = head->parameters[head->count - 1].gradient;
    if (head->kind->transforms) {
        wanted.states = neck__head_scratch(pass, features->rows, features->cols, neck_dtype_size(head->options.dtype),
                                           "gradients of features");
        if (!wanted.states) return NECK_E_NOMEM;
        pass->feature_gradient = wanted.states;
    }
    NECK_TRY(neck__logit_loss_run(pass->context, &pass->loss, options, &wanted, found));
    return head->kind->backward ? head->kind->backward(pass) : NECK_OK;
}

neck_status neck_head_loss(neck_context *context, neck_head *head, const neck_matrix *states, const int32_t *targets,
                           const neck_cross_entropy_options *options, neck_cross_entropy_result *result)
{
    return neck__head_loss(context, head, states, targets, options, NULL, result);
}

neck_status neck__head_loss(neck_context *context, neck_head *head, const neck_matrix *states, const int32_t *targets,
                            const neck_cross_entropy_options *options, neck__room *room,
                            neck_cross_entropy_result *result)
{
    neck_cross_entropy_options asked;
    neck_cross_entropy_result found;
    neck__head_pass pass;
    NECK_TRY(check_call(head, result));
    NECK_TRY(read_options(head, options, &asked));
    neck_status status = neck__head_pass_begin(context, head, states, 0, &pass);
    pass.loss.targets = targets;
    pass.loss.room = room;
    if (status == NECK_OK) status = neck__logit_loss_run(context, &pass.loss, &asked, NULL, &found);
    neck__head_pass_end(&pass);
    if (status == NECK_OK) give(&found, result);
    return status;
}

neck_status neck_head_gradient(neck_context *context, neck_head *head, const neck_matrix *states,
                               const int32_t *targets, const neck_cross_entropy_options *options, void *states_gradient,
                               neck_cross_entropy_result *result)
{
    return neck__head_gradient(context, head, states, targets, options, states_gradient, NULL, result);
}

neck_status neck__head_gradient(neck_context *context, neck_head *head, const neck_matrix *states,
                                const int32_t *targets, const neck_cross_entropy_options *options,
                                void *states_gradient, neck__room *room, neck_cross_entropy_result *result)
{
    neck_cross_entropy_options asked;
    neck_cross_entropy_result found;
    neck__head_pass pass;
    NECK_TRY(check_call(head, result));
    NECK_TRY(read_options(head, options, &asked));
    if (!head->parameters[0].gradient)
        return neck__fail(NECK_E_ARGUMENT, "the tied head was made without tied_gradient");
    neck_status status = neck__head_pass_begin(context, head, states, 1, &pass);
    pass.loss.targets = targets;
    pass.loss.room = room;
    pass.accumulate = asked.accumulate != 0;
    pass.states_gradient = states_gradient;
    if (status == NECK_OK) status = run_backward(&pass, &asked, &found);
    neck__head_pass_end(&pass);
    if (status == NECK_OK) give(&found, result);
    return status;
}
