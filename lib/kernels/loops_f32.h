/* kernels/loops_f32.h - the elementwise single-precision loops of models, in portable C, compiled once for each
 * instruction set: whoever includes this defines TARGET. Sixteen lanes at a time in loops of constant length, which
 * compilers turn into vectors at -O2. Relative errors: exp, silu and sigmoid below 3e-7, softplus
 * below 5e-7, both gelus below 2e-6 + 2e-7 x^2. */
#ifndef NECK_KERNELS_LOOPS_F32_H
#define NECK_KERNELS_LOOPS_F32_H

#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"

enum { WIDE = 16 };
#define EACH_LANE for (int i = 0; i < WIDE; i++)

/* x = exp(x), between exp(-87) and exp(88): 2^n times a polynomial on |r| <= ln(2)/2. Adding 1.5 * 2^23 leaves n in
 * the low bits of the sum. NaN stays NaN. */
TARGET static inline void exp_lanes(float *x)
{
    const float round = 12582912.0f;
    float r[WIDE], n[WIDE], p[WIDE], scale[WIDE];
    uint32_t bits[WIDE];
    EACH_LANE r[i] = x[i] < -87.0f ? -87.0f : x[i];
    EACH_LANE r[i] = r[i] > 88.0f ? 88.0f : r[i];
    EACH_LANE n[i] = r[i] * 1.44269504f + round;
    memcpy(bits, n, sizeof bits);
    EACH_LANE bits[i] = (bits[i] - 0x4B400000u + 127u) << 23;
    memcpy(scale, bits, sizeof scale);
    EACH_LANE n[i] = n[i] - round;
    EACH_LANE r[i] = (r[i] - n[i] * 0.693359375f) - n[i] * -2.12194440e-4f;
    EACH_LANE p[i] = 1.9875691500e-4f * r[i] + 1.3981999507e-3f;
    EACH_LANE p[i] = p[i] * r[i] + 8.3334519073e-3f;
    EACH_LANE p[i] = p[i] * r[i] + 4.1665795894e-2f;
    EACH_LANE p[i] = p[i] * r[i] + 1.6666665459e-1f;
    EACH_LANE p[i] = p[i] * r[i] + 5.0000001201e-1f;
    EACH_LANE p[i] = p[i] * r[i] * r[i] + r[i] + 1.0f;
    EACH_LANE x[i] = p[i] * scale[i];
}

/* x = x / (1 + exp(y)) */
TARGET static inline void gate_lanes(float *x, float *y)
{
    exp_lanes(y);
    EACH_LANE x[i] = x[i] / (1.0f + y[i]);
}

TARGET static inline void silu_lanes(float *x)
{
    float y[WIDE];
    EACH_LANE y[i] = -x[i];
    gate_lanes(x, y);
}

/* 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3) */
TARGET static inline void gelu_tanh_lanes(float *x)
{
    float y[WIDE];
    EACH_LANE y[i] = -1.5957691216f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
    gate_lanes(x, y);
}

/* x Phi(x), with Phi by a Chebyshev fit of erfc (Numerical Recipes, erfcc), good in both tails. */
TARGET static inline void gelu_lanes(float *x)
{
    static const float fit[] = {0.17087277f, -0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f,
                                -0.18628806f, 0.09678418f, 0.37409196f, 1.00002368f, -1.26551223f};
    float z[WIDE], t[WIDE], y[WIDE];
    EACH_LANE z[i] = (x[i] < 0 ? -x[i] : x[i]) * 0.70710678f;
    EACH_LANE t[i] = 1.0f / (1.0f + 0.5f * z[i]);
    EACH_LANE y[i] = fit[0];
    for (int k = 1; k < 10; k++) EACH_LANE y[i] = y[i] * t[i] + fit[k];
    EACH_LANE y[i] = y[i] - z[i] * z[i];
    exp_lanes(y);
    EACH_LANE y[i] = 0.5f * t[i] * y[i];
    EACH_LANE x[i] = x[i] * (x[i] < 0 ? y[i] : 1.0f - y[i]);
}

TARGET static inline void relu_lanes(float *x)
{
    EACH_LANE x[i] = x[i] < 0 ? 0.0f : x[i];
}

/* max(x, 0) + ln(1 + t), t = exp(-|x|), with ln(1 + t) = 2 atanh(s), s = t / (2 + t) <= 1/3, by its series. */
TARGET static inline void softplus_lanes(float *x)
{
    float t[WIDE], s[WIDE], p[WIDE];
    EACH_LANE t[i] = x[i] < 0 ? x[i] : -x[i];
    exp_lanes(t);
    EACH_LANE t[i] = t[i] / (2.0f + t[i]);
    EACH_LANE s[i] = t[i] * t[i];
    EACH_LANE p[i] = 1.0f / 13 * s[i] + 1.0f / 11;
    for (int k = 9; k >= 1; k -= 2) EACH_LANE p[i] = p[i] * s[i] + 1.0f / (float)k;
    EACH_LANE x[i] = (x[i] < 0 ? 0.0f : x[i]) + 2.0f * t[i] * p[i];
}

