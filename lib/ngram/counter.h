/* ngram/counter.h - what a counter is inside the library, and what counting in memory has in common with it. */
#ifndef NECK_NGRAM_COUNTER_H
#define NECK_NGRAM_COUNTER_H

#include "ngram/key_buffer.h"
#include "ngram/spill.h"
#include "softneck/ngram.h"

/* Errors of both: NECK_E_ARGUMENT. */
neck_status neck__ngram_check(int32_t order, int64_t vocab_size);
neck_status neck__ngram_check_tokens(const int32_t *tokens, int64_t count, int64_t vocab_size);
/* That some document was long enough; the position is behind the last. */
neck_status neck__ngram_check_any(int32_t order, const neck__text_position *position);

/* What is known before surveying. */
neck_ngrams_info neck__ngram_info(int32_t order, int64_t vocab_size, const neck__text_position *position);

enum { NECK__COUNTER_OPEN, NECK__COUNTER_FAILED, NECK__COUNTER_FINISHED };

struct neck_ngram_counter {
    neck__allocator allocator;
    int64_t vocab_size;
    int64_t memory; /* bytes for buffers: what was allowed but for what is always needed */
    neck__key_buffer buffer;
    neck__text_position position;
    neck__spill spill;
    int32_t state;
};

/* Whether it can go on. Errors: NECK_E_ARGUMENT, NECK_E_STATE. */
neck_status neck__counter_usable(const neck_ngram_counter *counter);
/* Counting has come to an end with that status, which is returned: nothing is left on disk unless it can be resumed. */
neck_status neck__counter_fail(neck_ngram_counter *counter, neck_status status);

/* Sorts, counts and spills what is in memory. */
neck_status neck__counter_spill(neck_context *context, neck_ngram_counter *counter);

#endif
