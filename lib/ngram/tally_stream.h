/* ngram/tally_stream.h - distinct n-grams in increasing order, one at a time, each with how often it occurs: from
 * memory or from a run. */
#ifndef NECK_NGRAM_TALLY_STREAM_H
#define NECK_NGRAM_TALLY_STREAM_H

#include "ngram/key_buffer.h"
#include "ngram/run.h"

typedef struct neck__tally_stream {
    const neck__key_form *form;
    uint64_t key[NECK__KEY_WORDS]; /* the one at hand */
    int64_t count;
    int32_t done; /* there is none */
    const uint64_t *keys, *counts; /* in memory */
    int64_t left;
    neck__run_reader reader; /* or from a run: keys is NULL */
} neck__tally_stream;

/* A stream over a tallied buffer, which stays the caller's; over the run at path. Both stand at the first n-gram.
 * Errors of both and of next: NECK_E_IO, NECK_E_FORMAT (a run that is not what was written), NECK_E_NOMEM. */
void neck__tally_stream_over(neck__tally_stream *stream, const neck__key_buffer *buffer);
neck_status neck__tally_stream_open(neck__tally_stream *stream, const neck__allocator *allocator,
                                    const neck__key_form *form, const char *path, const neck__run *run,
                                    int64_t buffer_bytes);
/* Also after a failure to open. */
void neck__tally_stream_close(neck__tally_stream *stream);

neck_status neck__tally_stream_next(neck__tally_stream *stream);

#endif
