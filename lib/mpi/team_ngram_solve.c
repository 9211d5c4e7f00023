/* mpi/team_ngram_solve.c - singular values of the largest part: by rank 0 where that is quick, else from its Gram matrix, by
 * whoever of the solvers takes it. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mpi/grid_eigen.h"
#include "mpi/team_ngram_gram.h"

#define ROUNDOFF (DBL_EPSILON / 2)

/* ---- one rank alone --------------------------------------------------------------------------------------------- */

static neck_status solve_small(neck_context *context, const neck_mpi_ngram_matrix *matrix, double *values,
                               double *bounds, double *resolution)
{
    neck_spectrum *spectrum = NULL;
    neck_status status = NECK_OK;
    if (matrix->team->rank == 0) status = neck_ngram_matrix_spectrum(context, matrix->small, 0, &spectrum);
    NECK_TRY(neck_mpi_agree(matrix->team, status));
    if (spectrum) {
        size_t bytes = (size_t)neck_spectrum_count(spectrum) * sizeof *values; /* the rest are zeros */
        memcpy(values, neck_spectrum_values(spectrum), bytes);
        memcpy(bounds, neck_spectrum_error_bounds(spectrum), bytes);
        *resolution = neck_spectrum_resolution(spectrum);
        neck_spectrum_destroy(spectrum);
    }
    int64_t n = matrix->info.largest_part * (int64_t)sizeof *values;
    NECK_TRY(neck_mpi_broadcast(matrix->team, values, n, 0));
    NECK_TRY(neck_mpi_broadcast(matrix->team, bounds, n, 0));
    return neck_mpi_broadcast(matrix->team, resolution, sizeof *resolution, 0);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

/* Makes the Gram matrix and gives it to a solver. Values: eigenvalues, increasing. */
static neck_status solve_with(neck_context *context, const neck_mpi_ngram_matrix *matrix, const neck__mpi_grid *grid,
                              neck_status (*solver)(const neck__mpi_grid *, double *, double *), double *a,
                              double *values, double *norm)
{
    neck_status status = NECK_OK;
    NECK_TRY(neck__mpi_ngram_gram(context, matrix, grid, a, norm));
    if (grid->row >= 0) status = solver(grid, a, values);
    NECK_TRY(neck_mpi_agree(grid->team, status));
    return neck_mpi_broadcast(grid->team, values, grid->n * (int64_t)sizeof *values, 0);
}

static neck_status solve_large(neck_context *context, const neck_mpi_ngram_matrix *matrix, neck__mpi_grid *grid,
                               int32_t solver, double *a, double *values, double *norm)
{
    neck_status status = NECK_E_UNSUPPORTED;
    NECK_TRY(neck__mpi_grid_open(grid));
    if (solver != NECK_MPI_SOLVER_SCALAPACK)
        status = solve_with(context, matrix, grid, neck__mpi_elpa, a, values, norm);
    if (status == NECK_E_UNSUPPORTED &&
        solver != NECK_MPI_SOLVER_ELPA) /* the first destroys the matrix: it is made again */
        status = solve_with(context, matrix, grid, neck__mpi_scalapack, a, values, norm);
    neck__mpi_grid_close(grid);
    return status;
}

/* When squares are known to within delta: sigma lies in [sqrt(square - delta), sqrt(square + delta)]. */
static double bound_from_square(double square, double delta)
{
    double below = square - delta;
    if (below <= 0) return fmax(sqrt(square), sqrt(square + delta) - sqrt(square));
    return delta / (sqrt(square) + sqrt(below)) + 2 * ROUNDOFF * sqrt(square);
}

/* An entry of D + R^T R errs by its relative roundings, so by Perron the matrix by at most that times its largest row
 * sum; solvers by the customary n eps times its largest eigenvalue. */
static void take_roots(const neck_mpi_ngram_matrix *matrix, double norm, double *values, double *bounds,
                       double *resolution)
{
    int64_t n = matrix->info.largest_part, size = matrix->shared_rows < n ? matrix->shared_rows : n;
    double terms = (double)matrix->longest + matrix->team->size + 10 + matrix->roundings;
    double delta = terms * ROUNDOFF * norm + (double)n * DBL_EPSILON * fmax(values[n - 1], 0);
    for (int64_t i = 0; i < n / 2; i++) {
        double other = values[i];
        values[i] = values[n - 1 - i];
        values[n - 1 - i] = other;
    }
    for (int64_t i = 0; i < n; i++) {
        double square = i < size ? fmax(values[i], 0) : 0; /* as many as there are rows */
        values[i] = sqrt(square);
        bounds[i] = i < size ? bound_from_square(square, delta) : 0;
    }
    *resolution = sqrt(delta);
}

neck_status neck__mpi_ngram_solve(neck_context *context, const neck_mpi_ngram_matrix *matrix, int32_t solver,
                                  double *values, double *bounds, double *resolution)
{
    int64_t n = matrix->info.largest_part;
    double norm = 0;
    if (neck__mpi_ngram_is_cheap(matrix) && solver == NECK_MPI_SOLVER_AUTO)
        return solve_small(context, matrix, values, bounds, resolution);
    neck__mpi_grid grid = neck__mpi_grid_of(matrix->team, n);
    double *a = malloc(((size_t)grid.own_rows * (size_t)grid.own_cols + 1) * sizeof *a);
    neck_status status =
        a ? NECK_OK : neck__mpi_fail(NECK_E_NOMEM, "out of memory for a Gram matrix of order %lld", (long long)n);
    status = neck_mpi_agree(matrix->team, status);
    if (status == NECK_OK) status = solve_large(context, matrix, &grid, solver, a, values, &norm);
    free(a);
    if (status == NECK_OK) take_roots(matrix, norm, values, bounds, resolution);
    return status;
}
