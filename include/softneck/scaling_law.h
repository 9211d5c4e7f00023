/* softneck/scaling_law.h - L = A / N^alpha + B / T^beta + E fitted to runs of several sizes, and how far others are off
 * it. */
#ifndef SOFTNECK_SCALING_LAW_H
#define SOFTNECK_SCALING_LAW_H

#include "context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Hoffmann et al. 2022, arXiv 2203.15556, "approach 3". N: parameters (Godey et al. 2024, arXiv 2404.07647, count all
 * of them, embeddings and head too), T: training tokens, loss in nats. */
typedef struct neck_scaling_law {
    double a, alpha, b, beta, e;
} neck_scaling_law;

typedef struct neck_scaling_point {
    double parameters; /* > 0, finite, as are the others */
    double tokens;
    double loss;
} neck_scaling_point;

/* Constants to fit, or-ed. */
enum {
    NECK_SCALING_A = 1,
    NECK_SCALING_ALPHA = 2,
    NECK_SCALING_B = 4,
    NECK_SCALING_BETA = 8,
    NECK_SCALING_E = 16,
    NECK_SCALING_ALL = 31
};

typedef struct neck_scaling_options {
    size_t struct_size;
    int32_t fitted;         /* NECK_SCALING_*; 0: ALL */
    int32_t resamples;      /* for the intervals; 0: 200, at most 10000; -1: no intervals */
    neck_scaling_law fixed; /* the constants that are not fitted: a, b, e > 0 */
    double huber;           /* where residuals of log L begin to count linearly, > 0; 0: 0.001, as in the source */
    double confidence;      /* in [0.5, 1); 0: 0.95 */
} neck_scaling_options;

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_scaling_fit {
    size_t struct_size;
    neck_scaling_law law;
    neck_scaling_law low;    /* low and high: intervals of the constants one by one; they are strongly correlated. A
                                constant that was not fitted is its own interval; NaN where there is none: resamples -1,
                                or no more points than constants */
    neck_scaling_law high;
    double objective;        /* mean Huber loss of log L - log of the law */
    double residual;         /* root mean square of log L - log of the law */
    int64_t starts;          /* fits were begun from so many places, */
    int64_t agreeing;        /* and so many of them ended at this objective, to a thousandth */
} neck_scaling_fit;

/* neck_scaling_law_fit - of count points, at least as many as constants are fitted. Huber's loss of the difference of
 * logarithms, minimised by Levenberg and Marquardt's method with reweighting, from a grid of starts; A, B, E come out
 * positive. Intervals: residuals, widened for the constants fitted, are drawn again onto the fitted law, which is
 * fitted again. To fit as Godey et al. do: fitted A | ALPHA with b = 410.7, beta = 0.28, e = 1.69.
 * Errors: NECK_E_ARGUMENT (too few points, a number not positive, a fixed constant missing), NECK_E_CONVERGENCE (points
 * that say nothing of the constants: all of one size, say), NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_scaling_law_fit(neck_context *context, const neck_scaling_point *points, int64_t count,
                                          const neck_scaling_options *options, neck_scaling_fit *out);

/* neck_scaling_law_loss - what the law gives. NaN for sizes that are not positive.
 * neck_scaling_law_gaps - loss over that of the law, less 1, of each point (gaps: count numbers, or NULL), and their
 *     mean (or NULL). Positive: worse than the law, as small models that saturate are against a law of the larger ones.
 *     Errors: NECK_E_ARGUMENT. */
NECK_API double neck_scaling_law_loss(const neck_scaling_law *law, double parameters, double tokens);
NECK_API neck_status neck_scaling_law_gaps(const neck_scaling_law *law, const neck_scaling_point *points, int64_t count,
                                           double *gaps, double *mean);

#ifdef __cplusplus
}
#endif
#endif
