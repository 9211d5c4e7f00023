/* ngram/ngrams.h - counted n-grams as a file or in memory: the layout described in softneck/ngram.h. */
#ifndef NECK_NGRAM_NGRAMS_H
#define NECK_NGRAM_NGRAMS_H

#include "format/atomic_file.h"
#include "format/mapping.h"
#include "ngram/little.h"
#include "ngram/sorted.h"
#include "ngram/tally_stream.h"
#include "softneck/ngram.h"

enum { NECK__NGRAMS_HEADER = 192 };

/* Behind the header, in this order. */
enum { NECK__CONTEXTS, NECK__STARTS, NECK__SUCCESSORS, NECK__COUNTS, NECK__SECTIONS };

typedef struct neck__ngrams_header {
    neck_ngrams_info info;
    int32_t token_width, count_width; /* bytes */
    uint64_t sums[NECK__SECTIONS];
} neck__ngrams_header;

void neck__ngrams_header_write(const neck__ngrams_header *header, unsigned char out[NECK__NGRAMS_HEADER]);
/* Errors: NECK_E_FORMAT, NECK_E_UNSUPPORTED. Sizes can be computed from what it says without overflow; whether the file
 * has them is the caller's to check. */
neck_status neck__ngrams_header_read(const unsigned char bytes[NECK__NGRAMS_HEADER], neck__ngrams_header *out);

/* Where the sections begin, each at a multiple of 8; at[NECK__SECTIONS]: the size of the file. */
void neck__ngrams_layout(const neck__ngrams_header *header, int64_t at[NECK__SECTIONS + 1]);

struct neck_ngrams {
    neck__allocator allocator;
    neck__mapping *mapping;
    unsigned char *memory; /* where the sections lie when there is no file: mapping is NULL */
    neck__ngrams_header header;
    const unsigned char *section[NECK__SECTIONS];
};

static inline uint64_t neck__ngrams_token(const neck_ngrams *ngrams, int32_t section, int64_t index)
{
    const unsigned char *tokens = ngrams->section[section];
    return ngrams->header.token_width == 2 ? neck__little16(tokens + 2 * index) : neck__little32(tokens + 4 * index);
}

static inline uint64_t neck__ngrams_start(const neck_ngrams *ngrams, int64_t context)
{
    return neck__little64(ngrams->section[NECK__STARTS] + 8 * context);
}

static inline uint64_t neck__ngrams_times(const neck_ngrams *ngrams, int64_t ngram)
{
    const unsigned char *counts = ngrams->section[NECK__COUNTS];
    return ngrams->header.count_width == 4 ? neck__little32(counts + 4 * ngram) : neck__little64(counts + 8 * ngram);
}

/* A reader over a mapping, which it owns from then on, whatever the outcome. */
neck_status neck__ngrams_over(neck_context *context, neck__mapping *mapping, int32_t lazy, neck_ngrams **out);

/* Contexts [first, first + count) and their n-grams are what they must be, each by itself and after the one before:
 * whatever is then read of them lies in the file and below vocab_size. Errors: NECK_E_FORMAT. */
neck_status neck__ngrams_check_range(const neck_ngrams *ngrams, int64_t first, int64_t count);
/* All of them, in parallel, the sums of the sections, and what the header says of them. Errors: also NECK_E_NOMEM,
 * NECK_E_CANCELLED. */
neck_status neck__ngrams_check(neck_context *context, const neck_ngrams *ngrams);

/* ---- writing ---- */

/* Reads a stream to its end to learn what the header must say: header->info has order, vocab_size, tokens and documents
 * already, the rest is filled in but for the sums. total: n-grams to come, for progress.
 * Errors: those of the stream, NECK_E_NOMEM, NECK_E_CANCELLED. */
neck_status neck__ngrams_survey(neck_context *context, neck__tally_stream *stream, int64_t total,
                                neck__ngrams_header *header);

/* Writes what the same stream, opened again, holds to a file, which is neither committed nor abandoned. */
neck_status neck__ngrams_write(neck_context *context, neck__tally_stream *stream, neck__ngrams_header *header,
                               neck__atomic_file *file);

/* ---- in memory ---- */

/* Sorted n-grams, not yet counted, as they would be read from a file: header is as for survey. Errors: NECK_E_NOMEM. */
neck_status neck__ngrams_of_sorted(neck_context *context, const neck__sorted *sorted, neck__ngrams_header *header,
                                   neck_ngrams **out);

#endif
