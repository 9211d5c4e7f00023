/* optim/arrays.h - loops over whole arrays on the context's threads, in blocks of a fixed size: the number of threads
 * does not show in the bits. dtype is NECK_F32 or NECK_F64. */
#ifndef NECK_OPTIM_ARRAYS_H
#define NECK_OPTIM_ARRAYS_H

#include "kernels/kernels.h"
#include "softneck/context.h"

/* One of NECK__ADAMW ... on arrays as kernels.h describes them. From the last block to the first: what was read just
 * before from first to last is then still in the cache where it is needed first. */
void neck__arrays_update(neck_context *context, int32_t dtype, int64_t size, int kind, const neck__update *numbers,
                         void *const *arrays);

/* Non-zero when the square of every element is finite in its precision, with room for rounding. */
int neck__array_squares_finite(neck_context *context, int32_t dtype, int64_t size, const void *data);

/* Sum of squares, in double; NaN or infinite where they are. */
neck_status neck__array_squares(neck_context *context, int32_t dtype, int64_t size, const void *data, double *sum);

#endif
