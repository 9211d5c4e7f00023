/* softneck/ngram.h - counting n-grams, and the matrix of next-token distributions they make: the dimensionality of the data. */
#ifndef SOFTNECK_NGRAM_H
#define SOFTNECK_NGRAM_H

#include "operator.h"
#include "spectrum.h"
#include "token_file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An n-gram of order n is a context of n - 1 tokens and its successor. Counting sorts runs in memory and spills them to disk, so that
 * any number of tokens passes through memory_bytes. n-grams do not cross the ends of documents.
 * Thread rule: one call at a time on one counter. */
typedef struct neck_ngram_counter neck_ngram_counter;

typedef struct neck_ngram_counter_options {
    size_t struct_size;
    int32_t order;         /* 2 .. 8; 0: 5 */
    int32_t reserved;      /* must be 0 */
    int64_t memory_bytes;  /* for everything it holds at a time, at least 1 MiB; 0: 1 GiB */
    const char *folder;    /* where runs are spilled: a folder of this count alone, made if it is not there; NULL: a private one
                              under $TMPDIR or /tmp, removed at destroy */
    int32_t resume;        /* non-zero: go on with what an interrupted count left in folder (order and vocabulary must match); the
                              folder then stays until finish succeeds */
    int32_t reserved2;     /* must be 0 */
} neck_ngram_counter_options;

/* neck_ngram_counter_create - counts tokens below vocab_size (1 .. 2^31 - 1).
 * neck_ngram_counter_push - the next tokens of the current document.
 * neck_ngram_counter_end_document - the next token begins a document.
 * neck_ngram_counter_tokens - tokens counted so far and safe: with resume, push again from there on.
 * neck_ngram_counter_finish - merges everything into a file of n-grams at path (whole or not at all); the counter can then only be
 *   destroyed. A count without any n-gram (too short a text) is NECK_E_ARGUMENT, which says how long the longest document was.
 * Errors: NECK_E_ARGUMENT, NECK_E_IO (a full disk: what was spilled stays only when resume was asked for), NECK_E_NOMEM,
 * NECK_E_CANCELLED, NECK_E_STATE, NECK_E_FORMAT (a run that was damaged). */
NECK_API neck_status neck_ngram_counter_create(neck_context *context, int64_t vocab_size,
                                               const neck_ngram_counter_options *options, neck_ngram_counter **out);
NECK_API neck_status neck_ngram_counter_push(neck_context *context, neck_ngram_counter *counter, const int32_t *tokens,
                                             int64_t count);
NECK_API neck_status neck_ngram_counter_end_document(neck_context *context, neck_ngram_counter *counter);
NECK_API int64_t neck_ngram_counter_tokens(const neck_ngram_counter *counter);
NECK_API neck_status neck_ngram_counter_finish(neck_context *context, neck_ngram_counter *counter, const char *path);
NECK_API void neck_ngram_counter_destroy(neck_ngram_counter *counter);

/* Counted n-grams: contexts in increasing order (of their tokens, first to last), of each its successors in increasing order. */
typedef struct neck_ngrams neck_ngrams;

/* neck_ngrams_open - maps a file written by neck_ngram_counter_finish; checks its header and size, and its contents unless lazy.
 * neck_ngrams_count - counts tokens in memory at once: documents ends at document_ends[0] .. (increasing, the last = count), NULL:
 *   one document. */
NECK_API neck_status neck_ngrams_open(neck_context *context, const char *path, int32_t lazy, neck_ngrams **out);
NECK_API neck_status neck_ngrams_count(neck_context *context, const int32_t *tokens, int64_t count, const int64_t *document_ends,
                                       int64_t documents, int64_t vocab_size, int32_t order, neck_ngrams **out);
NECK_API void neck_ngrams_destroy(neck_ngrams *ngrams);

