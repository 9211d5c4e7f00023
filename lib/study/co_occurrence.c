/* study/co_occurrence.c - onsets of two curves, the lag between them, and rank correlations. */
#include "softneck/co_occurrence.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "study/curve_levels.h"
#include "study/rank_correlation.h"

enum { FEWEST_PAIRS = 8 };

/* A head's entropy rises by several nats and an anisotropy by nearly 1: no rise of a curve is "diverged" here. */
static const double NEVER = 1e99;

typedef struct onset {
    int64_t step, low, high;
} onset;

/* turn: higher_is_better, minimum_excess and skip_start are set. */
static neck_status find_onset(neck_context *context, const neck_curve *curve, const neck_saturation_options *turn,
                              const neck_co_occurrence_options *given, onset *out)
{
    neck_saturation_options options = *turn;
    options.struct_size = sizeof options;
    options.simulations = given->resamples;
    options.divergence_excess = NEVER;
    options.confidence = given->confidence;
    neck_saturation found = {.struct_size = sizeof found};
    NECK_TRY(neck_saturation_assess(context, curve, &options, &found));
    *out = (onset){found.onset_step, found.onset_low, found.onset_high};
    return NECK_OK;
}

/* Square-and-add: each side's distance is what the two intervals' distances to that side come to. */
static void find_lag(const onset *first, const onset *second, neck_co_occurrence *out)
{
    if (first->step < 0 || second->step < 0) return;
    out->lag = (double)(second->step - first->step);
    out->lag_low = out->lag - hypot((double)(second->step - second->low), (double)(first->high - first->step));
    out->lag_high = out->lag + hypot((double)(second->high - second->step), (double)(first->step - first->low));
}

/* levels at a step between their first and last, counted from their first. */
static double read_off(const neck__levels *levels, double step)
{
    int64_t right = 1;
    if (levels->count == 1) return levels->values[0];
    while (right < levels->count - 1 && levels->steps[right] < step) right++;
    double left_step = levels->steps[right - 1], share = (step - left_step) / (levels->steps[right] - left_step);
    return levels->values[right - 1] + share * (levels->values[right] - levels->values[right - 1]);
}

typedef struct pairs {
    int64_t count;
    double x[NECK__MOST_LEVELS], y[NECK__MOST_LEVELS];
} pairs;

static void pair_levels(const neck__levels *first, const neck__levels *second, pairs *made)
{
    const neck__levels *sparse = second->count < first->count ? second : first;
    const neck__levels *dense = sparse == first ? second : first;
    made->count = 0;
    double apart = (double)(sparse->first_step - dense->first_step);
    for (int64_t i = 0; dense->count > 0 && i < sparse->count; i++) {
        double step = sparse->steps[i] + apart;
        if (step < dense->steps[0] || step > dense->steps[dense->count - 1]) continue;
        double read = read_off(dense, step);
        made->x[made->count] = sparse == first ? sparse->values[i] : read;
        made->y[made->count++] = sparse == first ? read : sparse->values[i];
    }
}

static void take_changes(pairs *made)
{
    for (int64_t i = 0; i + 1 < made->count; i++) {
        made->x[i] = made->x[i + 1] - made->x[i];
        made->y[i] = made->y[i + 1] - made->y[i];
    }
    made->count--;
}

static neck_status correlate(neck_context *context, const neck_curve *first, const neck_curve *second,
                             const neck_co_occurrence_options *given, neck_co_occurrence *out)
{
    neck__levels first_levels, second_levels;
    pairs made;
    neck__rank_interval levels, changes;
    NECK_TRY(neck__levels_make(context, first, 1, &first_levels));
    NECK_TRY(neck__levels_make(context, second, 1, &second_levels));
    pair_levels(&first_levels, &second_levels, &made);
    out->common = made.count;
    if (made.count < FEWEST_PAIRS) return NECK_OK;
    out->block = (int64_t)ceil(2 * cbrt((double)made.count));
    NECK_TRY(neck__spearman_interval(context, made.count, made.x, made.y, out->block, given->resamples,
                                     given->confidence, &levels));
    take_changes(&made);
    NECK_TRY(neck__spearman_interval(context, made.count, made.x, made.y, out->block, given->resamples,
                                     given->confidence, &changes));
    out->correlation = levels.value;
    out->correlation_low = levels.low;
    out->correlation_high = levels.high;
    out->change_correlation = changes.value;
    out->change_low = changes.low;
    out->change_high = changes.high;
    return NECK_OK;
}

static neck_status measure(neck_context *context, const neck_curve *first, const neck_curve *second,
                           const neck_co_occurrence_options *given, neck_co_occurrence *out)
{
    onset a, b;
    neck_saturation_options of_first = {.higher_is_better = given->first_higher_is_better,
                                        .minimum_excess = given->first_minimum_excess,
                                        .skip_start = given->skip_start & 1};
    neck_saturation_options of_second = {.higher_is_better = given->second_higher_is_better,
                                         .minimum_excess = given->second_minimum_excess,
                                         .skip_start = given->skip_start & 2};
    NECK_TRY(find_onset(context, first, &of_first, given, &a));
    NECK_TRY(find_onset(context, second, &of_second, given, &b));
    out->first_onset = a.step;
    out->first_low = a.low;
    out->first_high = a.high;
    out->second_onset = b.step;
    out->second_low = b.low;
    out->second_high = b.high;
    find_lag(&a, &b, out);
    return correlate(context, first, second, given, out);
}

neck_status neck_co_occurrence_measure(neck_context *context, const neck_curve *first, const neck_curve *second,
                                       const neck_co_occurrence_options *options, neck_co_occurrence *out)
{
    if (!out || out->struct_size < offsetof(neck_co_occurrence, second_onset))
        return neck__fail(NECK_E_ARGUMENT, "out is NULL or its struct_size is not set");
    NECK_OPTIONS(neck_co_occurrence_options, given, options);
    if (given.resamples == 0) given.resamples = 999;
    if (given.confidence == 0) given.confidence = 0.95;
    neck_co_occurrence found = {.struct_size = out->struct_size, .lag = NAN, .lag_low = NAN, .lag_high = NAN,
                                .correlation = NAN, .correlation_low = NAN, .correlation_high = NAN,
                                .change_correlation = NAN, .change_low = NAN, .change_high = NAN};
    NECK_TRY(measure(context, first, second, &given, &found));
    memcpy(out, &found, out->struct_size < sizeof found ? out->struct_size : sizeof found);
    return NECK_OK;
}
