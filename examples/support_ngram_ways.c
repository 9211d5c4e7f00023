/* support_ngram_ways.c - the ways of one process. */
#include "support_ngram_ways.h"

#include <stdlib.h>
#include <unistd.h>

#include <softneck/truncated.h>

#include "support_text.h"

struct ngram_matrix {
    neck_ngrams *ngrams; /* until the matrix is made */
    neck_ngram_matrix *matrix;
    int32_t weight;
};

static neck_status count_into(neck_context *context, const ngram_corpus *text, int64_t tokens,
                              const ngram_recipe *recipe)
{
    const neck_ngram_counter_options options = {.struct_size = sizeof options, .order = recipe->order,
                                                .memory_bytes = recipe->memory};
    neck_ngram_counter *counter = NULL;
    neck_status status = neck_ngram_counter_create(context, text->vocab_size, &options, &counter);
    if (status == NECK_OK) status = ngram_corpus_push(context, text, tokens, counter);
    if (status == NECK_OK) status = neck_ngram_counter_finish(context, counter, recipe->scratch);
    neck_ngram_counter_destroy(counter);
    return status;
}

/* The file of n-grams is mapped by the time it is removed. */
static neck_status count(neck_context *context, const ngram_corpus *text, int64_t tokens, const ngram_recipe *recipe,
                         neck_ngrams_info *counts, ngram_matrix **out)
{
    neck_ngrams *ngrams = NULL;
    neck_status status = count_into(context, text, tokens, recipe);
    if (status == NECK_OK) status = neck_ngrams_open(context, recipe->scratch, 1, &ngrams);
    unlink(recipe->scratch);
    if (status == NECK_OK) status = neck_ngrams_describe(ngrams, counts);
    if (status != NECK_OK) return status;
    *out = text_alloc(sizeof **out);
    **out = (ngram_matrix){.ngrams = ngrams, .weight = recipe->weight};
    return NECK_OK;
}

static neck_status make(neck_context *context, ngram_matrix *matrix, neck_ngram_matrix_info *info)
{
    neck_status status = neck_ngram_matrix_create(context, matrix->ngrams, matrix->weight, &matrix->matrix);
    neck_ngrams_destroy(matrix->ngrams);
    matrix->ngrams = NULL;
    return status == NECK_OK ? neck_ngram_matrix_describe(matrix->matrix, info) : status;
}

static void destroy(ngram_matrix *matrix)
{
    if (!matrix) return;
    neck_ngrams_destroy(matrix->ngrams);
    neck_ngram_matrix_destroy(matrix->matrix);
    free(matrix);
}

static neck_status cost(const ngram_matrix *matrix, int64_t *bytes, double *operations)
{
    return neck_ngram_matrix_cost(matrix->matrix, bytes, operations);
}

static neck_status spectrum(neck_context *context, const ngram_matrix *matrix, int64_t memory, neck_spectrum **out)
{
    return neck_ngram_matrix_spectrum(context, matrix->matrix, memory, out);
}

static const char *solver(const ngram_matrix *matrix, int64_t memory)
{
    (void)matrix, (void)memory;
    return "alone";
}

static neck_status rest(neck_context *context, const ngram_matrix *matrix, double *values, double *bounds)
{
    return neck_ngram_matrix_rest(context, matrix->matrix, values, bounds);
}

static neck_status squares(const ngram_matrix *matrix, double *squares)
{
    return neck_ngram_matrix_part_squares(matrix->matrix, squares);
}

static neck_status top(neck_context *context, const ngram_matrix *matrix, int64_t *count, double *values,
                       double *bounds)
{
    const neck_operator *part = neck_ngram_matrix_part(matrix->matrix, NULL);
    int64_t rows = neck_operator_rows(part), cols = neck_operator_cols(part), most = rows < cols ? rows : cols;
    if (*count > most) *count = most;
    return neck_truncated_svd(context, part, *count, NULL, values, NULL, NULL, NULL, bounds, NULL);
}

static neck_status density(neck_context *context, const ngram_matrix *matrix, const neck_density_options *options,
                           neck_density **out)
{
    return neck_density_compute(context, neck_ngram_matrix_part(matrix->matrix, NULL), options, out);
}

static int32_t processes(void) { return 1; }

const ngram_ways *ngram_ways_here(void)
{
    static const ngram_ways alone = {count, make, destroy, cost, spectrum, solver, rest, squares, top, density,
                                     processes};
    const ngram_ways *ranks = ngram_ways_of_ranks();
    return ranks ? ranks : &alone;
}
