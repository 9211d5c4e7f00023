/* softneck/frequency.h - is what dominates a head the frequency of tokens? */
#ifndef SOFTNECK_FREQUENCY_H
#define SOFTNECK_FREQUENCY_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct neck_frequency_options {
    size_t struct_size;
    int32_t variant;   /* NECK_VARIANT_RAW, _CENTERED or _FREQUENCY_CENTERED (weighted by the counts) */
    int32_t reserved;  /* must be 0 */
    double smoothing;  /* added to every count; 0: tokens that were never seen are left out */
} neck_frequency_options;

/* A singular component s u v^T of a head, seen from the tokens: u has a number a token. The layout of this struct is
 * frozen. */
typedef struct neck_frequency_component {
    double singular_value;
    double energy;   /* s^2 / sum of all s^2: what the component is of the head */
    double pearson;  /* correlation of u with the logarithm of the counts, over tokens that have one; the sign of u is
                        chosen so that it is not negative. Its square is the share of the component explained by
                        frequency */
    double spearman; /* the same of ranks, equal numbers sharing theirs: not led by a few tokens, nor by the
                        logarithm */
    double explained; /* share of the variance of the log counts that components 1 .. this explain together (least
                         squares, with a constant): does not depend on how equal singular values are turned */
} neck_frequency_component;

/* neck_frequency_measure - the `count` (1 .. min(V, d)) largest components of weights (V x d, any floating dtype)
 *   against counts (V finite numbers >= 0, how often each token occurs). *tokens (may be NULL): how many have a
 *   logarithm. Beyond the numerical rank of the head, and where all numbers to be correlated are equal, correlations
 *   are 0.
 *   Errors: correlations are of components computed from W^T W in double: dominant ones to some 1e-13, one of singular
 *   value s to about 1e-16 (s_1 / s)^2 over the relative distance to its neighbours. As samples of a language, n
 *   independent tokens would have atanh r known to 1 / sqrt(n - 3); tokens of one language are not independent, so that
 *   is the least.
 * Cost: V d^2 operations. Memory: V (count + 4) + 2 d^2 doubles. Source: the hypothesis in the discussion of arXiv
 * 2404.07647.
 * Errors: NECK_E_ARGUMENT (shapes, counts; fewer than 3 tokens with a logarithm), NECK_E_NONFINITE, NECK_E_OVERFLOW,
 * NECK_E_CONVERGENCE, NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_frequency_measure(neck_context *context, const neck_matrix *weights, const double *counts,
                                            const neck_frequency_options *options, int64_t count,
                                            neck_frequency_component *out, int64_t *tokens);

#ifdef __cplusplus
}
#endif
#endif
