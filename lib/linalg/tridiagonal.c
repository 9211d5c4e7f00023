/* linalg/tridiagonal.c - counts of eigenvalues below many points at a time close in on all of them together; each,
 * once alone between its bounds, is then found by Newton's method, kept between them (Li and Zeng 1994 do so with
 * Laguerre's). Where QL iterations wait for one division after another, this does eight or more at a time, on every
 * thread. */
#include "linalg/tridiagonal.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/parallel.h"
#include "kernels/kernels.h"

enum { POINTS = NECK__POINTS, MOST_ROUNDS = 8, MOST_STEPS = 200, ARRAYS = 7 };

/* Eigenvalue k lies in [low, high): fewer_k <= k eigenvalues are below low, more_k > k below high. */
typedef struct search {
    const neck__reflect *loops;
    int64_t n;
    const double *diagonal;
    double *squares, tiny, tolerance;
    double *low, *high, *fewer, *more;
    double *points, *counts; /* points never fall */
} search;

static int64_t points_of(const search *job, int64_t task)
{
    return job->n - task * POINTS < POINTS ? job->n - task * POINTS : POINTS;
}

/* Of the eigenvalues that share bounds each looks where it would be if they were spread evenly. */
static void count_task(void *data, int64_t task)
{
    const search *job = data;
    double x[POINTS], count[POINTS], slope[POINTS];
    int64_t first = task * POINTS, points = points_of(job, task);
    for (int64_t i = 0; i < POINTS; i++) {
        int64_t k = first + (i < points ? i : points - 1);
        double share = ((double)k - job->fewer[k] + 0.5) / (job->more[k] - job->fewer[k]);
        x[i] = job->low[k] + (job->high[k] - job->low[k]) * share;
    }
    job->loops->sturm(job->n, job->diagonal, job->squares, job->tiny, x, count, slope);
    memcpy(job->points + first, x, (size_t)points * sizeof *x);
    memcpy(job->counts + first, count, (size_t)points * sizeof *count);
}

/* Bounds from all counts. Rounding may make a count fall where points rise; taking the larger keeps to what some
 * matrix within rounding has. Returns how many eigenvalues are not yet alone. */
static int64_t narrow(search *job)
{
    int64_t together = 0, above = 0; /* the first point with more than k below it */
    for (int64_t j = 1; j < job->n; j++) job->counts[j] = fmax(job->counts[j], job->counts[j - 1]);
    for (int64_t k = 0; k < job->n; k++) {
        while (above < job->n && job->counts[above] <= (double)k) above++;
        if (above > 0 && job->points[above - 1] > job->low[k]) {
            job->low[k] = job->points[above - 1];
            job->fewer[k] = job->counts[above - 1];
        }
        if (above < job->n && job->points[above] < job->high[k]) {
            job->high[k] = job->points[above];
            job->more[k] = job->counts[above];
        }
        together += job->more[k] - job->fewer[k] > 1 && job->high[k] - job->low[k] > job->tolerance;
    }
    return together;
}

typedef struct root {
    double low, high, fewer, more, x, step;
} root;

static double middle(const root *r)
{
    return r->low + 0.5 * (r->high - r->low);
}

/* What was found at x moves a bound there; then x moves. Newton's step must be half the last one at most, or the
 * bounds are halved. When it no longer matters, x goes a little further, so that the other bound comes close. */
static void move(root *r, int64_t k, double count, double slope, double tolerance)
{
    int above = count > (double)k;
    if (above)
        r->high = r->x, r->more = count;
    else
        r->low = r->x, r->fewer = count;
    double step = -1 / slope, next = r->x + step;
    int alone = r->more - r->fewer == 1;
    if (alone && fabs(step) <= tolerance / 4) next += above ? -tolerance / 2 : tolerance / 2;
    if (alone && fabs(step) < 0.5 * r->step && next > r->low && next < r->high) {
        r->step = fabs(step);
        r->x = next;
    } else {
        r->x = middle(r);
        r->step = r->high - r->low;
    }
}

