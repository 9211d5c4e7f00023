/* linalg/lapack.c - LAPACKE's _work routines: no hidden transposes, allocations or checks that count in 32 bits. */
#include "linalg/lapack.h"

#include <float.h>
#include <limits.h>
#include <string.h>

#include <lapacke.h>

#include "core/context.h"
#include "core/error.h"
#include "linalg/two_stage.h"

_Static_assert(sizeof(lapack_int) == 4, "built against a 32-bit-integer LAPACK interface");

enum { BLOCK = 64, REFLECTORS = 32 };

/* Workspace queries may wrap around or round down, so lengths are computed here in 64 bits, and every size is checked
 * before it becomes LAPACK's 32-bit integer. */
static neck_status check_sizes(const char *routine, const int64_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sizes[i] < 0 || sizes[i] > INT_MAX)
            return neck__fail(NECK_E_OVERFLOW, "a length of %lld is beyond this LAPACK's %s", (long long)sizes[i],
                              routine);
    return NECK_OK;
}

#define SIZES(...) (const int64_t[]){__VA_ARGS__}
#define CHECK_SIZES(routine, ...) \
    NECK_TRY(check_sizes(routine, SIZES(__VA_ARGS__), sizeof(SIZES(__VA_ARGS__)) / sizeof(int64_t)))

static double *workspace(neck_context *context, const char *routine, int64_t length)
{
    neck__allocator allocator = neck__allocator_of(context);
    return neck__alloc(&allocator, length, sizeof(double), routine);
}

static void release(neck_context *context, void *memory)
{
    neck__allocator allocator = neck__allocator_of(context);
    neck__release(&allocator, memory);
}

static neck_status check_info(const char *routine, lapack_int info)
{
    if (info == 0) return NECK_OK;
    if (info > 0) return neck__fail(NECK_E_CONVERGENCE, "LAPACK's %s did not converge (info %d)", routine, (int)info);
    return neck__fail(NECK_E_INTERNAL, "LAPACK's %s refused argument %d", routine, -(int)info);
}

/* From this order on, two stages take less time than LAPACK's one, on one thread and on several. */
enum { TWO_STAGES = 384 };

/* Row-major upper is column-major lower. */
static neck_status one_stage_eigenvalues(neck_context *context, int64_t n, double *a, int64_t lda, double *values)
{
    CHECK_SIZES("dsytrd", n, lda, n * BLOCK);
    double *work = workspace(context, "dsytrd", n * (BLOCK + 2));
    if (!work) return NECK_E_NOMEM;
    double *beside = work + n * BLOCK, *tau = beside + n;
    neck_status status = check_info("dsytrd", LAPACKE_dsytrd_work(LAPACK_COL_MAJOR, 'L', n, a, lda, values, beside,
                                                                  tau, work, n * BLOCK));
    if (status == NECK_OK) status = check_info("dsterf", LAPACKE_dsterf_work(n, values, beside));
    release(context, work);
    return status;
}

neck_status neck__symmetric_eigenvalues(neck_context *context, int64_t n, double *a, int64_t lda, double *values)
{
    return n < TWO_STAGES ? one_stage_eigenvalues(context, n, a, lda, values)
                          : neck__two_stage_eigenvalues(context, n, a, lda, values);
}

void neck__symmetric_eigenvalues_cost(int64_t n, int64_t *bytes, int64_t *operations)
{
    const int64_t most = 1 << 20; /* whose cube and a few times more fit */
    *bytes = *operations = INT64_MAX;
    if (n > most) return;
    neck__two_stage_cost(n, bytes, operations);
    if (n < TWO_STAGES) *bytes = n * (BLOCK + 2) * (int64_t)sizeof(double);
    *bytes += n * n * (int64_t)sizeof(double);
}

neck_status neck__symmetric_eigen(neck_context *context, int64_t n, double *a, double *values)
{
    int64_t length = 1 + 6 * n + 2 * n * n, blocked = 2 * n + n * BLOCK, integers = 3 + 5 * n;
    if (length < blocked) length = blocked;
    CHECK_SIZES("dsyevd", n, length, integers);
    double *work = workspace(context, "dsyevd", length + integers);
    if (!work) return NECK_E_NOMEM;
    lapack_int *indices = (lapack_int *)(void *)(work + length);
    neck_status status = check_info(
        "dsyevd", LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', n, a, n, values, work, length, indices, integers));
    release(context, work);
    return status;
}

typedef struct svd_job {
    char job; /* 'N': values only, 'A': vectors too */
    int64_t n;
    double *u, *s, *vt;
} svd_job;

static neck_status svd_by_division(neck_context *context, const svd_job *job, double *a)
{
    int64_t n = job->n, need = job->job == 'N' ? 10 * n : 4 * n * n + 7 * n, length = need + 2 * n * BLOCK;
    CHECK_SIZES("dgesdd", n, length);
    double *work = workspace(context, "dgesdd", length + 8 * n);
    if (!work) return NECK_E_NOMEM;
    lapack_int *indices = (lapack_int *)(void *)(work + length);
    lapack_int info =
        LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, job->job, n, n, a, n, job->s, job->u, n, job->vt, n, work, length,
                            indices);
    release(context, work);
    return check_info("dgesdd", info);
}

