/* softneck/geometry.h - the geometry of representations, from a gram. */
#ifndef SOFTNECK_GEOMETRY_H
#define SOFTNECK_GEOMETRY_H

#include "gram.h"
#include "metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The rows are those pushed into the gram, minus its shift: y_1 .. y_n in d = cols dimensions. Errors common to all:
 * NECK_E_ARGUMENT for NULL, NECK_E_STATE when the gram holds too few rows. Thread rule: const calls on one gram may
 * run side by side. The errors in the results bound rounding. */

/* neck_anisotropy - the mean cosine between two different rows,
 *     A = (|sum_i u_i|^2 - n) / (n^2 - n),  u_i = y_i / |y_i|,
 * in O(d) from the gram's sums; -1/(n-1) .. 1, 0 for directions that balance. The paper, Sec. 4.1 (after Ethayarajh
 * 2019). Zero rows have no direction: they are left out and n counts the others, at least two. Of a gram created
 * with the mean of its rows as shift this is the anisotropy after centring. A moments_only gram is enough. */
NECK_API neck_status neck_anisotropy(const neck_gram *gram, neck_measure *out);

/* neck_matrix_anisotropy - the anisotropy of a matrix's rows, after subtracting their mean when centered is
 * non-zero: two passes, O(rows cols) time and O(cols) memory. Errors: also those of neck_gram_push. */
NECK_API neck_status neck_matrix_anisotropy(neck_context *context, const neck_matrix *matrix, int32_t centered,
                                            neck_measure *out);

/* neck_mean_norm - (1/n) sum |y_i| over all rows, zero rows included; at least one row. */
NECK_API neck_status neck_mean_norm(const neck_gram *gram, neck_measure *out);

/* neck_isoscore - IsoScore, how evenly the variance of the rows fills the d dimensions; 0 (one direction) .. 1 (all
 * alike), whatever the mean, scale and rotation. Rudman et al. 2022, arXiv 2108.07344: with s the eigenvalues of the
 * covariance, t = sqrt(d) s / |s|_2 and delta = |t - 1|_2 / sqrt(2 (d - sqrt(d))), the score is
 *     ((d - delta^2 (d - sqrt(d)))^2 - d) / (d (d - 1)).
 * It is computed as (P - 1) / (d - 1), P the participation ratio of s: the same number. Rows are samples and columns
 * dimensions (the authors' first code has it the other way round).
 * Errors: those of neck_gram_spectrum (not moments_only; at least two rows); NECK_E_ARGUMENT for d = 1 or when all
 * rows are the same. */
NECK_API neck_status neck_isoscore(neck_context *context, const neck_gram *gram, neck_measure *out);

/* neck_partition_isotropy - I = min_c Z(c) / max_c Z(c), Z(c) = sum_i exp(c . y_i), over the unit eigenvectors c of
 * sum y y^T and their opposites; 0 .. 1 (isotropic). Mu & Viswanath 2018, arXiv 1702.01417, Eq. 7 and Sec. 5.1. The
 * published code takes each eigenvector as its solver returns it; the sign is arbitrary but Z(c) is not Z(-c), so
 * both are taken here: the result is never larger than theirs and the same on every machine. Computed in logarithms,
 * so it cannot overflow. gram: the rows of matrix pushed, not moments_only; matrix: the rows again (its shift is
 * subtracted). O(rows cols^2) time. error: also the eigenvectors' uncertainty, large where eigenvalues coincide.
 * Errors: NECK_E_ARGUMENT, NECK_E_STATE, NECK_E_NONFINITE, NECK_E_OVERFLOW, NECK_E_NOMEM, NECK_E_CONVERGENCE,
 * NECK_E_CANCELLED. */
NECK_API neck_status neck_partition_isotropy(neck_context *context, const neck_gram *gram, const neck_matrix *matrix,
                                             neck_measure *out);

#ifdef __cplusplus
}
#endif
#endif
