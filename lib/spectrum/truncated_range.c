/* spectrum/truncated_range.c - a random range with power steps (Halko, Martinsson & Tropp 2011): a few products, an
 * approximate answer, and the bound that says how approximate. */
#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/random.h"
#include "linalg/blas.h"
#include "spectrum/certificate.h"
#include "spectrum/truncated.h"

/* Of the search for what the range leaves out: its chance of overlooking, random vectors and steps. */
#define MISSED 1e-10
enum { STARTS = 8, STEPS = 6, STREAM = 2 };

typedef struct ranging {
    neck__normal *normal;
    neck__random random;
    int64_t count, widest;
    double *vectors; /* count of order */
    double *block, *reflectors, *small;
} ranging;

static void fill_random(ranging *job, int64_t count, double *x)
{
    for (int64_t i = 0; i < count * job->normal->order; i++) x[i] = neck__random_normal(&job->random);
}

static neck_status orthonormalize(neck_context *context, ranging *job)
{
    return neck__orthonormalize(context, job->normal->order, 0, NULL, job->count, job->vectors, NULL, job->small,
                                job->reflectors);
}

static neck_status find_range(neck_context *context, ranging *job, int64_t steps)
{
    int64_t size = job->count * job->normal->order;
    fill_random(job, job->count, job->vectors);
    NECK_TRY(orthonormalize(context, job));
    for (int64_t step = 0; step <= steps; step++) {
        NECK_TRY(neck__normal_both(context, job->normal, job->count, job->vectors, job->block));
        for (int64_t i = 0; i < size; i++) {
            if (!isfinite(job->block[i]))
                return neck__fail(NECK_E_NONFINITE, "a product with the operator is not finite");
            job->vectors[i] = job->block[i];
        }
        NECK_TRY(orthonormalize(context, job));
        NECK_TRY(neck__progress(context, "random range", "products", step + 1, steps + 1));
    }
    return NECK_OK;
}

/* x less its share of the range. */
static neck_status project(const ranging *job, int64_t count, double *x)
{
    int64_t n = job->normal->order, l = job->count;
    NECK_TRY(neck__gemm(0, 1, count, l, n, 1, x, n, job->vectors, n, 0, job->small, l));
    return neck__gemm(0, 0, count, n, l, -1, job->small, l, job->vectors, n, 1, x, n);
}

static neck_status multiply_beyond(neck_context *context, void *user, int64_t count, const double *x, double *y)
{
    const ranging *job = user;
    NECK_TRY(neck__normal_both(context, job->normal, count, x, y));
    return project(job, count, y);
}

/* |B (1 - V^T V)| by a short search: some steps of block Lanczos from random vectors, orthogonal to the range as all
 * their images. */
static neck_status search(neck_context *context, ranging *job, double *ceiling)
{
    int64_t n = job->normal->order, left = n - job->count, starts = STARTS < left ? STARTS : left;
    int64_t capacity = STEPS * starts < n ? STEPS * starts : n;
    neck__krylov space;
    neck__search found = {.order = left, .starts = starts};
    NECK_TRY(neck__krylov_create(context, n, capacity, starts, STREAM + 1, multiply_beyond, job, &space));
    neck__krylov_fill(&space, starts, job->block);
    neck_status status = project(job, starts, job->block);
    if (status == NECK_OK) status = neck__krylov_inject(context, &space, starts, job->block);
    while (status == NECK_OK && space.width > 0 && space.used + space.width <= capacity) {
        status = neck__krylov_grow(context, &space);
        found.steps++;
    }
    if (status == NECK_OK) status = neck__krylov_ritz(context, &space);
    if (status == NECK_OK) {
        found.found = fmax(space.values[0], 0);
        found.residual = neck__krylov_coupling(&space);
        *ceiling = sqrt(neck__search_ceiling(&found, MISSED / 2));
    }
    neck__krylov_free(&space);
    return status;
}

neck_status neck__truncated_by_range(neck_context *context, neck__normal *normal, const neck__request *request,
                                     neck__subspace *out)
{
    const neck__allocator *allocator = &normal->allocator;
    int64_t n = normal->order, l = request->k + request->oversampling;
    int64_t widest = l > STARTS ? l : STARTS;
    ranging job = {normal, neck__random_seeded(neck__context_seed(context), STREAM), l, widest, NULL, NULL, NULL, NULL};
    double ceiling = 0;
    neck_status status = NECK_E_NOMEM;
    if (!(job.vectors = neck__alloc(allocator, l, n * (int64_t)sizeof(double), "a random range"))) goto done;
    if (!(job.block = neck__alloc(allocator, widest, n * (int64_t)sizeof(double), "a random range"))) goto done;
    if (!(job.reflectors = neck__alloc(allocator, l, n * (int64_t)sizeof(double), "a random range"))) goto done;
    if (!(job.small = neck__alloc(allocator, widest, (3 * widest + 1) * (int64_t)sizeof(double),
                                  "a random range"))) goto done;
    NECK_GOTO_DONE(find_range(context, &job, request->power_steps));
    if (l < n) NECK_GOTO_DONE(search(context, &job, &ceiling));
    *out = (neck__subspace){.count = l, .vectors = job.vectors, .ceiling = ceiling, .rounded = l < n,
                            .missed_probability = l < n ? MISSED : 0, .method = NECK_METHOD_RANDOMIZED, .block = l};
    job.vectors = NULL;
done:
    neck__release(allocator, job.small);
    neck__release(allocator, job.reflectors);
    neck__release(allocator, job.block);
    neck__release(allocator, job.vectors);
    return status;
}
