/* study/curve_noise.h - the noise of a curve's levels: its scale along the run, its autocorrelation, and more of the same. */
#ifndef NECK_STUDY_CURVE_NOISE_H
#define NECK_STUDY_CURVE_NOISE_H

#include "core/random.h"
#include "study/curve_levels.h"

typedef struct neck__noise {
    double typical;                  /* median of scale */
    double scale[NECK__MOST_LEVELS]; /* standard deviation of each level, were levels independent; > 0 */
} neck__noise;

/* From x_i - the line between x_{i-1} and x_{i+1}, around each level and overall, which neither a trend nor, outliers being drawn
 * in to three times the median size, a few spikes show in; never below the errors the levels came with. values may be others than the levels' own. */
void neck__noise_estimate(const neck__levels *levels, const double *values, neck__noise *noise);

/* The correlation of one level's noise with the next one's, 0 .. 0.95, as AR(1): from the same differences between levels up to 6
 * apart, rather high than low. Fewer than 16 levels cannot tell: what is supposed then is 0.7 / sqrt(count). */
double neck__noise_autocorrelation(const neck__levels *levels);

/* The standard deviation of noise of that correlation whose scale is 1. */
double neck__noise_inflation(double autocorrelation);

/* out = base (NULL: 0) + noise of the scale and correlation. */
void neck__noise_add(const neck__noise *noise, double autocorrelation, int64_t count, const double *base, neck__random *random,
                     double *out);

#endif
