/* metrics/inequality.c - how unequal the singular values are: participation ratio, Hoyer, Gini. With x the values or
 * their squares, all errors here are rigorous: they follow from the exact difference, not from a derivative. */
#include <math.h>

#include "core/error.h"
#include "metrics/values.h"

static neck_status fit_check(const neck_spectrum *spectrum, int32_t normalization, const char *metric, const void *out)
{
    NECK_TRY(neck__values_check(spectrum, out, metric, NECK__ALL_VALUES | NECK__NOT_ZERO));
    return neck__normalization_check(normalization);
}

/* S^2/Q with S = sum x, Q = sum x^2. When every x_i moves by t_i it changes by
 *     (sum_i 2S (Q - S x_i) t_i + Q (sum t)^2 - S^2 sum t^2) / (Q Q'),
 * Q' the sum of squares after the move. */
static neck_measure participation(const neck_spectrum *spectrum, int32_t normalization)
{
    double s = 0, q = 0, q_low = 0;
    for (int64_t i = spectrum->count - 1; i >= 0; i--) {
        neck__interval x = neck__relative(spectrum, i, normalization);
        s += x.value;
        q += x.value * x.value;
        q_low += x.low * x.low;
    }
    double linear = 0, reach = 0, reach_squared = 0;
    for (int64_t i = spectrum->count - 1; i >= 0; i--) {
        neck__interval x = neck__relative(spectrum, i, normalization);
        double t = neck__reach(x);
        linear += 2 * s * fabs(q - s * x.value) * t;
        reach += t;
        reach_squared += t * t;
    }
    double change = linear + fmax(q * reach * reach, s * s * reach_squared), error = 0;
    if (change > 0) error = q_low > 0 ? change / q / q_low : INFINITY;
    return (neck_measure){s * s / q, error};
}

neck_status neck_participation_ratio(const neck_spectrum *spectrum, neck_measure *out)
{
    NECK_TRY(fit_check(spectrum, NECK_P_SQUARED, "participation_ratio", out));
    *out = participation(spectrum, NECK_P_SQUARED);
    return NECK_OK;
}

neck_status neck_hoyer(const neck_spectrum *spectrum, int32_t normalization, neck_measure *out)
{
    NECK_TRY(fit_check(spectrum, normalization, "hoyer", out));
    if (spectrum->size == 1) {
        *out = (neck_measure){0, 0};
        return NECK_OK;
    }
    neck_measure ratio = participation(spectrum, normalization); /* its root is |x|_1 / |x|_2 */
    double root = sqrt(ratio.value), least = sqrt(fmax(0, ratio.value - ratio.error));
    double side = sqrt((double)spectrum->size);
    *out = (neck_measure){fmax(0, (side - root) / (side - 1)), (root - least) / (side - 1)};
    return NECK_OK;
}

static double gini_weight(int64_t i, int64_t n)
{
    return (double)(n - 1 - 2 * i) / (double)n;
}

/* sum_i a_i x_i / S with a_i = (n + 1 - 2i)/n. Moving every x_i by t_i changes it by sum (a_i - G) t_i / S' exactly.
 * The weights are antisymmetric: paired, the sum has no negative term and a flat spectrum gives exactly 0. */
static neck_measure gini(const neck_spectrum *spectrum, int32_t normalization)
{
    int64_t n = spectrum->count;
    neck__interval total = {0, 0, 0};
    double weighted = 0, change = 0, error = 0;
    for (int64_t i = n - 1; i >= 0; i--) {
        neck__interval x = neck__relative(spectrum, i, normalization);
        neck__interval_add(&total, x);
        double mirror = neck__relative(spectrum, n - 1 - i, normalization).value;
        if (i < n / 2) weighted += gini_weight(i, n) * (x.value - mirror);
    }
    double value = weighted / total.value;
    for (int64_t i = n - 1; i >= 0; i--)
        change += fabs(gini_weight(i, n) - value) * neck__reach(neck__relative(spectrum, i, normalization));
    if (change > 0) error = total.low > 0 ? change / total.low : INFINITY;
    return (neck_measure){value, error};
}

neck_status neck_gini(const neck_spectrum *spectrum, int32_t normalization, neck_measure *out)
{
    NECK_TRY(fit_check(spectrum, normalization, "gini", out));
    *out = gini(spectrum, normalization);
    return NECK_OK;
}

neck_status neck_early_enrichment(const neck_spectrum *spectrum, neck_measure *out)
{
    NECK_TRY(fit_check(spectrum, NECK_P_SQUARED, "early_enrichment", out));
    *out = gini(spectrum, NECK_P_SQUARED);
    return NECK_OK;
}
