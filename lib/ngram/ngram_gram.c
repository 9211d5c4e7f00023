/* ngram/ngram_gram.c - rows of W^T W = D + R^T R, for whoever puts it together elsewhere. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "ngram/ngram_matrix.h"

typedef struct filling {
    const neck_ngram_matrix *matrix;
    int64_t first;
    double *out;
} filling;

/* For each row of R that holds the token, its entries; in the order of rows, whichever of two columns is asked for. */
static void fill_row(void *data, int64_t index)
{
    const filling *job = data;
    const neck__ngram_layout *layout = &job->matrix->layout;
    const neck__sparse *rows = &job->matrix->rows, *turned = &job->matrix->turned;
    int64_t column = layout->places[job->first + index];
    double *line = job->out + index * layout->cols;
    memset(line, 0, (size_t)layout->cols * sizeof *line);
    for (int64_t e = turned->starts[column]; e < turned->starts[column + 1]; e++) {
        int64_t row = turned->columns[e];
        double value = turned->values[e];
        for (int64_t k = rows->starts[row]; k < rows->starts[row + 1]; k++)
            line[layout->tokens[rows->columns[k]]] += value * rows->values[k];
    }
    line[job->first + index] += job->matrix->diagonal[column];
}

neck_status neck_ngram_matrix_gram(neck_context *context, const neck_ngram_matrix *matrix, int64_t first, int64_t count,
                                   double *out)
{
    if (!matrix || !out) return neck__fail(NECK_E_ARGUMENT, "matrix or out is NULL");
    if (first < 0 || count < 0 || count > matrix->layout.cols - first)
        return neck__fail(NECK_E_ARGUMENT, "rows %lld to %lld of %lld", (long long)first, (long long)(first + count),
                          (long long)matrix->layout.cols);
    filling job = {matrix, first, out};
    neck__parallel(context, count, fill_row, &job);
    return neck__progress(context, "gram of n-grams", "columns", first + count, matrix->layout.cols);
}
