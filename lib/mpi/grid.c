/* mpi/grid.c - who has which blocks. */
#include "mpi/grid.h"

#include <math.h>

int64_t neck__mpi_grid_count(int64_t count, int32_t place, int32_t around)
{
    int64_t blocks = count / NECK__MPI_BLOCK, whole = blocks / around + (place < blocks % around);
    return whole * NECK__MPI_BLOCK + (place == blocks % around ? count % NECK__MPI_BLOCK : 0);
}

int64_t neck__mpi_grid_index(int64_t k, int32_t place, int32_t around)
{
    return (k / NECK__MPI_BLOCK * around + place) * NECK__MPI_BLOCK + k % NECK__MPI_BLOCK;
}

neck__mpi_grid neck__mpi_grid_of(neck_mpi_team *team, int32_t ranks, int64_t n)
{
    neck__mpi_grid grid = {.team = team, .n = n, .comm = MPI_COMM_NULL};
    int64_t most = n / (2 * NECK__MPI_BLOCK); /* ranks along a side */
    if (most < 1) most = 1;
    int64_t side = (int64_t)sqrt((double)ranks + 0.5), other = ranks / side;
    grid.rows = (int32_t)(side < most ? side : most);
    grid.cols = (int32_t)(other < most ? other : most);
    int inside = team->rank < grid.rows * grid.cols;
    grid.row = inside ? team->rank / grid.cols : -1;
    grid.col = inside ? team->rank % grid.cols : -1;
    grid.own_rows = inside ? neck__mpi_grid_count(n, grid.row, grid.rows) : 0;
    grid.own_cols = inside ? neck__mpi_grid_count(n, grid.col, grid.cols) : 0;
    return grid;
}

/* MPI makes communicators in calls that wait: all ranks come here right after they have agreed. */
neck_status neck__mpi_grid_open(neck__mpi_grid *grid)
{
    neck_mpi_team *team = grid->team;
    NECK_TRY(neck_mpi_agree(team, NECK_OK));
    int code = MPI_Comm_split(team->comm, grid->row >= 0 ? 0 : MPI_UNDEFINED, team->rank, &grid->comm);
    return neck_mpi_agree(team, neck__mpi_check(team, code, "a communicator of the ranks that solve"));
}

void neck__mpi_grid_close(neck__mpi_grid *grid)
{
    if (grid->comm != MPI_COMM_NULL && !neck_mpi_broken(grid->team)) MPI_Comm_free(&grid->comm);
}
