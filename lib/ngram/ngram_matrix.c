/* ngram/ngram_matrix.c - neck_ngram_matrix: made from counted n-grams, described, destroyed. */
#include "ngram/ngram_matrix.h"

#include <math.h>
#include <string.h>

#include "core/error.h"

void neck_ngram_matrix_destroy(neck_ngram_matrix *matrix)
{
    if (!matrix) return;
    neck__allocator allocator = matrix->allocator;
    neck_operator_destroy(matrix->whole);
    neck_operator_destroy(matrix->part);
    neck__ngram_layout_free(&matrix->layout);
    neck__release(&allocator, matrix->diagonal);
    neck__release(&allocator, matrix->hot_columns);
    neck__release(&allocator, matrix->hot_roots);
    for (int i = 0; i < 6; i++) neck__release(&allocator, matrix->entries[i]);
    neck__release(&allocator, matrix);
}

/* ---- D ---- */

static neck_status place_diagonal(const neck_ngram_rows *rows, neck_ngram_matrix *matrix)
{
    int64_t cols = rows->cols;
    for (int64_t j = 0; j < cols; j++) matrix->hot += rows->diagonal[j] > 0;
    matrix->diagonal = neck__alloc(&matrix->allocator, cols, sizeof *matrix->diagonal, "the diagonal");
    matrix->hot_columns = neck__alloc(&matrix->allocator, matrix->hot, sizeof *matrix->hot_columns,
                                      "columns of one-hot rows");
    matrix->hot_roots = neck__alloc(&matrix->allocator, matrix->hot, sizeof *matrix->hot_roots,
                                    "weights of one-hot rows");
    if (!matrix->diagonal || !matrix->hot_columns || !matrix->hot_roots) return NECK_E_NOMEM;
    for (int64_t place = 0, at = 0; place < cols; place++) {
        matrix->diagonal[place] = rows->diagonal[matrix->layout.tokens[place]];
        if (matrix->diagonal[place] == 0) continue;
        matrix->hot_columns[at] = (int32_t)place;
        matrix->hot_roots[at++] = sqrt(matrix->diagonal[place]);
    }
    return NECK_OK;
}

