/* ngram/ngram_rows.c - one pass over all contexts; rows with several successors go through a hash table. */
#include "ngram/ngram_rows.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "text/hash.h"

enum { BLOCK = 8192 }; /* contexts read at a time */

/* Rows under the hash of their successors and shares; linear probing, at most half full. */
typedef struct row_table {
    int64_t capacity; /* a power of two */
    int64_t *rows;    /* number + 1; 0: free */
} row_table;

typedef struct reading {
    neck_context *context;
    const neck_ngrams *ngrams;
    int32_t weight;
    neck_ngrams_info info;
    neck__ngram_rows out;
    row_table table;
    int64_t *starts; /* of a block */
    int64_t room;    /* entries there is room for in the block */
    int32_t *successors;
    int64_t *counts;
} reading;

void neck__ngram_rows_free(neck__ngram_rows *rows)
{
    void *const parts[] = {rows->diagonal, rows->starts, rows->columns, rows->shares, rows->squares};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) neck__release(&rows->allocator, parts[i]);
    *rows = (neck__ngram_rows){0};
}

/* ---- the table of rows ---- */

static uint64_t row_hash(const neck__ngram_rows *rows, int64_t row)
{
    int64_t first = rows->starts[row], length = rows->starts[row + 1] - first;
    uint64_t successors = neck__hash_bytes((const unsigned char *)(rows->columns + first), length * 4);
    return neck__hash_number(successors ^ neck__hash_bytes((const unsigned char *)(rows->shares + first), length * 8));
}

static int same_row(const neck__ngram_rows *rows, int64_t a, int64_t b)
{
    int64_t first = rows->starts[a], other = rows->starts[b], length = rows->starts[a + 1] - first;
    return rows->starts[b + 1] - other == length &&
           memcmp(rows->columns + first, rows->columns + other, (size_t)length * sizeof *rows->columns) == 0 &&
           memcmp(rows->shares + first, rows->shares + other, (size_t)length * sizeof *rows->shares) == 0;
}

/* Where the row is, or could go. */
static int64_t *table_place(const row_table *table, const neck__ngram_rows *rows, int64_t row)
{
    uint64_t mask = (uint64_t)table->capacity - 1, at = row_hash(rows, row) & mask;
    while (table->rows[at] != 0 && !same_row(rows, table->rows[at] - 1, row)) at = (at + 1) & mask;
    return &table->rows[at];
}

static neck_status table_grow(row_table *table, const neck__ngram_rows *rows)
{
    row_table larger = {table->capacity ? table->capacity * 2 : 1024, NULL};
    larger.rows = neck__calloc(&rows->allocator, larger.capacity, sizeof *larger.rows, "a table of rows");
    if (!larger.rows) return NECK_E_NOMEM;
    for (int64_t i = 0; i < rows->count; i++) *table_place(&larger, rows, i) = i + 1;
    neck__release(&rows->allocator, table->rows);
    *table = larger;
    return NECK_OK;
}

/* ---- contexts ---- */

static double squared_weight(int32_t weight, double occurrences)
{
    return weight == NECK_WEIGHT_UNIFORM ? 1 : weight == NECK_WEIGHT_COUNT ? occurrences * occurrences : occurrences;
}

/* The context whose successors are entries first .. last - 1 of the block becomes a row behind the last one; an equal
 * one before it takes its weight, and the row's place is free again. */
static neck_status add_coupled(reading *self, int64_t first, int64_t last, double occurrences)
{
    neck__ngram_rows *rows = &self->out;
    if (2 * (rows->count + 1) > self->table.capacity) NECK_TRY(table_grow(&self->table, rows));
    int64_t row = rows->count, at = rows->starts[row];
    for (int64_t e = first; e < last; e++, at++) {
        rows->columns[at] = self->successors[e];
        rows->shares[at] = (double)self->counts[e] / occurrences;
    }
    rows->starts[row + 1] = at;
    int64_t *place = table_place(&self->table, rows, row);
    if (*place == 0) {
        *place = row + 1;
        rows->squares[row] = 0;
        rows->count++;
    }
    rows->squares[*place - 1] += squared_weight(self->weight, occurrences);
    return NECK_OK;
}

static neck_status damaged(const reading *self, int64_t context)
{
    return neck__fail(NECK_E_FORMAT, "context %lld of %lld does not fit what the n-grams say of themselves",
                      (long long)context, (long long)self->info.contexts);
}

/* A file that was opened without reading it all may hold anything. */
static neck_status add_context(reading *self, int64_t number, int64_t first, int64_t last)
{
    neck__ngram_rows *rows = &self->out;
    double occurrences = 0;
    for (int64_t e = first; e < last; e++) {
        if (self->counts[e] < 1 || self->successors[e] < (e > first ? self->successors[e - 1] + 1 : 0) ||
            self->successors[e] >= rows->cols)
            return damaged(self, number);
        occurrences += (double)self->counts[e];
    }
    if (last - first > 1) {
        if (rows->count >= self->info.contexts - self->info.singletons ||
            last - first > self->info.ngrams - self->info.singletons - rows->starts[rows->count])
            return damaged(self, number);
        return add_coupled(self, first, last, occurrences);
    }
    if (last == first) return damaged(self, number);
    rows->diagonal[self->successors[first]] += squared_weight(self->weight, occurrences);
    return NECK_OK;
}

