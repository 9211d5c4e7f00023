/* linalg/view.c - checking views, reading rows, finding what is not finite. */
#include "linalg/view.h"

#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"

int64_t neck_dtype_size(int32_t dtype)
{
    switch (dtype) {
#define ENTRY(name, number, size, text) \
    case number: return size;
        NECK_DTYPE_LIST(ENTRY)
#undef ENTRY
    default: return 0;
    }
}

const char *neck_dtype_name(int32_t dtype)
{
    switch (dtype) {
#define ENTRY(name, number, size, text) \
    case number: return text;
        NECK_DTYPE_LIST(ENTRY)
#undef ENTRY
    default: return "?";
    }
}

neck_status neck__view_check(const neck_matrix *matrix, neck_matrix *out)
{
    if (!matrix || !matrix->data) return neck__fail(NECK_E_ARGUMENT, "the matrix or its data is NULL");
    if (matrix->dtype < NECK_F32 || matrix->dtype > NECK_BF16)
        return neck__fail(NECK_E_ARGUMENT, "dtype %s (%d) is not one of F32, F64, F16, BF16",
                          neck_dtype_name(matrix->dtype), matrix->dtype);
    if (matrix->reserved) return neck__fail(NECK_E_ARGUMENT, "neck_matrix.reserved must be 0");
    if (matrix->rows < 1 || matrix->cols < 1)
        return neck__fail(NECK_E_ARGUMENT, "the matrix is %lld x %lld: it needs at least one row and column",
                          (long long)matrix->rows, (long long)matrix->cols);
    int64_t stride = matrix->row_stride ? matrix->row_stride : matrix->cols;
    if (stride < matrix->cols)
        return neck__fail(NECK_E_ARGUMENT, "row_stride %lld is less than cols %lld", (long long)stride,
                          (long long)matrix->cols);
    int64_t bytes;
    if (!neck__mul(matrix->rows, stride, &bytes) || !neck__mul(bytes, neck_dtype_size(matrix->dtype), &bytes))
        return neck__fail(NECK_E_OVERFLOW, "a %lld x %lld matrix is larger than any memory", (long long)matrix->rows,
                          (long long)stride);
    *out = *matrix;
    out->row_stride = stride;
    return NECK_OK;
}

const void *neck__view_row(const neck_matrix *view, int64_t row)
{
    return (const char *)view->data + row * view->row_stride * neck_dtype_size(view->dtype);
}

void neck__view_read(const neck_matrix *view, int64_t row, int64_t col, int64_t count, double *out)
{
    const char *source = (const char *)neck__view_row(view, row) + col * neck_dtype_size(view->dtype);
    neck__kernels_get()->widen[view->dtype](source, count, out);
}

enum { CHUNK = 512 };

/* Sum of x * 0: NaN as soon as one x is NaN or infinite, else 0. Cheaper than looking at each. */
static int all_finite(const double *x, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += x[i] * 0.0;
    return sum == 0;
}

int neck__view_find_nonfinite(const neck_matrix *view, int64_t first, int64_t last, int64_t *row, int64_t *col)
{
    double values[CHUNK];
    for (int64_t i = first; i < last; i++)
        for (int64_t j = 0; j < view->cols; j += CHUNK) {
            int64_t count = view->cols - j < CHUNK ? view->cols - j : CHUNK;
            neck__view_read(view, i, j, count, values);
            if (all_finite(values, count)) continue;
            for (int64_t k = 0; k < count; k++)
                if (!isfinite(values[k])) {
                    *row = i;
                    *col = j + k;
                    return 1;
                }
        }
    return 0;
}

neck_status neck__view_nonfinite(const neck_matrix *view, int64_t row, int64_t col)
{
    double value;
    neck__view_read(view, row, col, 1, &value);
    return neck__fail(NECK_E_NONFINITE, "element (%lld, %lld) of the %lld x %lld matrix is %g", (long long)row,
                      (long long)col, (long long)view->rows, (long long)view->cols, value);
}
