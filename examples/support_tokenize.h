/* support_tokenize.h - documents of text files as token numbers. */
#ifndef SUPPORT_TOKENIZE_H
#define SUPPORT_TOKENIZE_H

#include <softneck.h>
#include <softneck/token_file.h>

#include "support_corpus.h"

/* What a text came to. */
typedef struct tokenize_sum {
    int64_t documents;
    int64_t bytes;
    int64_t tokens;
} tokenize_sum;

/* Token numbers that are used again and again. */
typedef struct token_buffer {
    int32_t *ids;
    int64_t count;
    int64_t capacity;
} token_buffer;

/* tokenize_document - the tokens of a document, without what the tokenizer puts around a text, into buffer (release its
 * ids with free). */
neck_status tokenize_document(neck_context *context, const neck_tokenizer *tokenizer, const document *text,
                              token_buffer *buffer);

/* tokenize_show - the tokens as people can read them, a bar between two, a new line behind each that ends one. */
void tokenize_show(const neck_tokenizer *tokenizer, const token_buffer *buffer);

/* tokenize_decode - writes the text of tokens [begin, end) of a file to standard output, without special tokens. */
neck_status tokenize_decode(const neck_tokenizer *tokenizer, const neck_token_file *file, int64_t begin, int64_t end);

#endif