/* ---- blocks ---- */

static neck_status make_room(reading *self, int64_t entries)
{
    if (entries <= self->room) return NECK_OK;
    const neck__allocator *allocator = &self->out.allocator;
    neck__release(allocator, self->successors);
    neck__release(allocator, self->counts);
    self->room = 0;
    self->counts = NULL;
    self->successors = neck__alloc(allocator, entries, sizeof *self->successors, "successors");
    if (self->successors) self->counts = neck__alloc(allocator, entries, sizeof *self->counts, "counts");
    if (!self->counts) return NECK_E_NOMEM;
    self->room = entries;
    return NECK_OK;
}

static neck_status read_block(reading *self, int64_t first, int64_t count)
{
    NECK_TRY(neck_ngrams_read(self->ngrams, first, count, NULL, self->starts, NULL, NULL));
    for (int64_t i = 0; i < count; i++)
        if (self->starts[i + 1] < self->starts[i] || self->starts[count] > self->info.ngrams)
            return damaged(self, first + i);
    NECK_TRY(make_room(self, self->starts[count]));
    NECK_TRY(neck_ngrams_read(self->ngrams, first, count, NULL, NULL, self->successors, self->counts));
    for (int64_t i = 0; i < count; i++) NECK_TRY(add_context(self, first + i, self->starts[i], self->starts[i + 1]));
    return NECK_OK;
}

static neck_status read_all(reading *self)
{
    int64_t contexts = self->info.contexts;
    for (int64_t first = 0; first < contexts; first += BLOCK) {
        int64_t count = contexts - first < BLOCK ? contexts - first : BLOCK;
        NECK_TRY(read_block(self, first, count));
        NECK_TRY(neck__progress(self->context, "rows of n-grams", "contexts", first + count, contexts));
    }
    return NECK_OK;
}

/* Squared weights are integers, so their sums are exact while they stay below 2^53, however many contexts there are. */
static void sum_up(neck__ngram_rows *rows, int64_t contexts)
{
    double total = 0;
    for (int64_t j = 0; j < rows->cols; j++) total += rows->diagonal[j];
    double weights = total;
    for (int64_t i = 0; i < rows->count; i++) {
        double row = 0;
        for (int64_t e = rows->starts[i]; e < rows->starts[i + 1]; e++) row += rows->shares[e] * rows->shares[e];
        total += row * rows->squares[i];
        weights += rows->squares[i];
    }
    rows->frobenius_squared = total;
    rows->roundings = weights < 0x1p53 ? 0 : (double)contexts;
}

static neck_status allocate(reading *self)
{
    const neck__allocator *allocator = &self->out.allocator;
    neck__ngram_rows *rows = &self->out;
    int64_t most = self->info.contexts - self->info.singletons, entries = self->info.ngrams - self->info.singletons;
    if (most < 0 || entries < most)
        return neck__fail(NECK_E_FORMAT, "the n-grams contradict themselves: fewer than contexts");
    rows->cols = self->info.vocab_size;
    rows->diagonal = neck__calloc(allocator, rows->cols, sizeof *rows->diagonal, "the diagonal");
    rows->starts = neck__calloc(allocator, most + 1, sizeof *rows->starts, "rows of n-grams");
    rows->columns = neck__alloc(allocator, entries, sizeof *rows->columns, "successors");
    rows->shares = neck__alloc(allocator, entries, sizeof *rows->shares, "shares of successors");
    rows->squares = neck__alloc(allocator, most, sizeof *rows->squares, "weights of rows");
    self->starts = neck__alloc(allocator, BLOCK + 1, sizeof *self->starts, "a block of contexts");
    int all = rows->diagonal && rows->starts && rows->columns && rows->shares && rows->squares && self->starts;
    return all ? NECK_OK : NECK_E_NOMEM;
}

neck_status neck__ngram_rows_read(neck_context *context, const neck_ngrams *ngrams, int32_t weight,
                                  neck__ngram_rows *out)
{
    reading self = {.context = context, .ngrams = ngrams, .weight = weight};
    self.out.allocator = neck__allocator_of(context);
    self.info.struct_size = sizeof self.info;
    NECK_TRY(neck_ngrams_describe(ngrams, &self.info));
    neck_status status = allocate(&self);
    if (status == NECK_OK) status = read_all(&self);
    void *const scratch[] = {self.table.rows, self.starts, self.successors, self.counts};
    for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++) neck__release(&self.out.allocator, scratch[i]);
    if (status == NECK_OK) {
        sum_up(&self.out, self.info.contexts);
        *out = self.out;
    } else {
        neck__ngram_rows_free(&self.out);
    }
    return status;
}
