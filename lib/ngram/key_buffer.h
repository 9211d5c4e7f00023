/* ngram/key_buffer.h - the n-grams of a stream of tokens, gathered, sorted and counted in memory. */
#ifndef NECK_NGRAM_KEY_BUFFER_H
#define NECK_NGRAM_KEY_BUFFER_H

#include "core/context.h"
#include "ngram/key.h"

/* Where in the text gathering has got to. */
typedef struct neck__text_position {
    int64_t tokens;                /* taken so far */
    int64_t documents;             /* ended, not counting empty ones */
    int64_t length;                /* tokens of the document that has not ended */
    int64_t longest;               /* tokens of the longest document that has */
    uint64_t last[NECK__KEY_WORDS]; /* that document's latest tokens, packed */
} neck__text_position;

void neck__text_end_document(neck__text_position *position);

typedef struct neck__key_buffer {
    neck__allocator allocator;
    neck__key_form form;
    int64_t count, capacity;
    uint64_t *keys; /* gathered; after tally: the distinct ones, in increasing order */
    uint64_t *spare; /* after tally: how often each occurs */
} neck__key_buffer;

/* Bytes of memory an n-gram takes. */
int64_t neck__key_buffer_bytes(const neck__key_form *form);

/* Makes room. Errors: NECK_E_NOMEM. */
neck_status neck__key_buffer_init(neck__key_buffer *buffer, const neck__allocator *allocator,
                                  const neck__key_form *form, int64_t capacity);
void neck__key_buffer_clear(neck__key_buffer *buffer);

/* Takes tokens until there are none, or an n-gram finds no room; returns how many it took. */
int64_t neck__key_buffer_gather(neck__key_buffer *buffer, neck__text_position *position, const int32_t *tokens,
                                int64_t count);

/* Sorts and counts. Until it is emptied (count = 0) nothing more can be gathered. Errors: NECK_E_NOMEM,
 * NECK_E_CANCELLED. */
neck_status neck__key_buffer_tally(neck_context *context, neck__key_buffer *buffer);

#endif
