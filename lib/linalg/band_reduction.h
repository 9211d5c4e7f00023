/* linalg/band_reduction.h - from a full symmetric matrix to a band. */
#ifndef NECK_LINALG_BAND_REDUCTION_H
#define NECK_LINALG_BAND_REDUCTION_H

#include "linalg/band.h"

/* What the whole of it counts as, in floating-point operations, and the bytes it takes beside the matrix and the
 * band. */
int64_t neck__band_reduction_operations(int64_t order);
int64_t neck__band_reduction_bytes(int64_t order);

/* The symmetric matrix a (row-major, leading dimension lda; upper triangle read, destroyed) becomes a band (zeros so
 * far) with the same eigenvalues. Entries should be neither so large nor so small that sums of their squares leave
 * the range of double. The same bits for any number of threads. */
neck_status neck__band_reduction(neck__work *work, int64_t lda, double *a, neck__band *band);

#endif
