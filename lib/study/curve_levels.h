/* study/curve_levels.h - a curve drawn together to at most 120 medians, equally spaced in steps. */
#ifndef NECK_STUDY_CURVE_LEVELS_H
#define NECK_STUDY_CURVE_LEVELS_H

#include "core/context.h"
#include "softneck/saturation.h"

/* Enough to place a turn within a hundredth of a run; few enough to simulate a thousand curves in the blink of an
 * eye. */
#define NECK__MOST_LEVELS 120

typedef struct neck__levels {
    int64_t count;
    double steps[NECK__MOST_LEVELS];  /* mean step of a block, less first_step: no digit of late ones is lost */
    double values[NECK__MOST_LEVELS]; /* lower is better */
    double errors[NECK__MOST_LEVELS]; /* of the medians, from standard errors of the points; 0 where unknown */
    double width;
    int64_t points, not_finite, repeated;
    int64_t trailing;                 /* points at the end that are not finite */
    int64_t first_step, last_step;    /* of finite points; -1 where there are none */
} neck__levels;

/* sign: 1, or -1 for curves of which the high values are the good ones. */
neck_status neck__levels_make(neck_context *context, const neck_curve *curve, double sign, neck__levels *levels);

/* The median of count numbers, which are sorted; the mean of the middle two of an even count. */
double neck__median(int64_t count, double *numbers);

#endif
