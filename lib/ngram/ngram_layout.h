/* ngram/ngram_layout.h - which columns rows connect, and the order of columns and rows that keeps connected ones
 * together. */
#ifndef NECK_NGRAM_NGRAM_LAYOUT_H
#define NECK_NGRAM_NGRAM_LAYOUT_H

#include "ngram/ngram_rows.h"

/* Columns that no row connects with others outside, two or more, and the rows between them: both stand side by side. */
typedef struct neck__ngram_part {
    int64_t first_column, columns;
    int64_t first_row, rows;
} neck__ngram_part;

/* Parts stand in order of size, the largest first; behind them the columns alone. Within a part, columns that occur in
 * many rows come first: what is read most lies together. Rows with few entries come first: rows of the same length
 * follow each other, and the loops over them are predicted well. */
typedef struct neck__ngram_layout {
    neck__allocator allocator;
    int64_t cols, rows, coupled, parts;
    neck__ngram_part *part;
    int32_t *tokens; /* of each column in its new place */
    int32_t *places; /* of each token */
    int64_t *order;  /* of each row in its new place: its number in neck_ngram_rows */
} neck__ngram_layout;

neck_status neck__ngram_layout_find(const neck_ngram_rows *rows, neck__ngram_layout *out);
void neck__ngram_layout_free(neck__ngram_layout *layout);

#endif
