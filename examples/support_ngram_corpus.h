/* support_ngram_corpus.h - corpora as tokens on disk, whichever way they were given. */
#ifndef SUPPORT_NGRAM_CORPUS_H
#define SUPPORT_NGRAM_CORPUS_H

#include <softneck.h>
#include <softneck/ngram.h>

#include "support_corpus.h"

/* How text becomes tokens. */
enum { CUT_BY_NOTHING, CUT_BY_FILE, CUT_BY_BYTES, CUT_BY_WORDS };

typedef struct ngram_cutter {
    int kind;
    const char *path;          /* of the tokenizer, as it was asked for */
    int64_t most_words;        /* CUT_BY_WORDS: 0: all */
    neck_tokenizer *tokenizer; /* CUT_BY_FILE */
} ngram_cutter;

/* ngram_cutter_open - `asked` is a tokenizer's file or folder, "bytes", "words", "words:N" (N >= 2), or NULL: token
 * files alone. 0 and one line in error on failure. */
int ngram_cutter_open(neck_context *context, const char *asked, ngram_cutter *out, char error[CORPUS_ERROR_SIZE]);
void ngram_cutter_close(ngram_cutter *cutter);

/* A corpus: token files one behind the other; the first may be of our own making. */
typedef struct ngram_corpus {
    char *name;
    neck_token_file **files;
    int64_t count;
    int64_t tokens;     /* of all files */
    int64_t vocab_size; /* the same in all */
} ngram_corpus;

/* ngram_corpus_open - argument: a file, or NAME=FILE[,FILE...] unless a file is called so. A token file is taken as it
 *   is; texts are cut and kept as a token file, which is written at `scratch` and not seen there afterwards. 0 and one
 *   line in error on failure, "" when interrupted.
 * ngram_corpus_close - also after a failure. */
int ngram_corpus_open(neck_context *context, const char *argument, const ngram_cutter *cutter, const char *scratch,
                      ngram_corpus *out, char error[CORPUS_ERROR_SIZE]);
void ngram_corpus_close(ngram_corpus *self);

/* ngram_corpus_push - its first `tokens` tokens into a counter, document by document. */
neck_status ngram_corpus_push(neck_context *context, const ngram_corpus *self, int64_t tokens,
                              neck_ngram_counter *counter);

#endif
