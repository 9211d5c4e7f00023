/* ngram/ngram_rows_read.c - one pass over all contexts of counted n-grams, a block at a time. */
#include "core/context.h"
#include "core/error.h"
#include "ngram/ngram_rows.h"

enum { BLOCK = 8192 }; /* contexts read at a time */

typedef struct reading {
    const neck_ngrams *ngrams;
    int32_t weight;
    neck_ngrams_info info;
    neck_ngram_rows *out;
    int64_t most_rows, most_entries; /* that the header leaves room for */
    int64_t *starts; /* of a block */
    int64_t room;    /* entries there is room for in the block */
    int32_t *successors;
    int64_t *counts;
} reading;

/* ---- contexts ---- */

static double squared_weight(int32_t weight, double occurrences)
{
    return weight == NECK_WEIGHT_UNIFORM ? 1 : weight == NECK_WEIGHT_COUNT ? occurrences * occurrences : occurrences;
}

/* The context whose successors are entries first .. last - 1 of the block. */
static neck_status add_coupled(reading *self, int64_t first, int64_t last, double occurrences)
{
    neck_ngram_rows *rows = self->out;
    int64_t at = rows->starts[rows->count];
    for (int64_t e = first; e < last; e++, at++) {
        rows->columns[at] = self->successors[e];
        rows->shares[at] = (double)self->counts[e] / occurrences;
    }
    return neck__ngram_rows_append(rows, last - first, squared_weight(self->weight, occurrences));
}

static neck_status damaged(const reading *self, int64_t context)
{
    return neck__fail(NECK_E_FORMAT, "context %lld of %lld does not fit what the n-grams say of themselves",
                      (long long)context, (long long)self->info.contexts);
}

/* A file that was opened without reading it all may hold anything. */
static neck_status add_context(reading *self, int64_t number, int64_t first, int64_t last)
{
    neck_ngram_rows *rows = self->out;
    double occurrences = 0;
    for (int64_t e = first; e < last; e++) {
        if (self->counts[e] < 1 || self->successors[e] < (e > first ? self->successors[e - 1] + 1 : 0) ||
            self->successors[e] >= rows->cols)
            return damaged(self, number);
        occurrences += (double)self->counts[e];
    }
    if (last - first > 1) {
        if (rows->count >= self->most_rows || last - first > self->most_entries - rows->starts[rows->count])
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
    const neck__allocator *allocator = &self->out->allocator;
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

static neck_status read_all(neck_context *context, reading *self)
{
    int64_t contexts = self->info.contexts;
    for (int64_t first = 0; first < contexts; first += BLOCK) {
        int64_t count = contexts - first < BLOCK ? contexts - first : BLOCK;
        NECK_TRY(read_block(self, first, count));
        NECK_TRY(neck__progress(context, "rows of n-grams", "contexts", first + count, contexts));
    }
    self->out->contexts += contexts;
    return NECK_OK;
}

static neck_status begin(reading *self)
{
    neck_ngram_rows *rows = self->out;
    int64_t most = self->info.contexts - self->info.singletons, entries = self->info.ngrams - self->info.singletons;
    if (most < 0 || entries < most)
        return neck__fail(NECK_E_FORMAT, "the n-grams contradict themselves: fewer than contexts");
    NECK_TRY(neck__ngram_rows_reserve(rows, most, entries));
    self->most_rows = rows->count + most;
    self->most_entries = rows->starts[rows->count] + entries;
    self->starts = neck__alloc(&rows->allocator, BLOCK + 1, sizeof *self->starts, "a block of contexts");
    return self->starts ? NECK_OK : NECK_E_NOMEM;
}

neck_status neck_ngram_rows_read(neck_context *context, neck_ngram_rows *rows, const neck_ngrams *ngrams,
                                 int32_t weight)
{
    reading self = {.ngrams = ngrams, .weight = weight, .info = {.struct_size = sizeof self.info}, .out = rows};
    if (!rows || !ngrams) return neck__fail(NECK_E_ARGUMENT, "rows or ngrams is NULL");
    if (weight < NECK_WEIGHT_UNIFORM || weight > NECK_WEIGHT_ROOT_COUNT)
        return neck__fail(NECK_E_ARGUMENT, "weight is %d: uniform (0), count (1) or root_count (2)", (int)weight);
    NECK_TRY(neck_ngrams_describe(ngrams, &self.info));
    if (self.info.vocab_size != rows->cols)
        return neck__fail(NECK_E_ARGUMENT, "n-grams over a vocabulary of %lld, rows over one of %lld",
                          (long long)self.info.vocab_size, (long long)rows->cols);
    neck_status status = begin(&self);
    if (status == NECK_OK) status = read_all(context, &self);
    void *const scratch[] = {self.starts, self.successors, self.counts};
    for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++) neck__release(&rows->allocator, scratch[i]);
    return status;
}
