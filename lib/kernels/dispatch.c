/* kernels/dispatch.c - which table this CPU gets. */
#include "kernels/kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const neck__kernels *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Best first. __builtin_cpu_supports also asks whether the system saves the registers. Every CPU with AVX2 has F16C. */
static int64_t supported(const neck__kernels **tables)
{
    int64_t count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        tables[count++] = &neck__kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        tables[count++] = &neck__kernels_avx2;
#endif
    tables[count++] = &neck__kernels_generic;
    return count;
}

static void choose(void)
{
    const neck__kernels *tables[3];
    int64_t count = supported(tables);
    const char *wanted = getenv("SOFTNECK_ISA");
    chosen = tables[0];
    for (int64_t i = 0; wanted && i < count; i++)
        if (strcmp(wanted, tables[i]->name) == 0) chosen = tables[i];
}

const neck__kernels *neck__kernels_get(void)
{
    pthread_once(&once, choose);
    return chosen;
}