static void newton_task(void *data, int64_t task)
{
    const search *job = data;
    root roots[POINTS];
    double x[POINTS], count[POINTS], slope[POINTS];
    int64_t first = task * POINTS, points = points_of(job, task), open = 1;
    for (int64_t i = 0; i < POINTS; i++) {
        int64_t k = first + (i < points ? i : points - 1);
        roots[i] = (root){job->low[k], job->high[k], job->fewer[k], job->more[k], 0, job->high[k] - job->low[k]};
        roots[i].x = middle(&roots[i]);
    }
    for (int step = 0; step < MOST_STEPS && open; step++) {
        for (int64_t i = 0; i < POINTS; i++) x[i] = roots[i].x;
        job->loops->sturm(job->n, job->diagonal, job->squares, job->tiny, x, count, slope);
        open = 0;
        for (int64_t i = 0; i < points; i++) {
            if (roots[i].high - roots[i].low <= job->tolerance) continue;
            move(&roots[i], first + i, count[i], slope[i], job->tolerance);
            open += roots[i].high - roots[i].low > job->tolerance;
        }
    }
    for (int64_t i = 0; i < points; i++) job->points[first + i] = middle(&roots[i]);
}

/* Gershgorin's bounds, a little further. Returns the largest size of an eigenvalue that they allow. */
static double first_bounds(search *job, const double *beside)
{
    double least = job->diagonal[0], most = least, largest_square = 0;
    for (int64_t i = 0; i < job->n; i++) {
        double reach = (i > 0 ? fabs(beside[i - 1]) : 0) + (i + 1 < job->n ? fabs(beside[i]) : 0);
        least = fmin(least, job->diagonal[i] - reach);
        most = fmax(most, job->diagonal[i] + reach);
        job->squares[i] = i + 1 < job->n ? beside[i] * beside[i] : 0;
        largest_square = fmax(largest_square, job->squares[i]);
    }
    double size = fmax(fabs(least), fabs(most)), slack = 4 * DBL_EPSILON * size;
    job->tiny = DBL_MIN * fmax(1, largest_square);
    job->tolerance = 2 * DBL_EPSILON * size;
    for (int64_t k = 0; k < job->n; k++) {
        job->low[k] = least - slack;
        job->high[k] = most + slack;
        job->fewer[k] = 0;
        job->more[k] = (double)job->n;
    }
    return size;
}

static void find_all(neck_context *context, search *job)
{
    int64_t tasks = (job->n + POINTS - 1) / POINTS, together = job->n;
    for (int round = 0; round < MOST_ROUNDS && together > 0; round++) {
        neck__parallel(context, tasks, count_task, job);
        together = narrow(job);
    }
    neck__parallel(context, tasks, newton_task, job);
}

neck_status neck__tridiagonal_eigenvalues(neck_context *context, int64_t n, const double *diagonal,
                                          const double *beside, double *values)
{
    neck__allocator allocator = neck__allocator_of(context);
    double *memory = neck__alloc(&allocator, n, ARRAYS * sizeof *memory, "bounds of eigenvalues");
    if (!memory) return NECK_E_NOMEM;
    search job = {.loops = &neck__kernels_get()->reflect, .n = n, .diagonal = diagonal, .squares = memory};
    double **const arrays[ARRAYS] = {&job.squares, &job.low, &job.high, &job.fewer, &job.more, &job.points,
                                     &job.counts};
    for (int i = 0; i < ARRAYS; i++) *arrays[i] = memory + i * n;
    if (first_bounds(&job, beside) > 0)
        find_all(context, &job);
    else
        memset(job.points, 0, (size_t)n * sizeof *job.points);
    for (int64_t k = 0; k < n; k++) values[k] = k > 0 ? fmax(job.points[k], values[k - 1]) : job.points[k];
    neck__release(&allocator, memory);
    return NECK_OK;
}
