/* spectrum/variant.h - from a caller's matrix and variant to the source the algorithms read. */
#ifndef NECK_SPECTRUM_VARIANT_H
#define NECK_SPECTRUM_VARIANT_H

#include "core/memory.h"
#include "linalg/source.h"

typedef struct neck__variant {
    neck__allocator allocator;
    neck__source source; /* products over the shorter side */
    double *shift;       /* owned, or NULL */
    double of_rows, of_shift; /* see neck__variant_error */
} neck__variant;

/* Checks the view, finds the shift of a centred variant and the scale. */
neck_status neck__variant_open(neck_context *context, const neck_matrix *matrix, int32_t variant,
                               const double *row_weights, neck__variant *out);
void neck__variant_close(neck__variant *variant);

/* How much a singular value differs for the rounding of the mean row: of the scaled source, whose squared norm this
 * is. */
double neck__variant_error(const neck__variant *variant, double frobenius_squared);

#endif
