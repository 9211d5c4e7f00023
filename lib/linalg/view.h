/* linalg/view.h - checking matrix views and reading their rows as doubles. */
#ifndef NECK_LINALG_VIEW_H
#define NECK_LINALG_VIEW_H

#include "softneck/matrix.h"

/* Refuses views that cannot be read; *out is the view with row_stride filled in. */
neck_status neck__view_check(const neck_matrix *matrix, neck_matrix *out);

/* Address of element (row, 0) of a checked view. */
const void *neck__view_row(const neck_matrix *view, int64_t row);

/* count elements of a checked view from (row, col) on, converted exactly to double. */
void neck__view_read(const neck_matrix *view, int64_t row, int64_t col, int64_t count, double *out);

/* The first NaN or infinity of rows [first, last) in row-major order: returns 0 when there is none, else 1 and its
 * place. */
int neck__view_find_nonfinite(const neck_matrix *view, int64_t first, int64_t last, int64_t *row, int64_t *col);

/* Sets the message for a non-finite element and returns NECK_E_NONFINITE. */
neck_status neck__view_nonfinite(const neck_matrix *view, int64_t row, int64_t col);

#endif
