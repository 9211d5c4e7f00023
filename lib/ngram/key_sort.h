/* ngram/key_sort.h - sorting packed n-grams. */
#ifndef NECK_NGRAM_KEY_SORT_H
#define NECK_NGRAM_KEY_SORT_H

#include "core/context.h"

/* Sorts count keys of so many words (1 to 4) each, lowest word first, in increasing order; spare is room for as many.
 * With NECK_E_CANCELLED both hold rubbish. Errors: NECK_E_NOMEM, NECK_E_CANCELLED. */
neck_status neck__key_sort(neck_context *context, int32_t words, uint64_t *keys, uint64_t *spare, int64_t count);

#endif
