/* optim/muon.c - momentum whose direction is made orthogonal: Jordan et al. 2024. */
#include <math.h>

#include "core/error.h"
#include "optim/arrays.h"
#include "optim/newton_schulz.h"
#include "optim/optimizer_object.h"
#include "optim/parameters.h"

/* Taller matrices move further: each of their rows gets a smaller share of an orthogonal matrix. */
static void muon_numbers(const neck__slot *slot, int64_t step, double rate, neck__update *out)
{
    (void)step;
    const neck_parameter *p = &slot->parameter;
    double shape = (double)p->rows / (double)p->cols, momentum = slot->options.momentum;
    *out = (neck__update){.rate = rate * sqrt(shape > 1 ? shape : 1), .keep = 1 - rate * slot->options.weight_decay,
                          .blend = 1 - momentum, .beta = momentum};
}

/* The working array becomes the orthogonalised direction, from the momentum that applying will put in place. */
static neck_status muon_prepare(neck_context *context, const neck__slot *slot)
{
    const neck_parameter *p = &slot->parameter;
    neck__update numbers;
    muon_numbers(slot, 0, 0, &numbers);
    neck__arrays_update(context, p->dtype, neck__parameter_size(p), NECK__LOOKAHEAD, &numbers, slot->arrays);
    return neck__newton_schulz(context, p->dtype, p->rows, p->cols, slot->options.newton_schulz_steps, slot->arrays[3]);
}

const neck__rule neck__rule_muon = {.name = "muon", .kind = NECK__MUON, .arrays = 2, .saved = {"momentum_buffer", NULL},
                                    .numbers = muon_numbers, .prepare = muon_prepare};
