/* study/curve_noise.c - second differences. */
#include "study/curve_noise.h"

#include <math.h>
#include <string.h>

/* STRIDE levels share the scale of the neighbourhood that reaches so far to either side of them. */
enum { REACH = 14, LOCAL_FROM = 80, STRIDE = 4 };

static const double MAD_TO_SIGMA = 1.4826022185056018; /* of a normal distribution */

/* Of the early, steep part, a twentieth of the levels, differences would show the trend's bend. */
static int64_t first_level(int64_t count)
{
    return count >= 10 ? 1 + count / 20 : 0;
}

/* x_i against the line between its neighbours; steps need not be equally spaced. */
static double contrast(const neck__levels *levels, const double *values, int64_t i)
{
    double before = levels->steps[i] - levels->steps[i - 1], after = levels->steps[i + 1] - levels->steps[i];
    return values[i] - (after * values[i - 1] + before * values[i + 1]) / (before + after);
}

/* Standard deviation of count contrasts, given by size, those beyond 3 robust ones drawn in to that. */
static double contrast_scale(int64_t count, const double *sizes)
{
    double copy[NECK__MOST_LEVELS], squares = 0;
    if (count <= 0) return 0;
    memcpy(copy, sizes, (size_t)count * sizeof *copy);
    double most = 3 * MAD_TO_SIGMA * neck__median(count, copy);
    for (int64_t i = 0; i < count; i++) {
        double size = fmin(sizes[i], most);
        squares += size * size;
    }
    return sqrt(squares / (double)count);
}

/* Variance of a contrast of AR(1) noise of variance 1, r its correlation from one level to the next. */
static double unit_variance(double r)
{
    return 1.5 - 2 * r + 0.5 * r * r;
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

/* Of the neighbourhood of level i, whose contrasts begin with that of level first; overall where it has too few. */
static double local_scale(int64_t i, int64_t first, int64_t contrasts, const double *sizes, double overall)
{
    int64_t from = i - REACH + 1 > first ? i - REACH + 1 : first;
    int64_t end = i + REACH < first + contrasts ? i + REACH : first + contrasts;
    return end - from < REACH / 2 ? overall : contrast_scale(end - from, sizes + from - first);
}

void neck__noise_estimate(const neck__levels *levels, const double *values, neck__noise *noise)
{
    int64_t count = levels->count, first = first_level(count) + 1, contrasts = 0;
    double sizes[NECK__MOST_LEVELS], copy[NECK__MOST_LEVELS], smallest = floor_of(count, values);
    for (int64_t i = first; i + 1 < count; i++) sizes[contrasts++] = fabs(contrast(levels, values, i));
    double overall = contrast_scale(contrasts, sizes), unit = sqrt(unit_variance(0)), local = overall;
    for (int64_t i = 0; i < count; i++) {
        if (count >= LOCAL_FROM && i % STRIDE == 0)
            local = local_scale(i + STRIDE / 2, first, contrasts, sizes, overall);
        double scale = sqrt(0.8 * local * local + 0.2 * overall * overall) / unit;
        noise->scale[i] = copy[i] = fmax(fmax(scale, levels->errors[i]), smallest);
    }
    noise->typical = count > 0 ? neck__median(count, copy) : 0;
}

/* Variance 1, tails heavier than normal, as the noise of losses has: Tukey's mixture, one in ten of three times the
 * width. */
static double heavy_normal(neck__random *random)
{
    double wide = neck__random_uniform(random) < 0.1 ? 3 : 1;
    return wide * neck__random_normal(random) / sqrt(1.8);
}

void neck__noise_add(const neck__noise *noise, double autocorrelation, int64_t count, const double *base,
                     neck__random *random, double *out)
{
    double r = autocorrelation, fresh = sqrt(1 - r * r), inflation = neck__noise_inflation(r);
    double now = heavy_normal(random);
    for (int64_t i = 0; i < count; i++) {
        if (i > 0) now = r * now + fresh * heavy_normal(random);
        out[i] = (base ? base[i] : 0) + inflation * noise->scale[i] * now;
    }
}
