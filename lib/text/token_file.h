/* text/token_file.h - the layout of token files, shared by reader and writer. */
#ifndef NECK_TEXT_TOKEN_FILE_H
#define NECK_TEXT_TOKEN_FILE_H

#include "softneck/token_file.h"

enum { NECK__TOKEN_HEADER_SIZE = 64 };

typedef struct neck__token_header {
    int32_t width; /* bytes a token */
    uint64_t tokenizer_hash;
    int64_t vocab_size, count, documents;
} neck__token_header;

/* The width for a vocabulary. */
int32_t neck__token_width(int64_t vocab_size);

/* Where the documents begin behind count tokens: the next multiple of 8. */
int64_t neck__token_documents_at(int64_t count, int32_t width);

void neck__token_header_write(const neck__token_header *header, unsigned char out[NECK__TOKEN_HEADER_SIZE]);

/* Errors: NECK_E_FORMAT, NECK_E_UNSUPPORTED. The numbers are plausible by themselves; sizes are the caller's to
 * check. */
neck_status neck__token_header_read(const unsigned char bytes[NECK__TOKEN_HEADER_SIZE], neck__token_header *out);

/* FNV-1a, 64 bits: goes on from hash, which begins as NECK__FNV_OFFSET. */
#define NECK__FNV_OFFSET UINT64_C(0xCBF29CE484222325)
uint64_t neck__fnv(uint64_t hash, const void *bytes, int64_t size);

/* Little-endian numbers of size bytes. */
void neck__put_little(unsigned char *out, uint64_t value, int32_t size);
uint64_t neck__get_little(const unsigned char *bytes, int32_t size);

struct neck__mapping;

/* A reader over a mapping, which it owns from then on, whatever the outcome. */
neck_status neck__token_file_over(neck_context *context, struct neck__mapping *mapping, int32_t lazy,
                                  neck_token_file **out);

#endif
