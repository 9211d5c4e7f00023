/* head/head_numbers.h - arrays whose precision is known only at run time: F32 or F64. */
#ifndef NECK_HEAD_HEAD_NUMBERS_H
#define NECK_HEAD_HEAD_NUMBERS_H

#include "softneck/matrix.h"

/* An array as the left, right or resulting factor of a product: element (i, j) at i * stride + j * step. */
typedef struct neck__factor {
    const void *data;
    int64_t stride, step;
} neck__factor;

/* C (m x n, packed) = [C if accumulate] + A (m x depth) B (depth x n), all in dtype. */
neck_status neck__head_product(neck_context *context, int32_t dtype, int64_t m, int64_t n, int64_t depth,
                               neck__factor a, neck__factor b, void *c, int accumulate);

/* The same from element `index` on. */
void *neck__head_at(int32_t dtype, const void *data, int64_t index);

/* count numbers to and from double. */
void neck__head_widen(int32_t dtype, const void *data, int64_t count, double *out);
void neck__head_narrow(int32_t dtype, const double *numbers, int64_t count, void *out);
/* data = [data if accumulate] + numbers */
void neck__head_add_to(int32_t dtype, const double *numbers, int64_t count, void *data, int accumulate);

#endif
