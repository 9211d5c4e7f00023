/* metrics/values.h - what every metric asks of a spectrum: is it fit for me, and its values with their bounds. */
#ifndef NECK_METRICS_VALUES_H
#define NECK_METRICS_VALUES_H

#include "softneck/metrics.h"
#include "spectrum/spectrum_object.h"

/* A number that lies surely between low and high. */
typedef struct neck__interval {
    double low, value, high;
} neck__interval;

/* What a metric needs of its spectrum, or-ed. */
enum {
    NECK__ALL_VALUES = 1, /* not only the largest */
    NECK__NOT_ZERO = 2    /* sigma_1 > 0 */
};

/* Refuses NULLs and spectra that metric (its name, for the message) is not defined on. */
neck_status neck__values_check(const neck_spectrum *spectrum, const void *out, const char *metric, int needs);

/* Refuses anything but NECK_P_SQUARED and NECK_P_LINEAR. */
neck_status neck__normalization_check(int32_t normalization);

/* sigma_i itself, i from 0. */
neck__interval neck__value(const neck_spectrum *spectrum, int64_t i);

/* sigma_i / sigma_1, or its square for NECK_P_SQUARED, for sigma_1 > 0: relative values, so that squares neither
 * overflow nor vanish. sigma_1 is a fixed unit here, without bounds of its own. */
neck__interval neck__relative(const neck_spectrum *spectrum, int64_t i, int32_t normalization);

/* How far the value can move within its interval, either way. */
double neck__reach(neck__interval x);

/* a += b */
void neck__interval_add(neck__interval *a, neck__interval b);

/* The measure of an interval. */
neck_measure neck__measure(neck__interval x);

/* How many leading values are above zero whatever their error. */
int64_t neck__positive_count(const neck_spectrum *spectrum);

#endif
