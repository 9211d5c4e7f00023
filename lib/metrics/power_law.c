/* metrics/power_law.c - power-law fit to the tail of the eigenvalue density. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "metrics/values.h"

/* The tail above candidate k is values 0..k, l_0 >= l_1 >= ... the logarithms of the eigenvalues. */
typedef struct tail_fit {
    int64_t smallest; /* k */
    double slope;     /* alpha - 1 */
    double distance;  /* Kolmogorov-Smirnov */
} tail_fit;

typedef struct tail_search {
    const double *logs;   /* l_i */
    const double *excess; /* sum over the tail 0..k of l_i - l_k, for every k */
    int64_t count;
    tail_fit best; /* smallest is -1 while there is none */
} tail_search;

/* Fitted minus empirical distribution at value i, as if no value of the tail were equal to it. */
static double gap(const double *logs, int64_t i, const tail_fit *fit)
{
    double fitted = -expm1(-fit->slope * (logs[i] - logs[fit->smallest]));
    return fitted - (double)(fit->smallest - i) / (double)(fit->smallest + 1);
}

/* Largest |gap|; the last of equal values stands for them. */
static double distance(const double *logs, const tail_fit *fit)
{
    double largest = 0;
    for (int64_t i = fit->smallest; i >= 0; i--)
        if (i == fit->smallest || logs[i] > logs[i + 1]) largest = fmax(largest, fabs(gap(logs, i, fit)));
    return largest;
}

/* Whether some |gap| is above limit, found without looking at every value: both distributions are monotone and the
 * empirical one moves by 1/m a value, so a gap that is x below the limit cannot pass it within x m values, walking
 * down for one sign and up for the other. */
static int is_beyond(const double *logs, const tail_fit *fit, double limit)
{
    double m = (double)(fit->smallest + 1);
    for (int64_t i = 0; i < fit->smallest;) {
        double over = gap(logs, i, fit);
        if (over > limit) return 1;
        i += 1 + (int64_t)((limit - over) * m);
    }
    for (int64_t i = fit->smallest - 1; i >= 0;) {
        double over = -gap(logs, i, fit);
        if (over > limit && logs[i] > logs[i + 1]) return 1;
        i -= 1 + (over < limit ? (int64_t)((limit - over) * m) : 0);
    }
    return 0;
}

/* Of equally good candidates the longest tail is kept. */
static void try_candidate(tail_search *search, int64_t k)
{
    const double *logs = search->logs;
    int last_of_equals = k + 1 == search->count || logs[k] > logs[k + 1];
    if (!last_of_equals || !(search->excess[k] > 0)) return;
    tail_fit *best = &search->best, fit = {k, (double)(k + 1) / search->excess[k], 0};
    if (best->smallest >= 0 && is_beyond(logs, &fit, best->distance)) return;
    fit.distance = distance(logs, &fit);
    if (best->smallest < 0 || fit.distance < best->distance ||
        (fit.distance == best->distance && k > best->smallest))
        *best = fit;
}

/* Tries every candidate, the longest tail first and then with halving strides: a good one is found early whichever
 * way the distance slopes, and the others are then dismissed at a glance. */
static tail_fit best_fit(const double *logs, double *excess, int64_t count)
{
    excess[0] = 0;
    for (int64_t k = 1; k < count; k++) excess[k] = excess[k - 1] + (double)k * (logs[k - 1] - logs[k]);
    tail_search search = {logs, excess, count, {-1, 0, 0}};
    int64_t stride = 1;
    while (stride < count) stride *= 2;
    try_candidate(&search, count - 1);
    for (; stride >= 1; stride /= 2)
        for (int64_t back = stride; back < count - 1; back += 2 * stride) try_candidate(&search, count - 1 - back);
    return search.best;
}

/* l_i with its bounds. */
static neck__interval log_of(const neck_spectrum *spectrum, int64_t i)
{
    neck__interval x = neck__relative(spectrum, i, NECK_P_LINEAR);
    return (neck__interval){2 * log(x.low), 2 * log(x.value), 2 * log(x.high)};
}

