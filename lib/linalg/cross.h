/* linalg/cross.h - the cross product of a view with itself, straight from its stored dtype: the hot path of every
 * spectrum and gram. */
#ifndef NECK_LINALG_CROSS_H
#define NECK_LINALG_CROSS_H

#include "linalg/source.h"

/* Adds the upper triangle of the cross product to c (leading dimension ldc; entries below the diagonal are used as
 * scratch) and its trace, summed apart, to *trace. Each entry is summed over the long side in order, in panels whose
 * depth depends on the shape alone: the same bits for any number of threads.
 * After a failure c and *trace hold garbage. NECK_E_NONFINITE names the element; NECK_E_OVERFLOW: a square left the
 * range of double. */
neck_status neck__cross(neck_context *context, const neck__source *source, double *c, int64_t ldc, double *trace);

/* Length of the longest chain of roundings behind one entry: |error of C| <= chain * 2^-53 * |Y|^T|Y|, entry by entry,
 * so its spectral norm is at most chain * 2^-53 * |Y|_F^2. */
double neck__cross_chain(const neck__source *source);

/* Copies the upper triangle of the n x n matrix c onto the lower. */
void neck__mirror(neck_context *context, int64_t n, double *c, int64_t ldc);

#endif
