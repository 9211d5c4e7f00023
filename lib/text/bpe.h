/* text/bpe.h - byte-pair encoding: the model, and a run of it over one text. */
#ifndef NECK_TEXT_BPE_H
#define NECK_TEXT_BPE_H

#include "text/merges.h"

typedef struct neck__bpe {
    neck__vocabulary vocabulary;
    neck__merges merges;
    int32_t byte_level;    /* symbols are bytes, spelled in GPT-2's alphabet; else characters */
    int32_t byte_fallback; /* characters without a token become the tokens of their bytes, <0x00> .. <0xFF> */
    int32_t fuse_unknown;  /* neighbouring unknown characters become one unknown token */
    int32_t whole_words;   /* a piece that is a token is that token, whatever the merges say */
    int32_t unknown;       /* -1: none, what is unknown is left out */
    int32_t singles[256];  /* byte_level: the token of each byte; else of each ASCII character; -1: none */
    int32_t bytes[256];    /* byte_fallback: the token of each byte; -1: none */
    /* How the vocabulary spells a space, when no merge joins anything to a space behind it: a text may then be cut
     * before every space without changing its tokens. space_length 0: it may not. */
    unsigned char space[4];
    int32_t space_length;
} neck__bpe;

/* After vocabulary, merges and flags are set: fills in singles, bytes and space (by the spelling given; NULL: none). */
void neck__bpe_prepare(neck__bpe *bpe, const char *space);
void neck__bpe_clear(neck__bpe *bpe);

/* The token of a byte by fallback, spelled <0x41>; -1: none. */
int32_t neck__bpe_byte_token(const neck__bpe *bpe, unsigned char byte);

typedef struct neck__symbol neck__symbol;
typedef struct neck__candidate neck__candidate;
typedef struct neck__remembered neck__remembered;

/* Where the tokens of one text go, and the working memory on the way. */
typedef struct neck__bpe_run {
    const neck__bpe *bpe;
    neck__allocator allocator;
    int32_t *ids; /* the caller's */
    int64_t capacity, count;
    neck__symbol *symbols; /* of the current word */
    int64_t symbol_count, symbol_capacity;
    neck__candidate *heap; /* pairs that may merge, best first */
    int64_t heap_count, heap_capacity;
    neck__remembered *cache; /* words seen lately */
    uint64_t cache_mask;
    neck__buffer spelled;
} neck__bpe_run;

/* text_size: how much text there will be about, which decides how many words are worth remembering. */
neck_status neck__bpe_begin(neck__bpe_run *run, const neck__bpe *bpe, const neck__allocator *allocator,
                            int64_t text_size, int32_t *ids, int64_t capacity);
void neck__bpe_end(neck__bpe_run *run);

/* Appends one token; counts it even where there is no room. */
void neck__bpe_put(neck__bpe_run *run, int32_t id);

/* Appends the tokens of a piece of text. Bytes that are no character count as characters that no token spells. */
neck_status neck__bpe_piece(neck__bpe_run *run, const unsigned char *bytes, int64_t size);

#endif
