/* optim/optimizer.c - making an optimizer, and its steps. */
#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "core/error.h"
#include "format/tensors.h"
#include "optim/arrays.h"
#include "optim/optimizer_object.h"
#include "optim/parameters.h"

static const neck__rule *rule_for(const neck_optimizer_options *o, const neck_parameter *p)
{
    int matrix = p->rows > 1 && p->cols > 1;
    if (o->rule == NECK_OPTIMIZER_SGD) return o->momentum > 0 ? &neck__rule_momentum : &neck__rule_sgd;
    if (o->rule == NECK_OPTIMIZER_MUON && matrix && !(p->flags & NECK_PARAMETER_NO_MUON)) return &neck__rule_muon;
    return &neck__rule_adamw;
}

int neck__optimizer_needs_whole(const neck_optimizer_options *options, const neck_parameter *parameter)
{
    return rule_for(options, parameter) == &neck__rule_muon;
}

static void release_state(const neck__allocator *allocator, neck__slot *slot)
{
    for (int n = 2; n < NECK__ARRAYS; n++) {
        neck__release(allocator, slot->arrays[n]);
        slot->arrays[n] = NULL;
    }
}

/* Replaces a slot's rule and state; on failure the slot is as it was. */
static neck_status set_rule(const neck__allocator *allocator, neck__slot *slot, const neck_optimizer_options *options)
{
    const neck_parameter *p = &slot->parameter;
    int64_t offset = slot->first * neck_dtype_size(p->dtype);
    neck__slot made = {*p, rule_for(options, p), *options, slot->first, slot->size,
                       {(char *)p->data + offset, (char *)p->gradient + offset, NULL, NULL}};
    if (options->rule == NECK_OPTIMIZER_MUON && made.rule == &neck__rule_adamw)
        made.options.learning_rate = options->adam_learning_rate;
    if (p->flags & NECK_PARAMETER_NO_DECAY) made.options.weight_decay = 0;
    for (int n = 0; n < made.rule->arrays && made.size > 0; n++) {
        made.arrays[2 + n] = neck__calloc(allocator, made.size, neck_dtype_size(p->dtype), "an optimizer's state");
        if (!made.arrays[2 + n]) {
            release_state(allocator, &made);
            return NECK_E_NOMEM;
        }
    }
    release_state(allocator, slot);
    *slot = made;
    return NECK_OK;
}

static neck_status check_unique(const neck__allocator *allocator, const neck_parameter *parameters, int64_t count)
{
    const char **names = neck__alloc(allocator, count, sizeof *names, "an index of names");
    if (!names) return NECK_E_NOMEM;
    for (int64_t i = 0; i < count; i++) names[i] = parameters[i].name;
    neck_status status = neck__names_check_unique(names, count, "parameters");
    neck__release(allocator, names);
    return status == NECK_OK ? NECK_OK : NECK_E_ARGUMENT;
}

static neck_status fill_slots(neck_optimizer *optimizer, const neck_optimizer_options *options,
                              const neck_parameter *parameters, const int64_t *runs)
{
    for (int64_t i = 0; i < optimizer->count; i++) {
        neck__slot *slot = &optimizer->slots[i];
        slot->parameter = parameters[i];
        slot->first = runs ? runs[2 * i] : 0;
        slot->size = runs ? runs[2 * i + 1] : neck__parameter_size(&parameters[i]);
        slot->parameter.name = neck__strdup(&optimizer->allocator, parameters[i].name);
        if (!slot->parameter.name) return NECK_E_NOMEM;
        NECK_TRY(set_rule(&optimizer->allocator, slot, options));
    }
    return NECK_OK;
}

neck_status neck_optimizer_create(neck_context *context, const neck_optimizer_options *options,
                                  const neck_parameter *parameters, int64_t count, neck_optimizer **out)
{
    return neck__optimizer_create_part(context, options, parameters, count, NULL, out);
}

