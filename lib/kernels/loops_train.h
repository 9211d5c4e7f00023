/* kernels/loops_train.h - the loops of kernels/train_loops.h that read alike in both precisions: whoever includes this
 * defines TARGET and REAL, and for activations after it the lanes that LOOPS_TRAIN_ACTIVATION asks for. Bodies work on
 * up to TRAIN_LANES elements, inlined with that constant so that compilers turn them into vectors at -O2, and once more
 * for what is left; they write through locals, because pointers may be equal. */
#ifndef NECK_KERNELS_LOOPS_TRAIN_H
#define NECK_KERNELS_LOOPS_TRAIN_H

#include <math.h>

#include "kernels/train_loops.h"

enum { TRAIN_LANES = 16, COLUMN_LANES = 8 };
#define BODY TARGET static inline __attribute__((always_inline)) void
#define EVERY for (int64_t i = 0; i < lanes; i++)
#define COLUMN_EVERY for (int64_t i = 0; i < COLUMN_LANES; i++)
/* Runs `call`, which sees k and lanes, over count elements. */
#define OVER(count, call)                                                                           \
    do {                                                                                            \
        int64_t k = 0;                                                                              \
        for (const int64_t lanes = TRAIN_LANES; k + TRAIN_LANES <= (count); k += TRAIN_LANES) call; \
        const int64_t lanes = (count) - k;                                                          \
        if (lanes > 0) call;                                                                        \
    } while (0)

BODY moments_body(int64_t lanes, const REAL *x, double shift, double *sum, double *squares)
{
    double y[TRAIN_LANES];
    EVERY y[i] = (double)x[i] - shift;
    EVERY sum[i] += y[i];
    EVERY squares[i] += y[i] * y[i];
}

TARGET static void train_moments(int64_t count, const REAL *x, double shift, double *sum, double *squares)
{
    double s[TRAIN_LANES] = {0}, q[TRAIN_LANES] = {0};
    OVER(count, moments_body(lanes, x + k, shift, s, q));
    *sum = *squares = 0;
    for (int i = 0; i < TRAIN_LANES; i++) *sum += s[i], *squares += q[i];
}

BODY norm_body(int64_t lanes, const REAL *x, REAL center, REAL scale, const REAL *gain, REAL offset, const REAL *bias,
               REAL *out)
{
    REAL v[TRAIN_LANES];
    EVERY v[i] = (x[i] - center) * scale * (gain[i] + offset);
    if (bias) EVERY v[i] = v[i] + bias[i];
    EVERY out[i] = v[i];
}

TARGET static void train_norm(int64_t count, const REAL *x, REAL center, REAL scale, const REAL *gain, REAL offset,
                              const REAL *bias, REAL *out)
{
    OVER(count, norm_body(lanes, x + k, center, scale, gain + k, offset, bias ? bias + k : NULL, out + k));
}

/* Sums of g and g x^, and the gradients of gain and bias. */
BODY norm_sums_body(int64_t lanes, const REAL *x, REAL center, REAL scale, const REAL *gain, REAL offset, const REAL *d,
                    REAL *dgain, REAL *dbias, double *sum, double *product)
{
    REAL normed[TRAIN_LANES], g[TRAIN_LANES], v[TRAIN_LANES];
    EVERY normed[i] = (x[i] - center) * scale;
    EVERY g[i] = d[i] * (gain[i] + offset);
    EVERY sum[i] += (double)g[i];
    EVERY product[i] += (double)(g[i] * normed[i]);
    EVERY v[i] = dgain[i] + d[i] * normed[i];
    EVERY dgain[i] = v[i];
    if (!dbias) return;
    EVERY v[i] = dbias[i] + d[i];
    EVERY dbias[i] = v[i];
}

BODY norm_input_body(int64_t lanes, const REAL *x, REAL center, REAL scale, const REAL *gain, REAL offset, REAL mean,
                     REAL slope, const REAL *d, int accumulate, REAL *dx)
{
    REAL v[TRAIN_LANES];
    EVERY v[i] = scale * (d[i] * (gain[i] + offset) - mean - (x[i] - center) * scale * slope);
    if (accumulate) EVERY v[i] = v[i] + dx[i];
    EVERY dx[i] = v[i];
}

TARGET static void train_norm_gradient(int64_t count, const REAL *x, REAL center, REAL scale, const REAL *gain,
                                       REAL offset, int centered, const REAL *d, REAL *dgain, REAL *dbias,
                                       int accumulate, REAL *dx)
{
    double s[TRAIN_LANES] = {0}, p[TRAIN_LANES] = {0}, sum = 0, product = 0;
    OVER(count, norm_sums_body(lanes, x + k, center, scale, gain + k, offset, d + k, dgain + k,
                               dbias ? dbias + k : NULL, s, p));
    for (int i = 0; i < TRAIN_LANES; i++) sum += s[i], product += p[i];
    REAL mean = centered ? (REAL)(sum / (double)count) : 0, slope = (REAL)(product / (double)count);
    OVER(count, norm_input_body(lanes, x + k, center, scale, gain + k, offset, mean, slope, d + k, accumulate, dx + k));
}

