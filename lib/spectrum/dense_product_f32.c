/* spectrum/dense_product_f32.c - in single precision, sixteen vectors at a time: half the work for each, and f32 as it
 * lies. */
#include <string.h>

#include "kernels/kernels.h"

#define REAL float
#define VECTORS NECK__PANEL_VECTORS_F32
#define PANEL_TILE panel_tile_f32
#define DENSE_PRODUCT neck__dense_product_f32

static void narrow(int64_t count, const double *from, float *to)
{
    for (int64_t i = 0; i < count; i++) to[i] = (float)from[i];
}

static void fetch(const neck__kernels *kernels, int32_t dtype, const char *source, int64_t count, float *to)
{
    enum { PART = 128 };
    double wide[PART];
    if (dtype == NECK_F32) {
        memcpy(to, source, (size_t)count * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < count; i += PART) {
        int64_t now = count - i < PART ? count - i : PART;
        kernels->widen[dtype](source + i * neck_dtype_size(dtype), now, wide);
        narrow(now, wide, to + i);
    }
}

#include "spectrum/dense_product_template.h"
