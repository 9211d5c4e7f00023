/* mpi/team_ngram_matrix.c - the matrix of all ranks: rows dealt out, D summed, what is in it. */
#include "mpi/team_ngram_matrix.h"

#include <stdlib.h>
#include <string.h>

#include "mpi/mail.h"
#include "mpi/team_ngram_deal.h"
#include "mpi/team_ngram_order.h"

void neck_mpi_ngram_matrix_destroy(neck_mpi_ngram_matrix *matrix)
{
    if (!matrix) return;
    neck_ngram_matrix_destroy(matrix->dealt);
    neck_ngram_matrix_destroy(matrix->shared);
    neck_ngram_matrix_destroy(matrix->small);
    free(matrix->columns);
    neck__mpi_free(matrix->team, matrix->squares);
    free(matrix);
}

/* What a rank works with until its matrices are made. */
typedef struct making {
    neck_context *context;
    neck_mpi_team *team;
    neck_mpi_ngram_matrix *matrix;
    neck_ngram_rows *own, *dealt, *shared, *small; /* small: see neck_mpi_ngram_matrix */
    neck__mpi_parts parts;
    double *diagonal; /* cols: D of all ranks */
} making;

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static neck_status read_own(making *self, const neck_ngrams *ngrams, int64_t cols, int32_t weight)
{
    self->diagonal = calloc((size_t)cols, sizeof *self->diagonal);
    if (!self->diagonal) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for the diagonal");
    NECK_TRY(neck_ngram_rows_create(self->context, cols, &self->own));
    if (ngrams) NECK_TRY(neck_ngram_rows_read(self->context, self->own, ngrams, weight));
    return neck_ngram_rows_create(self->context, cols, &self->dealt);
}

static neck_status look(const neck_ngram_rows *rows, neck_ngram_rows_view *view)
{
    *view = (neck_ngram_rows_view){.struct_size = sizeof *view};
    return neck_ngram_rows_look(rows, view);
}

/* ---- D ---------------------------------------------------------------------------------------------------------- */

/* Columns of D go where the rows of their part are; those of the largest part to rank 0. */
static neck_status place_diagonal(making *self)
{
    const neck__mpi_parts *parts = &self->parts;
    double *dealt = calloc((size_t)(2 * parts->cols), sizeof *dealt), *shared = dealt + parts->cols;
    if (!dealt) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for the diagonal");
    for (int64_t j = 0; j < parts->cols; j++) {
        if (parts->place[j] >= 0) shared[parts->place[j]] = self->diagonal[j];
        else if (neck__mpi_dealt_to(self->team, parts, j) == self->team->rank) dealt[j] = self->diagonal[j];
    }
    const neck_ngram_rows_view of_dealt = {
        .struct_size = sizeof of_dealt, .contexts = self->matrix->info.rows, .cols = parts->cols, .diagonal = dealt};
    const neck_ngram_rows_view of_shared = {.struct_size = sizeof of_shared,
                                            .contexts = self->matrix->info.rows,
                                            .cols = parts->largest,
                                            .diagonal = self->team->rank == 0 ? shared : NULL};
    neck_status status = neck_ngram_rows_add(self->context, self->dealt, &of_dealt);
    if (status == NECK_OK && self->shared) status = neck_ngram_rows_add(self->context, self->shared, &of_shared);
    if (status == NECK_OK && self->small) status = neck_ngram_rows_add(self->context, self->small, &of_shared);
    free(dealt);
    return status;
}

/* ---- what is in it ---------------------------------------------------------------------------------------------- */

/* Sums over this rank's rows: of squared weights, of squared entries, and by column where squares is not NULL. */
static void add_rows(const neck_ngram_rows_view *rows, double *weights, double *entries, double *squares)
{
    for (int64_t i = 0; i < rows->rows; i++) {
        *weights += rows->squares[i];
        for (int64_t e = rows->starts[i]; e < rows->starts[i + 1]; e++) {
            double square = rows->shares[e] * rows->shares[e] * rows->squares[i];
            *entries += square;
            if (squares) squares[rows->columns[e]] += square;
        }
    }
}

/* How many rows hold the column that most of them hold. */
static neck_status longest_column(const neck_ngram_rows_view *rows, int64_t *out)
{
    int64_t *uses = calloc((size_t)rows->cols, sizeof *uses);
    *out = 0;
    if (!uses) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for the lengths of columns");
    for (int64_t e = 0; e < rows->starts[rows->rows]; e++)
        if (++uses[rows->columns[e]] > *out) *out = uses[rows->columns[e]];
    free(uses);
    return NECK_OK;
}

