/* linalg/bulge_chasing.c - sweep s takes column s to tridiagonal form by a reflection of the NECK__BAND rows below
 * its diagonal and chases what that puts beside the band down and out, a block a step: step t reflects the rows from
 * s + 1 + t NECK__BAND on (Bischof, Lang and Sun 2000; Haidar, Ltaief and Dongarra 2011).
 *
 * Step t of a sweep needs steps up to t + 1 of the sweep before, nothing else. So sweeps run in groups, and a group
 * in chunks of as many positions t + (place of the sweep in its group) as it has sweeps: their blocks stay in the
 * second-level cache. Chunk c of a group needs chunk c + 1 of the group before; chunks with the same c + 2 group, a
 * wave, run side by side. */
#include "linalg/bulge_chasing.h"

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"

enum { MOST_SWEEPS = 8, FEW_SWEEPS = 4, MANY = 3000, LINE = NECK__BAND_LINE, WAVES_BETWEEN_CALLS = 32 };

/* The reflection on its way through a sweep; a step reads one and writes the other. */
typedef struct reflection {
    double v[2][NECK__BAND], tau[2];
} reflection;

typedef struct chase {
    const neck__reflect *loops;
    double *band;
    int64_t order;
    int64_t sweeps; /* of a group */
    int64_t groups;
    int64_t slots;           /* groups that may be on their way at once */
    reflection *reflections; /* slots x sweeps */
    int64_t wave, oldest;    /* the first group not yet through */
} chase;

int64_t neck__chase_operations(int64_t order)
{
    return 6 * NECK__BAND * order * order;
}

static int64_t chunks_of(const chase *job, int64_t group)
{
    int64_t steps = (job->order - 3 - group * job->sweeps) / NECK__BAND + 1;
    return (steps + job->sweeps - 1 + job->sweeps - 1) / job->sweeps;
}

static void step(const chase *job, reflection *on, int64_t sweep, int64_t t)
{
    int64_t first = sweep + 1 + t * NECK__BAND, below = first + NECK__BAND;
    int now = (int)(t & 1), next = 1 - now;
    if (t == 0) job->loops->start(job->band + sweep * LINE + first, on->v[now], &on->tau[now]);
    job->loops->diagonal(job->band + first * LINE + first, LINE, on->v[now], on->tau[now]);
    if (below < job->order)
        job->loops->below(job->band + first * LINE + below, LINE, on->v[now], on->tau[now], on->v[next],
                          &on->tau[next]);
}

/* A reflection needs two rows at least. */
static void chunk_task(void *data, int64_t index)
{
    const chase *job = data;
    int64_t group = job->oldest + index, from = (job->wave - 2 * group) * job->sweeps;
    reflection *slot = job->reflections + group % job->slots * job->sweeps;
    for (int64_t g = 0; g < job->sweeps; g++) {
        int64_t sweep = group * job->sweeps + g, last = (job->order - 3 - sweep) / NECK__BAND;
        if (sweep > job->order - 3) return;
        for (int64_t t = from - g < 0 ? 0 : from - g; t < from - g + job->sweeps && t <= last; t++)
            step(job, slot + g, sweep, t);
    }
}

static neck_status run_waves(neck__work *work, chase *job)
{
    int64_t waves = 2 * (job->groups - 1) + chunks_of(job, job->groups - 1);
    int64_t total = neck__chase_operations(job->order), told = 0;
    for (job->wave = 0; job->wave < waves; job->wave++) {
        while (job->wave - 2 * job->oldest >= chunks_of(job, job->oldest)) job->oldest++;
        int64_t newest = job->wave / 2 < job->groups - 1 ? job->wave / 2 : job->groups - 1;
        neck__parallel(work->context, newest - job->oldest + 1, chunk_task, job);
        if ((job->wave + 1) % WAVES_BETWEEN_CALLS && job->wave + 1 < waves) continue;
        int64_t done = (int64_t)((double)total * (double)(job->wave + 1) / (double)waves);
        NECK_TRY(neck__work_done(work, done - told));
        told = done;
    }
    return NECK_OK;
}

neck_status neck__chase(neck__work *work, neck__band *band)
{
    if (band->order < 3) return neck__work_done(work, neck__chase_operations(band->order));
    neck__allocator allocator = neck__allocator_of(work->context);
    chase job = {.loops = &neck__kernels_get()->reflect, .band = band->data, .order = band->order};
    job.sweeps = band->order < MANY ? FEW_SWEEPS : MOST_SWEEPS;
    job.groups = (band->order - 2 + job.sweeps - 1) / job.sweeps;
    job.slots = chunks_of(&job, 0) / 2 + 2;
    job.reflections = neck__alloc(&allocator, job.slots * job.sweeps, sizeof *job.reflections, "reflections");
    if (!job.reflections) return NECK_E_NOMEM;
    neck_status status = run_waves(work, &job);
    neck__release(&allocator, job.reflections);
    return status;
}
