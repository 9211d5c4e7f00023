/* metrics/alpha_req.c - the decay exponent of the eigenvalues by a weighted fit in logarithms. */
#include <math.h>

#include "core/error.h"
#include "metrics/values.h"

/* The range of the alpha-ReQ code (counted from 1). */
#define DEFAULT_FIRST 11
#define DEFAULT_LAST 100

static neck_status choose_range(const neck_spectrum *spectrum, int64_t *first, int64_t *last)
{
    if (*first == 0 && *last == 0) {
        int64_t positive = neck__positive_count(spectrum);
        *last = positive < DEFAULT_LAST ? positive : DEFAULT_LAST;
        int64_t middle = (*last + 1) / 2;
        *first = middle < DEFAULT_FIRST ? middle : DEFAULT_FIRST;
        if (*last < 2)
            return neck__fail(NECK_E_ARGUMENT, "alpha_req needs two singular values above zero, the spectrum has %lld",
                              (long long)positive);
        return NECK_OK;
    }
    if (*first < 1 || *last <= *first || *last > spectrum->size)
        return neck__fail(NECK_E_ARGUMENT, "alpha_req: ranks %lld to %lld of %lld: two of them at least, from 1 on",
                          (long long)*first, (long long)*last, (long long)spectrum->size);
    if (*last > spectrum->count)
        return neck__fail(NECK_E_STATE, "alpha_req: rank %lld is beyond the %lld known values", (long long)*last,
                          (long long)spectrum->count);
    if (!(spectrum->values[*last - 1] > 0))
        return neck__fail(NECK_E_ARGUMENT, "alpha_req: the singular value of rank %lld is 0 and has no logarithm",
                          (long long)*last);
    return NECK_OK;
}

neck_status neck_alpha_req(const neck_spectrum *spectrum, int64_t first, int64_t last, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "alpha_req", NECK__NOT_ZERO));
    NECK_TRY(choose_range(spectrum, &first, &last));
    double weights = 0, mean = 0, spread = 0;
    for (int64_t i = first; i <= last; i++) {
        weights += 1.0 / (double)i;
        mean += log((double)i) / (double)i;
    }
    mean /= weights;
    for (int64_t i = first; i <= last; i++) {
        double x = log((double)i) - mean;
        spread += x * x / (double)i;
    }
    /* alpha is a fixed linear combination of the logarithms, so its error is the same combination of theirs. */
    double alpha = 0, error = 0;
    for (int64_t i = first; i <= last; i++) {
        double coefficient = (mean - log((double)i)) / (double)i / spread;
        neck__interval sigma = neck__value(spectrum, i - 1);
        alpha += coefficient * 2 * log(sigma.value / spectrum->values[first - 1]);
        error += fabs(coefficient) * 2 * (sigma.low > 0 ? log(sigma.value / sigma.low) : INFINITY);
    }
    *out = (neck_measure){alpha, error};
    return NECK_OK;
}
