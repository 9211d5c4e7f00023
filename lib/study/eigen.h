/* study/eigen.h - eigenvectors of positive semidefinite matrices, largest first. */
#ifndef NECK_STUDY_EIGEN_H
#define NECK_STUDY_EIGEN_H

#include "softneck/gram.h"

/* values (n, decreasing, what rounding made negative is 0) of the symmetric n x n matrix a (packed, upper triangle
 * read); row i of a becomes the unit eigenvector of values[i]. */
neck_status neck__eigen_decreasing(neck_context *context, int64_t n, double *a, double *values);

/* The same for the matrix of a gram, sum y y^T, copied to vectors. rank: how many values stand out of rounding, that
 * is, exceed eps (d lambda_1 + sqrt(k) trace): the eigensolver's error, and what sums of k terms are to be expected to
 * err by. */
neck_status neck__gram_eigen(neck_context *context, const neck_gram *gram, double *values, double *vectors,
                             int64_t *rank);

#endif
