/* spectrum/truncated_krylov.c - block Krylov with thick restart, in single precision first where that serves, then a
 * search for what it overlooked. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "linalg/blas.h"
#include "linalg/lapack.h"
#include "spectrum/certificate.h"
#include "spectrum/truncated.h"

/* Of overlooking a value, over all checks of a run; and how often runs may restart or be repeated. */
#define MISSED 1e-10
/* What single precision seldom leaves, relative to the largest eigenvalue: a guess, for residuals are measured in the
 * end. */
#define ROUGH_NOISE (FLT_EPSILON / 16)
/* Random vectors of a check, and how many of them may have to be carried on beside the block. */
enum { MOST_RESTARTS = 2000, ROUGH_RESTARTS = 6, STREAM = 1, STARTS = 8, CHECKS = 7 };

typedef struct solving {
    const neck__leading *problem;
    const neck__request *request;
    neck__krylov space;
    double noise;  /* |M| times this is what rounding leaves of a product */
    int64_t block; /* vectors a product */
    int64_t converged, restarts, most_restarts;
    double missed; /* probability so far */
    double ceiling; /* eigenvalues of M beyond the first k Ritz values are at most this */
} solving;

/* A residual r of M = B^T B at the value s^2 is r / s = |B^T u - s v| for the triplet, sqrt(2) times what is called its
 * residual: room for what the last step mixes. Below what rounding leaves nothing improves. */
static int64_t count_converged(const solving *job)
{
    const neck__krylov *space = &job->space;
    double largest = sqrt(fmax(space->values[0], 0)), floor = job->noise * fmax(space->values[0], 0);
    int64_t count = 0;
    for (; count < job->request->k && count < space->used; count++) {
        double s = sqrt(fmax(space->values[count], 0)), r = space->residuals[count];
        if (r > floor && !(r <= job->request->tolerance * largest * s)) break;
    }
    return count;
}

/* Ritz values are looked at when this much was added since: their eigenproblem costs as much as several blocks. */
static int due(const solving *job, int64_t looked)
{
    const neck__krylov *space = &job->space;
    return space->width == 0 || space->used + space->width > space->capacity ||
           (space->used >= job->request->k && space->used >= looked + 3 * job->block);
}

/* Guard vectors beyond the k wanted: they carry what the restart would lose, and show how the values go on. */
static int64_t kept(const solving *job)
{
    const neck__krylov *space = &job->space;
    int64_t k = job->request->k, keep = k + (space->capacity - k) / 4, most = space->capacity - space->widest;
    if (keep > most) keep = most > k ? most : k;
    return keep < space->used ? keep : space->used;
}

static neck_status iterate(neck_context *context, solving *job)
{
    neck__krylov *space = &job->space;
    for (int64_t looked = space->used;;) {
        if (space->width > 0) NECK_TRY(neck__krylov_grow(context, space));
        if (!due(job, looked)) continue;
        looked = space->used;
        NECK_TRY(neck__krylov_ritz(context, space));
        job->converged = count_converged(job);
        NECK_TRY(neck__progress(context, "singular triplets", "triplets", job->converged, job->request->k));
        if (job->converged == job->request->k || space->width == 0) return NECK_OK;
        if (space->used + space->width <= space->capacity) continue;
        if (++job->restarts > job->most_restarts)
            return neck__fail(NECK_E_CONVERGENCE, "%lld of %lld triplets converged in %lld restarts",
                              (long long)job->converged, (long long)job->request->k, (long long)job->most_restarts);
        NECK_TRY(neck__krylov_restart(context, space, looked = kept(job)));
    }
}

/* Largest eigenvalue of the part of T that belongs to vectors from first on. */
static neck_status largest_found(neck_context *context, neck__krylov *space, int64_t first, double *out)
{
    int64_t n = space->used - first;
    for (int64_t i = 0; i < n; i++)
        memcpy(space->ritz + i * n, space->t + (first + i) * space->capacity + first, (size_t)n * sizeof(double));
    NECK_TRY(neck__symmetric_eigenvalues(context, n, space->ritz, n, space->values));
    *out = fmax(space->values[n - 1], 0);
    return NECK_OK;
}

/* The values of M's first `held` Ritz vectors, with the norms of their residuals. */
typedef struct guards {
    double *values, *residuals;
    int64_t held;
} guards;

