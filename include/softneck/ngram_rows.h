/* softneck/ngram_rows.h - counted n-grams as rows of next-token distributions that can be looked at, moved and put
 * together again: what an n-gram matrix is made of. */
#ifndef SOFTNECK_NGRAM_ROWS_H
#define SOFTNECK_NGRAM_ROWS_H

#include "ngram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of distributions over cols tokens, each with a squared weight. Singular values and right singular vectors depend
 * on W^T W alone: so a one-hot row is kept as what it adds to the diagonal D, and rows of the same distribution are one
 * row whose squared weight is the sum of theirs. W^T W = D + S^T Q S with S the shares and Q the squared weights.
 * Thread rule: one call at a time on one. */
typedef struct neck_ngram_rows neck_ngram_rows;

/* What is in them, borrowed until the next call that changes them. S as compressed sparse rows: row i has the shares
 * and columns at places starts[i] .. starts[i + 1] - 1, columns increasing. In scipy: diags(sqrt(squares)) @
 * csr_matrix((shares, columns, starts)). */
typedef struct neck_ngram_rows_view {
    size_t struct_size;
    int64_t contexts;       /* rows of W that all this was */
    int64_t cols;
    const double *diagonal; /* cols: squared weights of one-hot rows, summed by token */
    int64_t rows;           /* distinct ones with several successors */
    const int64_t *starts;  /* rows + 1 */
    const int32_t *columns;
    const double *shares;   /* of each successor in its context, sum 1 */
    const double *squares;  /* rows: squared weights */
} neck_ngram_rows_view;

/* neck_ngram_rows_create  - none, over cols tokens (1 .. 2^31 - 1).
 * neck_ngram_rows_read    - adds all contexts of ngrams, weighed as NECK_WEIGHT_* says; keeps nothing of it. Takes
 *   memory for contexts with several successors only: about 40 bytes an n-gram of theirs.
 * neck_ngram_rows_add     - adds what a view describes, of other rows or made by hand: diagonal may be NULL (zeros); a
 *   row of one successor goes to the diagonal.
 * neck_ngram_rows_look    - fills in the fields of view within struct_size.
 * neck_ngram_rows_destroy - NULL is a no-op. After a failure of read or add other than NECK_E_ARGUMENT the rows can
 *   only be destroyed.
 * Errors: NECK_E_ARGUMENT (another vocabulary; rows that are not what the view promises), NECK_E_NOMEM, NECK_E_FORMAT
 * (n-grams that were opened unread and are not what their header says), NECK_E_CANCELLED. */
NECK_API neck_status neck_ngram_rows_create(neck_context *context, int64_t cols, neck_ngram_rows **out);
NECK_API neck_status neck_ngram_rows_read(neck_context *context, neck_ngram_rows *rows, const neck_ngrams *ngrams,
                                          int32_t weight);
NECK_API neck_status neck_ngram_rows_add(neck_context *context, neck_ngram_rows *rows,
                                         const neck_ngram_rows_view *view);
NECK_API neck_status neck_ngram_rows_look(const neck_ngram_rows *rows, neck_ngram_rows_view *view);
NECK_API void neck_ngram_rows_destroy(neck_ngram_rows *rows);

/* neck_ngram_matrix_of_rows - the matrix of rows, of which it keeps nothing. Errors: NECK_E_ARGUMENT, NECK_E_NOMEM,
 *   NECK_E_OVERFLOW (more than 2^31 - 1 rows).
 * neck_ngram_matrix_gram - rows [first, first + count) of W^T W = D + R^T R to out (count x cols, row-major), by token.
 *   Each entry is summed in an order that is the same for (i, j) and (j, i), and for any number of threads. Errors:
 *   NECK_E_ARGUMENT, NECK_E_CANCELLED. */
NECK_API neck_status neck_ngram_matrix_of_rows(neck_context *context, const neck_ngram_rows *rows,
                                               neck_ngram_matrix **out);
NECK_API neck_status neck_ngram_matrix_gram(neck_context *context, const neck_ngram_matrix *matrix, int64_t first,
                                            int64_t count, double *out);

#ifdef __cplusplus
}
#endif
#endif