neck_status neck__optimizer_create_part(neck_context *context, const neck_optimizer_options *options,
                                        const neck_parameter *parameters,
                                        int64_t count, const int64_t *runs, neck_optimizer **out)
{
    neck_optimizer_options filled;
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_TRY(neck__optimizer_options_read(options, &filled));
    NECK_TRY(neck__parameters_check(parameters, count));
    neck__allocator allocator = neck__allocator_of(context);
    NECK_TRY(check_unique(&allocator, parameters, count));
    neck_optimizer *optimizer = neck__calloc(&allocator, 1, sizeof *optimizer, "an optimizer");
    if (!optimizer) return NECK_E_NOMEM;
    optimizer->allocator = allocator;
    optimizer->slots = neck__calloc(&allocator, count, sizeof *optimizer->slots, "an optimizer's parameters");
    optimizer->count = optimizer->slots ? count : 0;
    neck_status status = optimizer->slots ? fill_slots(optimizer, &filled, parameters, runs) : NECK_E_NOMEM;
    if (status == NECK_OK)
        *out = optimizer;
    else
        neck_optimizer_destroy(optimizer);
    return status;
}

void neck_optimizer_destroy(neck_optimizer *optimizer)
{
    if (!optimizer) return;
    const neck__allocator allocator = optimizer->allocator;
    for (int64_t i = 0; i < optimizer->count; i++) {
        release_state(&allocator, &optimizer->slots[i]);
        neck__release(&allocator, (char *)optimizer->slots[i].parameter.name);
    }
    neck__release(&allocator, optimizer->slots);
    neck__release(&allocator, optimizer);
}

neck_status neck_optimizer_set_group(neck_optimizer *optimizer, int64_t parameter,
                                     const neck_optimizer_options *options)
{
    neck_optimizer_options filled;
    if (!optimizer) return neck__fail(NECK_E_ARGUMENT, "optimizer is NULL");
    if (parameter < 0 || parameter >= optimizer->count)
        return neck__fail(NECK_E_ARGUMENT, "parameter %" PRId64 " of %" PRId64, parameter, optimizer->count);
    NECK_TRY(neck__optimizer_options_read(options, &filled));
    if (optimizer->steps > 0)
        return neck__fail(NECK_E_STATE, "%" PRId64 " steps were made: groups are set before the first",
                          optimizer->steps);
    return set_rule(&optimizer->allocator, &optimizer->slots[parameter], &filled);
}

/* Nothing may change when one gradient cannot be used, so all are read before the first parameter moves. */
static neck_status check_gradients(neck_context *context, const neck_optimizer *optimizer)
{
    for (int64_t i = 0; i < optimizer->count; i++) {
        const neck__slot *slot = &optimizer->slots[i];
        int32_t dtype = slot->parameter.dtype;
        if (slot->options.gradients_are_clipped || slot->size == 0) continue;
        if (!neck__array_squares_finite(context, dtype, slot->size, slot->arrays[1]))
            return neck__gradient_refuse(&slot->parameter, slot->first, slot->size,
                                         0.499 * sqrt(dtype == NECK_F32 ? FLT_MAX : DBL_MAX));
    }
    return NECK_OK;
}

neck_status neck__optimizer_prepare(neck_context *context, const neck_optimizer *optimizer, double scale)
{
    if (!(scale >= 0) || isinf(scale)) return neck__fail(NECK_E_ARGUMENT, "scale is %g: it must not be negative",
                                                         scale);
    NECK_TRY(check_gradients(context, optimizer));
    for (int64_t i = 0; i < optimizer->count; i++) {
        const neck__slot *slot = &optimizer->slots[i];
        if (slot->rule->prepare && slot->size > 0) NECK_TRY(slot->rule->prepare(context, slot));
    }
    return NECK_OK;
}

void neck__optimizer_apply(neck_context *context, neck_optimizer *optimizer, double scale)
{
    optimizer->steps++;
    for (int64_t i = optimizer->count - 1; i >= 0; i--) {
        const neck__slot *slot = &optimizer->slots[i];
        neck__update numbers;
        slot->rule->numbers(slot, optimizer->steps, slot->options.learning_rate * scale, &numbers);
        neck__arrays_update(context, slot->parameter.dtype, slot->size, slot->rule->kind, &numbers, slot->arrays);
    }
}

neck_status neck_optimizer_step(neck_context *context, neck_optimizer *optimizer, double scale)
{
    if (!optimizer) return neck__fail(NECK_E_ARGUMENT, "optimizer is NULL");
    NECK_TRY(neck__optimizer_prepare(context, optimizer, scale));
    neck__optimizer_apply(context, optimizer, scale);
    return NECK_OK;
}

int64_t neck_optimizer_steps(const neck_optimizer *optimizer)
{
    return optimizer ? optimizer->steps : 0;
}