static int64_t first_hot(const neck_ngram_matrix *matrix, int64_t column)
{
    int64_t low = 0, high = matrix->hot;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (matrix->hot_columns[middle] < column)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void neck__ngram_hot_range(const neck_ngram_matrix *matrix, int64_t first, int64_t last, int64_t *from, int64_t *to)
{
    *from = first_hot(matrix, first);
    *to = first_hot(matrix, last);
}

/* ---- R ---- */

/* Arrays of a sparse matrix in entries[0 .. 2], to be released with the matrix whatever happens. */
static neck_status allocate_entries(const neck_ngram_matrix *matrix, int64_t rows, int64_t count, void **entries)
{
    entries[0] = neck__alloc(&matrix->allocator, rows + 1, sizeof(int64_t), "rows of a sparse matrix");
    entries[1] = neck__alloc(&matrix->allocator, count, sizeof(int32_t), "columns of a sparse matrix");
    entries[2] = neck__alloc(&matrix->allocator, count, sizeof(double), "entries of a sparse matrix");
    return entries[0] && entries[1] && entries[2] ? NECK_OK : NECK_E_NOMEM;
}

static void place_entries(const neck_ngram_rows *rows, const neck__ngram_layout *layout, void *const *entries)
{
    int64_t *starts = entries[0], at = 0;
    int32_t *columns = entries[1];
    double *values = entries[2];
    for (int64_t i = 0; i < rows->count; i++) {
        int64_t row = layout->order[i];
        double weight = sqrt(rows->squares[row]);
        starts[i] = at;
        for (int64_t e = rows->starts[row]; e < rows->starts[row + 1]; e++, at++) {
            columns[at] = layout->places[rows->columns[e]];
            values[at] = rows->shares[e] * weight;
        }
    }
    starts[rows->count] = at;
}

/* Transposed twice: the first time sorts the transpose, the second R itself, whose columns have changed places. */
static neck_status place_rows(const neck_ngram_rows *rows, neck_ngram_matrix *matrix)
{
    int64_t count = rows->count, cols = rows->cols, entries = rows->starts[count];
    if (count > INT32_MAX)
        return neck__fail(NECK_E_OVERFLOW, "%lld distinct rows with several successors: at most 2147483647",
                          (long long)count);
    void **plain = matrix->entries, **turned = matrix->entries + 3;
    NECK_TRY(allocate_entries(matrix, count, entries, plain));
    NECK_TRY(allocate_entries(matrix, cols, entries, turned));
    place_entries(rows, &matrix->layout, plain);
    matrix->rows = (neck__sparse){count, plain[0], plain[1], plain[2]};
    matrix->turned = (neck__sparse){cols, turned[0], turned[1], turned[2]};
    neck__sparse_transpose(&matrix->rows, cols, turned[0], turned[1], turned[2]);
    neck__sparse_transpose(&matrix->turned, count, plain[0], plain[1], plain[2]);
    return NECK_OK;
}

static neck_status build(neck_context *context, const neck_ngram_rows *rows, neck_ngram_matrix *matrix)
{
    NECK_TRY(neck__ngram_layout_find(rows, &matrix->layout));
    NECK_TRY(place_diagonal(rows, matrix));
    NECK_TRY(place_rows(rows, matrix));
    neck__release(&matrix->allocator, matrix->layout.order); /* as long as R has rows, and done with */
    matrix->layout.order = NULL;
    neck__ngram_rows_sum(rows, &matrix->frobenius_squared, &matrix->roundings);
    NECK_TRY(neck__ngram_operator_whole(context, matrix, &matrix->whole));
    return matrix->layout.parts > 0 ? neck__ngram_operator_part(context, matrix, &matrix->part) : NECK_OK;
}

neck_status neck_ngram_matrix_of_rows(neck_context *context, const neck_ngram_rows *rows, neck_ngram_matrix **out)
{
    if (!rows || !out) return neck__fail(NECK_E_ARGUMENT, "rows or out is NULL");
    neck__allocator allocator = neck__allocator_of(context);
    neck_ngram_matrix *matrix = neck__calloc(&allocator, 1, sizeof *matrix, "an n-gram matrix");
    if (!matrix) return NECK_E_NOMEM;
    matrix->allocator = allocator;
    matrix->contexts = rows->contexts;
    matrix->layout.allocator = allocator;
    neck_status status = build(context, rows, matrix);
    if (status == NECK_OK)
        *out = matrix;
    else
        neck_ngram_matrix_destroy(matrix);
    return status;
}

neck_status neck_ngram_matrix_create(neck_context *context, const neck_ngrams *ngrams, int32_t weight,
                                     neck_ngram_matrix **out)
{
    neck_ngrams_info info = {.struct_size = sizeof info};
    neck_ngram_rows *rows;
    if (!ngrams || !out) return neck__fail(NECK_E_ARGUMENT, "ngrams or out is NULL");
    NECK_TRY(neck_ngrams_describe(ngrams, &info));
    NECK_TRY(neck_ngram_rows_create(context, info.vocab_size, &rows));
    neck_status status = neck_ngram_rows_read(context, rows, ngrams, weight);
    if (status == NECK_OK) neck__ngram_rows_forget(rows);
    if (status == NECK_OK) status = neck_ngram_matrix_of_rows(context, rows, out);
    neck_ngram_rows_destroy(rows);
    return status;
}

neck_status neck_ngram_matrix_describe(const neck_ngram_matrix *matrix, neck_ngram_matrix_info *info)
{
    if (!matrix || !info || info->struct_size < sizeof info->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "matrix or info is NULL, or info's struct_size is not set");
    const neck__ngram_layout *layout = &matrix->layout;
    neck_ngram_matrix_info full = {.struct_size = info->struct_size,
                                   .rows = matrix->contexts,
                                   .cols = layout->cols,
                                   .coupled = layout->coupled,
                                   .parts = layout->parts,
                                   .largest_part = layout->parts > 0 ? layout->part[0].columns : 0,
                                   .coupled_rows = layout->rows,
                                   .coupled_entries = matrix->rows.starts[layout->rows],
                                   .frobenius_squared = matrix->frobenius_squared};
    memcpy(info, &full, info->struct_size < sizeof full ? info->struct_size : sizeof full);
    return NECK_OK;
}

const neck_operator *neck_ngram_matrix_operator(const neck_ngram_matrix *matrix)
{
    return matrix ? matrix->whole : NULL;
}

const neck_operator *neck_ngram_matrix_part(const neck_ngram_matrix *matrix, int32_t *columns)
{
    if (!matrix || !matrix->part) return NULL;
    if (columns) memcpy(columns, matrix->layout.tokens, (size_t)matrix->layout.part[0].columns * sizeof *columns);
    return matrix->part;
}

neck_status neck_ngram_matrix_part_squares(const neck_ngram_matrix *matrix, double *squares)
{
    if (!matrix || !squares) return neck__fail(NECK_E_ARGUMENT, "matrix or squares is NULL");
    const neck__sparse *turned = &matrix->turned;
    int64_t columns = matrix->layout.parts > 0 ? matrix->layout.part[0].columns : 0;
    for (int64_t j = 0; j < columns; j++) {
        double sum = matrix->diagonal[j];
        for (int64_t e = turned->starts[j]; e < turned->starts[j + 1]; e++)
            sum += turned->values[e] * turned->values[e];
        squares[j] = sum;
    }
    return NECK_OK;
}
