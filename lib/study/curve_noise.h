/* study/curve_noise.h - the noise of a curve's levels: its scale along the run, and more of the same. */
#ifndef NECK_STUDY_CURVE_NOISE_H
#define NECK_STUDY_CURVE_NOISE_H

#include "core/random.h"
#include "study/curve_levels.h"

typedef struct neck__noise {
    double typical;                  /* median of scale */
    double scale[NECK__MOST_LEVELS]; /* standard deviation of each level, were levels independent; > 0 */
} neck__noise;

/* From x_i - the line between x_{i-1} and x_{i+1}, around each level and overall, which neither a trend nor, outliers
 * being drawn in to three times the median size, a few spikes show in; never below the errors the levels came with.
 * values may be others than the levels' own. */
void neck__noise_estimate(const neck__levels *levels, const double *values, neck__noise *noise);

/* The standard deviation of noise whose scale is 1 and whose correlation from level to level, as AR(1), is that. */
double neck__noise_inflation(double autocorrelation);

/* out = base (NULL: 0) + noise of the scale and correlation. */
void neck__noise_add(const neck__noise *noise, double autocorrelation, int64_t count, const double *base,
                     neck__random *random, double *out);

#endif
