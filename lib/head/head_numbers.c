/* head/head_numbers.c - one branch for the precision, here and nowhere else. */
#include "head/head_numbers.h"

#include "kernels/kernels.h"
#include "linalg/matmul.h"

neck_status neck__head_product(neck_context *context, int32_t dtype, int64_t m, int64_t n, int64_t depth,
                               neck__factor a, neck__factor b, void *c, int accumulate)
{
    if (dtype == NECK_F64)
        return neck__matmul_f64(context, m, n, depth, a.data, a.stride, a.step, b.data, b.stride, b.step, c, n,
                                accumulate);
    return neck__matmul_f32(context, m, n, depth, a.data, a.stride, a.step, b.data, b.stride, b.step, c, n, accumulate);
}

void *neck__head_at(int32_t dtype, const void *data, int64_t index)
{
    return (char *)data + index * neck_dtype_size(dtype);
}

void neck__head_widen(int32_t dtype, const void *data, int64_t count, double *out)
{
    neck__kernels_get()->widen[dtype](data, count, out);
}

void neck__head_narrow(int32_t dtype, const double *numbers, int64_t count, void *out)
{
    neck__head_add_to(dtype, numbers, count, out, 0);
}

void neck__head_add_to(int32_t dtype, const double *numbers, int64_t count, void *data, int accumulate)
{
    if (dtype == NECK_F64) {
        double *to = data;
        for (int64_t i = 0; i < count; i++) to[i] = (accumulate ? to[i] : 0) + numbers[i];
    } else {
        float *to = data;
        for (int64_t i = 0; i < count; i++) to[i] = (float)((accumulate ? (double)to[i] : 0) + numbers[i]);
    }
}
