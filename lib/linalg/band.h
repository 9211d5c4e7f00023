/* linalg/band.h - a symmetric matrix on its way to tridiagonal form: the band in between, and how far the work has
 * come. */
#ifndef NECK_LINALG_BAND_H
#define NECK_LINALG_BAND_H

#include "core/memory.h"
#include "kernels/reflect.h"

/* Lower triangle, element (i, j) at data[j * NECK__BAND_LINE + i]: blocks of it are column-major, columns overlap
 * nowhere as long as i - j < 2 NECK__BAND, which leaves room for what a reflection puts beside the band. Zero beyond
 * the order. */
#define NECK__BAND_LINE (2 * NECK__BAND)

typedef struct neck__band {
    int64_t order;
    double *data;
} neck__band;

/* Progress of task "eigenvalues", in floating-point operations. */
typedef struct neck__work {
    neck_context *context;
    int64_t done, total;
} neck__work;

/* NECK_E_CANCELLED when the user says stop. */
neck_status neck__work_done(neck__work *work, int64_t operations);

#endif
