/* study/turn.c - the unimodal regression read: lowest place, onset, excess. */
#include "study/turn.h"

#include <math.h>
#include <string.h>

/* A level further than this many standard deviations from the median of its neighbourhood is drawn in to that. */
static const double OUTLIER = 2.5;

/* The onset is where this share of the lasting rise is over. */
static const double RELEASE = 0.1;

static double median_between(const double *values, int64_t count, int64_t first, int64_t last)
{
    double copy[NECK__MOST_LEVELS];
    if (first < 0) first = 0;
    if (last > count - 1) last = count - 1;
    memcpy(copy, values + first, (size_t)(last - first + 1) * sizeof *copy);
    return neck__median(last - first + 1, copy);
}

static void draw_in(int64_t count, const double *values, const double *scale, double *out)
{
    for (int64_t i = 0; i < count; i++) {
        double middle = median_between(values, count, i - 2, i + 2), most = OUTLIER * scale[i];
        out[i] = fmin(fmax(values[i], middle - most), middle + most);
    }
}

/* How many levels to either side make a smoothed one. */
static int64_t half_window(int64_t count)
{
    return 1 + count / 80;
}

static double smoothed(const double *values, int64_t count, int64_t i)
{
    int64_t half = half_window(count);
    return median_between(values, count, i - half, i + half);
}

/* The best, or with sign -1 the worst, smoothed level of first .. last. */
static int64_t extreme(const double *values, int64_t count, int64_t first, int64_t last, double sign)
{
    int64_t best = first;
    double least = INFINITY;
    for (int64_t i = first; i <= last; i++) {
        double level = sign * smoothed(values, count, i);
        if (level < least) {
            least = level;
            best = i;
        }
    }
    return best;
}

/* Of the end: a twentieth of the levels, never fewer than three. */
static int64_t end_size(int64_t count)
{
    int64_t size = count / 20 > 3 ? count / 20 : 3;
    return size < count ? size : count;
}

/* The stretch of the regression that is within release of its lowest value: first .. last. */
static void find_valley(const neck__unimodal *regression, int64_t count, double release, int64_t *first, int64_t *last)
{
    int64_t lowest = 0;
    for (int64_t i = 1; i < count; i++)
        if (regression->fit[i] <= regression->fit[lowest]) lowest = i;
    *first = *last = lowest;
    while (*first > 0 && regression->fit[*first - 1] <= regression->fit[lowest] + release) --*first;
    while (*last < count - 1 && regression->fit[*last + 1] <= regression->fit[lowest] + release) ++*last;
}

/* How far the curve rises for long: the upper quartile of its levels from split on, since what begins there may be flat for most
 * of the rest. */
static double lasting_rise(const double *values, int64_t count, int64_t split, double low)
{
    double copy[NECK__MOST_LEVELS];
    if (split >= count) return 0;
    memcpy(copy, values + split, (size_t)(count - split) * sizeof *copy);
    neck__median(count - split, copy); /* sorts */
    return copy[3 * (count - split - 1) / 4] - low;
}

static void find_onset(const neck__levels *levels, const double *values, const neck__noise *noise, neck__turn *turn)
{
    int64_t count = levels->count, split = turn->regression.split, first, last;
    find_valley(&turn->regression, count, 0, &first, &last);
    double low = turn->regression.fit[last];
    double rise = lasting_rise(values, count, split, low);
    find_valley(&turn->regression, count, fmax(RELEASE * rise, noise->scale[last]), &first, &last);
    turn->lowest = split < count ? extreme(values, count, first, last, 1) : extreme(values, count, 0, count - 1, 1);
    turn->low = smoothed(values, count, turn->lowest);
    turn->onset = split < count ? (last > turn->lowest ? last : turn->lowest) : count - 1;
}

/* The best smoothed level of the first half of the steps, against the end. */
static double find_gain(const neck__levels *levels, const double *values)
{
    int64_t count = levels->count, middle = 0;
    double half = 0.5 * (levels->steps[0] + levels->steps[count - 1]);
    while (middle < count - 1 && levels->steps[middle + 1] <= half) middle++;
    return smoothed(values, count, extreme(values, count, 0, middle, 1)) -
           median_between(values, count, count - end_size(count), count - 1);
}

int64_t neck__turn_recovery(const neck__levels *levels)
{
    int64_t count = levels->count, low = 0, from = 0, top = 0;
    const double *values = levels->values;
    double most = 0;
    for (int64_t i = 1; i < count; i++) {
        if (smoothed(values, count, i) < smoothed(values, count, low)) low = i;
        double rise = smoothed(values, count, i) - smoothed(values, count, low);
        if (rise > most) {
            most = rise;
            from = low;
            top = i;
        }
    }
    double half = smoothed(values, count, from) + 0.5 * most;
    while (top + 1 < count && smoothed(values, count, top + 1) > half) top++;
    return top;
}

void neck__turn_find(const neck__levels *levels, const double *values, const neck__noise *noise, neck__turn *turn)
{
    double weights[NECK__MOST_LEVELS], drawn[NECK__MOST_LEVELS];
    int64_t count = levels->count;
    *turn = (neck__turn){.statistic = 0};
    draw_in(count, values, noise->scale, drawn);
    /* Relative to the typical variance, so that curves known to the last digit do not overflow. */
    for (int64_t i = 0; i < count; i++) weights[i] = pow(noise->typical / noise->scale[i], 2);
    neck__unimodal_fit(count, drawn, weights, &turn->regression);
    turn->statistic = turn->regression.lessened / noise->typical / noise->typical;
    find_onset(levels, drawn, noise, turn);
    turn->excess = median_between(values, count, count - end_size(count), count - 1) - turn->low;
    if (turn->onset < count - 1) {
        turn->sustained = median_between(values, count, turn->onset + 1, count - 1) - turn->low;
        turn->peak = extreme(values, count, turn->onset + 1, count - 1, -1);
        turn->peak_excess = smoothed(values, count, turn->peak) - turn->low;
    }
    turn->gain = find_gain(levels, drawn);
}
