/* mpi/grid_eigen.h - eigenvalues of a symmetric matrix on a grid of ranks, by the libraries made for that, or by ours
 * where the grid is one rank. */
#ifndef NECK_MPI_GRID_EIGEN_H
#define NECK_MPI_GRID_EIGEN_H

#include "mpi/grid.h"
#include "softneck/context.h"

/* Called by the ranks in the grid, whose communicator is open (of one rank: need not be). *a: own entries of the
 * whole matrix, both halves; destroyed, and maybe freed: then NULL. values: n, increasing, on every rank of the grid.
 * Errors, the same on all of them: NECK_E_UNSUPPORTED (the library refuses), NECK_E_NOMEM, NECK_E_CONVERGENCE. */
typedef neck_status (*neck__mpi_solver)(neck_context *context, const neck__mpi_grid *grid, double **a, double *values);
neck_status neck__mpi_elpa(neck_context *context, const neck__mpi_grid *grid, double **a, double *values);
neck_status neck__mpi_scalapack(neck_context *context, const neck__mpi_grid *grid, double **a, double *values);
neck_status neck__mpi_alone(neck_context *context, const neck__mpi_grid *grid, double **a, double *values);

/* Numbers that the last one wants behind the matrix: a gram has more than its triangle. */
static inline int64_t neck__mpi_alone_room(int64_t n)
{
    return 2 * n + 8;
}

#endif
