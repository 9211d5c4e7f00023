/* linalg/two_stage.c - full to band, band to tridiagonal, and the eigenvalues of that. */
#include "linalg/two_stage.h"

#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/band_reduction.h"
#include "linalg/bulge_chasing.h"
#include "linalg/tridiagonal.h"

neck_status neck__work_done(neck__work *work, int64_t operations)
{
    work->done += operations;
    return neck__progress(work->context, "eigenvalues", "operations", work->done, work->total);
}

/* Columns of the band reach past the order, so that every block is whole. */
static int64_t band_length(int64_t n)
{
    return (n + 2 * NECK__BAND) * (NECK__BAND_LINE + 1);
}

void neck__two_stage_cost(int64_t n, int64_t *bytes, int64_t *operations)
{
    *bytes = neck__band_reduction_bytes(n) + (band_length(n) + 2 * n) * (int64_t)sizeof(double);
    *operations = neck__band_reduction_operations(n) + neck__chase_operations(n);
}

enum { ROWS = 64 };

typedef struct scaling {
    int64_t n, lda;
    double *a, *largest, factor;
} scaling;

static void largest_task(void *data, int64_t block)
{
    const scaling *job = data;
    double most = 0;
    for (int64_t r = block * ROWS; r < (block + 1) * ROWS && r < job->n; r++)
        for (int64_t c = r; c < job->n; c++) {
            double size = fabs(job->a[r * job->lda + c]);
            most = size > most ? size : most;
        }
    job->largest[block] = most;
}

static void scale_task(void *data, int64_t block)
{
    const scaling *job = data;
    for (int64_t r = block * ROWS; r < (block + 1) * ROWS && r < job->n; r++)
        for (int64_t c = r; c < job->n; c++) job->a[r * job->lda + c] *= job->factor;
}

/* The exponent of the power of two by which the matrix was divided, so that squares of what matters stay within
 * double. largest has room for one number a block. */
static int scale(neck_context *context, scaling *job)
{
    const int safe = 300;
    int exponent = 0;
    int64_t blocks = (job->n + ROWS - 1) / ROWS;
    neck__parallel(context, blocks, largest_task, job);
    double most = 0;
    for (int64_t i = 0; i < blocks; i++) most = fmax(most, job->largest[i]);
    if (most > 0) frexp(most, &exponent);
    if (exponent > -safe && exponent < safe) return 0;
    int half = exponent / 2; /* the whole power may be beyond double */
    job->factor = ldexp(1, -half);
    neck__parallel(context, blocks, scale_task, job);
    job->factor = ldexp(1, half - exponent);
    neck__parallel(context, blocks, scale_task, job);
    return exponent;
}

static neck_status to_tridiagonal(neck__work *work, int64_t lda, double *a, int64_t n, double *diagonal, double *beside)
{
    neck__allocator allocator = neck__allocator_of(work->context);
    neck__band band = {n, neck__calloc(&allocator, band_length(n), sizeof(double), "a band")};
    if (!band.data) return NECK_E_NOMEM;
    neck_status status = neck__band_reduction(work, lda, a, &band);
    if (status == NECK_OK) status = neck__chase(work, &band);
    for (int64_t i = 0; i < n && status == NECK_OK; i++) {
        diagonal[i] = band.data[i * (NECK__BAND_LINE + 1)];
        beside[i] = band.data[i * (NECK__BAND_LINE + 1) + 1];
    }
    neck__release(&allocator, band.data);
    return status;
}

neck_status neck__two_stage_eigenvalues(neck_context *context, int64_t n, double *a, int64_t lda, double *values)
{
    neck__allocator allocator = neck__allocator_of(context);
    double *diagonal = neck__alloc(&allocator, 2 * n, sizeof(double), "a tridiagonal matrix");
    if (!diagonal) return NECK_E_NOMEM;
    scaling job = {.n = n, .lda = lda, .a = a, .largest = diagonal};
    int exponent = scale(context, &job);
    neck__work work = {.context = context};
    int64_t bytes;
    neck__two_stage_cost(n, &bytes, &work.total);
    neck_status status = to_tridiagonal(&work, lda, a, n, diagonal, diagonal + n);
    if (status == NECK_OK) status = neck__tridiagonal_eigenvalues(context, n, diagonal, diagonal + n, values);
    for (int64_t i = 0; i < n && status == NECK_OK && exponent != 0; i++) values[i] = ldexp(values[i], exponent);
    neck__release(&allocator, diagonal);
    return status;
}
