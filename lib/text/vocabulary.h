/* text/vocabulary.h - tokens by number and by spelling. */
#ifndef NECK_TEXT_VOCABULARY_H
#define NECK_TEXT_VOCABULARY_H

#include "text/growing.h"

enum {
    NECK__TOKEN_MODEL = 1,  /* the model makes it from text; others exist only as added tokens */
    NECK__TOKEN_SPECIAL = 2 /* stands for no text, such as <s> */
};

typedef struct neck__token {
    int64_t at; /* of its spelling in the pool */
    int32_t length; /* -1: no token has this number */
    int32_t flags;
} neck__token;

typedef struct neck__vocabulary {
    neck__buffer pool;
    neck__token *tokens;
    int64_t count, capacity; /* numbers are 0 .. count-1 */
    int64_t used;            /* tokens there are */
    int32_t *slots;          /* hash table of numbers, -1 where empty */
    int64_t slot_count;      /* a power of two */
} neck__vocabulary;

/* An empty vocabulary whose numbers stay below limit_of(expected): sparse numbers must not cost memory. */
neck_status neck__vocabulary_init(neck__vocabulary *vocabulary, const neck__allocator *allocator, int64_t expected);
void neck__vocabulary_clear(neck__vocabulary *vocabulary);

/* Adds a token. A spelling that is there already keeps its first number for lookups.
 * Errors: NECK_E_FORMAT (number taken or far beyond the size of the vocabulary), NECK_E_NOMEM. */
neck_status neck__vocabulary_add(neck__vocabulary *vocabulary, int64_t id, const void *spelling, int64_t length,
                                 int32_t flags);

/* The number of a spelling, -1 when there is none. model: among tokens with NECK__TOKEN_MODEL only. */
int32_t neck__vocabulary_find(const neck__vocabulary *vocabulary, const void *spelling, int64_t length);
int32_t neck__vocabulary_find_model(const neck__vocabulary *vocabulary, const void *spelling, int64_t length);

/* The token of a number, NULL when there is none; its spelling. */
neck__token *neck__vocabulary_token(const neck__vocabulary *vocabulary, int64_t id);
const unsigned char *neck__vocabulary_spelling(const neck__vocabulary *vocabulary, const neck__token *token);

#endif
