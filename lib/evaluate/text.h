/* evaluate/text.h - text as token ids in memory of our own. */
#ifndef NECK_EVALUATE_TEXT_H
#define NECK_EVALUATE_TEXT_H

#include "core/memory.h"
#include "softneck/tokenizer.h"

/* Token ids from the allocator; release ids. */
typedef struct neck__ids {
    int32_t *ids;
    int64_t count;
} neck__ids;

/* What opens a document: bos, else eos, else -1. */
int32_t neck__opening_token(const neck_tokenizer *tokenizer);

/* neck__encode    - all tokens of a text, with the special ones the tokenizer adds.
 * neck__encode_document - the same as neck_document_encode. */
neck_status neck__encode(neck_context *context, const neck_tokenizer *tokenizer, const char *text, int64_t nbytes,
                         neck__ids *out);
neck_status neck__encode_document(neck_context *context, const neck_tokenizer *tokenizer, const char *text,
                                  int64_t nbytes, neck__ids *out);

/* How many bytes are left without the white space (Unicode's) at the end. */
int64_t neck__trimmed(const char *text, int64_t nbytes);

#endif
