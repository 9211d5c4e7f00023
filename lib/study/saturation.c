/* study/saturation.c - the verdict on a curve: is its turn more than noise makes, and does it last? */
#include "softneck/saturation.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "study/curve_start.h"
#include "study/turn_test.h"

enum { FEWEST_LEVELS = 8, LASTING_LEVELS = 4, TRAILING = 3 };

/* Shares of the run's steps: a rise has lasted; a rise that was made good was a turn. */
static const double LASTING = 0.1, LONG_AGO = 1.0 / 3;

/* Of onsets' intervals, in levels. */
static const double MARGIN = 1.5;

/* Of divergence_excess: an end that is so far above the best may be a break; of that excess: what must have come at
 * once. */
static const double BREAK = 0.25, MOST_AT_ONCE = 0.5;

/* What simulated curves say about an estimate: errors of it, sorted. */
typedef struct errors {
    double *onset, *excess, *gain; /* simulations each; the first are steps */
} errors;

typedef struct assessment {
    neck_context *context;
    neck_saturation_options options;
    neck__levels levels;
    neck__noise noise;
    neck__turn turn;
    int64_t recovery;          /* levels before its largest rise was half made good */
    neck__turn_chances chances;
    double *correlations;      /* simulations of them: what the noise's may be */
    errors errors;
    neck_saturation *out;
} assessment;

static neck_status fill_defaults(neck_saturation_options *options)
{
    if (options->simulations == 0) options->simulations = 999;
    if (options->minimum_excess == 0) options->minimum_excess = 0.01;
    if (options->divergence_excess == 0) options->divergence_excess = 1;
    if (options->significance == 0) options->significance = 0.05;
    if (options->confidence == 0) options->confidence = 0.95;
    if (options->simulations < 99 || options->simulations > 100000)
        return neck__fail(NECK_E_ARGUMENT, "simulations is %d: 99 to 100000", options->simulations);
    if (!(options->minimum_excess > 0 && isfinite(options->minimum_excess)))
        return neck__fail(NECK_E_ARGUMENT, "minimum_excess is %g: it must be positive", options->minimum_excess);
    if (!(options->divergence_excess > options->minimum_excess))
        return neck__fail(NECK_E_ARGUMENT, "divergence_excess is %g: it must exceed minimum_excess, %g",
                          options->divergence_excess, options->minimum_excess);
    if (!(options->significance > 0 && options->significance <= 0.5))
        return neck__fail(NECK_E_ARGUMENT, "significance is %g: in (0, 0.5]", options->significance);
    if (!(options->confidence >= 0.5 && options->confidence < 1))
        return neck__fail(NECK_E_ARGUMENT, "confidence is %g: in [0.5, 1)", options->confidence);
    return NECK_OK;
}

static int64_t step_of(const neck__levels *levels, int64_t level)
{
    return levels->first_step + llround(levels->steps[level]);
}

/* ---- simulation ---- */

static neck_status test_turn(assessment *a)
{
    double recovered = neck__turn_recovered(&a->levels, a->levels.values, &a->noise, &a->recovery);
    NECK_TRY(neck__turn_test(a->context, &a->levels, &a->noise, &a->turn, recovered, a->options.simulations,
                             &a->chances, a->correlations));
    a->out->p_value = a->chances.ended;
    return NECK_OK;
}

/* Curves around the fitted one, of every correlation that the noise may have. */
static neck_status simulate_errors(assessment *a)
{
    int64_t simulations = a->options.simulations;
    uint64_t seed = neck__context_seed(a->context);
    double values[NECK__MOST_LEVELS];
    neck__noise noise;
    neck__turn turn, fitted;
    neck__turn_find(&a->levels, a->turn.regression.fit, &a->noise, &fitted); /* what the simulated ones estimate */
    for (int64_t i = 0; i < simulations; i++) {
        if (i % 64 == 0) NECK_TRY(neck__progress(a->context, "verdict", "intervals", i, simulations));
        neck__random random = neck__random_seeded(seed, (uint64_t)(NECK__TURN_SPARE * simulations + i));
        neck__noise_add(&a->noise, a->correlations[i], a->levels.count, a->turn.regression.fit, &random, values);
        neck__noise_estimate(&a->levels, values, &noise);
        neck__turn_find(&a->levels, values, &noise, &turn);
        a->errors.onset[i] = a->levels.steps[turn.onset];
        a->errors.excess[i] = turn.excess - fitted.excess;
        a->errors.gain[i] = turn.gain - fitted.gain;
    }
    return NECK_OK;
}

