/* linalg/build_info.c - how this library was built and what it runs on. */
#include <pthread.h>
#include <stdio.h>

#include "kernels/kernels.h"
#include "linalg/blas.h"
#include "softneck/status.h"

#if defined(__clang__)
#define COMPILER __VERSION__ /* names itself */
#else
#define COMPILER "GCC " __VERSION__
#endif

static char info[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void describe(void)
{
    snprintf(info, sizeof info, "softneck %s (ABI %d), " COMPILER ", kernels %s, %s", neck_version_string(),
             neck_abi_version(), neck__kernels_get()->name, neck__blas_info());
}

const char *neck_build_info(void)
{
    pthread_once(&once, describe);
    return info;
}
