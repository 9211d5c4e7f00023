/* softneck/ngram.h - counting n-grams, and the matrix of next-token distributions they make: the dimensionality of the
 * data. */
#ifndef SOFTNECK_NGRAM_H
#define SOFTNECK_NGRAM_H

#include "operator.h"
#include "spectrum.h"
#include "token_file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An n-gram of order n is a context of n - 1 tokens and its successor. Counting sorts what fits in memory, spills it to
 * disk as a run and merges the runs at the end, so that any number of tokens passes through memory_bytes. n-grams do
 * not cross the ends of documents. Thread rule: one call at a time on one counter. */
typedef struct neck_ngram_counter neck_ngram_counter;

typedef struct neck_ngram_counter_options {
    size_t struct_size;
    int32_t order;         /* 2 .. 8; 0: 5 */
    int32_t reserved;      /* must be 0 */
    int64_t memory_bytes;  /* for everything it holds at a time, at least 1 MiB; 0: 1 GiB */
    const char *folder;    /* where runs are spilled: a folder of this count alone, empty or not there yet, removed at
                              the end; NULL: files without a name in $TMPDIR or /tmp, which are gone however the
                              process ends */
    int32_t resume;        /* non-zero: go on with what an interrupted count left in folder (order and vocabulary must
                              match); what has been spilled then outlives failures, destroy and a crash, until finish
                              succeeds */
    int32_t reserved2;     /* must be 0 */
} neck_ngram_counter_options;

/* neck_ngram_counter_create - counts tokens below vocab_size (1 .. 2^31 - 1).
 * neck_ngram_counter_push - the next tokens of the current document. One outside the vocabulary: NECK_E_ARGUMENT, and
 *   none of them is counted.
 * neck_ngram_counter_end_document - the next token begins a document. Without a token since the last call it does
 *   nothing: empty documents are not counted.
 * neck_ngram_counter_tokens - tokens counted so far, with those of the count that is resumed: push again from there on.
 *   A count is resumed within a document, or at the end of all tokens, so that it is clear which documents have ended.
 * neck_ngram_counter_precede - before any token is counted: those that come before them in the same document and are
 *   counted elsewhere. At least order - 1 of them, or all there are. For counting a text in shards: the sums of tokens,
 *   documents and occurrences are then those of the whole.
 * neck_ngram_counter_add - count n-grams, order tokens each, one behind the other, each occurring once more. They need
 *   not come from documents pushed here.
 * neck_ngram_counter_note - adds to what the file says of tokens and documents: those that added n-grams came from.
 * neck_ngram_counter_finish - ends the last document and merges everything into a file of n-grams at path (whole or not
 *   at all); the counter can then only be destroyed. Without any n-gram (too short a text) it is NECK_E_ARGUMENT, which
 *   says how long the longest document was.
 * neck_ngram_counter_destroy - NULL is a no-op.
 * After a failure other than NECK_E_ARGUMENT (or of finish to create its file) the counter can only be destroyed; files
 * of it are gone, unless resume was asked for: then a new counter goes on from the last run.
 * Errors: NECK_E_ARGUMENT, NECK_E_IO (a full disk ...), NECK_E_NOMEM, NECK_E_CANCELLED, NECK_E_STATE, NECK_E_FORMAT (a
 * run that was damaged). */
NECK_API neck_status neck_ngram_counter_create(neck_context *context, int64_t vocab_size,
                                               const neck_ngram_counter_options *options, neck_ngram_counter **out);
NECK_API neck_status neck_ngram_counter_push(neck_context *context, neck_ngram_counter *counter, const int32_t *tokens,
                                             int64_t count);
NECK_API neck_status neck_ngram_counter_end_document(neck_context *context, neck_ngram_counter *counter);
NECK_API int64_t neck_ngram_counter_tokens(const neck_ngram_counter *counter);
NECK_API neck_status neck_ngram_counter_precede(neck_context *context, neck_ngram_counter *counter,
                                                const int32_t *tokens, int64_t count);
NECK_API neck_status neck_ngram_counter_add(neck_context *context, neck_ngram_counter *counter, const int32_t *tokens,
                                            int64_t count);
NECK_API neck_status neck_ngram_counter_note(neck_context *context, neck_ngram_counter *counter, int64_t tokens,
                                             int64_t documents);
NECK_API neck_status neck_ngram_counter_finish(neck_context *context, neck_ngram_counter *counter, const char *path);
NECK_API void neck_ngram_counter_destroy(neck_ngram_counter *counter);

