/* spectrum/certificate.h - how far computed singular values can be from the true ones, and what no computed value
 * shows: whether a larger one was overlooked. */
#ifndef NECK_SPECTRUM_CERTIFICATE_H
#define NECK_SPECTRUM_CERTIFICATE_H

#include <stdint.h>

/* A search for what was overlooked: block Lanczos on a positive semidefinite matrix of this order from `starts`
 * independent random vectors. */
typedef struct neck__search {
    int64_t order, starts, steps; /* products with a block so far */
    double found;                 /* the largest Ritz value */
    double residual;              /* |H Q - Q T|: 0 when nothing is left to search */
} neck__search;

/* The largest eigenvalue exceeds this with at most the given probability over the starts. Two arguments, the better one
 * counts:
 *   Kuczynski & Wozniakowski 1992 (SIAM J. Matrix Anal. 13, Theorem 4.2): of one start, P(found < (1 - e) largest) <=
 *   1.648 sqrt(order) exp(-sqrt(e) (2 steps - 1)); a block contains the space of each of its starts, and they are
 *   independent. An eigenvector w of a larger eigenvalue has |w^T Q| <= residual / (largest - found), but P(|w^T x| <=
 *   t) <= t sqrt(2 order / pi) for a random unit vector x in the span of Q. */
double neck__search_ceiling(const neck__search *search, double probability);

/* A bound on the largest eigenvalue of [diag(values) F^T; F H] with |H| <= ceiling and columns of F of these norms: mu
 * such that sum residual^2 / (mu - value) <= mu - ceiling, by Schur's complement. */
double neck__joined_ceiling(int64_t count, const double *values, const double *residuals, double ceiling);

/* |sigma - s| <= this for the i-th largest sigma of [S E; 0 C], s the i-th of S, |E| <= coupling, |C| <= ceiling
 *   (square = its square):
 * Li & Li 2005 (Linear Algebra Appl. 395) where s > ceiling; sigma^2 <= s^2 + ceiling^2 + coupling^2 in any case. sigma
 * >= s. */
double neck__triplet_bound(double s, double coupling, double ceiling);

#endif
