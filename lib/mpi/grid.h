/* mpi/grid.h - a square matrix in blocks that go round a grid of ranks, as ScaLAPACK and ELPA have it. */
#ifndef NECK_MPI_GRID_H
#define NECK_MPI_GRID_H

#include "mpi/team.h"

enum { NECK__MPI_BLOCK = 32 };

/* Rank r < rows cols is at (r / cols, r % cols); the others have nothing. Entry (i, j) is with the rank at (i / block %
 * rows, j / block % cols). A rank's entries lie column by column, own_rows in each. */
typedef struct neck__mpi_grid {
    neck_mpi_team *team;
    int64_t n;
    int32_t rows, cols;
    int32_t row, col; /* of this rank; -1: not in the grid */
    int64_t own_rows, own_cols;
    MPI_Comm comm;    /* of the ranks in the grid; MPI_COMM_NULL elsewhere */
} neck__mpi_grid;

/* Local: nearly square, of `ranks` at most, and no larger than that each has a few blocks. Without comm. */
neck__mpi_grid neck__mpi_grid_of(neck_mpi_team *team, int32_t ranks, int64_t n);

/* Collective: the communicator. Errors: NECK_E_IO. */
neck_status neck__mpi_grid_open(neck__mpi_grid *grid);
void neck__mpi_grid_close(neck__mpi_grid *grid);

/* Local: how many of count indices the one at `place` of `around` has; which of them its k-th is. */
int64_t neck__mpi_grid_count(int64_t count, int32_t place, int32_t around);
int64_t neck__mpi_grid_index(int64_t k, int32_t place, int32_t around);

#endif
