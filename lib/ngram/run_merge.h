/* ngram/run_merge.h - many streams of counted n-grams become one. */
#ifndef NECK_NGRAM_RUN_MERGE_H
#define NECK_NGRAM_RUN_MERGE_H

#include "core/context.h"
#include "ngram/tally_stream.h"

/* Appends what count open streams hold to writer, equal n-grams with their counts added. total: n-grams in all streams.
 * Errors: NECK_E_IO, NECK_E_FORMAT, NECK_E_NOMEM, NECK_E_CANCELLED. */
neck_status neck__run_merge(neck_context *context, neck__tally_stream *streams, int64_t count, int64_t total,
                            neck__run_writer *writer);

#endif
