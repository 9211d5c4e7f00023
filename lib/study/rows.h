/* study/rows.h - blocks of rows of any view, as packed numbers of one precision. */
#ifndef NECK_STUDY_ROWS_H
#define NECK_STUDY_ROWS_H

#include "softneck/matrix.h"

/* Which rows: count of them from first on or, with index, those that index[0 .. count-1] names. */
typedef struct neck__rows {
    const neck_matrix *view; /* checked */
    const int64_t *index;    /* or NULL */
    int64_t first, count;
    const double *minus;     /* cols numbers subtracted from every row, or NULL */
} neck__rows;

/* Writes them to out: count x cols, row-major, doubles for dtype NECK_F64, floats (rounded to nearest) for NECK_F32. */
void neck__rows_read(neck_context *context, const neck__rows *rows, int32_t dtype, void *out);

/* A block of this many rows of cols doubles takes a few megabytes. */
int64_t neck__rows_per_block(int64_t cols);

#endif
