/* spectrum/solve.h - the two ways to all singular values, each with its error bounds. */
#ifndef NECK_SPECTRUM_SOLVE_H
#define NECK_SPECTRUM_SOLVE_H

#include "linalg/source.h"

/* Values of the scaled source, decreasing; arrays of order doubles. */
typedef struct neck__solution {
    double *values, *bounds;
    double frobenius_squared, resolution;
} neck__solution;

neck_status neck__solve_by_gram(neck_context *context, const neck__source *source, neck__solution *solution);
neck_status neck__solve_by_qr(neck_context *context, const neck__source *source, neck__solution *solution);

/* The part of the Gram route after the product: count singular values (count <= n) from the upper triangle of the n x n
 * matrix c (destroyed), whose spectral norm error is at most delta before the eigensolver adds its own. */
neck_status neck__solve_eigen(neck_context *context, int64_t n, double *c, double delta, int64_t count,
                              neck__solution *solution);

#endif
