/* softneck-mpi/operator.h - the spectrum of a matrix whose rows are spread over ranks: A^T A x is the sum of what each
 * makes of its own. */
#ifndef SOFTNECK_MPI_OPERATOR_H
#define SOFTNECK_MPI_OPERATOR_H

#include "../softneck/density.h"
#include "../softneck/truncated.h"
#include "team.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A is the operators of all ranks, one below the other: any kind, all with the same columns; NULL on a rank without
 * rows. Rank 0 runs the algorithm; each product sends its vectors to all ranks and sums what they make of them, in
 * order of rank: about 8 x cols x 3 bytes for each vector and rank. Rank 0 needs the algorithm's memory, the others
 * that of a product. */

/* neck_mpi_truncated_svd - the k largest singular values of A, k <= min(rows, cols), on every rank, from A^T A alone:
 *   as eigenvalues l of A^T A, found by neck_truncated_svd of it, whose options these are (its products: two of A and
 *   two of A^T each).
 *   values        k doubles
 *   right         k x cols doubles, row-major; may be NULL
 *   residuals     k doubles, |A^T A v - s^2 v| / s, where s > 0; may be NULL error_bounds  k doubles; may be NULL. What
 *   neck_truncated_svd says of l, b, says of s = sqrt(l) that it lies within
 *                 s - sqrt(l - b) of the truth. So values below 1e-8 of the largest are not resolved
 *   report        may be NULL
 * Left vectors would be as long as A has rows: apply the operators to the right ones.
 * neck_mpi_density - neck_density_compute of A: *out is NULL on all ranks but rank 0. Options count on rank 0. Progress
 *   and cancelling: rank 0's context.
 * Errors: as of those, and NECK_E_ARGUMENT (columns that differ). */
NECK_API neck_status neck_mpi_truncated_svd(neck_context *context, neck_mpi_team *team, const neck_operator *own,
                                            int64_t k, const neck_truncated_options *options, double *values,
                                            double *right, double *residuals, double *error_bounds,
                                            neck_truncated_report *report);
NECK_API neck_status neck_mpi_density(neck_context *context, neck_mpi_team *team, const neck_operator *own,
                                      const neck_density_options *options, neck_density **out);

#ifdef __cplusplus
}
#endif
#endif
