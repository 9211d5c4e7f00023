/* spectrum/density_lanczos.c - Lanczos from many vectors side by side, each by itself: only coefficients are kept. No
 * orthogonalisation: copies of converged values do not harm the quadrature (density_quadrature.c). */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "spectrum/density_object.h"

/* A Krylov space is exhausted when what is left of a vector is rounding, in units of |A|_F^2. */
#define EXHAUSTED 1e-14

struct neck__lanczos {
    neck__density_work *work;
    neck__probes *probes;
    int64_t first, count, step, slices;
    double *vectors;             /* what the three lie in */
    double *now, *before, *next; /* n x count each, changing places */
    double *alpha, *beta;        /* of this step, count each */
    double *sums;                /* slices x count */
};

/* One pass over slices of rows; what: which of the below. */
typedef struct pass {
    neck__lanczos *lanczos;
    void (*row)(const neck__lanczos *lanczos, int64_t i, double *sums);
} pass;

static void dot_row(const neck__lanczos *l, int64_t i, double *sums)
{
    const double *x = l->now + i * l->count, *y = l->next + i * l->count;
    for (int64_t j = 0; j < l->count; j++) sums[j] += x[j] * y[j];
}

static void orthogonalise_row(const neck__lanczos *l, int64_t i, double *sums)
{
    const double *x = l->now + i * l->count, *z = l->before + i * l->count;
    double *y = l->next + i * l->count;
    for (int64_t j = 0; j < l->count; j++) {
        y[j] -= l->alpha[j] * x[j] + l->beta[j] * z[j];
        sums[j] += y[j] * y[j];
    }
}

static void square_row(const neck__lanczos *l, int64_t i, double *sums)
{
    const double *x = l->next + i * l->count;
    for (int64_t j = 0; j < l->count; j++) sums[j] += x[j] * x[j];
}

static void one_slice(void *data, int64_t slice)
{
    const pass *p = data;
    const neck__lanczos *l = p->lanczos;
    int64_t end = (slice + 1) * NECK__SLICE;
    double *sums = l->sums + slice * l->count;
    memset(sums, 0, (size_t)l->count * sizeof *sums);
    for (int64_t i = slice * NECK__SLICE; i < end && i < l->work->n; i++) p->row(l, i, sums);
}

static void sweep(neck__lanczos *l, void (*row)(const neck__lanczos *, int64_t, double *), double *out)
{
    pass p = {l, row};
    neck__parallel(l->work->context, l->slices, one_slice, &p);
    if (!out) return;
    memset(out, 0, (size_t)l->count * sizeof *out);
    for (int64_t slice = 0; slice < l->slices; slice++)
        for (int64_t j = 0; j < l->count; j++) out[j] += l->sums[slice * l->count + j];
}

static void scale_row(const neck__lanczos *l, int64_t i, double *sums)
{
    (void)sums;
    double *y = l->next + i * l->count;
    for (int64_t j = 0; j < l->count; j++) y[j] *= l->alpha[j];
}

/* next by 1 / beta, or to nothing; then it is the one at hand. */
static void turn(neck__lanczos *l)
{
    for (int64_t j = 0; j < l->count; j++) l->alpha[j] = l->beta[j] > 0 ? 1 / l->beta[j] : 0;
    sweep(l, scale_row, NULL);
    double *free_one = l->before;
    l->before = l->now;
    l->now = l->next;
    l->next = free_one;
}

/* Probes of random signs, what was taken out projected away. */
static neck_status draw(neck__lanczos *l)
{
    neck__density_work *work = l->work;
    for (int64_t j = 0; j < l->count; j++)
        neck__density_signs(work, NECK__STREAM_PROBES, l->first + j, work->n, l->count, l->next + j);
    NECK_TRY(neck__block_project(work->context, work->n, work->top, (neck__block){l->next, l->count, l->count}));
    double *mass = l->probes->mass + l->first;
    sweep(l, square_row, mass);
    for (int64_t j = 0; j < l->count; j++) {
        if (mass[j] < 1e-20 * (double)work->n) mass[j] = 0; /* all of it was taken out */
        l->beta[j] = sqrt(mass[j]);
        l->probes->lengths[l->first + j] = mass[j] > 0 ? -1 : 0;
    }
    turn(l);
    memset(l->beta, 0, (size_t)l->count * sizeof(double));
    memset(l->before, 0, (size_t)(work->n * l->count) * sizeof(double));
    return NECK_OK;
}

neck_status neck__lanczos_start(neck__density_work *work, neck__probes *probes, int64_t first, int64_t count,
                                neck__lanczos **out)
{
    neck__lanczos *l = neck__calloc(&work->allocator, 1, sizeof *l, "Lanczos");
    if (!l) return NECK_E_NOMEM;
    *l = (neck__lanczos){.work = work, .probes = probes, .first = first, .count = count,
                         .slices = neck__block_slices(work->n)};
    l->vectors = neck__calloc(&work->allocator, work->n, 3 * count * (int64_t)sizeof(double), "Lanczos vectors");
    l->sums = l->vectors ? neck__alloc(&work->allocator, l->slices * count + 2 * count, sizeof(double), "sums") : NULL;
    neck_status status = NECK_E_NOMEM;
    if (l->sums) {
        l->now = l->vectors;
        l->before = l->now + work->n * count;
        l->next = l->before + work->n * count;
        l->alpha = l->sums + l->slices * count;
        l->beta = l->alpha + count;
        status = draw(l);
    }
    if (status == NECK_OK)
        *out = l;
    else
        neck__lanczos_destroy(l);
    return status;
}

static void note(neck__lanczos *l)
{
    for (int64_t j = 0; j < l->count; j++) {
        int64_t probe = l->first + j;
        l->beta[j] = sqrt(l->beta[j]);
        if (l->beta[j] <= EXHAUSTED) l->beta[j] = 0;
        l->probes->alpha[probe * l->probes->room + l->step] = l->alpha[j];
        l->probes->beta[probe * l->probes->room + l->step] = l->beta[j];
        if (l->beta[j] == 0 && l->probes->lengths[probe] < 0) l->probes->lengths[probe] = l->step + 1;
    }
}

neck_status neck__lanczos_advance(neck__lanczos *l, int64_t steps)
{
    for (int64_t end = l->step + steps; l->step < end; l->step++) {
        NECK_TRY(neck__density_apply(l->work, l->count, l->now, l->next));
        sweep(l, dot_row, l->alpha);
        sweep(l, orthogonalise_row, l->beta);
        note(l);
        turn(l);
    }
    return NECK_OK;
}

void neck__lanczos_destroy(neck__lanczos *l)
{
    if (!l) return;
    neck__allocator allocator = l->work->allocator;
    neck__release(&allocator, l->sums);
    neck__release(&allocator, l->vectors);
    neck__release(&allocator, l);
}
