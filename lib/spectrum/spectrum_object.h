/* spectrum/spectrum_object.h - what a neck_spectrum is inside the library. */
#ifndef NECK_SPECTRUM_SPECTRUM_OBJECT_H
#define NECK_SPECTRUM_SPECTRUM_OBJECT_H

#include "core/memory.h"
#include "softneck/spectrum.h"

struct neck_spectrum {
    neck__allocator allocator;
    int64_t count, size, rows, cols;
    double frobenius_squared;
    double resolution;
    int32_t method, variant;
    double *values; /* count, decreasing */
    double *bounds; /* count, absolute error bounds; the same allocation as values */
};

/* A spectrum with room for count values, all zero. */
neck_status neck__spectrum_new(neck_context *context, int64_t count, neck_spectrum **out);

/* Sorts values, each known to within its bound, together with bounds that hold for the sorted true values: the i-th
 * largest of those lies between the i-th largest lower end and the i-th largest upper end. Errors: NECK_E_NOMEM. */
neck_status neck__sort_with_bounds(neck_context *context, int64_t count, double *values, double *bounds);

#endif
