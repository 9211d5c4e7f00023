/* mpi/team_ngram_solve.c - singular values of the largest part: by rank 0 where that is quick, else from its Gram
 * matrix, by whoever of the solvers takes it. */
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

static const struct {
    const char *name;
    neck__mpi_solver solve;
} solvers[] = {[NECK_MPI_SOLVER_AUTO] = {"auto", NULL},
               [NECK_MPI_SOLVER_ELPA] = {"elpa", neck__mpi_elpa},
               [NECK_MPI_SOLVER_SCALAPACK] = {"scalapack", neck__mpi_scalapack},
               [NECK_MPI_SOLVER_ALONE] = {"alone", neck__mpi_alone}};

const char *neck_mpi_solver_name(int32_t solver)
{
    return solver >= 0 && (size_t)solver < sizeof solvers / sizeof *solvers ? solvers[solver].name : NULL;
}

neck__mpi_grid neck__mpi_ngram_grid(const neck_mpi_ngram_matrix *matrix, int32_t solver)
{
    int32_t ranks = solver == NECK_MPI_SOLVER_ALONE ? 1 : matrix->team->size;
    return neck__mpi_grid_of(matrix->team, ranks, matrix->info.largest_part);
}

/* Makes the Gram matrix and gives it to a solver. Values: eigenvalues, increasing. */
static neck_status solve_on(neck_context *context, const neck_mpi_ngram_matrix *matrix, neck__mpi_grid *grid,
                            int32_t solver, double **a, double *values, double *norm)
{
    neck_status status = NECK_OK;
    *a = malloc(((size_t)grid->own_rows * (size_t)grid->own_cols + (size_t)neck__mpi_alone_room(grid->n)) * sizeof **a);
    if (!*a) status = neck__mpi_fail(NECK_E_NOMEM, "out of memory for a Gram matrix of order %lld", (long long)grid->n);
    NECK_TRY(neck_mpi_agree(grid->team, status));
    NECK_TRY(neck__mpi_ngram_gram(context, matrix, grid, *a, norm));
    if (grid->row >= 0) status = solvers[solver].solve(context, grid, a, values);
    NECK_TRY(neck_mpi_agree(grid->team, status));
    return neck_mpi_broadcast(grid->team, values, grid->n * (int64_t)sizeof *values, 0);
}

static neck_status solve_with(neck_context *context, const neck_mpi_ngram_matrix *matrix, int32_t solver,
                              double *values, double *norm)
{
    double *a = NULL;
    neck__mpi_grid grid = neck__mpi_ngram_grid(matrix, solver);
    NECK_TRY(neck__mpi_grid_open(&grid));
    neck_status status = solve_on(context, matrix, &grid, solver, &a, values, norm);
    free(a);
    neck__mpi_grid_close(&grid);
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

/* What refuses, or finds no memory, leaves the next one to try: whoever it was has destroyed the matrix, which is
 * made again. */
static neck_status solve_large(neck_context *context, const neck_mpi_ngram_matrix *matrix, int32_t first, int only,
                               double *values, double *norm)
{
    static const int32_t next[] = {[NECK_MPI_SOLVER_ALONE] = NECK_MPI_SOLVER_ELPA,
                                   [NECK_MPI_SOLVER_ELPA] = NECK_MPI_SOLVER_SCALAPACK,
                                   [NECK_MPI_SOLVER_SCALAPACK] = NECK_MPI_SOLVER_AUTO};
    neck_status status = solve_with(context, matrix, first, values, norm);
    for (int32_t solver = next[first]; solver && !only; solver = next[solver]) {
        if (status != NECK_E_UNSUPPORTED && status != NECK_E_NOMEM) return status;
        status = solve_with(context, matrix, solver, values, norm);
    }
    return status;
}

neck_status neck__mpi_ngram_solve(neck_context *context, const neck_mpi_ngram_matrix *matrix, int64_t memory_bytes,
                                  int32_t solver, double *values, double *bounds, double *resolution)
{
    int64_t first = solver;
    double norm = 0;
    if (neck__mpi_ngram_is_cheap(matrix) && solver == NECK_MPI_SOLVER_AUTO)
        return solve_small(context, matrix, values, bounds, resolution);
    if (solver == NECK_MPI_SOLVER_AUTO) first = neck_mpi_ngram_matrix_solver(matrix, memory_bytes);
    NECK_TRY(neck_mpi_broadcast(matrix->team, &first, sizeof first, 0)); /* whose memory it is */
    NECK_TRY(solve_large(context, matrix, (int32_t)first, solver != NECK_MPI_SOLVER_AUTO, values, &norm));
    take_roots(matrix, norm, values, bounds, resolution);
    return NECK_OK;
}
