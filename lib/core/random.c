/* core/random.c - a small generator, good enough for initial weights and shuffles. */
#include "core/random.h"

#include <math.h>

static uint64_t mixed(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Streams start at mixed places of the one sequence of 2^64 numbers: that two of any practical length meet is
 * unlikely. */
neck__random neck__random_seeded(uint64_t seed, uint64_t stream)
{
    return (neck__random){mixed(mixed(seed + 0x9e3779b97f4a7c15u) + stream)};
}

uint64_t neck__random_bits(neck__random *random)
{
    return mixed(random->state += 0x9e3779b97f4a7c15u);
}

double neck__random_uniform(neck__random *random)
{
    return ((double)(neck__random_bits(random) >> 12) + 0.5) * 0x1p-52;
}

/* Box and Muller 1958. The sine, a second deviate, is not kept: a generator stays one number. */
double neck__random_normal(neck__random *random)
{
    double radius = sqrt(-2 * log(neck__random_uniform(random)));
    return radius * cos(6.283185307179586 * neck__random_uniform(random));
}

/* Bits below 2^64 mod bound would make some results likelier than others. */
int64_t neck__random_below(neck__random *random, int64_t bound)
{
    uint64_t n = (uint64_t)bound, skipped = (0 - n) % n, bits;
    do bits = neck__random_bits(random);
    while (bits < skipped);
    return (int64_t)(bits % n);
}

/* Fisher and Yates */
void neck__random_shuffle(neck__random *random, int64_t count, int64_t *items)
{
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = neck__random_below(random, i + 1), item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}
