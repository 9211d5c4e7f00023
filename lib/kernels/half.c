/* kernels/half.c - 16-bit floats, one at a time. */
#include <string.h>

#include "kernels/kernels.h"

static double f32_bits_to_f64(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double neck__bf16_to_f64(uint16_t bits)
{
    return f32_bits_to_f64((uint32_t)bits << 16);
}

/* IEEE half: 1 sign, 5 exponent, 10 fraction bits. */
double neck__f16_to_f64(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
    uint32_t exponent = (bits >> 10) & 0x1f;
    uint32_t fraction = bits & 0x3ffu;
    if (exponent == 0x1f) return f32_bits_to_f64(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) { /* zero or denormal: fraction * 2^-24, exact */
        double value = (double)fraction * 0x1p-24;
        return sign ? -value : value;
    }
    return f32_bits_to_f64(sign | (exponent + 112) << 23 | fraction << 13);
}
