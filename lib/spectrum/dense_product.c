/* spectrum/dense_product.c - in double, eight vectors at a time. */
#include "kernels/kernels.h"

#define REAL double
#define VECTORS NECK__PANEL_VECTORS
#define PANEL_TILE panel_tile
#define DENSE_PRODUCT neck__dense_product

static void fetch(const neck__kernels *kernels, int32_t dtype, const char *source, int64_t count, double *to)
{
    kernels->widen[dtype](source, count, to);
}

#include "spectrum/dense_product_template.h"
