/* text/hash.h - the hash of the tables in this folder. They hold what one file or one text says, live in one process
 * and are only looked up, so speed is all that is asked of it. */
#ifndef NECK_TEXT_HASH_H
#define NECK_TEXT_HASH_H

#include <stdint.h>
#include <string.h>

static inline uint64_t neck__hash_number(uint64_t number)
{
    number *= UINT64_C(0x9E3779B97F4A7C15);
    return number ^ number >> 32;
}

static inline uint64_t neck__hash_bytes(const unsigned char *bytes, int64_t size)
{
    uint64_t hash = (uint64_t)size, word;
    for (; size >= 8; bytes += 8, size -= 8) {
        memcpy(&word, bytes, 8);
        hash = neck__hash_number(hash ^ word);
    }
    word = 0;
    for (int64_t i = 0; i < size; i++) word = word << 8 | bytes[i];
    return neck__hash_number(hash ^ word);
}

#endif
