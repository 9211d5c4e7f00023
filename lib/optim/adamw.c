/* optim/adamw.c - Adam with decoupled weight decay: Loshchilov & Hutter 2019, as PyTorch's AdamW. */
#include <math.h>

#include "optim/optimizer_object.h"

/* m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon), multiplied through by root = sqrt(1 - beta2^t): one division
 * an element instead of two. */
static void adamw_numbers(const neck__slot *slot, int64_t step, double rate, neck__update *out)
{
    const neck_optimizer_options *o = &slot->options;
    double root = sqrt(1 - pow(o->beta2, (double)step)), first = 1 - pow(o->beta1, (double)step);
    *out = (neck__update){.rate = rate * root / first, .keep = 1 - rate * o->weight_decay, .blend = 1 - o->beta1,
                          .beta = o->beta2, .square = 1 - o->beta2, .epsilon = o->epsilon * root};
}

const neck__rule neck__rule_adamw = {.name = "adamw", .kind = NECK__ADAMW, .arrays = 2,
                                     .saved = {"exp_avg", "exp_avg_sq"}, .saved_nonnegative = {0, 1},
                                     .numbers = adamw_numbers};