/* A file of n-grams, little-endian:
 *    0  8 bytes  "NECKNGRM"
 *    8  uint32   version, 1
 *   12  uint32   order
 *   16  uint32   bytes a token: 2 (vocabularies of up to 65536) or 4
 *   20  uint32   bytes a count: 4, or 8 where one is larger than 2^32 - 1
 *   24  uint64   size of the vocabulary: every token is below
 *   32  uint64 x 8: tokens, documents, contexts, ngrams, occurrences, singletons, seen_once, successors (see
 *                neck_ngrams_info)
 *   96  uint64 x 4: the sums of the four sections
 *  128  zeros
 *  184  uint64   FNV-1a of bytes 0 to 183
 * and four sections, each with zeros behind it up to a multiple of 8:
 *       contexts   order - 1 tokens each, in increasing order
 *       starts     uint64: of each context the place of its first n-gram, from 0 on; behind the last the number of
 *                  n-grams
 *       successors the last token of each n-gram, increasing within a context
 *       counts     how often each occurs
 * The sum of a section begins as 0xCBF29CE484222325; for each of its words of eight bytes (uint64) it becomes
 * (sum xor word) * 0x100000001B3 modulo 2^64, and then itself xor its upper half (sum >> 32). */

/* Counted n-grams: contexts in increasing order (of their tokens, first to last), of each its successors in increasing
 * order. Any number of threads may read them. */
typedef struct neck_ngrams neck_ngrams;

/* neck_ngrams_open - maps a file written by neck_ngram_counter_finish; checks its header and size, and unless lazy is
 *   non-zero everything else, in parallel. Errors: NECK_E_ARGUMENT, NECK_E_IO, NECK_E_FORMAT, NECK_E_TRAILING_DATA,
 *   NECK_E_UNSUPPORTED (a later version), NECK_E_NOMEM, NECK_E_CANCELLED.
 * neck_ngrams_count - counts tokens in memory at once: documents end at document_ends[0] .. (increasing, the last =
 *   count), NULL: one document. Takes 16 to 64 bytes for each n-gram while it counts. Errors: NECK_E_ARGUMENT (also
 *   where there is no n-gram), NECK_E_NOMEM, NECK_E_CANCELLED.
 * neck_ngrams_destroy - NULL is a no-op. */
NECK_API neck_status neck_ngrams_open(neck_context *context, const char *path, int32_t lazy, neck_ngrams **out);
NECK_API neck_status neck_ngrams_count(neck_context *context, const int32_t *tokens, int64_t count,
                                       const int64_t *document_ends, int64_t documents, int64_t vocab_size,
                                       int32_t order, neck_ngrams **out);
NECK_API void neck_ngrams_destroy(neck_ngrams *ngrams);

/* What is in them. neck_ngrams_describe fills in the fields within struct_size. */
typedef struct neck_ngrams_info {
    size_t struct_size;
    int32_t order;
    int32_t reserved;
    int64_t vocab_size;
    int64_t tokens;       /* counted, incl. those that begin documents */
    int64_t documents;    /* that are not empty; in a shard those that begin in it, which may be none */
    int64_t contexts;     /* C: distinct contexts that have a successor */
    int64_t ngrams;       /* distinct n-grams: non-zero entries of the matrix */
    int64_t occurrences;  /* n-grams with repetition */
    int64_t singletons;   /* contexts with one distinct successor: one-hot rows */
    int64_t seen_once;    /* contexts that occur once */
    int64_t successors;   /* distinct tokens that occur as a successor: columns that are not zero */
} neck_ngrams_info;
NECK_API neck_status neck_ngrams_describe(const neck_ngrams *ngrams, neck_ngrams_info *info);

/* neck_ngrams_read - contexts [first, first + count): of each its order - 1 tokens to tokens (may be NULL) and the
 * place of its first successor to starts (count + 1 numbers, from 0; may be NULL); and the distinct successors with
 * their counts to successors and counts (starts[count] numbers each; may be NULL).
 * Errors: NECK_E_ARGUMENT (outside the file), NECK_E_FORMAT (not what a file of n-grams holds: it was opened lazily or
 * has changed since); outputs are then untouched. */
NECK_API neck_status neck_ngrams_read(const neck_ngrams *ngrams, int64_t first, int64_t count, int32_t *tokens,
                                      int64_t *starts, int32_t *successors, int64_t *counts);

/* How much each row (a distribution over the next token, sum 1) weighs. */
enum {
    NECK_WEIGHT_UNIFORM = 0,    /* every context alike: the paper's matrix */
    NECK_WEIGHT_COUNT = 1,      /* rows times the count of the context */
    NECK_WEIGHT_ROOT_COUNT = 2  /* rows times its square root: |W|_F weighs every occurrence alike */
};

