/* train/mark.h - a number made of all bytes of something, to tell whether it is still the same. */
#ifndef NECK_TRAIN_MARK_H
#define NECK_TRAIN_MARK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* FNV-1a, eight bytes at a time; mark is that of what came before, at first any number. */
static inline uint64_t neck__mark(uint64_t mark, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < 8 ? size - i : 8);
        mark = (mark ^ word) * UINT64_C(0x100000001b3);
        mark ^= mark >> 32;
    }
    return mark;
}

#endif
