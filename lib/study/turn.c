/* study/turn.c - the unimodal regression read: lowest place, onset, excess. */
#include "study/turn.h"

#include <math.h>
#include <string.h>

/* A level further than this many standard deviations from the median of its neighbourhood is drawn in to that. */
static const double OUTLIER = 2.5;

/* What a level leaves counts for no more, in standard deviations, when correlated with the next one's. */
static const double LARGEST_LEFT = 3;

/* Shares of the run: after which what is learned is what the run was for; in which a rise is one blow. */
static const double EARLY = 0.05, BLOW = 0.1;

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

/* How far the curve rises for long: the upper quartile of its levels from split on, since what begins there may be flat
 * for most of the rest. */
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

int64_t neck__turn_recovery(int64_t count, const double *values)
{
    double smooth[NECK__MOST_LEVELS] = {0}, most = 0;
    int64_t low = 0, from = 0, top = 0;
    for (int64_t i = 0; i < count; i++) {
        smooth[i] = smoothed(values, count, i);
        if (smooth[i] < smooth[low]) low = i;
        if (smooth[i] - smooth[low] > most) {
            most = smooth[i] - smooth[low];
            from = low;
            top = i;
        }
    }
    double half = smooth[from] + 0.5 * most;
    while (top + 1 < count && smooth[top + 1] > half) top++;
    return top;
}

static double find_memory(int64_t count, const double *values, const neck__noise *noise, const double *fit)
{
    double together = 0, alone = 0, before = 0;
    for (int64_t i = 0; i < count; i++) {
        double left = (values[i] - fit[i]) / noise->scale[i];
        left = fmin(fmax(left, -LARGEST_LEFT), LARGEST_LEFT);
        if (i > 0) {
            together += before * left;
            alone += 0.5 * (before * before + left * left);
        }
        before = left;
    }
    return alone > 0 ? together / alone : 0;
}

/* Levels with outliers drawn in, and their regression. */
static void regress(const neck__levels *levels, const double *values, const neck__noise *noise, double *drawn,
                    neck__turn *turn)
{
    double weights[NECK__MOST_LEVELS] = {0};
    int64_t count = levels->count;
    *turn = (neck__turn){.statistic = 0};
    draw_in(count, values, noise->scale, drawn);
    /* Relative to the typical variance, so that curves known to the last digit do not overflow. */
    for (int64_t i = 0; i < count; i++) weights[i] = pow(noise->typical / noise->scale[i], 2);
    neck__unimodal_fit(count, drawn, weights, &turn->regression);
    turn->statistic = turn->regression.lessened / noise->typical / noise->typical;
    turn->memory = find_memory(count, values, noise, turn->regression.fit);
}

void neck__turn_weigh(const neck__levels *levels, const double *values, const neck__noise *noise, neck__turn *turn)
{
    double drawn[NECK__MOST_LEVELS] = {0};
    regress(levels, values, noise, drawn, turn);
}

double neck__turn_recovered(const neck__levels *levels, const double *values, const neck__noise *noise, int64_t *end)
{
    double drawn[NECK__MOST_LEVELS] = {0};
    neck__levels before = {.count = neck__turn_recovery(levels->count, values) + 1};
    neck__turn turn;
    *end = before.count;
    if (before.count == levels->count) return 0;
    regress(&before, values, noise, drawn, &turn);
    return turn.statistic;
}

void neck__turn_find(const neck__levels *levels, const double *values, const neck__noise *noise, neck__turn *turn)
{
    double drawn[NECK__MOST_LEVELS] = {0};
    int64_t count = levels->count;
    regress(levels, values, noise, drawn, turn);
    find_onset(levels, drawn, noise, turn);
    turn->excess = median_between(values, count, count - end_size(count), count - 1) - turn->low;
    if (turn->onset < count - 1) {
        turn->sustained = median_between(values, count, turn->onset + 1, count - 1) - turn->low;
        turn->peak = extreme(values, count, turn->onset + 1, count - 1, -1);
        turn->peak_excess = smoothed(values, count, turn->peak) - turn->low;
    }
    turn->gain = find_gain(levels, drawn);
}

/* A regression between the levels it is of. */
static double fit_at(const neck__levels *levels, const double *fit, double step)
{
    int64_t right = 1;
    if (levels->count == 1) return fit[0];
    while (right < levels->count - 1 && levels->steps[right] < step) right++;
    double share = (step - levels->steps[right - 1]) / (levels->steps[right] - levels->steps[right - 1]);
    return fit[right - 1] + share * (fit[right] - fit[right - 1]);
}

double neck__turn_learned(const neck__levels *levels, const neck__turn *turn)
{
    double first = levels->steps[0], last = levels->steps[levels->count - 1];
    return fit_at(levels, turn->regression.fit, first + EARLY * (last - first)) - turn->low;
}

double neck__turn_blow(const neck__levels *levels, const neck__turn *turn)
{
    double smooth[NECK__MOST_LEVELS] = {0}, most = 0;
    double window = BLOW * (levels->steps[levels->count - 1] - levels->steps[0]);
    for (int64_t i = turn->lowest; i < levels->count; i++) {
        smooth[i] = smoothed(levels->values, levels->count, i);
        for (int64_t k = i - 1; k >= turn->lowest && levels->steps[i] - levels->steps[k] <= window; k--)
            most = fmax(most, smooth[i] - smooth[k]);
    }
    return most;
}
