/* mpi/team_qr.h - the triangle of the rows of all ranks. */
#ifndef NECK_MPI_TEAM_QR_H
#define NECK_MPI_TEAM_QR_H

#include "mpi/team.h"
#include "softneck/spectrum.h"

/* Collective. On rank 0 *out is the triangle, cols x cols doubles, to be freed, and *bound its error bound; NULL
 * elsewhere. own: NULL for no rows; shift may be NULL. */
neck_status neck__mpi_triangle(neck_context *context, neck_mpi_team *team, const neck_matrix *own, int64_t cols,
                               const double *shift, double **out, double *bound);

#endif