/* The largest part over all ranks. */
static neck_status measure_shared(making *self, double *weights, double *entries)
{
    neck_mpi_ngram_matrix *matrix = self->matrix;
    neck_ngram_rows_view rows;
    if (!self->shared) return NECK_OK;
    neck_status status = look(self->shared, &rows);
    if (status == NECK_OK) status = longest_column(&rows, &matrix->longest);
    matrix->squares = calloc((size_t)rows.cols, sizeof *matrix->squares);
    if (status == NECK_OK && !matrix->squares)
        status = neck__mpi_fail(NECK_E_NOMEM, "out of memory for the norms of columns");
    NECK_TRY(neck_mpi_agree(self->team, status));
    add_rows(&rows, weights, entries, matrix->squares);
    NECK_TRY(neck_mpi_sum(self->team, matrix->squares, rows.cols));
    int64_t sums[] = {matrix->longest, rows.rows};
    NECK_TRY(neck_mpi_sum_integers(self->team, sums, 2));
    matrix->longest = sums[0];
    matrix->shared_rows = sums[1];
    for (int64_t j = 0; j < rows.cols; j++) {
        double own = self->diagonal[self->parts.columns[j]];
        matrix->squares[j] += own;
        matrix->shared_rows += own > 0;
    }
    return NECK_OK;
}

