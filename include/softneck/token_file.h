/* softneck/token_file.h - text as token numbers on disk. */
#ifndef SOFTNECK_TOKEN_FILE_H
#define SOFTNECK_TOKEN_FILE_H

#include "tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* neck_tokenizer_hash - which number stands for which token, in 64 bits: FNV-1a (offset 0xCBF29CE484222325, prime
 * 0x100000001B3) over all numbers from 0 to vocab_size - 1 in order; for each the length of its spelling as four bytes,
 * lowest first (0xFFFFFFFF where a number is unused), then the spelling. Whatever file a vocabulary came from, it has
 * the same hash. It tells tokenizers apart, it does not authenticate them. */
NECK_API uint64_t neck_tokenizer_hash(const neck_tokenizer *tokenizer);

/* A token file, little-endian:
 *    0  8 bytes  "NECKTOKS"
 *    8  uint32   version, 1
 *   12  uint32   bytes a token, 2 (vocabularies of up to 65536) or 4
 *   16  uint64   neck_tokenizer_hash of the tokenizer, 0: not known
 *   24  uint64   size of the vocabulary: every token is below
 *   32  uint64   number of tokens
 *   40  uint64   number of documents, 0: not known
 *   48  uint64   0
 *   56  uint64   FNV-1a of bytes 0 to 55
 *   64           the tokens; zeros up to a multiple of 8; a uint64 a document: the number of tokens before its end */

/* Writing one: appears at its path at commit, whole or not at all. Thread rule: one call at a time. */
typedef struct neck_token_writer neck_token_writer;

/* neck_token_writer_create - tokens of a vocabulary of that size (1 .. 2^31 - 1).
 * neck_token_writer_push   - appends tokens. Errors: NECK_E_ARGUMENT (one outside the vocabulary; nothing is appended).
 * neck_token_writer_end_document - all tokens since the last call (or the start) are a document; an empty one is fine.
 * neck_token_writer_commit - finishes the file and destroys the writer, whatever the outcome. Errors: NECK_E_STATE
 *   (tokens behind the last of the documents).
 * neck_token_writer_destroy - gives up: no file appears.
 * Errors of all: NECK_E_ARGUMENT, NECK_E_IO, NECK_E_NOMEM. After NECK_E_IO only destroy and commit are allowed. */
NECK_API neck_status neck_token_writer_create(neck_context *context, const char *path, int64_t vocab_size,
                                              uint64_t tokenizer_hash, neck_token_writer **out);
NECK_API neck_status neck_token_writer_push(neck_token_writer *writer, const int32_t *ids, int64_t count);
NECK_API neck_status neck_token_writer_end_document(neck_token_writer *writer);
NECK_API neck_status neck_token_writer_commit(neck_token_writer *writer);
NECK_API void neck_token_writer_destroy(neck_token_writer *writer);

typedef struct neck_token_file_options {
    size_t struct_size;
    int32_t lazy; /* do not read all tokens at open: one outside the vocabulary is then found only when it is asked
                     for */
    int32_t reserved; /* must be 0 */
} neck_token_file_options;

/* A token file, mapped read-only. Any number of threads may read one. */
typedef struct neck_token_file neck_token_file;

/* neck_token_file_open - checks the header, the size of the file, the documents and (in parallel) every token.
 * Errors: NECK_E_ARGUMENT, NECK_E_IO, NECK_E_FORMAT, NECK_E_TRAILING_DATA, NECK_E_UNSUPPORTED (a later version),
 * NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_token_file_open(neck_context *context, const char *path,
                                          const neck_token_file_options *options, neck_token_file **out);
NECK_API void neck_token_file_destroy(neck_token_file *file);

/* What the header says. */
NECK_API int64_t neck_token_file_count(const neck_token_file *file);
NECK_API int64_t neck_token_file_vocab_size(const neck_token_file *file);
NECK_API uint64_t neck_token_file_tokenizer_hash(const neck_token_file *file);
NECK_API int64_t neck_token_file_documents(const neck_token_file *file);

/* neck_token_file_document - document index covers the tokens [*begin, *end).
 * neck_token_file_read     - the tokens [begin, begin + count).
 * Errors: NECK_E_ARGUMENT (outside the file), NECK_E_FORMAT (a token outside the vocabulary: the file was opened lazily
 * or has changed since); ids are then untouched. */
NECK_API neck_status neck_token_file_document(const neck_token_file *file, int64_t index, int64_t *begin, int64_t *end);
NECK_API neck_status neck_token_file_read(const neck_token_file *file, int64_t begin, int64_t count, int32_t *ids);

#ifdef __cplusplus
}
#endif
#endif
