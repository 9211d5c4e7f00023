/* mpi/grid_elpa.c - ELPA's solver in two stages, without vectors. */
#include <elpa/elpa.h>

#include "mpi/grid_eigen.h"

#define API 20211125 /* the oldest that has all that is asked of it here */

static neck_status refused(const char *what, int error)
{
    return neck__mpi_fail(NECK_E_UNSUPPORTED, "ELPA refuses %s: %s", what, elpa_strerr(error));
}

static neck_status describe(const neck__mpi_grid *grid, elpa_t solver)
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"na", grid->n},
                   {"nev", grid->n},
                   {"local_nrows", grid->own_rows},
                   {"local_ncols", grid->own_cols},
                   {"nblk", NECK__MPI_BLOCK},
                   {"mpi_comm_parent", MPI_Comm_c2f(grid->comm)},
                   {"process_row", grid->row},
                   {"process_col", grid->col}};
    int error;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        elpa_set_integer(solver, numbers[i].name, (int)numbers[i].value, &error);
        if (error != ELPA_OK) return refused(numbers[i].name, error);
    }
    error = elpa_setup(solver);
    if (error != ELPA_OK) return refused("this matrix", error);
    elpa_set_integer(solver, "solver", ELPA_SOLVER_2STAGE, &error);
    return error == ELPA_OK ? NECK_OK : refused("its solver in two stages", error);
}

neck_status neck__mpi_elpa(neck_context *unused, const neck__mpi_grid *grid, double **a, double *values)
{
    int error = ELPA_OK;
    (void)unused;
    /* Begun as often as one likes; ended never: nobody here knows who else uses it. */
    if (elpa_init(API) != ELPA_OK) return neck__mpi_fail(NECK_E_UNSUPPORTED, "ELPA is older than %d", API);
    elpa_t solver = elpa_allocate(&error);
    if (error != ELPA_OK) return refused("to begin", error);
    neck_status status = describe(grid, solver);
    if (status == NECK_OK) {
        elpa_eigenvalues_double(solver, *a, values, &error);
        if (error != ELPA_OK) status = refused("to solve", error);
    }
    elpa_deallocate(solver, &error);
    return status;
}