static neck_status svd_by_iteration(neck_context *context, const svd_job *job, double *a)
{
    int64_t n = job->n, length = 5 * n + 2 * n * BLOCK;
    CHECK_SIZES("dgesvd", n, length);
    double *work = workspace(context, "dgesvd", length);
    if (!work) return NECK_E_NOMEM;
    lapack_int info =
        LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, job->job, job->job, n, n, a, n, job->s, job->u, n, job->vt, n, work,
                            length);
    release(context, work);
    return check_info("dgesvd", info);
}

/* Divide and conquer is fast but may fail to converge; QR iteration is slow and does not. */
static neck_status svd(neck_context *context, const svd_job *job, double *a)
{
    double *copy = workspace(context, "a copy for the SVD", job->n * job->n);
    if (!copy) return NECK_E_NOMEM;
    memcpy(copy, a, (size_t)(job->n * job->n) * sizeof *copy);
    neck_status status = svd_by_division(context, job, a);
    if (status == NECK_E_CONVERGENCE) {
        neck__log(context, 1, "%s; trying dgesvd", neck_last_error());
        status = svd_by_iteration(context, job, copy);
    }
    release(context, copy);
    return status;
}

neck_status neck__singular_values(neck_context *context, int64_t n, double *a, double *values)
{
    double unused;
    return svd(context, &(svd_job){'N', n, &unused, values, &unused}, a);
}

/* Our a is LAPACK's transpose: A^T = V S U^T, so its "U" is our Vt and its "VT" our U, each already row-major. */
neck_status neck__small_svd(neck_context *context, int64_t n, double *a, double *u, double *s, double *vt)
{
    return svd(context, &(svd_job){'A', n, vt, s, u}, a);
}

/* LAPACK's customary p(n) = n; and dbdsqr takes what couples two values for nothing when it is below 90 roundings of
 * them, which tells among values as close as that. */
double neck__singular_values_error(int64_t n)
{
    return ((double)n + 45) * DBL_EPSILON;
}

neck_status neck__qr_factor(neck_context *context, int64_t m, int64_t n, double *a, int64_t lda, double *tau)
{
    CHECK_SIZES("dgeqrf", m, n, lda, n * BLOCK);
    double *work = workspace(context, "dgeqrf", n * BLOCK);
    if (!work) return NECK_E_NOMEM;
    lapack_int info = LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, m, n, a, lda, tau, work, n * BLOCK);
    release(context, work);
    return check_info("dgeqrf", info);
}

neck_status neck__qr_apply(neck_context *context, int64_t m, int64_t k, int64_t n, const double *a, int64_t lda,
                           const double *tau, double *c, int64_t ldc)
{
    int64_t length = k * BLOCK + (BLOCK + 1) * BLOCK;
    CHECK_SIZES("dormqr", m, k, n, lda, ldc, length);
    double *work = workspace(context, "dormqr", length);
    if (!work) return NECK_E_NOMEM;
    lapack_int info =
        LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'N', m, k, n, a, lda, tau, c, ldc, work, length);
    release(context, work);
    return check_info("dormqr", info);
}

int64_t neck__qr_block(int64_t n)
{
    return n < REFLECTORS ? n : REFLECTORS;
}

neck_status neck__qr_update(neck_context *context, int64_t m, int64_t n, double *r, int64_t ldr, double *b, int64_t ldb,
                            double *t)
{
    int64_t block = neck__qr_block(n);
    CHECK_SIZES("dtpqrt", m, n, ldr, ldb, block * n);
    double *work = workspace(context, "dtpqrt", block * n);
    if (!work) return NECK_E_NOMEM;
    lapack_int info = LAPACKE_dtpqrt_work(LAPACK_COL_MAJOR, m, n, 0, block, r, ldr, b, ldb, t, block, work);
    release(context, work);
    return check_info("dtpqrt", info);
}

neck_status neck__qr_update_apply(neck_context *context, int64_t m, int64_t k, int64_t n, const double *b, int64_t ldb,
                                  const double *t, double *top, int64_t ldtop, double *c, int64_t ldc)
{
    int64_t block = neck__qr_block(n);
    CHECK_SIZES("dtpmqrt", m, k, n, ldb, ldtop, ldc, block * k);
    double *work = workspace(context, "dtpmqrt", block * k);
    if (!work) return NECK_E_NOMEM;
    lapack_int info = LAPACKE_dtpmqrt_work(LAPACK_COL_MAJOR, 'L', 'N', m, k, n, 0, block, b, ldb, t, block, top, ldtop,
                                           c, ldc, work);
    release(context, work);
    return check_info("dtpmqrt", info);
}