/* The C x V matrix W as an operator that knows its structure. Most contexts have one successor, so most rows are
 * one-hot: W^T W = D + R^T R with D diagonal; [sqrt(D); R] has W's singular values and right singular vectors. Rows of
 * R that are equal are merged. Columns fall into parts that no row connects, whose spectra are independent; a column
 * alone in its part is a singular value at no cost. Immutable once made: any number of threads may use one. */
typedef struct neck_ngram_matrix neck_ngram_matrix;

/* neck_ngram_matrix_create - reads all contexts, a block at a time; keeps nothing of ngrams. Takes memory for contexts
 * with several successors only: about 40 bytes an n-gram of theirs while it reads, 24 for a distinct one afterwards.
 * Errors: NECK_E_ARGUMENT, NECK_E_NOMEM, NECK_E_OVERFLOW (more than 2^31 - 1 distinct rows), NECK_E_FORMAT (n-grams
 * that were opened unread and are not what their header says), NECK_E_CANCELLED. */
NECK_API neck_status neck_ngram_matrix_create(neck_context *context, const neck_ngrams *ngrams, int32_t weight,
                                              neck_ngram_matrix **out);
NECK_API void neck_ngram_matrix_destroy(neck_ngram_matrix *matrix);

/* What is in it. Set struct_size before the call; only fields within it are written. */
typedef struct neck_ngram_matrix_info {
    size_t struct_size;
    int64_t rows, cols;         /* C and V */
    int64_t coupled;            /* columns that share a row with another */
    int64_t parts;              /* connected parts with two columns or more */
    int64_t largest_part;       /* columns of the largest, 0 when there is none: the order of the eigenproblem that
                                   remains */
    int64_t coupled_rows;       /* rows with several successors, equal ones merged */
    int64_t coupled_entries;    /* their non-zero entries */
    double frobenius_squared;
} neck_ngram_matrix_info;
NECK_API neck_status neck_ngram_matrix_describe(const neck_ngram_matrix *matrix, neck_ngram_matrix_info *info);

/* neck_ngram_matrix_operator - the singular values and right singular vectors of W (columns are tokens; rows are what
 *   [sqrt(D); R] leaves of W's, in an order of its own).
 * neck_ngram_matrix_part - the same of the largest part alone, which is faster; NULL when there is none. columns, if
 *   not NULL, gets the token of each of its columns (largest_part numbers).
 * Both are borrowed: they live as long as the matrix. Neither fails.
 * neck_ngram_matrix_part_squares - the squared norms of the largest part's columns to squares (largest_part numbers):
 *   the diagonal of its A^T A, for neck_density_options. Errors: NECK_E_ARGUMENT. */
NECK_API const neck_operator *neck_ngram_matrix_operator(const neck_ngram_matrix *matrix);
NECK_API const neck_operator *neck_ngram_matrix_part(const neck_ngram_matrix *matrix, int32_t *columns);
NECK_API neck_status neck_ngram_matrix_part_squares(const neck_ngram_matrix *matrix, double *squares);

/* neck_ngram_matrix_spectrum - all min(C, V) singular values, with bounds, method NECK_METHOD_PARTS: of each part by QR
 *   where that is quick, else from the eigenvalues of its dense Gram matrix (see neck_spectrum_compute for what each
 *   resolves). memory_bytes: refuse (NECK_E_NOMEM, saying how much it would take) beyond this; 0: no limit.
 * neck_ngram_matrix_cost - what that takes: bytes, and floating-point operations.
 * neck_ngram_matrix_rest - the singular values of everything but the largest part: cols - largest_part numbers,
 *   decreasing, zeros last, to values, and their bounds to error_bounds (may be NULL). With the largest part's they are
 *   the whole spectrum.
 * Errors: NECK_E_ARGUMENT, NECK_E_NOMEM, NECK_E_OVERFLOW, NECK_E_CANCELLED, NECK_E_CONVERGENCE. */
NECK_API neck_status neck_ngram_matrix_spectrum(neck_context *context, const neck_ngram_matrix *matrix,
                                                int64_t memory_bytes, neck_spectrum **out);
NECK_API neck_status neck_ngram_matrix_cost(const neck_ngram_matrix *matrix, int64_t *bytes, double *operations);
NECK_API neck_status neck_ngram_matrix_rest(neck_context *context, const neck_ngram_matrix *matrix, double *values,
                                            double *error_bounds);

#ifdef __cplusplus
}
#endif
#endif