/* What M can be worth beyond the k wanted, given what it can be worth beyond all that are held. */
static double beyond(const solving *job, const guards *guard, double ceiling)
{
    int64_t k = job->request->k;
    return neck__joined_ceiling(guard->held - k, guard->values + k, guard->residuals + k, ceiling);
}

static int good_enough(const solving *job, const guards *guard, double ceiling)
{
    double last = sqrt(fmax(guard->values[job->request->k - 1], 0)), largest = sqrt(fmax(guard->values[0], 0));
    return sqrt(ceiling) <= last + job->request->tolerance * largest;
}

/* Grows a fresh random block in the complement of what is held, until it shows, with the probability asked for, that
 * nothing there exceeds the last value wanted, or that something does (*missed), or the room is used up. */
static neck_status search(neck_context *context, solving *job, const guards *guard, int *missed)
{
    neck__krylov *space = &job->space;
    neck__search found = {.order = space->order - guard->held, .starts = space->width};
    int64_t most = (space->capacity - space->used) / space->width;
    double chance = MISSED / (2 * (double)(most > 0 ? most : 1)), last = guard->values[job->request->k - 1];
    double noticed = last + (1e-9 + job->request->tolerance) * last + 10 * job->problem->noise * guard->values[0];
    *missed = 0;
    while (space->width > 0 && space->used + space->width <= space->capacity) {
        NECK_TRY(neck__krylov_grow(context, space));
        found.steps++;
        NECK_TRY(largest_found(context, space, guard->held, &found.found));
        found.residual = neck__krylov_coupling(space);
        if (found.found > noticed) {
            *missed = 1;
            return NECK_OK;
        }
        double ceiling = beyond(job, guard, neck__search_ceiling(&found, chance));
        if (ceiling < job->ceiling) job->ceiling = ceiling;
        NECK_TRY(neck__progress(context, "search", "vectors", space->used, space->capacity));
        if (good_enough(job, guard, job->ceiling)) break;
    }
    if (space->used < space->order) job->missed += MISSED;
    return NECK_OK;
}

/* Puts the old pending block beside the search's: M's first `held` vectors are coupled to it. What of it lies in the
 * search's own vectors is in T and in that block's coupling; near the end of the whole space the rest spans all that is
 * left. scratch: widest^2. */
static neck_status rejoin(neck_context *context, neck__krylov *space, int64_t width, const double *block,
                          const double *coupling, int64_t held, double *scratch)
{
    int64_t have = space->used + space->width, left = space->order - have, next = width < left ? width : left;
    if (space->width + next > space->widest)
        return neck__fail(NECK_E_CONVERGENCE, "more equal singular values than blocks can find: give a larger one");
    if (next == width)
        memcpy(space->basis + have * space->order, block, (size_t)(width * space->order) * sizeof *block);
    int64_t before = space->width;
    space->width += next;
    double *pending = space->basis + space->used * space->order, *added = pending + before * space->order;
    if (next < width) neck__krylov_fill(space, next, added);
    if (next > 0)
        NECK_TRY(neck__orthonormalize(context, space->order, have, space->basis, next, added, NULL, space->small,
                                      space->reflectors));
    NECK_TRY(neck__gemm(0, 1, space->width, width, space->order, 1, pending, space->order, block, space->order, 0,
                        scratch, width));
    memset(space->coupling + before * space->capacity, 0, (size_t)(next * space->capacity) * sizeof *block);
    return neck__gemm(0, 0, space->width, held, width, 1, scratch, width, coupling, held, 1, space->coupling,
                      space->capacity);
}

/* trace(M) less what is known bounds every eigenvalue that is left: no probability, but seldom small enough. */
static double from_trace(const solving *job, const guards *guard)
{
    double trace = job->problem->trace, left = trace;
    if (trace < 0) return INFINITY;
    for (int64_t i = 0; i < job->request->k; i++) left -= guard->values[i];
    return fmax(left, 0) + job->problem->noise * trace;
}

/* How many of the Ritz vectors beyond k are worth holding on to: the more, the less is left to search and the further
 * below the k-th value it lies; but their residuals join what is left to them. As many as leave room to show what the
 * search is to show when it finds half the way from the last one held to the k-th. */