/* What is in them. */
typedef struct neck_ngrams_info {
    size_t struct_size;
    int32_t order;
    int32_t reserved;
    int64_t vocab_size;
    int64_t tokens;       /* counted, incl. those that begin documents */
    int64_t documents;
    int64_t contexts;     /* C: distinct contexts that have a successor */
    int64_t ngrams;       /* distinct n-grams: non-zero entries of the matrix */
    int64_t occurrences;  /* n-grams with repetition */
    int64_t singletons;   /* contexts with one distinct successor: one-hot rows */
    int64_t seen_once;    /* contexts that occur once */
    int64_t successors;   /* distinct tokens that occur as a successor: columns that are not zero */
} neck_ngrams_info;
NECK_API neck_status neck_ngrams_describe(const neck_ngrams *ngrams, neck_ngrams_info *info);

/* neck_ngrams_read - contexts [first, first + count): of each its order - 1 tokens to tokens (may be NULL) and the place of its
 * first successor to starts (count + 1 numbers, from 0; may be NULL); and the distinct successors with their counts to
 * successors and counts (starts[count] numbers each; may be NULL). */
NECK_API neck_status neck_ngrams_read(const neck_ngrams *ngrams, int64_t first, int64_t count, int32_t *tokens, int64_t *starts,
                                      int32_t *successors, int64_t *counts);

/* How much each row (a distribution over the next token, sum 1) weighs. */
enum {
    NECK_WEIGHT_UNIFORM = 0,    /* every context alike: the paper's matrix */
    NECK_WEIGHT_COUNT = 1,      /* rows times the count of the context */
    NECK_WEIGHT_ROOT_COUNT = 2  /* rows times its square root: |W|_F weighs every occurrence alike */
};

/* The C x V matrix W as an operator that knows its structure. Most contexts have one successor, so most rows are one-hot:
 * W^T W = D + R^T R with D diagonal. Equal rows are merged. Columns fall into parts that no row connects, whose spectra are independent; a column
 * alone in its part is a singular value at no cost. */
typedef struct neck_ngram_matrix neck_ngram_matrix;

NECK_API neck_status neck_ngram_matrix_create(neck_context *context, const neck_ngrams *ngrams, int32_t weight,
                                              neck_ngram_matrix **out);
NECK_API void neck_ngram_matrix_destroy(neck_ngram_matrix *matrix);

typedef struct neck_ngram_matrix_info {
    size_t struct_size;
    int64_t rows, cols;         /* C and V */
    int64_t coupled;            /* columns that share a row with another */
    int64_t parts;              /* connected parts with two columns or more */
    int64_t largest_part;       /* columns of the largest: the order of the eigenproblem that remains */
    int64_t coupled_rows;       /* rows with several successors, equal ones merged */
    int64_t coupled_entries;    /* their non-zero entries */
    double frobenius_squared;
} neck_ngram_matrix_info;
NECK_API neck_status neck_ngram_matrix_describe(const neck_ngram_matrix *matrix, neck_ngram_matrix_info *info);

/* neck_ngram_matrix_operator - an operator with the singular values and right singular vectors of W (its left side is the merged
 * rows). neck_ngram_matrix_part - the largest part alone; columns, if not NULL, gets the token of each of its columns (largest_part numbers).
 * Both are borrowed: they live as long as the matrix. */
NECK_API const neck_operator *neck_ngram_matrix_operator(const neck_ngram_matrix *matrix);
NECK_API const neck_operator *neck_ngram_matrix_part(const neck_ngram_matrix *matrix, int32_t *columns);

/* neck_ngram_matrix_spectrum - all min(C, V) singular values exactly: a dense symmetric eigenproblem for each part.
 * memory_bytes: refuse (NECK_E_NOMEM, saying how much it would take) beyond this; 0: no limit.
 * neck_ngram_matrix_cost - what that takes: bytes, and floating-point operations. */
NECK_API neck_status neck_ngram_matrix_spectrum(neck_context *context, const neck_ngram_matrix *matrix, int64_t memory_bytes,
                                                neck_spectrum **out);
NECK_API neck_status neck_ngram_matrix_cost(const neck_ngram_matrix *matrix, int64_t *bytes, double *operations);

#ifdef __cplusplus
}
#endif
#endif
