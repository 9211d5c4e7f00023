/* support_ngram_ways_mpi.c - the ways of several ranks: each reads its range of the tokens, and counts the contexts that
 * a hash gives it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support_ngram_ways.h"
#include "support_progress.h"
#include "support_ranks_mpi.h"
#include "support_share.h"
#include "support_text.h"

struct ngram_matrix {
    neck_ngrams *ngrams; /* this rank's, until the matrix is made; NULL: none */
    neck_mpi_ngram_matrix *matrix;
    int64_t vocab_size;
    int32_t weight;
};

/* ---- reading ---------------------------------------------------------------------------------------------------- */

typedef struct reader {
    const ngram_corpus *text;
    int64_t tokens; /* of the text, where the last document is cut off */
} reader;

/* The last document that begins at or before a token: that it is not empty follows. */
static neck_status find_document(const neck_token_file *file, int64_t token, int64_t range[2])
{
    int64_t low = 0, high = neck_token_file_documents(file);
    if (high == 0) { /* a file that does not know its documents is one */
        range[0] = 0;
        range[1] = neck_token_file_count(file);
        return NECK_OK;
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        neck_status status = neck_token_file_document(file, middle, &range[0], &range[1]);
        if (status != NECK_OK) return status;
        if (range[0] <= token) low = middle;
        else high = middle;
    }
    return neck_token_file_document(file, low, &range[0], &range[1]);
}

static neck_status read_tokens(void *user, int64_t begin, int64_t most, int32_t *tokens, int64_t range[2])
{
    const reader *from = user;
    int64_t file = 0, before = 0;
    if (interrupt_seen()) return neck_error_set(NECK_E_CANCELLED, "interrupted");
    for (; begin - before >= neck_token_file_count(from->text->files[file]); file++)
        before += neck_token_file_count(from->text->files[file]);
    neck_status status = find_document(from->text->files[file], begin - before, range);
    if (status != NECK_OK) return status;
    range[0] += before;
    range[1] += before;
    if (range[1] > from->tokens) range[1] = from->tokens;
    if (most > range[1] - begin) most = range[1] - begin;
    return neck_token_file_read(from->text->files[file], begin - before, most, tokens);
}

/* A few thousand tokens from all over the text. */
static neck_status compare_texts(const ngram_corpus *text, int64_t tokens)
{
    enum { PIECES = 64, LENGTH = 64 };
    int32_t piece[LENGTH];
    int64_t range[2];
    reader from = {text, tokens};
    uint64_t mark = share_mark(0, &tokens, sizeof tokens);
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < PIECES && tokens > 0 && status == NECK_OK; i++) {
        memset(piece, 0, sizeof piece);
        status = read_tokens(&from, (int64_t)((double)tokens * (double)i / PIECES), LENGTH, piece, range);
        mark = share_mark(mark, piece, sizeof piece);
    }
    status = neck_mpi_agree(ranks_team(), status);
    return status == NECK_OK ? share_alike("the text's tokens", mark) : status;
}

static neck_status count(neck_context *context, const ngram_corpus *text, int64_t tokens, const ngram_recipe *recipe,
                         neck_ngrams_info *counts, ngram_matrix **out)
{
    reader from = {text, tokens};
    const neck_mpi_text whole = {tokens, text->vocab_size, read_tokens, &from};
    const neck_ngram_counter_options options = {.struct_size = sizeof options, .order = recipe->order,
                                                .memory_bytes = recipe->memory};
    int32_t any = 0;
    neck_ngrams *ngrams = NULL;
    neck_status status = compare_texts(text, tokens);
    if (status == NECK_OK)
        status = neck_mpi_ngrams_count(context, ranks_team(), &whole, &options, recipe->scratch, counts, &any);
    if (status == NECK_OK) {
        if (any) status = neck_ngrams_open(context, recipe->scratch, 1, &ngrams);
        status = neck_mpi_agree(ranks_team(), status);
    }
    unlink(recipe->scratch); /* mapped by now */
    if (status != NECK_OK) {
        neck_ngrams_destroy(ngrams);
        return status;
    }
    *out = text_alloc(sizeof **out);
    **out = (ngram_matrix){.ngrams = ngrams, .vocab_size = text->vocab_size, .weight = recipe->weight};
    return NECK_OK;
}

/* ---- the matrix ------------------------------------------------------------------------------------------------- */

static neck_status make(neck_context *context, ngram_matrix *matrix, neck_ngram_matrix_info *info)
{
    neck_status status = neck_mpi_ngram_matrix_create(context, ranks_team(), matrix->ngrams, matrix->vocab_size,
                                                      matrix->weight, &matrix->matrix);
    neck_ngrams_destroy(matrix->ngrams);
    matrix->ngrams = NULL;
    return status == NECK_OK ? neck_mpi_ngram_matrix_describe(matrix->matrix, info) : status;
}

static void destroy(ngram_matrix *matrix)
{
    if (!matrix) return;
    neck_ngrams_destroy(matrix->ngrams);
    neck_mpi_ngram_matrix_destroy(matrix->matrix);
    free(matrix);
}

static neck_status cost(const ngram_matrix *matrix, int64_t *bytes, double *operations)
{
    return neck_mpi_ngram_matrix_cost(matrix->matrix, bytes, operations);
}

static neck_status spectrum(neck_context *context, const ngram_matrix *matrix, int64_t memory, neck_spectrum **out)
{
    return neck_mpi_ngram_matrix_spectrum(context, matrix->matrix, memory, NECK_MPI_SOLVER_AUTO, out);
}

static const char *solver(const ngram_matrix *matrix, int64_t memory)
{
    return neck_mpi_solver_name(neck_mpi_ngram_matrix_solver(matrix->matrix, memory));
}

static neck_status rest(neck_context *context, const ngram_matrix *matrix, double *values, double *bounds)
{
    return neck_mpi_ngram_matrix_rest(context, matrix->matrix, values, bounds);
}

static neck_status squares(const ngram_matrix *matrix, double *squares)
{
    return neck_mpi_ngram_matrix_part_squares(matrix->matrix, squares);
}

static neck_status top(neck_context *context, const ngram_matrix *matrix, int64_t *count, double *values,
                       double *bounds)
{
    const neck_operator *part = neck_mpi_ngram_matrix_part(matrix->matrix, NULL);
    int64_t cols = neck_operator_cols(part), most = neck_operator_rows(part);
    neck_status status = neck_mpi_sum_integers(ranks_team(), &most, 1);
    if (status != NECK_OK) return status;
    if (most > cols) most = cols;
    if (*count > most) *count = most;
    return neck_mpi_truncated_svd(context, ranks_team(), part, *count, NULL, values, NULL, NULL, bounds, NULL);
}

static neck_status density(neck_context *context, const ngram_matrix *matrix, const neck_density_options *options,
                           neck_density **out)
{
    return neck_mpi_density(context, ranks_team(), neck_mpi_ngram_matrix_part(matrix->matrix, NULL), options, out);
}

static int32_t processes(void)
{
    const char *here = neck_mpi_host(ranks_team(), neck_mpi_rank(ranks_team()));
    int32_t same = 0;
    for (int32_t r = 0; r < neck_mpi_size(ranks_team()); r++) same += strcmp(neck_mpi_host(ranks_team(), r), here) == 0;
    return same;
}

const ngram_ways *ngram_ways_of_ranks(void)
{
    static const ngram_ways together = {count, make, destroy, cost, spectrum, solver, rest, squares, top, density,
                                        processes};
    return ranks_team() ? &together : NULL;
}
