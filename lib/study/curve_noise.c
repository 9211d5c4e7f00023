/* study/curve_noise.c - second differences at several lags. */
#include "study/curve_noise.h"

#include <math.h>

enum { MOST_LAGS = 6, REACH = 14, LOCAL_FROM = 80 };

/* What few levels say about their correlation is not much: it is taken to be that much, over the root of their number, higher. */
static const double DOUBT = 0.7, MOST_CORRELATED = 0.95;

static const double MAD_TO_SIGMA = 1.4826022185056018; /* of a normal distribution */

/* Of the early, steep part, a twentieth of the levels, differences would show the trend's bend. */
static int64_t first_level(int64_t count)
{
    return count >= 10 ? 1 + count / 20 : 0;
}

/* x_i against the line between its neighbours k away; steps need not be equally spaced. */
static double contrast(const neck__levels *levels, const double *values, int64_t i, int64_t k)
{
    double before = levels->steps[i] - levels->steps[i - k], after = levels->steps[i + k] - levels->steps[i];
    return values[i] - (after * values[i - k] + before * values[i + k]) / (before + after);
}

/* Standard deviation of the contrasts of levels first .. end - 1, those beyond 3 robust ones drawn in to that; count: how many
 * there are. */
static double contrast_scale(const neck__levels *levels, const double *values, int64_t first, int64_t end, int64_t k, int64_t *count)
{
    double sizes[NECK__MOST_LEVELS], squares = 0;
    int64_t n = 0;
    if (first < first_level(levels->count)) first = first_level(levels->count);
    for (int64_t i = first + k; i + k < end; i++) sizes[n++] = fabs(contrast(levels, values, i, k));
    *count = n;
    double most = n > 0 ? 3 * MAD_TO_SIGMA * neck__median(n, sizes) : 0;
    for (int64_t i = 0; i < n; i++) squares += pow(fmin(sizes[i], most), 2);
    return n > 0 ? sqrt(squares / (double)n) : 0;
}

/* Variance of a contrast between levels k apart, of AR(1) noise of variance 1, r its correlation k levels apart. */
static double unit_variance(double r)
{
    return 1.5 - 2 * r + 0.5 * r * r;
}

/* The correlation whose contrasts grow with the lag as those measured do, in least squares of logarithms. */
static double fit_autocorrelation(int64_t lags, const double *scales)
{
    double best = 0, least = INFINITY;
    for (double r = 0; r < 0.905; r += 0.02) {
        double mean = 0, squares = 0;
        for (int64_t k = 0; k < lags; k++) {
            double ratio = 2 * log(scales[k]) - log(unit_variance(pow(r, (double)(k + 1))));
            mean += ratio / (double)lags;
            squares += ratio * ratio;
        }
        squares -= (double)lags * mean * mean;
        if (squares < least) {
            least = squares;
            best = r;
        }
    }
    return best;
}

double neck__noise_autocorrelation(const neck__levels *levels)
{
    int64_t count = levels->count;
    double scales[MOST_LAGS];
    int64_t first = count / 4; /* the bend grows with the square of the distance */
    int64_t lags = 0, most = count / 8 < MOST_LAGS ? count / 8 : MOST_LAGS, contrasts;
    while (lags < most && (scales[lags] = contrast_scale(levels, levels->values, first, count, lags + 1, &contrasts)) > 0) lags++;
    double found = lags > 1 ? fit_autocorrelation(lags, scales) : 0;
    return fmin(found + (1 - found) * DOUBT / sqrt((double)count), MOST_CORRELATED);
}

double neck__noise_inflation(double autocorrelation)
{
    return sqrt(unit_variance(0) / unit_variance(autocorrelation));
}

/* Rounding of the values is noise too: no level is known better than to 16 digits. */
static double floor_of(int64_t count, const double *values)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(values[i]));
    return 1e-12 * largest + 1e-300;
}

void neck__noise_estimate(const neck__levels *levels, const double *values, neck__noise *noise)
{
    int64_t count = levels->count, contrasts;
    double smallest = floor_of(count, values), copy[NECK__MOST_LEVELS];
    double overall = contrast_scale(levels, values, 0, count, 1, &contrasts);
    double unit = sqrt(unit_variance(0));
    for (int64_t i = 0; i < count; i++) {
        double local = overall;
        if (count >= LOCAL_FROM) {
            int64_t first = i > REACH ? i - REACH : 0, end = i + REACH + 1 < count ? i + REACH + 1 : count;
            local = contrast_scale(levels, values, first, end, 1, &contrasts);
            if (contrasts < REACH / 2) local = overall;
        }
        double scale = sqrt(0.8 * local * local + 0.2 * overall * overall) / unit;
        noise->scale[i] = copy[i] = fmax(fmax(scale, levels->errors[i]), smallest);
    }
    noise->typical = count > 0 ? neck__median(count, copy) : 0;
}

/* Variance 1, tails heavier than normal, as the noise of losses has: Tukey's mixture, one in ten of three times the width. */
static double heavy_normal(neck__random *random)
{
    double wide = neck__random_uniform(random) < 0.1 ? 3 : 1;
    return wide * neck__random_normal(random) / sqrt(1.8);
}

void neck__noise_add(const neck__noise *noise, double autocorrelation, int64_t count, const double *base, neck__random *random,
                     double *out)
{
    double r = autocorrelation, fresh = sqrt(1 - r * r), inflation = neck__noise_inflation(r), now = heavy_normal(random);
    for (int64_t i = 0; i < count; i++) {
        if (i > 0) now = r * now + fresh * heavy_normal(random);
        out[i] = (base ? base[i] : 0) + inflation * noise->scale[i] * now;
    }
}