BODY add_body(int64_t lanes, const REAL *x, REAL *y)
{
    REAL v[TRAIN_LANES];
    EVERY v[i] = y[i] + x[i];
    EVERY y[i] = v[i];
}

TARGET static void train_add(int64_t count, const REAL *x, REAL *y)
{
    OVER(count, add_body(lanes, x + k, y + k));
}

/* Bits by the 32-bit mixer of H. Muller and C. Wellons ("lowbias32"), keyed twice. */
BODY dropout_body(int64_t lanes, uint32_t first, uint32_t low, uint32_t high, uint32_t cut, REAL scale, REAL *x)
{
    uint32_t h[TRAIN_LANES];
    REAL v[TRAIN_LANES];
    EVERY h[i] = (first + (uint32_t)i) * 0x9E3779B9u + low;
    EVERY h[i] = (h[i] ^ (h[i] >> 16)) * 0x7FEB352Du;
    EVERY h[i] = (h[i] ^ (h[i] >> 15)) * 0x846CA68Bu;
    EVERY h[i] = ((h[i] ^ (h[i] >> 16)) + high) * 0x7FEB352Du;
    EVERY h[i] = (h[i] ^ (h[i] >> 15)) * 0x846CA68Bu;
    EVERY h[i] = h[i] ^ (h[i] >> 16);
    EVERY v[i] = h[i] < cut ? 0 : x[i] * scale;
    EVERY x[i] = v[i];
}

TARGET static void train_dropout(int64_t count, uint64_t key, const neck__dropout *dropout, REAL *x)
{
    uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32), cut = dropout->cut;
    REAL scale = (REAL)dropout->scale;
    OVER(count, dropout_body(lanes, (uint32_t)k, low, high, cut, scale, x + k));
}

BODY cap_gradient_body(int64_t lanes, const REAL *x, REAL inverse, REAL *d)
{
    REAL v[TRAIN_LANES];
    EVERY v[i] = x[i] * inverse;
    EVERY v[i] = d[i] * (1 - v[i] * v[i]);
    EVERY d[i] = v[i];
}

TARGET static void train_cap_gradient(int64_t count, const REAL *x, REAL cap, REAL *d)
{
    OVER(count, cap_gradient_body(lanes, x + k, 1 / cap, d + k));
}

/* Columns: eight at a time down all rows, with what belongs to them in registers. */
TARGET static void train_column_max(int64_t rows, int64_t width, const REAL *x, REAL *most)
{
    for (int64_t j = 0; j < width; j += COLUMN_LANES) {
        REAL m[COLUMN_LANES];
        COLUMN_EVERY m[i] = most[j + i];
        for (int64_t k = 0; k < rows; k++)
            COLUMN_EVERY m[i] = x[k * width + j + i] > m[i] ? x[k * width + j + i] : m[i];
        COLUMN_EVERY most[j + i] = m[i];
    }
}

TARGET static void train_column_sum(int64_t rows, int64_t width, const REAL *x, double *total)
{
    for (int64_t j = 0; j < width; j += COLUMN_LANES) {
        double sum[COLUMN_LANES];
        COLUMN_EVERY sum[i] = total[j + i];
        for (int64_t k = 0; k < rows; k++) COLUMN_EVERY sum[i] += (double)x[k * width + j + i];
        COLUMN_EVERY total[j + i] = sum[i];
    }
}

TARGET static void train_column_scale(int64_t rows, int64_t width, const REAL *factor, REAL *x)
{
    for (int64_t j = 0; j < width; j += COLUMN_LANES) {
        REAL f[COLUMN_LANES];
        COLUMN_EVERY f[i] = factor[j + i];
        for (int64_t k = 0; k < rows; k++) COLUMN_EVERY x[k * width + j + i] *= f[i];
    }
}

TARGET static void train_column_subtract(int64_t rows, int64_t width, const REAL *shift, REAL *x)
{
    for (int64_t j = 0; j < width; j += COLUMN_LANES) {
        REAL s[COLUMN_LANES];
        COLUMN_EVERY s[i] = shift[j + i];
        for (int64_t k = 0; k < rows; k++) COLUMN_EVERY x[k * width + j + i] -= s[i];
    }
}