static int64_t settled(const solving *job)
{
    const neck__krylov *space = &job->space;
    guards guard = {space->values, space->residuals, kept(job)};
    for (; guard.held > job->request->k; guard.held--) {
        double halfway = (space->values[guard.held - 1] + space->values[job->request->k - 1]) / 2;
        if (good_enough(job, &guard, beyond(job, &guard, halfway))) break;
    }
    return guard.held;
}

/* Remembers the Ritz vectors that stand first in the space now. */
static void hold(const solving *job, guards *guard)
{
    const neck__krylov *space = &job->space;
    memcpy(guard->values, space->values, (size_t)guard->held * sizeof(double));
    memcpy(guard->residuals, space->residuals, (size_t)guard->held * sizeof(double));
}

/* One round of checks on k converged vectors, which stand first in the space afterwards. */
static neck_status check(neck_context *context, solving *job, guards *guard, double *block, int *missed)
{
    neck__krylov *space = &job->space;
    int whole = space->used == space->order;
    guard->held = whole ? space->used : settled(job);
    NECK_TRY(neck__krylov_restart(context, space, guard->held));
    hold(job, guard);
    *missed = 0;
    job->ceiling = whole ? beyond(job, guard, 0) : from_trace(job, guard);
    if (whole || good_enough(job, guard, job->ceiling)) return NECK_OK;
    int64_t width = space->width, held = guard->held;
    double *coupling = block + width * space->order;
    memcpy(block, space->basis + held * space->order, (size_t)(width * space->order) * sizeof *block);
    for (int64_t i = 0; i < width; i++)
        memcpy(coupling + i * held, space->coupling + i * space->capacity, (size_t)held * sizeof *block);
    space->width = 0;
    int64_t left = space->order - held;
    NECK_TRY(neck__krylov_inject(context, space, STARTS < left ? STARTS : left, NULL));
    NECK_TRY(search(context, job, guard, missed));
    return *missed ? rejoin(context, space, width, block, coupling, held, coupling + width * held) : NECK_OK;
}

static neck_status begin(neck_context *context, solving *job)
{
    neck__krylov *space = &job->space;
    const neck__request *request = job->request;
    int64_t count = request->start_count < job->block ? request->start_count : job->block;
    space->used = space->width = 0;
    if (count > 0) NECK_TRY(neck__krylov_inject(context, space, count, request->start));
    if (count < job->block) NECK_TRY(neck__krylov_inject(context, space, job->block - count, NULL));
    return NECK_OK;
}

/* Of guard vectors that have to be measured each costs two products, each step of a search two for every start; the
 * further the last one held lies below the k-th, the fewer steps, by the theorem's rate. */
static int64_t worth_measuring(const solving *job)
{
    enum { RATE = 9 }; /* ln(1.65 sqrt(n)) and the share of the chance, near enough for a choice */
    const double *values = job->space.values;
    int64_t k = job->request->k, best = k, most = settled(job);
    double least = INFINITY;
    for (int64_t held = k; held <= most; held++) {
        double gap = 1 - values[held - 1] / values[k - 1], cost = (double)held + STARTS * RATE / (2 * sqrt(gap));
        if (cost < least) best = held;
        least = fmin(least, cost);
    }
    return best;
}

/* Vectors by products in single precision. What is beyond them is measured and searched in double, and what they are
 * worth is for the last step to say, which measures residuals. Not *good: something may be missed, or did not converge,
 * and double has to begin anew. */
static neck_status solve_roughly(neck_context *context, solving *job, guards *guard, int *good)
{
    neck__krylov *space = &job->space;
    int missed = 0;
    *good = 0;
    NECK_TRY(begin(context, job));
    neck_status status = iterate(context, job);
    if (status == NECK_E_CONVERGENCE) return NECK_OK;
    NECK_TRY(status);
    guard->held = worth_measuring(job);
    NECK_TRY(neck__krylov_restart(context, space, guard->held));
    double *images = neck__alloc(&space->allocator, guard->held, space->order * (int64_t)sizeof *images,
                                 "images of vectors");
    if (!images) return NECK_E_NOMEM;
    space->multiply = job->problem->multiply;
    status = neck__krylov_measure(context, space, job->request->k, images);
    neck__release(&space->allocator, images);
    NECK_TRY(status);
    hold(job, guard);
    job->ceiling = INFINITY;
    NECK_TRY(neck__krylov_inject(context, space, STARTS, NULL));
    NECK_TRY(search(context, job, guard, &missed));
    *good = !missed && good_enough(job, guard, job->ceiling);
    return NECK_OK;
}

