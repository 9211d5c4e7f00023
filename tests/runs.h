/* tests/runs.h - how much a test does again and again. Builds that are slow, with sanitizers, set SOFTNECK_RUNS. */
#ifndef NECK_TESTS_RUNS_H
#define NECK_TESTS_RUNS_H

#include <stdint.h>
#include <stdlib.h>

static inline int is_slow_build(void)
{
    return getenv("SOFTNECK_RUNS") != NULL;
}

/* SOFTNECK_RUNS, else the usual number. */
static inline int64_t runs_of(int64_t usual)
{
    const int64_t asked = is_slow_build() ? atoll(getenv("SOFTNECK_RUNS")) : 0;
    return asked > 0 ? asked : usual;
}

#endif
