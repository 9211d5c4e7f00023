/* metrics/norms.c - norms, condition number and numerical rank. */
#include <float.h>
#include <math.h>

#include "core/error.h"
#include "metrics/values.h"

neck_status neck_nuclear_norm(const neck_spectrum *spectrum, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "nuclear_norm", NECK__ALL_VALUES));
    double sum = 0, error = 0;
    for (int64_t i = spectrum->count - 1; i >= 0; i--) {
        sum += spectrum->values[i];
        error += spectrum->bounds[i];
    }
    *out = (neck_measure){sum, error};
    return NECK_OK;
}

/* |W|_F from the values, for spectra whose |W|_F^2 was itself summed from them or left the range of double. */
static neck_measure frobenius_from_values(const neck_spectrum *spectrum)
{
    double unit = spectrum->values[0];
    neck__interval sum = {0, 0, 0};
    if (!(unit > 0)) unit = 1;
    for (int64_t i = spectrum->count - 1; i >= 0; i--) {
        neck__interval x = neck__value(spectrum, i);
        double low = x.low / unit, value = x.value / unit, high = x.high / unit;
        neck__interval_add(&sum, (neck__interval){low * low, value * value, high * high});
    }
    return neck__measure((neck__interval){unit * sqrt(sum.low), unit * sqrt(sum.value), unit * sqrt(sum.high)});
}

neck_status neck_frobenius_norm(const neck_spectrum *spectrum, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "frobenius_norm", 0));
    int all = spectrum->count == spectrum->size;
    if (all && (spectrum->method == NECK_METHOD_GIVEN || !isnormal(spectrum->frobenius_squared)))
        *out = frobenius_from_values(spectrum);
    else
        *out = (neck_measure){sqrt(spectrum->frobenius_squared), 0};
    return NECK_OK;
}

neck_status neck_spectral_norm(const neck_spectrum *spectrum, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "spectral_norm", 0));
    *out = (neck_measure){spectrum->values[0], spectrum->bounds[0]};
    return NECK_OK;
}

neck_status neck_condition_number(const neck_spectrum *spectrum, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "condition_number", NECK__ALL_VALUES | NECK__NOT_ZERO));
    neck__interval largest = neck__value(spectrum, 0), smallest = neck__value(spectrum, spectrum->count - 1);
    if (spectrum->size == 1) largest = smallest = (neck__interval){1, 1, 1};
    double value = smallest.value > 0 ? largest.value / smallest.value : INFINITY;
    if (smallest.low > 0)
        *out = neck__measure((neck__interval){largest.low / smallest.high, value, largest.high / smallest.low});
    else
        *out = (neck_measure){value, INFINITY};
    return NECK_OK;
}

neck_status neck_numerical_rank(const neck_spectrum *spectrum, double tolerance, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "numerical_rank", 0));
    if (!(tolerance >= 0 && tolerance < 1))
        return neck__fail(NECK_E_ARGUMENT, "numerical_rank: tolerance is %g: at least 0 and less than 1", tolerance);
    int64_t larger_side = spectrum->rows > spectrum->cols ? spectrum->rows : spectrum->cols;
    if (tolerance == 0) tolerance = (double)larger_side * DBL_EPSILON;
    double threshold = tolerance * spectrum->values[0], threshold_error = tolerance * spectrum->bounds[0];
    int64_t rank = 0, undecided = 0, known = spectrum->count;
    for (int64_t i = 0; i < known; i++) {
        double distance = spectrum->values[i] - threshold;
        rank += distance > 0;
        double doubt = spectrum->bounds[i] + threshold_error;
        undecided += doubt > 0 && fabs(distance) <= doubt;
    }
    if (rank == known && known < spectrum->size)
        return neck__fail(NECK_E_STATE, "numerical_rank: all %lld known values of %lld are above the threshold",
                          (long long)known, (long long)spectrum->size);
    /* The unknown values are no larger than the last known one: undecided when it is. */
    double last = spectrum->values[known - 1] + spectrum->bounds[known - 1];
    if (last > threshold - threshold_error) undecided += spectrum->size - known;
    *out = (neck_measure){(double)rank, (double)undecided};
    return NECK_OK;
}
