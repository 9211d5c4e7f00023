/* ngram/token_sort.h - sorting n-grams token by token, the last one first. */
#ifndef NECK_NGRAM_TOKEN_SORT_H
#define NECK_NGRAM_TOKEN_SORT_H

#include "core/context.h"
#include "ngram/sorted.h"

/* Tokens and where their documents end; NULL: one document. */
typedef struct neck__ngram_text {
    const int32_t *tokens;
    int64_t count;
    const int64_t *ends;
    int64_t documents;
} neck__ngram_text;

/* Bytes an n-gram of this form takes at most for numbers beside the keys; 0: such n-grams are not sorted so. The tokens
 * beside the one that they are grouped by must fit in one word. */
int64_t neck__token_sort_bytes(const neck__key_form *form);

/* Whether that is enough for the numbers that there are for each token of the vocabulary. */
int neck__token_sort_takes(const neck__key_form *form, int64_t count);

/* count n-grams, those of a text or gathered as keys of the form, come out grouped by their first token. out->keys is a
 * or b, places with a word for each n-gram; b may be where the keys were, if these have one word. out->ends is the
 * caller's to release, by the allocator of the context. Errors: NECK_E_NOMEM, NECK_E_CANCELLED. */
neck_status neck__token_sort_text(neck_context *context, const neck__key_form *form, const neck__ngram_text *text,
                                  int64_t count, uint64_t *a, uint64_t *b, neck__sorted *out);
neck_status neck__token_sort_keys(neck_context *context, const neck__key_form *form, uint64_t *keys, int64_t count,
                                  uint64_t *a, uint64_t *b, neck__sorted *out);

#endif
