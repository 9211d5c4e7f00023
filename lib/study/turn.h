/* study/turn.h - where a curve of levels turns, and by how much: pure functions of levels and their noise. */
#ifndef NECK_STUDY_TURN_H
#define NECK_STUDY_TURN_H

#include "study/curve_noise.h"
#include "study/unimodal.h"

typedef struct neck__turn {
    neck__unimodal regression; /* of the levels with outliers drawn in */
    double statistic;          /* regression.lessened, in variances of the noise */
    double memory;             /* correlation of what the regression leaves of one level with what it leaves of the
                                  next: rather low, as the regression takes a part of it */
    int64_t lowest;            /* level at the best smoothed place */
    int64_t onset;             /* last level near the lowest; count - 1 where it does not turn */
    double low;                /* median around lowest */
    double excess;             /* last levels over low */
    double sustained;          /* median of all levels since the onset over low; 0 where it does not turn */
    int64_t peak;              /* level at the worst smoothed place since the onset */
    double peak_excess;
    double gain;               /* of the end over the best smoothed level of the first half of the run */
} neck__turn;

/* values: as many as levels has, at its steps. weigh: the regression, the statistic and the memory alone. */
void neck__turn_find(const neck__levels *levels, const double *values, const neck__noise *noise, neck__turn *turn);
void neck__turn_weigh(const neck__levels *levels, const double *values, const neck__noise *noise, neck__turn *turn);

/* The last level before half of the largest rise, smoothed, has been made good. */
int64_t neck__turn_recovery(int64_t count, const double *values);

/* The statistic does not see a turn that was made good: a curve that only falls fits the way back. The statistic of the
 * curve as it was then, *end levels long; 0 where that is all of it. */
double neck__turn_recovered(const neck__levels *levels, const double *values, const neck__noise *noise, int64_t *end);

/* learned: how far it came down from the first twentieth of the run to its best. blow: its largest rise, smoothed,
 * within a tenth of the run, since its best. */
double neck__turn_learned(const neck__levels *levels, const neck__turn *turn);
double neck__turn_blow(const neck__levels *levels, const neck__turn *turn);

#endif
