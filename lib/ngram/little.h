/* ngram/little.h - little-endian numbers of a width known when compiled, which compilers turn into single moves; and
 * the sum that guards them. */
#ifndef NECK_NGRAM_LITTLE_H
#define NECK_NGRAM_LITTLE_H

#include <stdint.h>

static inline uint64_t neck__little16(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8;
}

static inline uint64_t neck__little32(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static inline uint64_t neck__little64(const unsigned char *p)
{
    return neck__little32(p) | neck__little32(p + 4) << 32;
}

static inline void neck__little16_put(unsigned char *p, uint64_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
}

static inline void neck__little32_put(unsigned char *p, uint64_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
    p[2] = (unsigned char)(value >> 16);
    p[3] = (unsigned char)(value >> 24);
}

static inline void neck__little64_put(unsigned char *p, uint64_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
    p[2] = (unsigned char)(value >> 16);
    p[3] = (unsigned char)(value >> 24);
    p[4] = (unsigned char)(value >> 32);
    p[5] = (unsigned char)(value >> 40);
    p[6] = (unsigned char)(value >> 48);
    p[7] = (unsigned char)(value >> 56);
}

/* As FNV-1a, but over words of 8 bytes and with the high bits folded back, which is fast enough for gigabytes. Goes on
 * from sum, which begins as NECK__SUM_START; size is a multiple of 8. */
#define NECK__SUM_START UINT64_C(0xCBF29CE484222325)
static inline uint64_t neck__sum_words(uint64_t sum, const unsigned char *bytes, int64_t size)
{
    for (int64_t i = 0; i < size; i += 8) {
        sum = (sum ^ neck__little64(bytes + i)) * UINT64_C(0x100000001B3);
        sum ^= sum >> 32;
    }
    return sum;
}

#endif
