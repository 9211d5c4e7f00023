/* tests/runs.h - how much a test does again and again. SOFTNECK_RUNS sets it; builds that are slow, with sanitizers,
 * set SOFTNECK_SLOW and do a tenth of the usual. */
#ifndef NECK_TESTS_RUNS_H
#define NECK_TESTS_RUNS_H

#include <stdint.h>
#include <stdlib.h>

static inline int is_slow_build(void)
{
    return getenv("SOFTNECK_SLOW") != NULL;
}

static inline int64_t runs_of(int64_t usual)
{
    const char *asked = getenv("SOFTNECK_RUNS");
    if (asked && atoll(asked) > 0) return atoll(asked);
    return is_slow_build() ? (usual + 9) / 10 : usual;
}

#endif
