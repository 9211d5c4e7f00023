/* mpi/team_ngram_order.c - the columns of the largest part in the order that one process has them in: the most used
 * first, then by token. Random vectors then meet the same columns. */
#include "mpi/team_ngram_order.h"

#include <stdlib.h>
#include <string.h>

typedef struct column {
    int64_t uses; /* rows of all ranks that it is in */
    int32_t place;
} column;

typedef struct entry {
    int32_t column;
    double share;
} entry;

/* What a rank works with: all n, the longest that a row can be. */
typedef struct ordering {
    neck_context *context;
    neck_mpi_team *team;
    neck__mpi_parts *parts;
    int64_t n;
    int64_t *uses;
    column *columns;
    int32_t *places; /* new ones, by the old */
    entry *row;
    int32_t *numbers; /* the row's, apart */
    double *shares;
} ordering;

static int compare_columns(const void *a, const void *b)
{
    const column *x = a, *y = b;
    if (x->uses != y->uses) return x->uses > y->uses ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int compare_entries(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->column > y->column) - (x->column < y->column);
}

static neck_status take_memory(ordering *self, const neck_ngram_rows *rows, neck_ngram_rows_view *view)
{
    size_t n = (size_t)self->n;
    self->uses = calloc(n, sizeof *self->uses);
    self->columns = malloc(n * sizeof *self->columns);
    self->places = malloc(n * sizeof *self->places);
    self->row = malloc(n * sizeof *self->row);
    self->numbers = malloc(n * sizeof *self->numbers);
    self->shares = malloc(n * sizeof *self->shares);
    if (!self->uses || !self->columns || !self->places || !self->row || !self->numbers || !self->shares)
        return neck__mpi_fail(NECK_E_NOMEM, "out of memory for an order of columns");
    return neck_ngram_rows_look(rows, view);
}

static void release(const ordering *self)
{
    neck__mpi_free(self->team, self->uses);
    free(self->columns);
    free(self->places);
    free(self->row);
    free(self->numbers);
    free(self->shares);
}

static neck_status find_order(ordering *self, const neck_ngram_rows_view *rows)
{
    for (int64_t e = 0; e < rows->starts[rows->rows]; e++) self->uses[rows->columns[e]]++;
    NECK_TRY(neck_mpi_sum_integers(self->team, self->uses, self->n));
    for (int64_t i = 0; i < self->n; i++) self->columns[i] = (column){self->uses[i], (int32_t)i};
    qsort(self->columns, (size_t)self->n, sizeof *self->columns, compare_columns);
    for (int64_t i = 0; i < self->n; i++) self->places[self->columns[i].place] = (int32_t)i;
    return NECK_OK;
}

static neck_status add_row(const ordering *self, const neck_ngram_rows_view *rows, int64_t i, neck_ngram_rows *out)
{
    int64_t first = rows->starts[i], count = rows->starts[i + 1] - first;
    const int64_t starts[] = {0, count};
    for (int64_t e = 0; e < count; e++)
        self->row[e] = (entry){self->places[rows->columns[first + e]], rows->shares[first + e]};
    qsort(self->row, (size_t)count, sizeof *self->row, compare_entries);
    for (int64_t e = 0; e < count; e++) {
        self->numbers[e] = self->row[e].column;
        self->shares[e] = self->row[e].share;
    }
    const neck_ngram_rows_view one = {.struct_size = sizeof one, .cols = self->n, .rows = 1, .starts = starts,
                                      .columns = self->numbers, .shares = self->shares, .squares = rows->squares + i};
    return neck_ngram_rows_add(self->context, out, &one);
}

static neck_status add_rows(const ordering *self, const neck_ngram_rows_view *rows, neck_ngram_rows **out)
{
    NECK_TRY(neck_ngram_rows_create(self->context, self->n, out));
    for (int64_t i = 0; i < rows->rows; i++) NECK_TRY(add_row(self, rows, i, *out));
    return NECK_OK;
}

/* parts: from the places that the part had by token. */
static void renumber(ordering *self)
{
    for (int64_t j = 0; j < self->parts->cols; j++) {
        int32_t *place = &self->parts->place[j];
        if (*place < 0) continue;
        *place = self->places[*place];
        self->parts->columns[*place] = (int32_t)j;
    }
}

neck_status neck__mpi_order_columns(neck_context *context, neck_mpi_team *team, neck__mpi_parts *parts,
                                    neck_ngram_rows **shared)
{
    ordering self = {.context = context, .team = team, .parts = parts, .n = parts->largest};
    neck_ngram_rows_view rows = {.struct_size = sizeof rows};
    neck_ngram_rows *fresh = NULL;
    neck_status status = neck_mpi_agree(team, take_memory(&self, *shared, &rows));
    if (status == NECK_OK) status = find_order(&self, &rows);
    if (status == NECK_OK) status = neck_mpi_agree(team, add_rows(&self, &rows, &fresh));
    if (status == NECK_OK) {
        renumber(&self);
        neck_ngram_rows_destroy(*shared);
        *shared = fresh;
    } else
        neck_ngram_rows_destroy(fresh);
    release(&self);
    return status;
}
