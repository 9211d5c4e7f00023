/* linalg/source.h - a view as the algorithms see it: shifted, scaled, with a short and a long side. */
#ifndef NECK_LINALG_SOURCE_H
#define NECK_LINALG_SOURCE_H

#include "softneck/matrix.h"

/* Y = (X - 1 shift^T) * scale, never formed. */
typedef struct neck__source {
    neck_matrix view;    /* checked */
    int32_t by_rows;     /* which side products run over: 0: Y^T Y, cols x cols. 1: Y Y^T, rows x rows */
    const double *shift; /* cols doubles, or NULL */
    double scale;        /* a power of two */
    int32_t silent;      /* no progress calls, so it cannot be cancelled */
} neck__source;

/* Order of the product, and length of the sums behind its entries. */
int64_t neck__source_order(const neck__source *source);
int64_t neck__source_length(const neck__source *source);
const char *neck__source_unit(const neck__source *source); /* of the length: "rows" or "columns" */

/* count elements of row `row` of Y from column col on. */
void neck__source_read(const neck__source *source, int64_t row, int64_t col, int64_t count, double *out);

/* The shift and the scale alone, for count widened elements of any row from column col on. */
void neck__source_adjust(const neck__source *source, int64_t col, int64_t count, double *line);

/* Sum of squares of count numbers: not finite when one of them is not, or when it overflows. */
double neck__sum_squares(int64_t count, const double *x);

/* Length of the longest chain of roundings behind neck_matrix_column_mean. */
double neck__column_mean_chain(const neck_matrix *view);

/* Why a sum of squares of Y was not finite: NECK_E_NONFINITE naming the element, else NECK_E_OVERFLOW. */
neck_status neck__source_not_finite(const neck__source *source);

/* Sets source->scale so that squares of Y stay within double: 1 for all types but F64, where the largest element
 * decides. NECK_E_NONFINITE when there is an element that is not finite. */
neck_status neck__source_choose_scale(neck_context *context, neck__source *source);

#endif
