/* kernels/dispatch.c - which table this CPU gets. */
#include "kernels/kernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(const neck__kernels *) chosen;
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
    const neck__kernels *best = tables[0];
    for (int64_t i = 0; wanted && i < count; i++)
        if (strcmp(wanted, tables[i]->name) == 0) best = tables[i];
    atomic_store_explicit(&chosen, best, memory_order_release);
}

const neck__kernels *neck__kernels_get(void)
{
    /* Asked for in inner loops: once chosen, one load. */
    const neck__kernels *kernels = atomic_load_explicit(&chosen, memory_order_acquire);
    if (kernels) return kernels;
    pthread_once(&once, choose);
    return atomic_load_explicit(&chosen, memory_order_acquire);
}
