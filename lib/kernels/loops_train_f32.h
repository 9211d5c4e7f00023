/* kernels/loops_train_f32.h - activations with their slopes and exponentials of columns in single precision, for the
 * tables of all instruction sets; included after kernels/loops_f32.h, whose exponential it uses. */
#ifndef NECK_KERNELS_LOOPS_TRAIN_F32_H
#define NECK_KERNELS_LOOPS_TRAIN_F32_H

#define REAL float
#include "kernels/loops_train.h"

/* s = 1 / (1 + exp(y)) */
TARGET static inline void logistic_lanes(float *y, float *s)
{
    exp_lanes(y);
    EACH_LANE s[i] = 1.0f / (1.0f + y[i]);
}

TARGET static inline void silu_train_lanes(const float *restrict x, float *restrict f, float *restrict slope)
{
    float y[WIDE], s[WIDE];
    EACH_LANE y[i] = -x[i];
    logistic_lanes(y, s);
    EACH_LANE f[i] = x[i] * s[i];
    if (slope) EACH_LANE slope[i] = s[i] + f[i] * (1.0f - s[i]);
}

/* x s(2u), u = sqrt(2/pi) (x + 0.044715 x^3), s the logistic function */
TARGET static inline void gelu_tanh_train_lanes(const float *restrict x, float *restrict f, float *restrict slope)
{
    float y[WIDE], s[WIDE];
    EACH_LANE y[i] = -1.5957691216f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
    logistic_lanes(y, s);
    EACH_LANE f[i] = x[i] * s[i];
    if (slope) EACH_LANE slope[i] = s[i] + f[i] * (1.0f - s[i]) * (1.5957691216f + 0.2140644488f * x[i] * x[i]);
}

/* Phi(x) within 1e-7 (Abramowitz & Stegun 7.1.26), whose exponential is that of the normal density, the slope's. */
TARGET static inline void gelu_train_lanes(const float *restrict x, float *restrict f, float *restrict slope)
{
    float z[WIDE], t[WIDE], p[WIDE], e[WIDE];
    EACH_LANE z[i] = (x[i] < 0 ? -x[i] : x[i]) * 0.70710678f;
    EACH_LANE t[i] = 1.0f / (1.0f + 0.3275911f * z[i]);
    EACH_LANE p[i] = (1.061405429f * t[i] - 1.453152027f) * t[i] + 1.421413741f;
    EACH_LANE p[i] = ((p[i] * t[i] - 0.284496736f) * t[i] + 0.254829592f) * t[i];
    EACH_LANE e[i] = -z[i] * z[i];
    exp_lanes(e);
    EACH_LANE p[i] = 0.5f * p[i] * e[i];
    EACH_LANE p[i] = x[i] < 0 ? p[i] : 1.0f - p[i];
    EACH_LANE f[i] = x[i] * p[i];
    if (slope) EACH_LANE slope[i] = p[i] + 0.39894228f * x[i] * e[i];
}

TARGET static inline void relu_train_lanes(const float *restrict x, float *restrict f, float *restrict slope)
{
    EACH_LANE f[i] = x[i] < 0 ? 0.0f : x[i];
    if (slope) EACH_LANE slope[i] = x[i] > 0 ? 1.0f : 0.0f;
}

LOOPS_TRAIN_ACTIVATION(silu)
LOOPS_TRAIN_ACTIVATION(gelu_tanh)
LOOPS_TRAIN_ACTIVATION(gelu)
LOOPS_TRAIN_ACTIVATION(relu)

TARGET static void train_soft_cap(int64_t count, float cap, float *x)
{
    soft_cap_f32(count, cap, x);
}

TARGET static void train_column_exp(int64_t rows, int64_t width, const float *shift, float *x)
{
    train_column_subtract(rows, width, shift, x);
    int64_t count = rows * width, k = 0;
    for (; k + WIDE <= count; k += WIDE) exp_lanes(x + k);
    if (k == count) return;
    float last[WIDE] = {0};
    memcpy(last, x + k, (size_t)(count - k) * sizeof *last);
    exp_lanes(last);
    memcpy(x + k, last, (size_t)(count - k) * sizeof *last);
}

#undef REAL

#define NECK__LOOPS_TRAIN_F32 .train = {LOOPS_TRAIN_TABLE}

#endif
