/* ngram/ngram_rows.h - counted n-grams as rows of next-token distributions: one-hot rows summed up, equal ones
 * merged. */
#ifndef NECK_NGRAM_NGRAM_ROWS_H
#define NECK_NGRAM_NGRAM_ROWS_H

#include "core/memory.h"
#include "softneck/ngram.h"

/* Singular values and right vectors of W depend on W^T W alone. So a one-hot row adds its squared weight to the
 * diagonal, and rows of the same distribution are one row whose squared weight is the sum of theirs. */
typedef struct neck__ngram_rows {
    neck__allocator allocator;
    int64_t cols;
    double *diagonal; /* cols: squared weights of one-hot rows, summed by token */
    int64_t count;    /* distinct rows with several successors */
    int64_t *starts;  /* row i: entries starts[i] .. starts[i + 1] - 1 */
    int32_t *columns; /* increasing within a row */
    double *shares;   /* of each successor in its context, sum 1 */
    double *squares;  /* of each row: its weight, squared */
    double roundings; /* behind a sum of squared weights; 0 where all are integers below 2^53 */
    double frobenius_squared;
} neck__ngram_rows;

/* Reads all contexts, a block at a time: beside the result it takes the memory of a block and of a hash table of the
 * rows. */
neck_status neck__ngram_rows_read(neck_context *context, const neck_ngrams *ngrams, int32_t weight,
                                  neck__ngram_rows *out);
void neck__ngram_rows_free(neck__ngram_rows *rows);

#endif
