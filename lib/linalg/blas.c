/* linalg/blas.c - CBLAS, with sizes narrowed once. */
#include "linalg/blas.h"

#include <cblas.h>
#include <limits.h>
#include <stdio.h>
#include <pthread.h>

#include "core/error.h"

_Static_assert(sizeof(blasint) == 4, "built against a 32-bit-integer BLAS interface");

neck_status neck__gemm(int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                       int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc)
{
    const int64_t sizes[] = {m, n, k, lda, ldb, ldc};
    for (int i = 0; i < 6; i++)
        if (sizes[i] < 0 || sizes[i] > INT_MAX)
            return neck__fail(NECK_E_OVERFLOW, "a matrix product of size %lld is beyond this BLAS",
                              (long long)sizes[i]);
    cblas_dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
                (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
    return NECK_OK;
}

static char info[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_info(void)
{
    static const char *const parallel[] = {"sequential", "pthreads", "OpenMP"};
    int kind = openblas_get_parallel();
    snprintf(info, sizeof info, "%s, core %s, %s", openblas_get_config(), openblas_get_corename(),
             kind >= 0 && kind <= 2 ? parallel[kind] : "?");
}

const char *neck__blas_info(void)
{
    pthread_once(&once, read_info);
    return info;
}
