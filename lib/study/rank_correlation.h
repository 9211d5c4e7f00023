/* study/rank_correlation.h - Spearman's correlation of a short series of pairs, with an interval that allows for its
 * order. */
#ifndef NECK_STUDY_RANK_CORRELATION_H
#define NECK_STUDY_RANK_CORRELATION_H

#include "core/context.h"

/* Ties share their mean rank. NaN where a side is constant. room: 4 * count numbers. */
double neck__spearman(int64_t count, const double *x, const double *y, double *room);

typedef struct neck__rank_interval {
    double value, low, high;
} neck__rank_interval;

/* Percentiles over resamples of moving blocks. count >= block >= 1. */
neck_status neck__spearman_interval(neck_context *context, int64_t count, const double *x, const double *y,
                                    int64_t block, int64_t resamples, double confidence, neck__rank_interval *out);

#endif
