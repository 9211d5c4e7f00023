/* spectrum/variant.h - from a caller's matrix and variant to the source the algorithms read. */
#ifndef NECK_SPECTRUM_VARIANT_H
#define NECK_SPECTRUM_VARIANT_H

#include "core/memory.h"
#include "linalg/source.h"

typedef struct neck__variant {
    neck__allocator allocator;
    neck__source source; /* products over the shorter side */
    double *shift;       /* owned, or NULL */
} neck__variant;

/* Checks the view, finds the shift of a centred variant and the scale. */
neck_status neck__variant_open(neck_context *context, const neck_matrix *matrix, int32_t variant,
                               const double *row_weights, neck__variant *out);
void neck__variant_close(neck__variant *variant);

#endif