TARGET static void train_softmax_gradient(int64_t rows, int64_t width, const REAL *p, const REAL *mean, REAL scale,
                                          REAL *d)
{
    for (int64_t j = 0; j < width; j += COLUMN_LANES) {
        REAL m[COLUMN_LANES];
        COLUMN_EVERY m[i] = mean[j + i];
        for (int64_t k = 0; k < rows; k++) {
            const REAL *from = p + k * width + j;
            REAL *to = d + k * width + j, v[COLUMN_LANES];
            COLUMN_EVERY v[i] = from[i] * ((to[i] - m[i]) * scale);
            COLUMN_EVERY to[i] = v[i];
        }
    }
}

/* The four loops of an activation, from lanes(x, f, slope): up to TRAIN_LANES values f(x) and, unless slope is NULL,
 * f'(x). */
#define LOOPS_TRAIN_ACTIVATION(name)                                                                                \
    BODY name##_value_body(int64_t lanes, const REAL *x, const REAL *u, REAL *h)                                    \
    {                                                                                                               \
        REAL in[TRAIN_LANES] = {0}, f[TRAIN_LANES];                                                                 \
        EVERY in[i] = x[i];                                                                                         \
        name##_train_lanes(in, f, NULL);                                                                            \
        if (u) EVERY f[i] = f[i] * u[i];                                                                            \
        EVERY h[i] = f[i];                                                                                          \
    }                                                                                                               \
    BODY name##_gradient_body(int64_t lanes, const REAL *x, REAL *d, REAL *h)                                       \
    {                                                                                                               \
        REAL in[TRAIN_LANES] = {0}, f[TRAIN_LANES], slope[TRAIN_LANES];                                             \
        EVERY in[i] = x[i];                                                                                         \
        name##_train_lanes(in, f, slope);                                                                           \
        EVERY slope[i] = d[i] * slope[i];                                                                           \
        EVERY d[i] = slope[i];                                                                                      \
        EVERY h[i] = f[i];                                                                                          \
    }                                                                                                               \
    BODY name##_gate_gradient_body(int64_t lanes, const REAL *g, const REAL *u, REAL *d, REAL *dg, REAL *h)         \
    {                                                                                                               \
        REAL in[TRAIN_LANES] = {0}, f[TRAIN_LANES], slope[TRAIN_LANES], up[TRAIN_LANES], out[TRAIN_LANES];          \
        EVERY in[i] = g[i];                                                                                         \
        name##_train_lanes(in, f, slope);                                                                           \
        EVERY up[i] = u[i];                                                                                         \
        EVERY out[i] = d[i];                                                                                        \
        EVERY slope[i] = out[i] * up[i] * slope[i];                                                                 \
        EVERY dg[i] = slope[i];                                                                                     \
        EVERY d[i] = out[i] * f[i];                                                                                 \
        EVERY h[i] = f[i] * up[i];                                                                                  \
    }                                                                                                               \
    TARGET static void train_##name(int64_t count, const REAL *x, REAL *h)                                          \
    {                                                                                                               \
        OVER(count, name##_value_body(lanes, x + k, NULL, h + k));                                                  \
    }                                                                                                               \
    TARGET static void train_##name##_gate(int64_t count, const REAL *g, const REAL *u, REAL *h)                    \
    {                                                                                                               \
        OVER(count, name##_value_body(lanes, g + k, u + k, h + k));                                                 \
    }                                                                                                               \
    TARGET static void train_##name##_gradient(int64_t count, const REAL *x, REAL *d, REAL *h)                      \
    {                                                                                                               \
        OVER(count, name##_gradient_body(lanes, x + k, d + k, h + k));                                              \
    }                                                                                                               \
    TARGET static void train_##name##_gate_gradient(int64_t count, const REAL *g, const REAL *u, REAL *d, REAL *dg, \
                                                    REAL *h)                                                        \
    {                                                                                                               \
        OVER(count, name##_gate_gradient_body(lanes, g + k, u + k, d + k, dg + k, h + k));                          \
    }

#define LOOPS_TRAIN_TABLE                                                                                           \
    .moments = train_moments, .norm = train_norm, .norm_gradient = train_norm_gradient, .add = train_add,           \
    .dropout = train_dropout, .activate = {train_gelu, train_gelu_tanh, train_relu, train_silu},                    \
    .activate_gradient = {train_gelu_gradient, train_gelu_tanh_gradient, train_relu_gradient, train_silu_gradient}, \
    .gate = {train_gelu_gate, train_gelu_tanh_gate, train_relu_gate, train_silu_gate},                              \
    .gate_gradient = {train_gelu_gate_gradient, train_gelu_tanh_gate_gradient, train_relu_gate_gradient,            \
                      train_silu_gate_gradient},                                                                    \
    .soft_cap = train_soft_cap, .column_max = train_column_max, .column_exp = train_column_exp,                     \
    .column_sum = train_column_sum, .column_scale = train_column_scale, .softmax_gradient = train_softmax_gradient, \
    .cap_gradient = train_cap_gradient

#endif
