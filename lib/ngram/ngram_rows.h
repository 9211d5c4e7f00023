/* ngram/ngram_rows.h - what neck_ngram_rows are inside the library: one-hot rows summed up, equal ones merged. */
#ifndef NECK_NGRAM_NGRAM_ROWS_H
#define NECK_NGRAM_NGRAM_ROWS_H

#include "core/memory.h"
#include "softneck/ngram_rows.h"

/* Rows under the hash of their successors and shares; linear probing, at most half full. */
typedef struct neck__row_table {
    int64_t capacity; /* a power of two */
    int64_t *rows;    /* number + 1; 0: free */
} neck__row_table;

struct neck_ngram_rows {
    neck__allocator allocator;
    int64_t contexts, cols;
    double *diagonal; /* cols: squared weights of one-hot rows, summed by token */
    int64_t count;    /* distinct rows with several successors */
    int64_t *starts;  /* row i: entries starts[i] .. starts[i + 1] - 1 */
    int32_t *columns; /* increasing within a row */
    double *shares;   /* of each successor in its context, sum 1 */
    double *squares;  /* of each row: its weight, squared */
    int64_t room[4];  /* of starts, columns, shares, squares */
    neck__row_table table;
};

/* Room for so many more rows and entries. Errors: NECK_E_NOMEM. */
neck_status neck__ngram_rows_reserve(neck_ngram_rows *rows, int64_t more_rows, int64_t more_entries);

/* The entries of a row have been placed behind the last one's, where there was room for them: they become a row, or an
 * equal one takes the weight and their place is free again. Errors: NECK_E_NOMEM. */
neck_status neck__ngram_rows_append(neck_ngram_rows *rows, int64_t entries, double square);

/* Memory that only appending needs: made again when it is needed. */
void neck__ngram_rows_forget(neck_ngram_rows *rows);

/* |W|_F^2, and how many roundings lie behind a sum of squared weights. These are integers, so their sums are exact
 * while they stay below 2^53, however many contexts there are. */
void neck__ngram_rows_sum(const neck_ngram_rows *rows, double *frobenius_squared, double *roundings);

#endif
