/* metrics/entropy.c - entropies of the spectrum and the ranks made of them. */
#include <math.h>

#include "core/error.h"
#include "metrics/values.h"

#define RANKME_EPSILON 1e-7

typedef struct entropy {
    double entropy;    /* H = -sum p ln p, p_i = q_i + epsilon, q_i = x_i / sum x */
    double divergence; /* sum q ln(n q) */
    double error;      /* of either */
} entropy;

/* n (q ln(nq) - q) + 1 for u = nq: one term of the divergence, times n. Never negative and of second order at u = 1,
 * so that neither the sum over a nearly flat spectrum nor the rounding of sum q = 1 costs digits. */
static double divergence_term(double u)
{
    if (u == 0) return 1;
    double v = u - 1;
    return fabs(v) < 0.5 ? u * log1p(v) - v : u * log(u) - v;
}

/* What H gains to first order in the sum of x, and exactly in x_i, when p_i moves by t:
 * phi(p+t) - phi(p) - t mean_slope with phi(p) = -p ln p. Exact in x_i because phi has no derivative at 0. */
static double entropy_change(double p, double t, double mean_slope)
{
    double moved = p + t;
    if (!(moved > 0)) return p > 0 ? p * log(p) - t * mean_slope : 0;
    if (p == 0) return -t * (log(t) + mean_slope);
    return -moved * log1p(t / p) - t * (log(p) + mean_slope);
}

/* The largest |entropy_change| for t in [low, high]: it is concave in t, so it sits at an end or at the top, where
 * p + t = exp(-1 - mean_slope). */
static double largest_change(double p, double low, double high, double mean_slope)
{
    double largest = fmax(fabs(entropy_change(p, low, mean_slope)), fabs(entropy_change(p, high, mean_slope)));
    double top = exp(-1 - mean_slope) - p;
    if (low < top && top < high) largest = fmax(largest, fabs(entropy_change(p, top, mean_slope)));
    return largest;
}

/* With T = sum |t_i| the exact change is (sum of changes + (1+tau) ln(1+tau) - tau) / (1+tau), |tau| <= T, for
 * epsilon = 0, and the second part is at most T^2. */
static double entropy_error(const neck_spectrum *spectrum, int32_t normalization, double epsilon, neck__interval total,
                            double mean_slope)
{
    double changes = 0, reach = 0;
    for (int64_t i = spectrum->count - 1; i >= 0; i--) {
        neck__interval x = neck__relative(spectrum, i, normalization);
        double p = x.value / total.value + epsilon;
        double low = (x.low - x.value) / total.value, high = (x.high - x.value) / total.value;
        changes += largest_change(p, low, high, mean_slope);
        reach += neck__reach(x) / total.value;
    }
    if (reach == 0) return 0;
    return total.low > 0 ? (changes + reach * reach) * (total.value / total.low) : INFINITY;
}

static neck_status entropy_of(const neck_spectrum *spectrum, int32_t normalization, double epsilon, const char *metric,
                              const void *out, entropy *result)
{
    NECK_TRY(neck__values_check(spectrum, out, metric, NECK__ALL_VALUES | NECK__NOT_ZERO));
    NECK_TRY(neck__normalization_check(normalization));
    neck__interval total = {0, 0, 0};
    for (int64_t i = spectrum->count - 1; i >= 0; i--)
        neck__interval_add(&total, neck__relative(spectrum, i, normalization));
    double n = (double)spectrum->size, mean_slope = 0;
    entropy sum = {0, 0, 0};
    for (int64_t i = spectrum->count - 1; i >= 0; i--) {
        double q = neck__relative(spectrum, i, normalization).value / total.value, p = q + epsilon;
        sum.divergence += divergence_term(n * q);
        if (p == 0) continue;
        sum.entropy -= p * log(p);
        mean_slope -= q * (log(p) + 1);
    }
    sum.divergence /= n;
    sum.error = entropy_error(spectrum, normalization, epsilon, total, mean_slope);
    *result = sum;
    return NECK_OK;
}

/* exp(H) scaled: the perplexity of the spectrum. */
static neck_status rank_of(const neck_spectrum *spectrum, int32_t normalization, double epsilon, const char *metric,
                           neck_measure *out)
{
    entropy h;
    NECK_TRY(entropy_of(spectrum, normalization, epsilon, metric, out, &h));
    double rank = exp(h.entropy);
    *out = (neck_measure){rank, rank * expm1(h.error)};
    return NECK_OK;
}

neck_status neck_singular_entropy(const neck_spectrum *spectrum, int32_t normalization, neck_measure *out)
{
    entropy h;
    NECK_TRY(entropy_of(spectrum, normalization, 0, "singular_entropy", out, &h));
    *out = (neck_measure){h.divergence, h.error};
    return NECK_OK;
}

neck_status neck_effective_rank(const neck_spectrum *spectrum, neck_measure *out)
{
    return rank_of(spectrum, NECK_P_LINEAR, 0, "effective_rank", out);
}

neck_status neck_rankme(const neck_spectrum *spectrum, double epsilon, neck_measure *out)
{
    if (!(epsilon >= 0) || isinf(epsilon))
        return neck__fail(NECK_E_ARGUMENT, "rankme: epsilon is %g: 0 for the default, or finite and positive", epsilon);
    return rank_of(spectrum, NECK_P_LINEAR, epsilon > 0 ? epsilon : RANKME_EPSILON, "rankme", out);
}

neck_status neck_matrix_entropy_rank(const neck_spectrum *spectrum, neck_measure *out)
{
    return rank_of(spectrum, NECK_P_SQUARED, 0, "matrix_entropy_rank", out);
}

neck_status neck_proportional_effective_rank(const neck_spectrum *spectrum, neck_measure *out)
{
    neck_measure rank;
    NECK_TRY(rank_of(spectrum, NECK_P_LINEAR, 0, "proportional_effective_rank", out ? &rank : NULL));
    double n = (double)spectrum->size;
    *out = (neck_measure){rank.value / n, rank.error / n};
    return NECK_OK;
}
