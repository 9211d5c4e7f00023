/* softneck/tokenizer.h - text to token numbers and back, with the numbers a model was trained on. */
#ifndef SOFTNECK_TOKENIZER_H
#define SOFTNECK_TOKENIZER_H

#include "context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A tokenizer is immutable once open: any number of threads may use one. */
typedef struct neck_tokenizer neck_tokenizer;

typedef struct neck_tokenizer_options {
    size_t struct_size;
    const char *merges; /* what belongs to a vocabulary of GPT-2's kind; NULL: beside it, under a usual name */
} neck_tokenizer_options;

/* neck_tokenizer_open - reads a tokenizer. path is one of
 *   tokenizer.json of Hugging Face tokenizers, with a BPE model
 *   vocab.json, encoder.json or X-encoder.json of GPT-2, with merges.txt, vocab.bpe or X-vocab.bpe beside it
 *   tokenizer.bin of llama2.c (named *.bin)
 *   a GGUF file that holds a tokenizer
 *   a folder that holds one of these
 * tokenizer_config.json beside the file names the special tokens; without it well-known names are looked for.
 * What the file asks for and this library does not know (other models, normalizers, pre-tokenizers) is refused by name.
 * truncation and padding in tokenizer.json are ignored: every byte of a text gets its tokens.
 * Errors: NECK_E_ARGUMENT, NECK_E_IO, NECK_E_FORMAT, NECK_E_UNSUPPORTED, NECK_E_NOT_FOUND, NECK_E_NOMEM. */
NECK_API neck_status neck_tokenizer_open(neck_context *context, const char *path, const neck_tokenizer_options *options,
                                         neck_tokenizer **out);
NECK_API void neck_tokenizer_destroy(neck_tokenizer *tokenizer);

/* neck_tokenizer_vocab_size - one more than the largest token number; some numbers below may be unused.
 * neck_tokenizer_kind       - "byte-level BPE" or "character BPE"; static. */
NECK_API int64_t neck_tokenizer_vocab_size(const neck_tokenizer *tokenizer);
NECK_API const char *neck_tokenizer_kind(const neck_tokenizer *tokenizer);

enum { NECK_TOKEN_BOS = 0, NECK_TOKEN_EOS = 1, NECK_TOKEN_UNK = 2, NECK_TOKEN_PAD = 3 };

/* neck_tokenizer_special - the number of a NECK_TOKEN_*, -1 when the tokenizer has none. */
NECK_API int32_t neck_tokenizer_special(const neck_tokenizer *tokenizer, int32_t which);

/* neck_tokenizer_token - how a token is spelled in the vocabulary (for byte-level BPE in its alphabet: a space is
 *                        U+0120); length bytes, not NUL-terminated, borrowed. For the text it stands for, decode it.
 * neck_tokenizer_find  - the number of the token spelled so.
 * Errors: NECK_E_ARGUMENT (no such number), NECK_E_NOT_FOUND (no such spelling). */
NECK_API neck_status neck_tokenizer_token(const neck_tokenizer *tokenizer, int32_t id, const char **bytes,
                                          int64_t *length);
NECK_API neck_status neck_tokenizer_find(const neck_tokenizer *tokenizer, const char *bytes, int64_t length,
                                         int32_t *id);

typedef struct neck_encode_options {
    size_t struct_size;
    int32_t no_special_tokens; /* leave out what the tokenizer puts before and behind a text (such as <s>) */
    int32_t strict_utf8;       /* refuse text that is not UTF-8 instead of keeping its bytes */
} neck_encode_options;

/* neck_tokenizer_encode - the tokens of size bytes of text: the numbers Hugging Face tokenizers gives. Special and
 * added tokens spelled out in the text become those tokens.
 * Bytes that are not UTF-8 become tokens byte by byte where the vocabulary can express them (always in byte-level BPE
 * and with byte fallback), else the unknown token; the text before them and the text behind them are split apart.
 *   ids    room for capacity numbers; may be NULL when capacity is 0
 *   count  how many there are; also set when capacity is too small (NECK_E_OVERFLOW), ids is then filled
 * Errors: NECK_E_ARGUMENT, NECK_E_OVERFLOW, NECK_E_FORMAT (strict_utf8: the offset of the first bad byte),
 * NECK_E_UNSUPPORTED (a pattern of the file does not terminate on this text), NECK_E_NOMEM. */
NECK_API neck_status neck_tokenizer_encode(neck_context *context, const neck_tokenizer *tokenizer, const char *text,
                                           int64_t size, const neck_encode_options *options, int32_t *ids,
                                           int64_t capacity, int64_t *count);

typedef struct neck_decode_options {
    size_t struct_size;
    int32_t skip_special_tokens; /* leave out tokens marked as special */
    int32_t keep_leading_space;  /* do not take away the space that a tokenizer puts before a text: for pieces of one */
} neck_decode_options;

/* neck_tokenizer_decode - the bytes count tokens stand for. They are returned as they are: a token may end inside a
 * UTF-8 sequence. text and capacity as ids above; *size is the number of bytes, nothing is NUL-terminated.
 * Errors: NECK_E_ARGUMENT (a number that is no token), NECK_E_OVERFLOW. */
NECK_API neck_status neck_tokenizer_decode(const neck_tokenizer *tokenizer, const int32_t *ids, int64_t count,
                                           const neck_decode_options *options, char *text, int64_t capacity,
                                           int64_t *size);

#ifdef __cplusplus
}
#endif
#endif
