/* softneck/co_occurrence.h - two things measured along one run: which turned first, and do they move together? */
#ifndef SOFTNECK_CO_OCCURRENCE_H
#define SOFTNECK_CO_OCCURRENCE_H

#include "saturation.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is measured here says that two things co-occur, in one run, and in which order. It does not say that one causes
 * the other: small models of low effective rank have been trained that do not saturate (Kulkarni et al. 2026, arXiv
 * 2602.20433). */
typedef struct neck_co_occurrence_options {
    size_t struct_size;
    int32_t first_higher_is_better;  /* as in neck_saturation_options, for each of the two: what counts as its turn */
    int32_t second_higher_is_better;
    double first_minimum_excess;     /* 0: 0.01; half a nat is a fit one for a head's singular entropy, 0.3 for an
                                        anisotropy */
    double second_minimum_excess;
    int32_t resamples;               /* of blocks, and simulations of the turns; 0: 999; 99 .. 100000 */
    int32_t skip_start;              /* or-ed, 1: of the first, 2: of the second: a rise from its start is none, as
                                        a head's singular entropy has one; see neck_saturation_options */
    double confidence;               /* in [0.5, 1); 0: 0.95 */
} neck_co_occurrence_options;

/* Set struct_size before the call; only fields within it are written. Steps that do not exist are -1, numbers NaN. */
typedef struct neck_co_occurrence {
    size_t struct_size;
    int64_t first_onset;   /* as neck_saturation_assess finds them, of verdicts SATURATED and DIVERGED; -1: it has not
                              turned */
    int64_t first_low;
    int64_t first_high;
    int64_t second_onset;
    int64_t second_low;
    int64_t second_high;
    double lag;            /* steps from the first's onset to the second's; NaN unless both have turned */
    double lag_low;        /* the two onsets' intervals put together as those of independent estimates: Zou & Donner
                              2008 */
    double lag_high;
    int64_t common;        /* levels compared: those of the sparser curve that lie within the other, read off that by
                              straight lines */
    int64_t block;         /* levels drawn together in a resample: what neighbours have in common is in it */
    double correlation;    /* Spearman's, of the levels; two curves that both only fall have 1, whatever else they do */
    double correlation_low;
    double correlation_high;
    double change_correlation; /* Spearman's, of the changes from one level to the next */
    double change_low;
    double change_high;
} neck_co_occurrence;

/* neck_co_occurrence_measure - of two curves of one run. Intervals of correlations: moving blocks of 2 count^(1/3)
 * pairs (Kuensch 1989), percentiles, widened for the blocks being few. Fewer than 8 common levels, or a constant curve:
 * correlations are NaN.
 * Errors: NECK_E_ARGUMENT, NECK_E_NOMEM, NECK_E_CANCELLED. Thread rule: any number of calls at a time. */
NECK_API neck_status neck_co_occurrence_measure(neck_context *context, const neck_curve *first,
                                                const neck_curve *second, const neck_co_occurrence_options *options,
                                                neck_co_occurrence *out);

#ifdef __cplusplus
}
#endif
#endif