static neck_status measure(making *self)
{
    neck_ngram_matrix_info *info = &self->matrix->info;
    neck_ngram_rows_view dealt, shared = {.rows = 0};
    double sums[2] = {0, 0}, diagonal = 0; /* squared weights and entries of rows with several successors */
    NECK_TRY(measure_shared(self, &sums[0], &sums[1]));
    neck_status status = look(self->dealt, &dealt);
    if (status == NECK_OK && self->shared) status = look(self->shared, &shared);
    NECK_TRY(neck_mpi_agree(self->team, status));
    add_rows(&dealt, &sums[0], &sums[1], NULL);
    int64_t counts[] = {dealt.rows, dealt.starts[dealt.rows]};
    if (self->shared) counts[0] += shared.rows, counts[1] += shared.starts[shared.rows];
    NECK_TRY(neck_mpi_sum(self->team, sums, 2));
    NECK_TRY(neck_mpi_sum_integers(self->team, counts, 2));
    for (int64_t j = 0; j < info->cols; j++) diagonal += self->diagonal[j];
    info->coupled = self->parts.coupled;
    info->parts = self->parts.parts;
    info->largest_part = self->parts.largest;
    info->coupled_rows = counts[0];
    info->coupled_entries = counts[1];
    info->frobenius_squared = diagonal + sums[1];
    self->matrix->roundings = diagonal + sums[0] < 0x1p53 ? 0 : (double)info->rows;
    return NECK_OK;
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static neck_status sum_contexts(making *self, int64_t *contexts, neck_ngram_rows_view *rows)
{
    NECK_TRY(neck_mpi_agree(self->team, look(self->own, rows)));
    memcpy(self->diagonal, rows->diagonal, (size_t)rows->cols * sizeof *self->diagonal);
    NECK_TRY(neck_mpi_sum(self->team, self->diagonal, rows->cols));
    *contexts = rows->contexts;
    NECK_TRY(neck_mpi_sum_integers(self->team, contexts, 1));
    return *contexts > 0 ? NECK_OK : neck__mpi_fail(NECK_E_ARGUMENT, "no rank has n-grams");
}

static neck_status deal(making *self)
{
    neck_ngram_rows_view rows;
    neck_status status = NECK_OK;
    NECK_TRY(sum_contexts(self, &self->matrix->info.rows, &rows));
    NECK_TRY(neck__mpi_parts_find(self->team, &rows, &self->parts));
    if (self->parts.largest > 0) status = neck_ngram_rows_create(self->context, self->parts.largest, &self->shared);
    NECK_TRY(neck_mpi_agree(self->team, status));
    NECK_TRY(neck__mpi_deal_rows(self->context, self->team, &rows, &self->parts, self->dealt, self->shared));
    neck_ngram_rows_destroy(self->own);
    self->own = NULL;
    return self->shared ? neck__mpi_order_columns(self->context, self->team, &self->parts, &self->shared) : NECK_OK;
}

/* What one rank can solve at once is on rank 0 as a whole too. */
static neck_status gather_small(making *self)
{
    neck_ngram_rows_view rows;
    if (!self->shared || !neck__mpi_ngram_is_cheap(self->matrix)) return NECK_OK;
    neck_status status = look(self->shared, &rows);
    if (status == NECK_OK) status = neck_ngram_rows_create(self->context, rows.cols, &self->small);
    NECK_TRY(neck_mpi_agree(self->team, status));
    return neck__mpi_gather_rows(self->context, self->team, &rows, self->small);
}

static neck_status make_matrices(making *self)
{
    neck_mpi_ngram_matrix *matrix = self->matrix;
    neck_status status = place_diagonal(self);
    if (status == NECK_OK) status = neck_ngram_matrix_of_rows(self->context, self->dealt, &matrix->dealt);
    if (status == NECK_OK && self->shared)
        status = neck_ngram_matrix_of_rows(self->context, self->shared, &matrix->shared);
    if (status == NECK_OK && self->small && self->team->rank == 0)
        status = neck_ngram_matrix_of_rows(self->context, self->small, &matrix->small);
    matrix->columns = self->parts.columns;
    self->parts.columns = NULL;
    return neck_mpi_agree(self->team, status);
}

static neck_status make(making *self, const neck_ngrams *ngrams, int64_t cols, int32_t weight)
{
    const char *const names[] = {"vocab_size", "weight"};
    const int64_t alike[] = {cols, weight};
    NECK_TRY(neck__mpi_same(self->team, "the matrix", names, alike, 2));
    NECK_TRY(neck_mpi_agree(self->team, read_own(self, ngrams, cols, weight)));
    NECK_TRY(deal(self));
    NECK_TRY(measure(self));
    NECK_TRY(gather_small(self));
    return make_matrices(self);
}

static neck_status check(const neck_ngrams *ngrams, int64_t vocab_size, int32_t weight,
                         neck_mpi_ngram_matrix *const *out)
{
    neck_ngrams_info info = {.struct_size = sizeof info};
    if (!out) return neck__mpi_fail(NECK_E_ARGUMENT, "out is NULL");
    if (vocab_size < 1 || vocab_size > INT32_MAX)
        return neck__mpi_fail(NECK_E_ARGUMENT, "vocab_size is %lld", (long long)vocab_size);
    if (weight < NECK_WEIGHT_UNIFORM || weight > NECK_WEIGHT_ROOT_COUNT)
        return neck__mpi_fail(NECK_E_ARGUMENT, "weight is %d", weight);
    if (!ngrams) return NECK_OK;
    NECK_TRY(neck_ngrams_describe(ngrams, &info));
    if (info.vocab_size == vocab_size) return NECK_OK;
    return neck__mpi_fail(NECK_E_ARGUMENT, "n-grams over a vocabulary of %lld, not %lld", (long long)info.vocab_size,
                          (long long)vocab_size);
}

neck_status neck_mpi_ngram_matrix_create(neck_context *context, neck_mpi_team *team, const neck_ngrams *ngrams,
                                         int64_t vocab_size, int32_t weight, neck_mpi_ngram_matrix **out)
{
    NECK_TRY(neck__mpi_usable(team));
    NECK_TRY(neck_mpi_agree(team, check(ngrams, vocab_size, weight, out)));
    making self = {.context = context, .team = team, .matrix = calloc(1, sizeof *self.matrix)};
    if (self.matrix) *self.matrix = (neck_mpi_ngram_matrix){.team = team, .info.cols = vocab_size};
    neck_status status =
        neck_mpi_agree(team, self.matrix ? NECK_OK : neck__mpi_fail(NECK_E_NOMEM, "out of memory for a matrix"));
    if (status == NECK_OK) status = make(&self, ngrams, vocab_size, weight);
    neck_ngram_rows_destroy(self.own);
    neck_ngram_rows_destroy(self.dealt);
    neck_ngram_rows_destroy(self.shared);
    neck_ngram_rows_destroy(self.small);
    neck__mpi_parts_free(&self.parts);
    neck__mpi_free(team, self.diagonal);
    if (status == NECK_OK) *out = self.matrix;
    else neck_mpi_ngram_matrix_destroy(self.matrix);
    return status;
}

/* ---- read access ------------------------------------------------------------------------------------------------ */

neck_status neck_mpi_ngram_matrix_describe(const neck_mpi_ngram_matrix *matrix, neck_ngram_matrix_info *info)
{
    if (!matrix || !info || info->struct_size < sizeof info->struct_size)
        return neck__mpi_fail(NECK_E_ARGUMENT, "matrix or info is NULL, or info's struct_size is not set");
    neck_ngram_matrix_info full = matrix->info;
    full.struct_size = info->struct_size;
    memcpy(info, &full, info->struct_size < sizeof full ? info->struct_size : sizeof full);
    return NECK_OK;
}

const neck_operator *neck_mpi_ngram_matrix_part(const neck_mpi_ngram_matrix *matrix, int32_t *columns)
{
    if (!matrix || !matrix->shared) return NULL;
    if (columns) memcpy(columns, matrix->columns, (size_t)matrix->info.largest_part * sizeof *columns);
    return neck_ngram_matrix_operator(matrix->shared);
}

neck_status neck_mpi_ngram_matrix_part_squares(const neck_mpi_ngram_matrix *matrix, double *squares)
{
    if (!matrix || !squares) return neck__mpi_fail(NECK_E_ARGUMENT, "matrix or squares is NULL");
    if (matrix->shared) memcpy(squares, matrix->squares, (size_t)matrix->info.largest_part * sizeof *squares);
    return NECK_OK;
}