TARGET static inline void sigmoid_lanes(float *x)
{
    float y[WIDE];
    EACH_LANE y[i] = -x[i];
    EACH_LANE x[i] = 1.0f;
    gate_lanes(x, y);
}

/* A loop over lanes for any count; the last lanes go through a whole one. */
#define NECK__LOOP(name)                                             \
    TARGET static void name##_f32(int64_t count, float *x)           \
    {                                                                \
        int64_t k = 0;                                               \
        for (; k + WIDE <= count; k += WIDE) name##_lanes(x + k);    \
        if (k == count) return;                                      \
        float last[WIDE] = {0};                                      \
        memcpy(last, x + k, (size_t)(count - k) * sizeof *last);     \
        name##_lanes(last);                                          \
        memcpy(x + k, last, (size_t)(count - k) * sizeof *last);     \
    }
NECK__LOOP(silu)
NECK__LOOP(gelu_tanh)
NECK__LOOP(gelu)
NECK__LOOP(relu)
NECK__LOOP(softplus)
NECK__LOOP(sigmoid)

/* cap tanh(x / cap) = cap - 2 cap / (exp(2x / cap) + 1) */
TARGET static void soft_cap_f32(int64_t count, float cap, float *x)
{
    for (int64_t k = 0; k < count; k += WIDE) {
        int64_t lanes = count - k < WIDE ? count - k : WIDE;
        float y[WIDE] = {0};
        memcpy(y, x + k, (size_t)lanes * sizeof *y);
        EACH_LANE y[i] = y[i] * (2.0f / cap);
        exp_lanes(y);
        EACH_LANE y[i] = cap - 2.0f * cap / (y[i] + 1.0f);
        memcpy(x + k, y, (size_t)lanes * sizeof *y);
    }
}

TARGET static double exp_sum_f32(int64_t count, float shift, float *x)
{
    double sum[WIDE] = {0}, total = 0;
    int64_t k = 0;
    for (; k + WIDE <= count; k += WIDE) {
        EACH_LANE x[k + i] = x[k + i] - shift;
        exp_lanes(x + k);
        EACH_LANE sum[i] += (double)x[k + i];
    }
    if (k < count) {
        float last[WIDE] = {0};
        for (int64_t j = k; j < count; j++) last[j - k] = x[j] - shift;
        exp_lanes(last);
        memcpy(x + k, last, (size_t)(count - k) * sizeof *last);
        for (int64_t j = k; j < count; j++) total += (double)x[j];
    }
    EACH_LANE total += sum[i];
    return total;
}

TARGET static float max_f32(int64_t count, const float *x)
{
    float most[WIDE];
    int64_t k = 0;
    EACH_LANE most[i] = x[0];
    for (; k + WIDE <= count; k += WIDE) EACH_LANE most[i] = x[k + i] > most[i] ? x[k + i] : most[i];
    for (; k < count; k++) most[0] = x[k] > most[0] ? x[k] : most[0];
    EACH_LANE most[0] = most[i] > most[0] ? most[i] : most[0];
    return most[0];
}

/* sum (x - shift) and sum (x - shift)^2 */
TARGET static void moments_f32(int64_t count, const float *x, double shift, double *sum, double *squares)
{
    double s[WIDE] = {0}, q[WIDE] = {0};
    int64_t k = 0;
    for (; k + WIDE <= count; k += WIDE) {
        double y[WIDE];
        EACH_LANE y[i] = (double)x[k + i] - shift;
        EACH_LANE s[i] += y[i];
        EACH_LANE q[i] += y[i] * y[i];
    }
    for (; k < count; k++) {
        double y = (double)x[k] - shift;
        s[0] += y;
        q[0] += y * y;
    }
    *sum = *squares = 0;
    EACH_LANE *sum += s[i];
    EACH_LANE *squares += q[i];
}

#define NECK__LOOPS_F32                                                      \
    .activate_f32 = {gelu_f32, gelu_tanh_f32, relu_f32, silu_f32, softplus_f32, sigmoid_f32}, \
    .soft_cap_f32 = soft_cap_f32, .exp_sum_f32 = exp_sum_f32, .max_f32 = max_f32, .moments_f32 = moments_f32

#endif
