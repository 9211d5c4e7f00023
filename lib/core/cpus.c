/* core/cpus.c - affinity mask, cgroup quota, environment. */
#define _GNU_SOURCE
#include "core/cpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

static int32_t from_environment(void)
{
    const char *text = getenv("SOFTNECK_NUM_THREADS");
    if (!text || !*text) return 0;
    char *end;
    long number = strtol(text, &end, 10);
    return *end == '\0' && number >= 1 && number <= NECK_MAX_THREADS ? (int32_t)number : 0;
}

static int32_t from_affinity(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return (int32_t)CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int32_t)online : 1;
}

/* cgroup v2: "quota period" in microseconds, or "max period". Rounded up: half a CPU is still one thread. */
static int32_t from_quota(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!file) return NECK_MAX_THREADS;
    long long quota = 0, period = 0;
    int fields = fscanf(file, "%lld %lld", &quota, &period);
    fclose(file);
    if (fields != 2 || quota <= 0 || period <= 0) return NECK_MAX_THREADS;
    long long cpus = (quota + period - 1) / period;
    return cpus < NECK_MAX_THREADS ? (int32_t)cpus : NECK_MAX_THREADS;
}

int32_t neck__default_threads(void)
{
    int32_t threads = from_environment();
    if (threads) return threads;
    threads = from_affinity();
    int32_t quota = from_quota();
    if (quota < threads) threads = quota;
    return threads < 1 ? 1 : threads < NECK_MAX_THREADS ? threads : NECK_MAX_THREADS;
}
