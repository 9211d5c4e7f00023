/* metrics/values.c - what every metric asks of a spectrum. */
#include "metrics/values.h"

#include <math.h>

#include "core/error.h"

neck_status neck__values_check(const neck_spectrum *spectrum, const void *out, const char *metric, int needs)
{
    if (!spectrum || !out) return neck__fail(NECK_E_ARGUMENT, "%s: spectrum or out is NULL", metric);
    if (spectrum->count < 1) return neck__fail(NECK_E_STATE, "%s: the spectrum holds no singular values", metric);
    if ((needs & NECK__ALL_VALUES) && spectrum->count < spectrum->size)
        return neck__fail(NECK_E_STATE, "%s needs all %lld singular values: this spectrum holds the %lld largest",
                          metric, (long long)spectrum->size, (long long)spectrum->count);
    if ((needs & NECK__NOT_ZERO) && !(spectrum->values[0] > 0))
        return neck__fail(NECK_E_ARGUMENT, "all singular values are zero: %s is undefined", metric);
    return NECK_OK;
}

neck_status neck__normalization_check(int32_t normalization)
{
    if (normalization == NECK_P_SQUARED || normalization == NECK_P_LINEAR) return NECK_OK;
    return neck__fail(NECK_E_ARGUMENT, "normalization is %d: NECK_P_SQUARED or NECK_P_LINEAR", (int)normalization);
}

neck__interval neck__value(const neck_spectrum *spectrum, int64_t i)
{
    double value = spectrum->values[i], bound = spectrum->bounds[i];
    return (neck__interval){fmax(0, value - bound), value, value + bound};
}

neck__interval neck__relative(const neck_spectrum *spectrum, int64_t i, int32_t normalization)
{
    neck__interval x = neck__value(spectrum, i);
    double unit = spectrum->values[0];
    x = (neck__interval){x.low / unit, x.value / unit, x.high / unit};
    if (normalization == NECK_P_LINEAR) return x;
    return (neck__interval){x.low * x.low, x.value * x.value, x.high * x.high};
}

double neck__reach(neck__interval x)
{
    return fmax(x.high - x.value, x.value - x.low);
}

void neck__interval_add(neck__interval *a, neck__interval b)
{
    a->low += b.low;
    a->value += b.value;
    a->high += b.high;
}

neck_measure neck__measure(neck__interval x)
{
    return (neck_measure){x.value, neck__reach(x)};
}

int64_t neck__positive_count(const neck_spectrum *spectrum)
{
    int64_t count = 0;
    while (count < spectrum->count && spectrum->values[count] > spectrum->bounds[count]) count++;
    return count;
}
