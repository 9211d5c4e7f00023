/* mpi/team_ngram_cost.c - what an exact spectrum takes of ranks, and who is to find it. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "mpi/team_ngram_gram.h"

/* Processor time of ELPA over that of our own solver, for the same matrix: measured, see docs/scaling.md. */
#define ELPA_TOLL 3.4

/* In operations of our own solver that take as long. */
static double operations_of(const neck_mpi_ngram_matrix *matrix, int32_t solver)
{
    double n = (double)matrix->info.largest_part, own = 4.0 / 3 * n * n * n;
    neck__mpi_grid grid = neck__mpi_ngram_grid(matrix, solver);
    return solver == NECK_MPI_SOLVER_ALONE ? own : ELPA_TOLL * own / (grid.rows * grid.cols);
}

static int alone_is_sooner(const neck_mpi_ngram_matrix *matrix)
{
    return operations_of(matrix, NECK_MPI_SOLVER_ALONE) <= operations_of(matrix, NECK_MPI_SOLVER_ELPA);
}

/* Half of the first rank's machine, for each rank there alike. */
static double own_memory(const neck_mpi_team *team)
{
    int32_t there = 0;
    for (int32_t r = 0; r < team->size; r++) there += strcmp(team->hosts[r], team->hosts[0]) == 0;
    return 0.5 * (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / there;
}

/* The matrix as it was sent, and as a gram; later that and a copy. Before, panels. */
static int alone_has_room(const neck_mpi_ngram_matrix *matrix, int64_t memory_bytes)
{
    double n = (double)matrix->info.largest_part, bytes = 16 * n * n + 64 * n + NECK__MPI_PANEL_MEMORY;
    return bytes <= (memory_bytes > 0 ? (double)memory_bytes : own_memory(matrix->team));
}

int32_t neck_mpi_ngram_matrix_solver(const neck_mpi_ngram_matrix *matrix, int64_t memory_bytes)
{
    if (!matrix) return NECK_MPI_SOLVER_AUTO;
    int alone = neck__mpi_ngram_is_cheap(matrix) || (alone_is_sooner(matrix) && alone_has_room(matrix, memory_bytes));
    return alone ? NECK_MPI_SOLVER_ALONE : NECK_MPI_SOLVER_ELPA;
}

neck_status neck_mpi_ngram_matrix_cost(const neck_mpi_ngram_matrix *matrix, int64_t *bytes, double *operations)
{
    if (!matrix || !bytes || !operations) return neck__mpi_fail(NECK_E_ARGUMENT, "matrix, bytes or operations is NULL");
    int64_t own;
    NECK_TRY(neck_ngram_matrix_cost(matrix->dealt, &own, operations));
    if (matrix->small) {
        int64_t small;
        double more;
        NECK_TRY(neck_ngram_matrix_cost(matrix->small, &small, &more));
        if (small > own) own = small;
        *operations += more;
    }
    double most = (double)own;
    if (matrix->info.largest_part > 0 && !neck__mpi_ngram_is_cheap(matrix)) {
        neck__mpi_grid grid = neck__mpi_ngram_grid(matrix, NECK_MPI_SOLVER_ELPA);
        most = fmax(most, neck__mpi_ngram_gram_bytes(&grid));
        *operations += fmin(operations_of(matrix, NECK_MPI_SOLVER_ALONE), operations_of(matrix, NECK_MPI_SOLVER_ELPA));
    }
    most += 64.0 * (double)matrix->info.cols;
    *bytes = most < 0x1p62 ? (int64_t)most : INT64_MAX;
    return NECK_OK;
}
