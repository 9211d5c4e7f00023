/* core/random.h - random numbers that can be made again from a seed and a stream; bits are the same on every
 * machine. */
#ifndef NECK_CORE_RANDOM_H
#define NECK_CORE_RANDOM_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea & Flood 2014). The state is one number: saved and put back, it goes on where it was. */
typedef struct neck__random {
    uint64_t state;
} neck__random;

/* The generator of a seed (a context's) and a stream: who asks, e.g. the number of an epoch or of a row. */
neck__random neck__random_seeded(uint64_t seed, uint64_t stream);

uint64_t neck__random_bits(neck__random *random);
double neck__random_uniform(neck__random *random);                /* in (0, 1), never its ends */
double neck__random_normal(neck__random *random);                 /* mean 0, variance 1 */
int64_t neck__random_below(neck__random *random, int64_t bound);  /* 0 .. bound - 1, bound >= 1, without bias */
void neck__random_shuffle(neck__random *random, int64_t count, int64_t *items);

#endif
