/* mpi/team_ngram_deal.c - a row as a record: its length, whether it is of the largest part, its squared weight;
 * columns; shares. */
#include "mpi/team_ngram_deal.h"

#include <stdlib.h>
#include <string.h>

#include "mpi/mail.h"

#define MAIL_MEMORY (INT64_C(64) << 20)

typedef struct head {
    int32_t length, shared;
    double square;
} head;

/* Columns take an even number of places, so that shares are aligned. */
static int64_t column_bytes(int64_t length)
{
    return (length + 1) / 2 * 8;
}

static int64_t record_bytes(int64_t length)
{
    return (int64_t)sizeof(head) + column_bytes(length) + 8 * length;
}

typedef struct dealing {
    neck_context *context;
    neck_mpi_team *team;
    const neck_ngram_rows_view *rows;
    const neck__mpi_parts *parts;    /* NULL: all rows go to rank 0's shared as they are */
    neck_ngram_rows *dealt, *shared;
    int64_t shared_cols;
    neck__mpi_mail mail;
    int64_t next; /* row to be sent */
} dealing;

/* ---- sending ---------------------------------------------------------------------------------------------------- */

int32_t neck__mpi_dealt_to(const neck_mpi_team *team, const neck__mpi_parts *parts, int64_t column)
{
    return neck__mpi_rank_of(team, neck__mpi_hash(1, (uint64_t)parts->root[column] + 1));
}

static int is_shared(const neck__mpi_parts *parts, int64_t column)
{
    return !parts || parts->place[column] >= 0;
}

static int32_t hashed_to(const dealing *self, int64_t first, int64_t last)
{
    uint64_t hash = 2, bits;
    for (int64_t e = first; e < last; e++) {
        memcpy(&bits, self->rows->shares + e, sizeof bits);
        hash = neck__mpi_hash(neck__mpi_hash(hash, (uint64_t)self->rows->columns[e] + 1), bits);
    }
    return neck__mpi_rank_of(self->team, hash);
}

static int32_t destination(const dealing *self, int64_t first, int64_t last)
{
    if (!self->parts) return 0;
    int32_t column = self->rows->columns[first];
    return is_shared(self->parts, column) ? hashed_to(self, first, last)
                                          : neck__mpi_dealt_to(self->team, self->parts, column);
}

/* 0 when there is no room for the row in this round. */
static int send(dealing *self, int64_t row)
{
    const neck_ngram_rows_view *rows = self->rows;
    int64_t first = rows->starts[row], last = rows->starts[row + 1];
    const head about = {(int32_t)(last - first), is_shared(self->parts, rows->columns[first]), rows->squares[row]};
    char *place = neck__mpi_mail_put(&self->mail, destination(self, first, last), record_bytes(about.length));
    if (!place) return 0;
    memcpy(place, &about, sizeof about);
    int32_t *columns = (int32_t *)(void *)(place + sizeof about);
    columns[column_bytes(about.length) / 4 - 1] = 0; /* where the length is odd, nothing else would be there */
    for (int64_t e = first; e < last; e++)
        columns[e - first] = about.shared && self->parts ? self->parts->place[rows->columns[e]] : rows->columns[e];
    memcpy(place + sizeof about + column_bytes(about.length), rows->shares + first,
           (size_t)about.length * sizeof(double));
    return 1;
}

/* ---- taking in -------------------------------------------------------------------------------------------------- */

static neck_status take_in(dealing *self)
{
    neck_status status = NECK_OK;
    for (const char *at = self->mail.in, *end = at + self->mail.received; at < end && status == NECK_OK;) {
        head about;
        memcpy(&about, at, sizeof about);
        const int64_t starts[] = {0, about.length};
        const neck_ngram_rows_view row = {
            .struct_size = sizeof row,
            .cols = about.shared ? self->shared_cols : self->rows->cols,
            .rows = 1,
            .starts = starts,
            .columns = (const int32_t *)(const void *)(at + sizeof about),
            .shares = (const double *)(const void *)(at + sizeof about + column_bytes(about.length)),
            .squares = &about.square};
        status = neck_ngram_rows_add(self->context, about.shared ? self->shared : self->dealt, &row);
        at += record_bytes(about.length);
    }
    return status;
}

static neck_status deal_all(dealing *self)
{
    neck_status status = NECK_OK;
    for (int64_t left = 1; left > 0;) {
        while (self->next < self->rows->rows && send(self, self->next)) self->next++;
        left = self->rows->rows - self->next;
        NECK_TRY(neck__mpi_mail_exchange(&self->mail, status, &left, 1));
        status = take_in(self);
    }
    return neck_mpi_agree(self->team, status);
}

/* Boxes hold the longest row of any rank. */
static neck_status deal(dealing *self)
{
    const neck_ngram_rows_view *rows = self->rows;
    int64_t longest = 0, least;
    for (int64_t i = 0; i < rows->rows; i++)
        if (rows->starts[i + 1] - rows->starts[i] > longest) longest = rows->starts[i + 1] - rows->starts[i];
    NECK_TRY(neck__mpi_least(self->team, -longest, &least));
    neck_status status = neck__mpi_mail_open(self->team, MAIL_MEMORY, record_bytes(-least), &self->mail);
    if (status == NECK_OK) status = deal_all(self);
    neck__mpi_mail_close(&self->mail);
    return status;
}

neck_status neck__mpi_deal_rows(neck_context *context, neck_mpi_team *team, const neck_ngram_rows_view *rows,
                                const neck__mpi_parts *parts, neck_ngram_rows *dealt, neck_ngram_rows *shared)
{
    dealing self = {.context = context, .team = team, .rows = rows, .parts = parts, .dealt = dealt, .shared = shared};
    self.shared_cols = parts->largest;
    return deal(&self);
}

neck_status neck__mpi_gather_rows(neck_context *context, neck_mpi_team *team, const neck_ngram_rows_view *rows,
                                  neck_ngram_rows *all)
{
    dealing self = {.context = context, .team = team, .rows = rows, .shared = all, .shared_cols = rows->cols};
    return deal(&self);
}