static double quantile(int64_t count, const double *sorted, double share)
{
    double place = share * (double)(count - 1);
    int64_t below = (int64_t)place;
    if (below >= count - 1) return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* low and high of an estimate whose errors are known: Efron's basic interval, never without the estimate itself. */
static void interval(const assessment *a, double estimate, double *simulated, double *low, double *high)
{
    int64_t count = a->options.simulations;
    double tail = 0.5 * (1 - a->options.confidence);
    neck__median(count, simulated); /* sorts */
    *low = estimate - fmax(quantile(count, simulated, 1 - tail), 0);
    *high = estimate - fmin(quantile(count, simulated, tail), 0);
}

/* Steps of simulated onsets as they are: an onset's errors are lopsided, and mirrored they would lie outside of the
 * run. MARGIN levels more: the regression they are simulated around has the steps of its pools, where the curve itself
 * may rise slowly. */
static void onset_interval(const assessment *a)
{
    int64_t count = a->options.simulations;
    double tail = 0.5 * (1 - a->options.confidence), margin = MARGIN * a->levels.width;
    neck__median(count, a->errors.onset); /* sorts */
    double low = quantile(count, a->errors.onset, tail) - margin;
    double high = quantile(count, a->errors.onset, 1 - tail) + margin;
    double onset = a->levels.steps[a->turn.onset], last = (double)(a->levels.last_step - a->levels.first_step);
    a->out->onset_low = a->levels.first_step + llround(fmin(fmax(low, 0), onset));
    a->out->onset_high = a->levels.first_step + llround(fmax(fmin(high, last), onset));
}

/* ---- verdict ---- */

static void decide(neck_saturation *out, int32_t verdict, int32_t reason)
{
    out->verdict = verdict;
    out->reason = reason;
}

static int has_turned(const assessment *a)
{
    return a->out->p_value <= a->options.significance && a->turn.sustained >= a->options.minimum_excess &&
           a->turn.onset < a->levels.count - 1;
}

/* Share of the run's steps between two levels. */
static double share(const neck__levels *levels, int64_t from, int64_t to)
{
    return (levels->steps[to] - levels->steps[from]) / (levels->steps[levels->count - 1] - levels->steps[0]);
}

static void judge_turned(const assessment *a)
{
    int64_t last = a->levels.count - 1;
    double since = share(&a->levels, a->turn.onset, last);
    int recovered = a->out->excess_low <= 0 && a->turn.excess < a->options.minimum_excess;
    if (since < LASTING || last - a->turn.onset < LASTING_LEVELS)
        decide(a->out, NECK_VERDICT_UNCLEAR, NECK_REASON_RECENT_RISE);
    else if (recovered)
        decide(a->out, since < LONG_AGO ? NECK_VERDICT_UNCLEAR : NECK_VERDICT_SATURATED, NECK_REASON_RECOVERED);
    else
        decide(a->out, NECK_VERDICT_SATURATED, NECK_REASON_NONE);
}

static void judge_gain(const assessment *a)
{
    double least = a->options.minimum_excess;
    if (a->turn.gain >= least && a->out->gain_low > 0)
        decide(a->out, NECK_VERDICT_IMPROVING, NECK_REASON_NONE);
    else if (a->out->gain_high < -least) /* worse for certain, but so may be a curve that never turned */
        decide(a->out, NECK_VERDICT_UNCLEAR, NECK_REASON_NOISE);
    else if (a->turn.gain < least && (a->out->gain_high < least || a->out->gain_low > 0))
        decide(a->out, NECK_VERDICT_PLATEAU, NECK_REASON_NONE);
    else
        decide(a->out, NECK_VERDICT_UNCLEAR, NECK_REASON_NOISE);
}

static void describe_turn(const assessment *a)
{
    const neck__levels *levels = &a->levels;
    a->out->onset_step = step_of(levels, a->turn.onset);
    onset_interval(a);
    a->out->sustained_excess = a->turn.sustained;
    a->out->peak_excess = a->turn.peak_excess;
    a->out->peak_step = step_of(levels, a->turn.peak);
}

/* Not a run that gets worse little by little, but one that a blow, or a few, threw back to where it was at its
 * beginning, and that is still there: its weights are broken, and what its head can express is not the question any
 * more. */
static int is_broken(const assessment *a)
{
    double excess = a->turn.excess;
    return excess >= BREAK * a->options.divergence_excess && excess >= neck__turn_learned(&a->levels, &a->turn) &&
           neck__turn_blow(&a->levels, &a->turn) >= MOST_AT_ONCE * excess;
}

static void judge(const assessment *a)
{
    int certain = a->out->p_value <= a->options.significance;
    interval(a, a->turn.excess, a->errors.excess, &a->out->excess_low, &a->out->excess_high);
    interval(a, a->turn.gain, a->errors.gain, &a->out->gain_low, &a->out->gain_high);
    if (certain && a->turn.excess >= a->options.divergence_excess)
        decide(a->out, NECK_VERDICT_DIVERGED, NECK_REASON_FAR_ABOVE);
    else if (certain && is_broken(a))
        decide(a->out, NECK_VERDICT_DIVERGED, NECK_REASON_BROKEN);
    else if (has_turned(a))
        judge_turned(a);
    else
        judge_gain(a);
    if (a->out->verdict == NECK_VERDICT_SATURATED || a->out->verdict == NECK_VERDICT_DIVERGED) describe_turn(a);
}

/* A curve that is no better at its end than in its first half is looked at again as it was before it came back. */
static neck_status look_before_recovery(const assessment *whole)
{
    int64_t end = whole->recovery;
    if (end < FEWEST_LEVELS || end == whole->levels.count) return NECK_OK;
    neck_saturation found = *whole->out;
    assessment before = *whole;
    before.out = &found;
    before.levels.count = end;
    before.levels.last_step = step_of(&before.levels, end - 1);
    found.p_value = whole->chances.recovered;
    neck__turn_find(&before.levels, before.levels.values, &before.noise, &before.turn);
    if (!has_turned(&before) || end - 1 - before.turn.onset < LASTING_LEVELS) return NECK_OK;
    double lasted = share(&whole->levels, before.turn.onset, end - 1);
    if (lasted < LASTING) return NECK_OK;
    decide(whole->out, lasted < LONG_AGO ? NECK_VERDICT_UNCLEAR : NECK_VERDICT_SATURATED, NECK_REASON_RECOVERED);
    whole->out->p_value = found.p_value;
    if (whole->out->verdict != NECK_VERDICT_SATURATED) return NECK_OK;
    NECK_TRY(simulate_errors(&before));
    before.out = whole->out;
    describe_turn(&before);
    whole->out->minimum_step = step_of(&before.levels, before.turn.lowest);
    whole->out->minimum_level = (whole->options.higher_is_better ? -1 : 1) * before.turn.low;
    return NECK_OK;
}

static neck_status assess_levels(assessment *a)
{
    double sign = a->options.higher_is_better ? -1 : 1;
    neck__noise_estimate(&a->levels, a->levels.values, &a->noise);
    neck__turn_find(&a->levels, a->levels.values, &a->noise, &a->turn);
    a->out->minimum_step = step_of(&a->levels, a->turn.lowest);
    a->out->minimum_level = sign * a->turn.low;
    a->out->excess_nats = a->turn.excess;
    a->out->gain = a->turn.gain;
    neck__allocator allocator = neck__allocator_of(a->context);
    int64_t simulations = a->options.simulations;
    double *room = neck__alloc(&allocator, 4 * simulations, sizeof *room, "simulated curves");
    if (!room) return NECK_E_NOMEM;
    a->errors = (errors){room, room + simulations, room + 2 * simulations};
    a->correlations = room + 3 * simulations;
    neck_status status = test_turn(a);
    if (status == NECK_OK) status = simulate_errors(a);
    if (status == NECK_OK) {
        judge(a);
        if (!has_turned(a) && a->out->verdict != NECK_VERDICT_IMPROVING) status = look_before_recovery(a);
        a->out->autocorrelation = neck__median(simulations, a->correlations);
        a->out->noise = a->noise.typical * neck__noise_inflation(a->out->autocorrelation);
    }
    neck__release(&allocator, room);
    return status;
}

/* A run that ends in NaN: whatever went before. */
static void end_not_finite(const assessment *a)
{
    decide(a->out, NECK_VERDICT_DIVERGED, NECK_REASON_NOT_FINITE);
    a->out->onset_step = a->out->onset_low = a->out->onset_high = a->levels.last_step;
    a->out->excess_nats = a->out->excess_low = a->out->excess_high = NAN;
}

static neck_saturation nothing_known(const neck__levels *levels)
{
    return (neck_saturation){
        .points = levels->points, .not_finite = levels->not_finite, .repeated = levels->repeated,
        .blocks = levels->count, .block_steps = levels->width,
        .first_step = levels->first_step, .last_step = levels->last_step,
        .minimum_step = -1, .minimum_level = NAN, .onset_step = -1, .onset_low = -1, .onset_high = -1,
        .excess_nats = NAN, .excess_low = NAN, .excess_high = NAN, .sustained_excess = NAN,
        .peak_excess = NAN, .peak_step = -1, .gain = NAN, .gain_low = NAN, .gain_high = NAN,
        .p_value = NAN, .noise = NAN, .autocorrelation = NAN};
}

neck_status neck_saturation_assess(neck_context *context, const neck_curve *curve,
                                   const neck_saturation_options *options, neck_saturation *out)
{
    if (!out || out->struct_size < offsetof(neck_saturation, points))
        return neck__fail(NECK_E_ARGUMENT, "out is NULL or its struct_size is not set");
    NECK_OPTIONS(neck_saturation_options, given, options);
    NECK_TRY(fill_defaults(&given));
    neck_saturation found;
    assessment a = {.context = context, .options = given, .out = &found};
    NECK_TRY(neck__levels_make(context, curve, given.higher_is_better ? -1 : 1, &a.levels));
    if (given.skip_start) neck__levels_skip_start(&a.levels, given.minimum_excess, FEWEST_LEVELS);
    found = nothing_known(&a.levels);
    if (a.levels.count >= FEWEST_LEVELS)
        NECK_TRY(assess_levels(&a));
    else
        decide(&found, NECK_VERDICT_UNCLEAR, NECK_REASON_FEW_POINTS);
    if (a.levels.trailing >= TRAILING && a.levels.points > 0) end_not_finite(&a);
    size_t size = out->struct_size < sizeof found ? out->struct_size : sizeof found;
    found.struct_size = out->struct_size;
    memcpy(out, &found, size);
    return NECK_OK;
}

const char *neck_verdict_name(int32_t verdict)
{
    switch (verdict) {
#define NECK_VERDICT_ENTRY(name, number, text) \
    case number: return text;
        NECK_VERDICT_LIST(NECK_VERDICT_ENTRY)
#undef NECK_VERDICT_ENTRY
    default: return "?";
    }
}

const char *neck_verdict_reason_text(int32_t reason)
{
    switch (reason) {
#define NECK_VERDICT_REASON_ENTRY(name, number, text) \
    case number: return text;
        NECK_VERDICT_REASON_LIST(NECK_VERDICT_REASON_ENTRY)
#undef NECK_VERDICT_REASON_ENTRY
    default: return "?";
    }
}
