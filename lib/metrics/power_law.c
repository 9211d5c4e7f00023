/* metrics/power_law.c - power-law fit to the tail of the eigenvalue density. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "metrics/values.h"

/* Works on logarithms l_0 >= l_1 >= ... of the eigenvalues: the tail above candidate k is 0..k. */
typedef struct tail_fit {
    int64_t smallest; /* k */
    double slope;     /* alpha - 1 */
    double distance;  /* Kolmogorov-Smirnov */
} tail_fit;

/* |fitted - empirical| distribution just below value i of the tail; only the last of equal values stands for them. */
static double gap(const double *logs, int64_t i, const tail_fit *fit)
{
    double fitted = -expm1(-fit->slope * (logs[i] - logs[fit->smallest]));
    return fabs(fitted - (double)(fit->smallest - i) / (double)(fit->smallest + 1));
}

/* Largest gap over the tail, or the first one found that is beyond give_up. *worst: where it is; tried first, for the
 * worst place of one candidate is about that of the next, which makes most hopeless ones cost one look. */
static double distance(const double *logs, const tail_fit *fit, double give_up, int64_t *worst)
{
    double largest = gap(logs, *worst, fit);
    for (int64_t i = fit->smallest; i >= 0 && largest <= give_up; i--) {
        if (i < fit->smallest && logs[i] == logs[i + 1]) continue;
        double here = gap(logs, i, fit);
        if (here > largest) {
            largest = here;
            *worst = i;
        }
    }
    return largest;
}

/* The best candidate; of equally good ones the longest tail. smallest is -1 when all values are the same. */
static tail_fit best_fit(const double *logs, int64_t count)
{
    tail_fit best = {-1, 0, INFINITY};
    double excess = 0; /* sum over the tail of l_i - l_k, grown by non-negative steps */
    int64_t worst = 0;
    for (int64_t k = 1; k < count; k++) {
        excess += (double)k * (logs[k - 1] - logs[k]);
        int last_of_equals = k + 1 == count || logs[k] > logs[k + 1];
        if (!last_of_equals || !(excess > 0)) continue;
        tail_fit fit = {k, (double)(k + 1) / excess, 0};
        if (logs[worst] == logs[worst + 1]) worst = k; /* became one of several equals */
        fit.distance = distance(logs, &fit, best.distance, &worst);
        if (fit.distance <= best.distance) best = fit;
    }
    return best;
}

/* l_i with its bounds. */
static neck__interval log_of(const neck_spectrum *spectrum, int64_t i)
{
    neck__interval x = neck__relative(spectrum, i, NECK_P_LINEAR);
    return (neck__interval){2 * log(x.low), 2 * log(x.value), 2 * log(x.high)};
}

/* How far alpha and the distance can be off for this very tail. */
static void fit_errors(const neck_spectrum *spectrum, const tail_fit *fit, double *slope_error, double *distance_error)
{
    neck__interval smallest = log_of(spectrum, fit->smallest), excess = {0, 0, 0};
    for (int64_t i = fit->smallest - 1; i >= 0; i--) {
        neck__interval l = log_of(spectrum, i);
        excess.low += fmax(0, l.low - smallest.high);
        excess.high += l.high - smallest.low;
    }
    double m = (double)(fit->smallest + 1);
    neck__interval slope = {m / excess.high, fit->slope, excess.low > 0 ? m / excess.low : INFINITY};
    *slope_error = fmax(slope.high - slope.value, slope.value - slope.low);
    *distance_error = 0;
    for (int64_t i = fit->smallest - 1; i >= 0; i--) {
        neck__interval l = log_of(spectrum, i);
        double low = slope.low * fmax(0, l.low - smallest.high);
        double high = l.high > smallest.low ? slope.high * (l.high - smallest.low) : 0;
        double value = exp(-slope.value * (l.value - smallest.value));
        *distance_error = fmax(*distance_error, fmax(exp(-low) - value, value - exp(-high)));
    }
}

static neck_status fit_tail(const neck_spectrum *spectrum, double *logs, int64_t count, neck_power_law *result)
{
    for (int64_t i = 0; i < count; i++) logs[i] = log_of(spectrum, i).value;
    tail_fit fit = best_fit(logs, count);
    if (fit.smallest < 0)
        return neck__fail(NECK_E_ARGUMENT, "power_law_tail: all %lld singular values above zero are the same",
                          (long long)count);
    double xmin = spectrum->values[fit.smallest];
    result->alpha = 1 + fit.slope;
    result->standard_error = fit.slope / sqrt((double)(fit.smallest + 1));
    result->ks_distance = fit.distance;
    result->xmin = xmin * xmin;
    result->tail_count = fit.smallest + 1;
    fit_errors(spectrum, &fit, &result->alpha_error, &result->ks_error);
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
    double *logs = neck__alloc(&spectrum->allocator, count, sizeof(double), "logarithms of eigenvalues");
    if (!logs) return NECK_E_NOMEM;
    neck_power_law result = {.struct_size = size};
    neck_status status = fit_tail(spectrum, logs, count, &result);
    neck__release(&spectrum->allocator, logs);
    if (status == NECK_OK) memcpy(out, &result, size < sizeof result ? size : sizeof result);
    return status;
}
