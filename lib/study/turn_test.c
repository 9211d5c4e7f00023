/* study/turn_test.c - rejection sampling: of simulated curves, those that remember as much as the one in question. */
#include "study/turn_test.h"

#include <math.h>
#include <stdlib.h>

#include "core/error.h"

/* What the noise's correlation may be. Fewer levels than TELLING say next to nothing about it; theirs are then far
 * apart in steps, and supposed to have little in common. */
enum { TELLING = 16 };
static const double MOST_CORRELATED = 0.97, SUPPOSED = 0.45;

typedef struct candidate {
    double apart; /* of its memory from the curve's */
    double correlation, statistic;
    int64_t order;
} candidate;

static int by_likeness(const void *a, const void *b)
{
    const candidate *p = a, *q = b;
    if (p->apart != q->apart) return p->apart < q->apart ? -1 : 1;
    return (p->order > q->order) - (p->order < q->order);
}

static int by_order(const void *a, const void *b)
{
    const candidate *p = a, *q = b;
    return (p->order > q->order) - (p->order < q->order);
}

/* Density 1 / sqrt(1 - r^2), Jeffreys' for AR(1): strong correlations, which make turns of their own, are given their
 * due. */
static double draw_correlation(int64_t levels, neck__random *random)
{
    return sin(neck__random_uniform(random) * asin(levels < TELLING ? SUPPOSED : MOST_CORRELATED));
}

/* One curve that neither improves nor worsens. */
static candidate simulate(const neck__levels *levels, const neck__noise *noise, double memory, neck__random *random)
{
    double values[NECK__MOST_LEVELS], correlation = draw_correlation(levels->count, random);
    neck__noise found;
    neck__turn turn;
    int64_t end;
    neck__noise_add(noise, correlation, levels->count, NULL, random, values);
    neck__noise_estimate(levels, values, &found);
    neck__turn_weigh(levels, values, &found, &turn);
    double recovered = neck__turn_recovered(levels, values, &found, &end);
    return (candidate){fabs(turn.memory - memory), correlation, fmax(turn.statistic, recovered), 0};
}

static double chance(int64_t count, const candidate *kept, double statistic)
{
    int64_t as_large = 0;
    for (int64_t i = 0; i < count; i++) as_large += kept[i].statistic >= statistic;
    return (double)(as_large + 1) / (double)(count + 1);
}

neck_status neck__turn_test(neck_context *context, const neck__levels *levels, const neck__noise *noise,
                            const neck__turn *turn, double recovered, int64_t simulations,
                            neck__turn_chances *chances, double *correlations)
{
    int64_t count = NECK__TURN_SPARE * simulations;
    uint64_t seed = neck__context_seed(context);
    neck__allocator allocator = neck__allocator_of(context);
    candidate *all = neck__alloc(&allocator, count, sizeof *all, "simulated curves");
    neck_status status = all ? NECK_OK : NECK_E_NOMEM;
    for (int64_t i = 0; status == NECK_OK && i < count; i++) {
        neck__random random = neck__random_seeded(seed, (uint64_t)i);
        all[i] = simulate(levels, noise, turn->memory, &random);
        all[i].order = i;
        if (i % 64 == 0) status = neck__progress(context, "verdict", "simulations", i, count);
    }
    if (status == NECK_OK) {
        qsort(all, (size_t)count, sizeof *all, by_likeness);
        qsort(all, (size_t)simulations, sizeof *all, by_order);
        *chances = (neck__turn_chances){chance(simulations, all, turn->statistic), chance(simulations, all, recovered)};
        for (int64_t i = 0; i < simulations; i++) correlations[i] = all[i].correlation;
    }
    neck__release(&allocator, all);
    return status;
}
