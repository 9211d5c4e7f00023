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

#endif
