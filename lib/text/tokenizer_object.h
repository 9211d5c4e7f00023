/* text/tokenizer_object.h - what a tokenizer is inside the library, and the readers that make one. */
#ifndef NECK_TEXT_TOKENIZER_OBJECT_H
#define NECK_TEXT_TOKENIZER_OBJECT_H

#include <jansson.h>

#include "format/gguf.h"
#include "format/mapping.h"
#include "softneck/tokenizer.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"

enum { NECK__SPECIALS = NECK_TOKEN_PAD + 1 };

/* Tokens before or behind every text. */
typedef struct neck__frame {
    int32_t *ids;
    int64_t count, capacity;
} neck__frame;

/* Text goes through the fields in this order. */
struct neck_tokenizer {
    neck__allocator allocator;
    neck__frame before, behind;
    neck__added_tokens raw;        /* looked for in the text as it is */
    neck__normalizer normalizer;
    neck__added_tokens normalized; /* looked for in normalized text */
    neck__pretokenizer pretokenizer;
    neck__bpe bpe;
    /* and back: */
    char marker[8];             /* what decodes to a space; "": nothing does */
    int32_t drops_leading_space; /* the first space of a text was put there by the tokenizer */
    int32_t special[NECK__SPECIALS];
};

/* An empty tokenizer, whose vocabulary the reader must initialise. */
neck_status neck__tokenizer_new(const neck__allocator *allocator, neck_tokenizer **out);

/* Registers an added token whose number is in the vocabulary or gets there; normalized: its content is looked for in
 * normalized text. */
neck_status neck__tokenizer_add(neck_tokenizer *tokenizer, int64_t id, const char *content, int64_t length,
                                int32_t special, int32_t is_normalized, neck__added_token how);

/* Appends a token to a frame. */
neck_status neck__frame_add(const neck_tokenizer *tokenizer, neck__frame *frame, int32_t id);

/* After everything is set: tables that depend on all of it. */
neck_status neck__tokenizer_finish(neck_tokenizer *tokenizer, const char *space);

/* The readers fill in a new tokenizer. config is tokenizer_config.json or NULL. */
neck_status neck__tokenizer_json(neck_tokenizer *tokenizer, const void *text, int64_t size);
neck_status neck__tokenizer_gpt2(neck_tokenizer *tokenizer, const neck__mapping *vocabulary,
                                 const neck__mapping *merges, const json_t *config);
neck_status neck__tokenizer_llama2c(neck_tokenizer *tokenizer, const neck__mapping *file);
neck_status neck__tokenizer_gguf(neck_tokenizer *tokenizer, const neck__gguf *gguf);

/* Parts of tokenizer.json, each from its value, which may be null. */
neck_status neck__json_normalizer(neck_tokenizer *tokenizer, const json_t *value);
neck_status neck__json_pretokenizer(neck_tokenizer *tokenizer, const json_t *value);
neck_status neck__json_postprocessor(neck_tokenizer *tokenizer, const json_t *value);
neck_status neck__json_decoder(neck_tokenizer *tokenizer, const json_t *value);

/* "type" of a part, "" without one; a member that must be a string, "" (and *status set, unless it failed before). */
const char *neck__json_type(const json_t *value);
const char *neck__json_text(const json_t *value, const char *key, neck_status *status);

/* bos, eos, unk and pad: those a tokenizer_config.json names (NULL: none), then well-known spellings. */
neck_status neck__special_tokens(neck_tokenizer *tokenizer, const json_t *config);

#endif