static neck_status solve(neck_context *context, solving *job, guards *guard, double *block)
{
    neck__krylov *space = &job->space;
    NECK_TRY(begin(context, job));
    for (;;) {
        int missed;
        NECK_TRY(iterate(context, job));
        NECK_TRY(check(context, job, guard, block, &missed));
        if (!missed) return NECK_OK;
        job->restarts++;
        NECK_TRY(neck__krylov_ritz(context, space));
        if (space->width > 0) NECK_TRY(neck__krylov_restart(context, space, kept(job)));
    }
}

static neck_status solve_either_way(neck_context *context, solving *job, guards *guard, double *block)
{
    const neck__leading *problem = job->problem;
    int good = 0;
    if (problem->rough && job->space.capacity < job->space.order) {
        job->space.multiply = problem->rough;
        job->noise = ROUGH_NOISE;
        job->block = job->request->rough_block;
        job->most_restarts = ROUGH_RESTARTS;
        NECK_TRY(solve_roughly(context, job, guard, &good));
    }
    if (good) return NECK_OK;
    job->space.multiply = problem->multiply;
    job->noise = problem->noise;
    job->block = job->request->block;
    job->most_restarts = MOST_RESTARTS;
    return solve(context, job, guard, block);
}

neck_status neck__leading_vectors(neck_context *context, const neck__leading *problem, const neck__request *request,
                                  neck__subspace *out)
{
    solving job = {.problem = problem, .request = request};
    int64_t k = request->k, order = problem->order, block = problem->rough ? request->rough_block : request->block;
    int64_t widest = block + STARTS * CHECKS, capacity = k + 2 * widest;
    if (capacity < request->basis) capacity = request->basis;
    if (capacity > order) capacity = order;
    NECK_TRY(neck__krylov_create(context, order, capacity, widest, STREAM, problem->multiply, problem->user,
                                 &job.space));
    neck__krylov *space = &job.space;
    double *memory = neck__alloc(&space->allocator, 2 * capacity + widest * (order + capacity + widest), sizeof *memory,
                                 "guard vectors");
    double *vectors = NULL;
    if (memory) vectors = neck__alloc(&space->allocator, k, order * (int64_t)sizeof *vectors, "singular vectors");
    guards guard = {memory, memory + capacity, 0};
    neck_status status = vectors ? solve_either_way(context, &job, &guard, memory + 2 * capacity) : NECK_E_NOMEM;
    if (status == NECK_OK) {
        memcpy(vectors, space->basis, (size_t)(k * order) * sizeof *vectors);
        *out = (neck__subspace){.count = k, .vectors = vectors, .ceiling = sqrt(job.ceiling), .rounded = 1,
                                .missed_probability = job.missed, .method = NECK_METHOD_KRYLOV, .block = job.block,
                                .restarts = job.restarts};
        vectors = NULL;
    }
    neck__release(&space->allocator, vectors);
    neck__release(&space->allocator, memory);
    neck__krylov_free(space);
    return status;
}

static neck_status multiply_roughly(neck_context *context, void *user, int64_t count, const double *x, double *y)
{
    return neck__normal_rough(context, user, count, x, y);
}

static neck_status multiply_normal(neck_context *context, void *user, int64_t count, const double *x, double *y)
{
    return neck__normal_both(context, user, count, x, y);
}

neck_status neck__truncated_by_krylov(neck_context *context, neck__normal *normal, const neck__request *request,
                                      neck__subspace *out)
{
    double noise = DBL_EPSILON * (4 + sqrt((double)(normal->order + normal->length)));
    neck__multiply_fn rough = request->rough ? multiply_roughly : NULL;
    double trace = normal->frobenius_squared, doubt = noise * normal->magnitude * normal->magnitude;
    neck__leading problem = {multiply_normal, rough, normal, normal->order, trace < 0 ? -1 : trace + doubt, noise};
    return neck__leading_vectors(context, &problem, request, out);
}
