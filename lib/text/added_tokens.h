/* text/added_tokens.h - tokens that are looked for in the text before anything else: <s>, <|endoftext|> ... */
#ifndef NECK_TEXT_ADDED_TOKENS_H
#define NECK_TEXT_ADDED_TOKENS_H

#include "text/growing.h"

typedef struct neck__added_token {
    int64_t at, length; /* of its content in the pool */
    int32_t id;
    unsigned char first; /* byte of the content; set by adding */
    unsigned char strip_left, strip_right; /* takes the white space before it; behind it */
} neck__added_token;

typedef struct neck__added_tokens {
    neck__buffer pool;
    neck__added_token *tokens;
    int64_t count, capacity;
    int64_t first[257];         /* tokens first[b] .. first[b + 1] - 1 begin with byte b, longest first */
    unsigned char pairs[8192];  /* a bit for every two bytes some token begins with */
    unsigned char lonely[32];   /* a bit for every byte that is a token */
} neck__added_tokens;

/* Copies the content. Empty ones are left out. */
neck_status neck__added_tokens_add(neck__added_tokens *added, const neck__added_token *token, const void *content);
/* After the last one. */
void neck__added_tokens_finish(neck__added_tokens *added);
void neck__added_tokens_clear(neck__added_tokens *added);

typedef neck_status (*neck__between_fn)(void *user, const unsigned char *text, int64_t begin, int64_t end);
typedef void (*neck__token_fn)(void *user, int32_t id);

/* Splits text: the leftmost token, the longest of those, and so on; between is called for the stretches around them. */
neck_status neck__added_tokens_split(const neck__added_tokens *added, const unsigned char *text, int64_t size,
                                     neck__between_fn between, neck__token_fn token, void *user);

#endif
