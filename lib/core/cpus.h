/* core/cpus.h - how many CPUs this process may use. */
#ifndef NECK_CORE_CPUS_H
#define NECK_CORE_CPUS_H

#include <stdint.h>

#define NECK_MAX_THREADS 1024

/* SOFTNECK_NUM_THREADS when it is a number from 1 to NECK_MAX_THREADS, else the affinity mask cut by the cgroup's
 * CPU quota (containers report the host's CPUs otherwise); at least 1. */
int32_t neck__default_threads(void);

#endif
