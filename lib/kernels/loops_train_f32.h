/* kernels/loops_train_f32.h - activations with their slopes and exponentials of columns in single precision, for the tables of
 * all instruction sets; included after kernels/loops_f32.h, whose exponential it uses. */
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

TARGET static inline void silu_train_lanes(const float *x, float *f, float *slope)
{
    float y[WIDE], s[WIDE];
    EACH_LANE y[i] = -x[i];
    logistic_lanes(y, s);
    EACH_LANE f[i] = x[i] * s[i];
    if (slope) EACH_LANE slope[i] = s[i] + f[i] * (1.0f - s[i]);
}

/* x s(2u), u = sqrt(2/pi) (x + 0.044715 x^3), s the logistic function */
TARGET static inline void gelu_tanh_train_lanes(const float *x, float *f, float *slope)
{
    float y[WIDE], s[WIDE];
    EACH_LANE y[i] = -1.5957691216f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
    logistic_lanes(y, s);
    EACH_LANE f[i] = x[i] * s[i];
    if (slope) EACH_LANE slope[i] = s[i] + f[i] * (1.0f - s[i]) * (1.5957691216f + 0.2140644488f * x[i] * x[i]);
}

/* Phi(x) by the fit that gelu_lanes has, and the normal density. */
TARGET static inline void gelu_train_lanes(const float *x, float *f, float *slope)
{
    static const float fit[] = {0.17087277f, -0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f,
                                -0.18628806f, 0.09678418f, 0.37409196f, 1.00002368f, -1.26551223f};
    float z[WIDE], t[WIDE], y[WIDE], density[WIDE];
    EACH_LANE z[i] = (x[i] < 0 ? -x[i] : x[i]) * 0.70710678f;
    EACH_LANE t[i] = 1.0f / (1.0f + 0.5f * z[i]);
    EACH_LANE y[i] = fit[0];
    for (int k = 1; k < 10; k++) EACH_LANE y[i] = y[i] * t[i] + fit[k];
    EACH_LANE y[i] = y[i] - z[i] * z[i];
    exp_lanes(y);
    EACH_LANE y[i] = 0.5f * t[i] * y[i];
    EACH_LANE y[i] = x[i] < 0 ? y[i] : 1.0f - y[i];
    EACH_LANE f[i] = x[i] * y[i];
    if (!slope) return;
    EACH_LANE density[i] = -z[i] * z[i];
    exp_lanes(density);
    EACH_LANE slope[i] = y[i] + 0.39894228f * x[i] * density[i];
}

TARGET static inline void relu_train_lanes(const float *x, float *f, float *slope)
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

#define NECK__LOOPS_TRAIN_F32 .train = {LOOPS_TRAIN_TABLE}

#endif
