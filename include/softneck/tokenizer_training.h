/* softneck/tokenizer_training.h - byte-level BPE tokenizers, made from text. */
#ifndef SOFTNECK_TOKENIZER_TRAINING_H
#define SOFTNECK_TOKENIZER_TRAINING_H

#include "tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How text is split before it is counted; no token reaches across a split. */
enum {
    NECK_SPLIT_GPT2 = 0,   /* GPT-2's expression: words with the space before them, numbers, punctuation, white space */
    NECK_SPLIT_LLAMA3 = 1, /* Llama 3's: the same without regard to case, numbers of up to three digits */
    NECK_SPLIT_QWEN2 = 2,  /* Qwen 2's: Llama 3's with every digit by itself */
    NECK_SPLIT_NONE = 3    /* a document is one word; training takes time in proportion to its length times
                              vocab_size */
};

typedef struct neck_tokenizer_training_options {
    size_t struct_size;
    int64_t vocab_size;                /* required: at least 256 and one for each special token */
    int64_t min_frequency;             /* pairs seen less often stay apart; 0: 1 */
    int32_t split;                     /* NECK_SPLIT_* */
    int32_t reserved;                  /* must be 0 */
    const char *const *special_tokens; /* UTF-8, numbered from 0; NULL: "<|endoftext|>" alone */
    int64_t special_count;             /* with special_tokens; 0: none */
} neck_tokenizer_training_options;

/* A tokenizer in the making. Thread rule: one call at a time. */
typedef struct neck_tokenizer_training neck_tokenizer_training;

/* neck_tokenizer_training_create - begins without text.
 * neck_tokenizer_training_push   - counts the words of one document of size bytes, which is no longer needed
 *   afterwards. Bytes that are not UTF-8 are words by themselves, as neck_tokenizer_encode sees them. Special tokens
 *   spelled out in the text are counted as text. After a push that failed only destroy is allowed: others say
 *   NECK_E_STATE.
 * neck_tokenizer_training_finish - merges the most frequent pair, of equally frequent ones that with the smaller
 *   numbers, until there are vocab_size tokens or no pair is left. Tokens and merges are those of the BpeTrainer of
 *   Hugging Face tokenizers on the same documents with its ByteLevel alphabet. No text may be pushed afterwards.
 *   Errors: NECK_E_ARGUMENT (no text was pushed), NECK_E_STATE (it is finished).
 * Threads: splitting and counting, never the result. Memory: about 100 bytes for each byte of the
 * different words, and 4 MiB for splitting.
 * Errors of all: NECK_E_ARGUMENT, NECK_E_STATE, NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_tokenizer_training_create(neck_context *context,
                                                    const neck_tokenizer_training_options *options,
                                                    neck_tokenizer_training **out);
NECK_API void neck_tokenizer_training_destroy(neck_tokenizer_training *training);
NECK_API neck_status neck_tokenizer_training_push(neck_context *context, neck_tokenizer_training *training,
                                                  const char *text, int64_t size);
NECK_API neck_status neck_tokenizer_training_finish(neck_context *context, neck_tokenizer_training *training);

/* neck_tokenizer_training_words      - words counted so far, with repetition.
 * neck_tokenizer_training_different  - how many different ones they are.
 * neck_tokenizer_training_vocab_size - tokens there are: 0 before finish, less than asked for when the pairs ran
 *   out. */
NECK_API int64_t neck_tokenizer_training_words(const neck_tokenizer_training *training);
NECK_API int64_t neck_tokenizer_training_different(const neck_tokenizer_training *training);
NECK_API int64_t neck_tokenizer_training_vocab_size(const neck_tokenizer_training *training);

/* neck_tokenizer_training_save - the tokenizer.json that Hugging Face tokenizers saves (pretty), byte for byte; whole
 *                                or not at all. neck_tokenizer_open, tokenizers and transformers read it.
 * neck_tokenizer_training_tokenizer - the same tokenizer without a file.
 * Errors: NECK_E_STATE (before finish), NECK_E_IO, NECK_E_NOMEM. */
NECK_API neck_status neck_tokenizer_training_save(neck_context *context, const neck_tokenizer_training *training,
                                                  const char *path);
NECK_API neck_status neck_tokenizer_training_tokenizer(neck_context *context, const neck_tokenizer_training *training,
                                                       neck_tokenizer **out);

#ifdef __cplusplus
}
#endif
#endif
