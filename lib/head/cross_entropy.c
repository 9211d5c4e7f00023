/* head/cross_entropy.c - neck_cross_entropy: a linear head, the plainest use of the engine. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "head/logit_loss.h"
#include "linalg/view.h"

/* A 1 x V view as V numbers of the arithmetic. */
static neck_status read_bias(const neck__allocator *allocator, const neck_matrix *bias, int64_t vocabulary,
                             int32_t dtype, void **out)
{
    neck_matrix view;
    NECK_TRY(neck__view_check(bias, &view));
    if (view.rows != 1 || view.cols != vocabulary)
        return neck__fail(NECK_E_ARGUMENT, "bias is %lld x %lld, not 1 x %lld", (long long)view.rows,
                          (long long)view.cols, (long long)vocabulary);
    NECK_TRY(neck_matrix_check_finite(NULL, &view, NULL, NULL));
    double *wide = neck__alloc(allocator, vocabulary, sizeof *wide, "bias");
    if (!wide) return NECK_E_NOMEM;
    neck__view_read(&view, 0, 0, vocabulary, wide);
    if (dtype != NECK_F64) /* narrowed in place: element i is read before it is written over */
        for (int64_t i = 0; i < vocabulary; i++) {
            float narrow = (float)wide[i];
            memcpy((char *)wide + i * (int64_t)sizeof narrow, &narrow, sizeof narrow);
        }
    *out = wide;
    return NECK_OK;
}

neck_status neck_cross_entropy(neck_context *context, const neck_matrix *states, const neck_matrix *weights,
                               const int32_t *targets, const neck_cross_entropy_options *options,
                               const neck_cross_entropy_gradients *gradients, neck_cross_entropy_result *result)
{
    return neck__cross_entropy(context, states, weights, targets, options, gradients, NULL, result);
}

neck_status neck__cross_entropy(neck_context *context, const neck_matrix *states, const neck_matrix *weights,
                                const int32_t *targets, const neck_cross_entropy_options *options,
                                const neck_cross_entropy_gradients *gradients, neck__room *room,
                                neck_cross_entropy_result *result)
{
    NECK_OPTIONS(neck_cross_entropy_options, asked, options);
    NECK_OPTIONS(neck_cross_entropy_gradients, wanted, gradients);
    if (!result || result->struct_size < sizeof result->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "result is NULL or its struct_size is not set");
    if (!states || !weights) return neck__fail(NECK_E_ARGUMENT, "%s is NULL", states ? "weights" : "states");
    neck__allocator allocator = neck__allocator_of(context);
    void *bias = NULL;
    if (asked.bias) NECK_TRY(read_bias(&allocator, asked.bias, weights->rows, states->dtype, &bias));
    neck__logit_loss loss = {.states = *states, .weights = *weights, .bias = bias, .targets = targets, .components = 1,
                             .room = room};
    neck_cross_entropy_result found;
    neck_status status = neck__logit_loss_run(context, &loss, &asked, &wanted, &found);
    if (bias) neck__release(&allocator, bias);
    if (status != NECK_OK) return status;
    found.struct_size = result->struct_size;
    memcpy(result, &found, result->struct_size < sizeof found ? result->struct_size : sizeof found);
    return NECK_OK;
}
