/* optim/sgd.c - gradient descent, plain or with momentum, as PyTorch's SGD without dampening. */
#include "optim/optimizer_object.h"

static void sgd_numbers(const neck__slot *slot, int64_t step, double rate, neck__update *out)
{
    (void)step;
    *out = (neck__update){.rate = rate, .decay = slot->options.weight_decay};
}

/* The direction is the moving sum (ahead 1), or Nesterov's: the gradient and a further step along the sum. */
static void momentum_numbers(const neck__slot *slot, int64_t step, double rate, neck__update *out)
{
    const neck_optimizer_options *o = &slot->options;
    sgd_numbers(slot, step, rate, out);
    out->beta = o->momentum;
    out->along = o->nesterov ? 1 : 0;
    out->ahead = o->nesterov ? o->momentum : 1;
}

const neck__rule neck__rule_sgd = {.name = "sgd", .kind = NECK__SGD, .numbers = sgd_numbers};
const neck__rule neck__rule_momentum = {.name = "sgd with momentum", .kind = NECK__MOMENTUM, .arrays = 1,
                                        .saved = {"momentum_buffer"}, .numbers = momentum_numbers};
