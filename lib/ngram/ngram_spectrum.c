/* ngram/ngram_spectrum.c - all singular values of an n-gram matrix: parts solved one by one, columns alone as they are,
 * merged. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "ngram/ngram_part.h"
#include "spectrum/spectrum_object.h"

/* Values found so far; there is room for the rest. */
typedef struct found {
    int64_t count;
    double *values, *bounds;
    double resolution;
} found;

/* Columns without coupled rows: a value is the root of a sum of squared weights. Zeros are left out. */
static void add_columns_alone(const neck_ngram_matrix *matrix, found *out)
{
    int64_t from, to;
    neck__ngram_hot_range(matrix, matrix->layout.coupled, matrix->layout.cols, &from, &to);
    for (int64_t h = from; h < to; h++, out->count++) {
        out->values[out->count] = matrix->hot_roots[h];
        out->bounds[out->count] = (1 + matrix->roundings) * (DBL_EPSILON / 2) * matrix->hot_roots[h];
    }
}

static neck_status add_parts(neck_context *context, const neck_ngram_matrix *matrix, int64_t first_part, found *out)
{
    const neck__ngram_layout *layout = &matrix->layout;
    for (int64_t p = first_part; p < layout->parts; p++) {
        const neck__ngram_part *part = &layout->part[p];
        neck__solution solution = {.values = out->values + out->count, .bounds = out->bounds + out->count};
        NECK_TRY(neck__ngram_part_solve(context, matrix, part, &solution));
        out->count += neck__ngram_part_size(matrix, part);
        out->resolution = fmax(out->resolution, solution.resolution);
        NECK_TRY(neck__progress(context, "spectrum of n-grams", "columns", part->first_column + part->columns,
                                layout->coupled));
    }
    return NECK_OK;
}

/* How many values parts from first_part on and columns alone have. */
static int64_t count_values(const neck_ngram_matrix *matrix, int64_t first_part)
{
    int64_t from, to;
    neck__ngram_hot_range(matrix, matrix->layout.coupled, matrix->layout.cols, &from, &to);
    int64_t count = to - from;
    for (int64_t p = first_part; p < matrix->layout.parts; p++)
        count += neck__ngram_part_size(matrix, &matrix->layout.part[p]);
    return count;
}

static neck_status find(neck_context *context, const neck_ngram_matrix *matrix, int64_t first_part, found *out)
{
    add_columns_alone(matrix, out);
    NECK_TRY(add_parts(context, matrix, first_part, out));
    return neck__sort_with_bounds(context, out->count, out->values, out->bounds);
}

static int64_t largest_part(const neck_ngram_matrix *matrix)
{
    return matrix->layout.parts > 0 ? matrix->layout.part[0].columns : 0;
}

/* ---- the public calls ---- */

neck_status neck_ngram_matrix_cost(const neck_ngram_matrix *matrix, int64_t *bytes, double *operations)
{
    if (!matrix || !bytes || !operations) return neck__fail(NECK_E_ARGUMENT, "matrix, bytes or operations is NULL");
    double most = 0, total = 0;
    for (int64_t p = 0; p < matrix->layout.parts; p++) {
        double part_bytes, part_operations;
        neck__ngram_part_cost(matrix, &matrix->layout.part[p], &part_bytes, &part_operations);
        most = fmax(most, part_bytes);
        total += part_operations;
    }
    most += 32.0 * (double)count_values(matrix, 0);
    *bytes = most < 0x1p62 ? (int64_t)most : INT64_MAX;
    *operations = total;
    return NECK_OK;
}

static neck_status check_memory(const neck_ngram_matrix *matrix, int64_t memory_bytes)
{
    if (memory_bytes < 0) return neck__fail(NECK_E_ARGUMENT, "memory_bytes is %lld", (long long)memory_bytes);
    int64_t bytes;
    double operations;
    NECK_TRY(neck_ngram_matrix_cost(matrix, &bytes, &operations));
    if (memory_bytes == 0 || bytes <= memory_bytes) return NECK_OK;
    return neck__fail(NECK_E_NOMEM, "the exact spectrum takes %lld bytes for %lld connected columns: %lld are allowed",
                      (long long)bytes, (long long)largest_part(matrix), (long long)memory_bytes);
}

neck_status neck_ngram_matrix_spectrum(neck_context *context, const neck_ngram_matrix *matrix, int64_t memory_bytes,
                                       neck_spectrum **out)
{
    if (!matrix || !out) return neck__fail(NECK_E_ARGUMENT, "matrix or out is NULL");
    NECK_TRY(check_memory(matrix, memory_bytes));
    int64_t size = matrix->contexts < matrix->layout.cols ? matrix->contexts : matrix->layout.cols;
    neck_spectrum *spectrum;
    NECK_TRY(neck__spectrum_new(context, size, &spectrum)); /* zeros, of which the last ones stay */
    spectrum->rows = matrix->contexts;
    spectrum->cols = matrix->layout.cols;
    spectrum->method = NECK_METHOD_PARTS;
    spectrum->frobenius_squared = matrix->frobenius_squared;
    found all = {.values = spectrum->values, .bounds = spectrum->bounds};
    neck_status status = find(context, matrix, 0, &all);
    spectrum->resolution = all.resolution;
    if (status == NECK_OK)
        *out = spectrum;
    else
        neck_spectrum_destroy(spectrum);
    return status;
}

neck_status neck_ngram_matrix_rest(neck_context *context, const neck_ngram_matrix *matrix, double *values,
                                   double *error_bounds)
{
    if (!matrix || !values) return neck__fail(NECK_E_ARGUMENT, "matrix or values is NULL");
    neck__allocator allocator = neck__allocator_of(context);
    int64_t cols = matrix->layout.cols - largest_part(matrix);
    double *room = neck__calloc(&allocator, cols, 2 * sizeof *room, "singular values");
    if (!room) return NECK_E_NOMEM;
    found rest = {.values = room, .bounds = room + cols};
    neck_status status = find(context, matrix, 1, &rest);
    if (status == NECK_OK) {
        memcpy(values, rest.values, (size_t)cols * sizeof *values);
        if (error_bounds) memcpy(error_bounds, rest.bounds, (size_t)cols * sizeof *values);
    }
    neck__release(&allocator, room);
    return status;
}
