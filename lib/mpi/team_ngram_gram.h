/* mpi/team_ngram_gram.h - the Gram matrix of the largest part, and what is found from it. */
#ifndef NECK_MPI_TEAM_NGRAM_GRAM_H
#define NECK_MPI_TEAM_NGRAM_GRAM_H

#include "mpi/grid.h"
#include "mpi/team_ngram_matrix.h"

#define NECK__MPI_PANEL_MEMORY 0x1p25 /* bytes of rows of the Gram matrix on their way */

/* Collective: singular values of the largest part (n, decreasing) with their bounds, and what is resolved, on all
 * ranks. solver: NECK_MPI_SOLVER_*. Errors: as of neck_mpi_ngram_matrix_spectrum. */
neck_status neck__mpi_ngram_solve(neck_context *context, const neck_mpi_ngram_matrix *matrix, int64_t memory_bytes,
                                  int32_t solver, double *values, double *bounds, double *resolution);

/* Local: the ranks that a solver uses, without their communicator. */
neck__mpi_grid neck__mpi_ngram_grid(const neck_mpi_ngram_matrix *matrix, int32_t solver);

/* Local: bytes of a rank, with ELPA's. */
double neck__mpi_ngram_gram_bytes(const neck__mpi_grid *grid);

/* Collective: own entries of D + R^T R to a, summed in order of ranks; *norm: no eigenvalue is larger. */
neck_status neck__mpi_ngram_gram(neck_context *context, const neck_mpi_ngram_matrix *matrix, const neck__mpi_grid *grid,
                                 double *a, double *norm);

#endif
