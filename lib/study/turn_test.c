/* study/turn_test.c - rejection sampling: of simulated curves, those that remember as much as the one in question. */
#include "study/turn_test.h"

#include <math.h>
#include <stdlib.h>

#include "core/error.h"

/* What the noise's correlation may be. */
static const double MOST_CORRELATED = 0.95;

/* A run that came down so many times as far as it rose at most is a whole run, seen from its start: what lasts for a
 * good part of that is no noise. Its correlations are taken as likely as they are; with fewer levels than TELLING,
 * which say next to nothing about them and are far apart in steps, as at most SUPPOSED. */
enum { TELLING = 16 };
static const double WHOLE = 2, LIKELY = 0.97, SUPPOSED = 0.45;

/* Curves of about one correlation are so small a part of all; a correlation of which fewer than BARELY of the curves
 * remember as little as the one in question is ruled out. */
enum { PARTS = 16 };
static const double BARELY = 0.01;

typedef struct candidate {
    double memory, apart; /* apart: of its memory from the curve's */
    double correlation, statistic;
    int64_t order;
} candidate;

static int by_likeness(const void *a, const void *b)
{
    const candidate *p = a, *q = b;
    if (p->apart != q->apart) return p->apart < q->apart ? -1 : 1;
    return (p->order > q->order) - (p->order < q->order);
}

static int by_correlation(const void *a, const void *b)
{
    const candidate *p = a, *q = b;
    return (p->correlation < q->correlation) - (p->correlation > q->correlation);
}

static int by_order(const void *a, const void *b)
{
    const candidate *p = a, *q = b;
    return (p->order > q->order) - (p->order < q->order);
}

/* Density 1 / sqrt(1 - r^2), Jeffreys' for AR(1): strong correlations, which make turns of their own, are given their
 * due. */
static double draw_correlation(double most, neck__random *random)
{
    return sin(neck__random_uniform(random) * asin(most));
}

/* One curve that neither improves nor worsens. */
static candidate simulate(const neck__levels *levels, const neck__noise *noise, double most, double memory,
                          neck__random *random)
{
    double values[NECK__MOST_LEVELS], correlation = draw_correlation(most, random);
    neck__noise found;
    neck__turn turn;
    int64_t end;
    neck__noise_add(noise, correlation, levels->count, NULL, random, values);
    neck__noise_estimate(levels, values, &found);
    neck__turn_weigh(levels, values, &found, &turn);
    double recovered = neck__turn_recovered(levels, values, &found, &end);
    return (candidate){turn.memory, fabs(turn.memory - memory), correlation, fmax(turn.statistic, recovered), 0};
}

static double chance(int64_t count, const candidate *kept, double statistic)
{
    int64_t as_large = 0;
    for (int64_t i = 0; i < count; i++) as_large += kept[i].statistic >= statistic;
    return (double)(as_large + 1) / (double)(count + 1);
}

static neck__turn_chances chances_of(int64_t count, const candidate *curves, const neck__turn *turn, double recovered)
{
    return (neck__turn_chances){chance(count, curves, turn->statistic), chance(count, curves, recovered)};
}

/* curves: sorted by correlation. Those of the strongest one that is not ruled out. */
static const candidate *strongest_part(int64_t count, int64_t part, const candidate *curves, double memory)
{
    for (int64_t first = 0; first + part < count; first += part) {
        int64_t as_forgetful = 0;
        for (int64_t i = first; i < first + part; i++) as_forgetful += curves[i].memory <= memory;
        if ((double)as_forgetful > BARELY * (double)part) return curves + first;
    }
    return curves + count - part;
}

/* The worst case over all correlations not ruled out: Berger & Boos 1994. */
static neck__turn_chances worst_chances(int64_t count, candidate *all, const neck__turn *turn, double recovered)
{
    int64_t part = count / PARTS;
    qsort(all, (size_t)count, sizeof *all, by_correlation);
    neck__turn_chances worst = chances_of(part, strongest_part(count, part, all, turn->memory), turn, recovered);
    return (neck__turn_chances){fmin(worst.ended + BARELY, 1), fmin(worst.recovered + BARELY, 1)};
}

static int is_whole(int64_t count, const double *values)
{
    double low = values[0], rise = 0;
    for (int64_t i = 1; i < count; i++) {
        low = fmin(low, values[i]);
        rise = fmax(rise, values[i] - low);
    }
    return values[0] - low >= WHOLE * rise;
}

neck_status neck__turn_test(neck_context *context, const neck__levels *levels, const neck__noise *noise,
                            const neck__turn *turn, double recovered, int64_t simulations,
                            neck__turn_chances *chances, double *correlations)
{
    int64_t count = NECK__TURN_SPARE * simulations;
    uint64_t seed = neck__context_seed(context);
    int whole = is_whole(levels->count, levels->values);
    double most = !whole ? MOST_CORRELATED : levels->count < TELLING ? SUPPOSED : LIKELY;
    neck__allocator allocator = neck__allocator_of(context);
    candidate *all = neck__alloc(&allocator, count, sizeof *all, "simulated curves");
    neck_status status = all ? NECK_OK : NECK_E_NOMEM;
    for (int64_t i = 0; status == NECK_OK && i < count; i++) {
        neck__random random = neck__random_seeded(seed, (uint64_t)i);
        all[i] = simulate(levels, noise, most, turn->memory, &random);
        all[i].order = i;
        if (i % 64 == 0) status = neck__progress(context, "verdict", "simulations", i, count);
    }
    if (status == NECK_OK) {
        if (!whole) *chances = worst_chances(count, all, turn, recovered);
        qsort(all, (size_t)count, sizeof *all, by_likeness);
        if (whole) *chances = chances_of(simulations, all, turn, recovered);
        qsort(all, (size_t)simulations, sizeof *all, by_order);
        for (int64_t i = 0; i < simulations; i++) correlations[i] = all[i].correlation;
    }
    neck__release(&allocator, all);
    return status;
}
