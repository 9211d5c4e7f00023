/* head/soft_cap.c - f = cap tanh(z / cap), f' = 1 - (f / cap)^2. */
#include "head/soft_cap.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

static void apply_f32(const void *self, int64_t count, const float *z, float *y)
{
    if (y != z) memcpy(y, z, (size_t)count * sizeof *y);
    neck__kernels_get()->soft_cap_f32(count, (float)*(const double *)self, y);
}

static void apply_f64(const void *self, int64_t count, const double *z, double *y)
{
    double cap = *(const double *)self;
    for (int64_t i = 0; i < count; i++) y[i] = cap * tanh(z[i] / cap);
}

static void backward_f32(const void *self, int64_t count, const float *z, float *dy, double *gradient)
{
    enum { PART = 256 };
    float y[PART], inverse = (float)(1 / *(const double *)self);
    (void)gradient;
    for (int64_t first = 0; first < count; first += PART) {
        int64_t part = count - first < PART ? count - first : PART;
        apply_f32(self, part, z + first, y);
        for (int64_t i = 0; i < part; i++) dy[first + i] *= 1 - (y[i] * inverse) * (y[i] * inverse);
    }
}

static void backward_f64(const void *self, int64_t count, const double *z, double *dy, double *gradient)
{
    double cap = *(const double *)self;
    (void)gradient;
    for (int64_t i = 0; i < count; i++) {
        double t = tanh(z[i] / cap);
        dy[i] *= 1 - t * t;
    }
}

neck__logit_map neck__soft_cap_map(const double *cap)
{
    return (neck__logit_map){apply_f32, apply_f64, backward_f32, backward_f64, cap, 0};
}
