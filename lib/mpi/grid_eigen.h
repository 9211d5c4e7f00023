/* mpi/grid_eigen.h - eigenvalues of a symmetric matrix on a grid of ranks, by the libraries made for that. */
#ifndef NECK_MPI_GRID_EIGEN_H
#define NECK_MPI_GRID_EIGEN_H

#include "mpi/grid.h"

/* Called by the ranks in the grid, whose communicator is open. a: own entries of the whole matrix, both halves;
 * destroyed. values: n, increasing, on every rank of the grid. Errors, the same on all of them: NECK_E_UNSUPPORTED (the
 * library refuses), NECK_E_NOMEM, NECK_E_CONVERGENCE. */
neck_status neck__mpi_elpa(const neck__mpi_grid *grid, double *a, double *values);
neck_status neck__mpi_scalapack(const neck__mpi_grid *grid, double *a, double *values);

#endif