/* alpha - 1 of the tail 0..k. */
static neck__interval slope_bounds(const neck_spectrum *spectrum, int64_t k)
{
    neck__interval smallest = log_of(spectrum, k), excess = {0, 0, 0};
    for (int64_t i = k - 1; i >= 0; i--) {
        neck__interval l = log_of(spectrum, i);
        neck__interval_add(&excess, (neck__interval){fmax(0, l.low - smallest.high), l.value - smallest.value,
                                                     l.high - smallest.low});
    }
    double m = (double)(k + 1);
    return (neck__interval){m / excess.high, m / excess.value, excess.low > 0 ? m / excess.low : INFINITY};
}

/* The fitted distribution at a value above the smallest one. */
static neck__interval fitted_bounds(neck__interval slope, neck__interval l, neck__interval smallest)
{
    double low = fmax(0, l.low - smallest.high), high = fmax(0, l.high - smallest.low);
    return (neck__interval){-expm1(-slope.low * low), -expm1(-slope.value * (l.value - smallest.value)),
                            high > 0 ? -expm1(-slope.high * high) : 0};
}

/* The distance for the tail 0..k. Values whose intervals overlap may be equal or not, and equal values share the
 * empirical distribution of their last one; the others in such a group may count or not. */
static neck__interval distance_bounds(const neck_spectrum *spectrum, int64_t k, neck__interval slope)
{
    neck__interval smallest = log_of(spectrum, k), distance_range = {0, 0, 0};
    int64_t last = 0; /* of those that value i may be equal to */
    double m = (double)(k + 1);
    for (int64_t i = 0; i <= k; i++) {
        neck__interval l = log_of(spectrum, i), fitted = fitted_bounds(slope, l, smallest);
        if (last < i) last = i;
        while (last < k && log_of(spectrum, last + 1).high >= l.low) last++;
        int exact = l.low == l.high;
        if (exact && last > i && log_of(spectrum, i + 1).low == l.high) continue; /* surely not the last of equals */
        double own = (double)(k - i) / m, shared = (double)(k - last) / m;
        double largest = fmax(fitted.high - shared, own - fitted.low);
        distance_range.high = fmax(distance_range.high, largest);
        if (i == k || spectrum->values[i] > spectrum->values[i + 1])
            distance_range.value = fmax(distance_range.value, fabs(fitted.value - own));
        if (last == i) distance_range.low = fmax(distance_range.low, fmax(fitted.low - own, own - fitted.high));
    }
    return distance_range;
}

static neck_status fit_tail(const neck_spectrum *spectrum, double *work, int64_t count, neck_power_law *result)
{
    double *logs = work, *excess = work + count;
    for (int64_t i = 0; i < count; i++) logs[i] = log_of(spectrum, i).value;
    tail_fit fit = best_fit(logs, excess, count);
    if (fit.smallest < 0)
        return neck__fail(NECK_E_ARGUMENT, "power_law_tail: all %lld singular values above zero are the same",
                          (long long)count);
    double xmin = spectrum->values[fit.smallest];
    result->alpha = 1 + fit.slope;
    result->standard_error = fit.slope / sqrt((double)(fit.smallest + 1));
    result->ks_distance = fit.distance;
    result->xmin = xmin * xmin;
    result->tail_count = fit.smallest + 1;
    neck__interval slope = slope_bounds(spectrum, fit.smallest);
    result->alpha_error = neck__reach(slope);
    result->ks_error = neck__reach(distance_bounds(spectrum, fit.smallest, slope));
    return NECK_OK;
}

neck_status neck_power_law_tail(const neck_spectrum *spectrum, neck_power_law *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "power_law_tail", NECK__ALL_VALUES | NECK__NOT_ZERO));
    size_t size = out->struct_size;
    if (size < sizeof size || size > 64 * sizeof *out)
        return neck__fail(NECK_E_ARGUMENT, "neck_power_law.struct_size is %zu: set it to sizeof(neck_power_law)", size);
    int64_t count = neck__positive_count(spectrum);
    if (count < 2)
        return neck__fail(NECK_E_ARGUMENT, "power_law_tail needs two singular values above zero, the spectrum has %lld",
                          (long long)count);
    double *work = neck__alloc(&spectrum->allocator, count, 2 * sizeof(double), "logarithms of eigenvalues");
    if (!work) return NECK_E_NOMEM;
    neck_power_law result = {.struct_size = size};
    neck_status status = fit_tail(spectrum, work, count, &result);
    neck__release(&spectrum->allocator, work);
    if (status == NECK_OK) memcpy(out, &result, size < sizeof result ? size : sizeof result);
    return status;
}
