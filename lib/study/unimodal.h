/* study/unimodal.h - regression of a curve that falls, or that falls and then rises: Robertson, Wright & Dykstra
 * 1988. */
#ifndef NECK_STUDY_UNIMODAL_H
#define NECK_STUDY_UNIMODAL_H

#include "study/curve_levels.h"

typedef struct neck__unimodal {
    double fit[NECK__MOST_LEVELS];
    int64_t split;   /* fit falls before it and rises from it on; count: it only falls */
    double lessened; /* weighted sum of squares of the best falling fit, less that of this one; >= 0 */
} neck__unimodal;

/* weights > 0. Of splits that are equally good, the latest. */
void neck__unimodal_fit(int64_t count, const double *values, const double *weights, neck__unimodal *out);

#endif
