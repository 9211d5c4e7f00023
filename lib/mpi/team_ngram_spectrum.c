/* mpi/team_ngram_spectrum.c - all singular values: of parts by the ranks that have them, of the largest by all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mpi/team_ngram_gram.h"

/* Values found so far, with their bounds; there is room for every column's. */
typedef struct found {
    int64_t count;
    double *values, *bounds;
    double resolution;
} found;

static neck_status close_found(const neck_mpi_team *team, found *all, neck_status status)
{
    neck__mpi_free(team, all->values);
    return status;
}

static neck_status open_found(const neck_mpi_ngram_matrix *matrix, found *out)
{
    *out = (found){.values = calloc((size_t)matrix->info.cols, 2 * sizeof *out->values)};
    neck_status status = out->values ? NECK_OK : neck__mpi_fail(NECK_E_NOMEM, "out of memory for singular values");
    status = neck_mpi_agree(matrix->team, status);
    if (status != NECK_OK) return close_found(matrix->team, out, status);
    out->bounds = out->values + matrix->info.cols;
    return NECK_OK;
}

/* ---- parts that were dealt out ---------------------------------------------------------------------------------- */

/* Exact zeros are left out: there are as many as there is room. */
static void keep(const neck_spectrum *spectrum, found *out)
{
    const double *values = neck_spectrum_values(spectrum), *bounds = neck_spectrum_error_bounds(spectrum);
    for (int64_t i = 0; i < neck_spectrum_count(spectrum); i++) {
        if (values[i] == 0 && bounds[i] == 0) continue;
        out->values[out->count] = values[i];
        out->bounds[out->count++] = bounds[i];
    }
    out->resolution = fmax(out->resolution, neck_spectrum_resolution(spectrum));
}

/* Every rank's values reach all others in turn: own ones go to where they belong in order of ranks. */
static neck_status share(neck_mpi_team *team, found *own, found *all)
{
    for (int32_t r = 0; r < team->size; r++) {
        int64_t count = own->count;
        double resolution = own->resolution, *values = all->values + all->count, *bounds = all->bounds + all->count;
        NECK_TRY(neck_mpi_broadcast(team, &count, sizeof count, r));
        NECK_TRY(neck_mpi_broadcast(team, &resolution, sizeof resolution, r));
        if (r == team->rank) {
            memcpy(values, own->values, (size_t)count * sizeof *values);
            memcpy(bounds, own->bounds, (size_t)count * sizeof *bounds);
        }
        NECK_TRY(neck_mpi_broadcast(team, values, count * (int64_t)sizeof *values, r));
        NECK_TRY(neck_mpi_broadcast(team, bounds, count * (int64_t)sizeof *bounds, r));
        all->count += count;
        all->resolution = fmax(all->resolution, resolution);
    }
    return NECK_OK;
}

static neck_status add_dealt(neck_context *context, const neck_mpi_ngram_matrix *matrix, found *all)
{
    neck_spectrum *spectrum = NULL;
    found own;
    NECK_TRY(open_found(matrix, &own));
    neck_status status = neck_mpi_agree(matrix->team, neck_ngram_matrix_spectrum(context, matrix->dealt, 0, &spectrum));
    if (status == NECK_OK) {
        keep(spectrum, &own);
        status = share(matrix->team, &own, all);
    }
    neck_spectrum_destroy(spectrum);
    return close_found(matrix->team, &own, status);
}

/* ---- the public calls ------------------------------------------------------------------------------------------- */

static neck_status check(const neck_mpi_ngram_matrix *matrix, int64_t memory_bytes, int32_t solver,
                         neck_spectrum *const *out)
{
    int64_t bytes;
    double operations;
    if (!out) return neck__mpi_fail(NECK_E_ARGUMENT, "out is NULL");
    if (memory_bytes < 0) return neck__mpi_fail(NECK_E_ARGUMENT, "memory_bytes is %lld", (long long)memory_bytes);
    if (!neck_mpi_solver_name(solver))
        return neck__mpi_fail(NECK_E_ARGUMENT, "solver is %d", solver);
    NECK_TRY(neck_mpi_ngram_matrix_cost(matrix, &bytes, &operations));
    if (memory_bytes == 0 || bytes <= memory_bytes) return NECK_OK;
    return neck__mpi_fail(NECK_E_NOMEM,
                          "the exact spectrum takes %lld bytes a rank for %lld connected columns: %lld are allowed",
                          (long long)bytes, (long long)matrix->info.largest_part, (long long)memory_bytes);
}

static neck_status make(neck_context *context, const neck_mpi_ngram_matrix *matrix, const found *all,
                        neck_spectrum **out)
{
    const neck_ngram_matrix_info *info = &matrix->info;
    int64_t size = info->rows < info->cols ? info->rows : info->cols; /* all others are zeros */
    return neck_spectrum_from_estimates(context, all->values, all->bounds, size, info->rows, info->cols,
                                        info->frobenius_squared, all->resolution, NECK_METHOD_PARTS, out);
}

neck_status neck_mpi_ngram_matrix_spectrum(neck_context *context, const neck_mpi_ngram_matrix *matrix,
                                           int64_t memory_bytes, int32_t solver, neck_spectrum **out)
{
    if (!matrix) return neck__mpi_fail(NECK_E_ARGUMENT, "matrix is NULL");
    NECK_TRY(neck__mpi_usable(matrix->team));
    NECK_TRY(neck_mpi_agree(matrix->team, check(matrix, memory_bytes, solver, out)));
    found all;
    NECK_TRY(open_found(matrix, &all));
    neck_status status = add_dealt(context, matrix, &all);
    if (status == NECK_OK && matrix->shared) {
        double resolution = 0;
        status = neck__mpi_ngram_solve(context, matrix, memory_bytes, solver, all.values + all.count,
                                       all.bounds + all.count, &resolution);
        all.resolution = fmax(all.resolution, resolution);
    }
    neck_spectrum *made = NULL;
    if (status == NECK_OK) status = neck_mpi_agree(matrix->team, make(context, matrix, &all, &made));
    if (status == NECK_OK) *out = made;
    else neck_spectrum_destroy(made);
    return close_found(matrix->team, &all, status);
}

neck_status neck_mpi_ngram_matrix_rest(neck_context *context, const neck_mpi_ngram_matrix *matrix, double *values,
                                       double *error_bounds)
{
    if (!matrix) return neck__mpi_fail(NECK_E_ARGUMENT, "matrix is NULL");
    NECK_TRY(neck__mpi_usable(matrix->team));
    NECK_TRY(neck_mpi_agree(matrix->team, values ? NECK_OK : neck__mpi_fail(NECK_E_ARGUMENT, "values is NULL")));
    found all;
    int64_t cols = matrix->info.cols - matrix->info.largest_part;
    neck_spectrum *sorted = NULL;
    NECK_TRY(open_found(matrix, &all));
    neck_status status = add_dealt(context, matrix, &all);
    if (status == NECK_OK && cols > 0)
        status = neck_mpi_agree(matrix->team, neck_spectrum_from_estimates(context, all.values, all.bounds, cols, cols,
                                                                           cols, matrix->info.frobenius_squared, 0,
                                                                           NECK_METHOD_PARTS, &sorted));
    if (sorted && status == NECK_OK) {
        memcpy(values, neck_spectrum_values(sorted), (size_t)cols * sizeof *values);
        if (error_bounds) memcpy(error_bounds, neck_spectrum_error_bounds(sorted), (size_t)cols * sizeof *values);
    }
    neck_spectrum_destroy(sorted);
    return close_found(matrix->team, &all, status);
}
