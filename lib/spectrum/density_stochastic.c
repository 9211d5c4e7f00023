/* spectrum/density_stochastic.c - probes by the block until there are enough, and their curve. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "spectrum/density_object.h"

/* Steps are added, at least this many at a time, until what the quadrature may be wrong by is this share of half the
 * sampling's band. */
enum { STEPS_AT_A_TIME = 8, MOST_STEPS = 200 };
#define SHARE 0.25
/* Probes are made more by this factor at most before looking again. */
#define GROWTH 4

typedef struct stochastic {
    neck__density_work *work;
    const neck__density_plan *plan;
    neck__density_known known;
    neck_density *density;
    neck__probes probes;
    int64_t room;                      /* probes there is room for */
    double *nodes, *weights, *scratch; /* room for all probes' */
} stochastic;

static int64_t length_of(const neck__probes *p, int64_t probe)
{
    return p->lengths[probe] >= 0 ? p->lengths[probe] : p->steps;
}

static neck_status make_room(stochastic *s, int64_t count)
{
    const neck__allocator *allocator = &s->work->allocator;
    neck__probes *p = &s->probes;
    int64_t lines = 2 * p->room + 1;
    double *numbers = neck__calloc(allocator, count, lines * (int64_t)sizeof *numbers, "Lanczos coefficients");
    int64_t *lengths = numbers ? neck__calloc(allocator, count, sizeof *lengths, "lengths") : NULL;
    if (!lengths) {
        neck__release(allocator, numbers);
        return NECK_E_NOMEM;
    }
    neck__probes more = {p->count, p->steps, p->room, numbers, numbers + count * p->room, numbers + 2 * count * p->room,
                         lengths};
    if (p->count) {
        memcpy(more.alpha, p->alpha, (size_t)(p->count * p->room) * sizeof(double));
        memcpy(more.beta, p->beta, (size_t)(p->count * p->room) * sizeof(double));
        memcpy(more.mass, p->mass, (size_t)p->count * sizeof(double));
        memcpy(more.lengths, p->lengths, (size_t)p->count * sizeof *lengths);
    }
    neck__release(allocator, p->alpha);
    neck__release(allocator, p->lengths);
    *p = more;
    s->room = count;
    return NECK_OK;
}

static void quadratures(stochastic *s)
{
    const neck__probes *p = &s->probes;
    for (int64_t i = 0; i < p->count; i++) {
        double *nodes = s->nodes + i * p->steps, *weights = s->weights + i * p->steps;
        int64_t length = length_of(p, i);
        memset(nodes, 0, (size_t)p->steps * sizeof *nodes);
        memset(weights, 0, (size_t)p->steps * sizeof *weights);
        const double *alpha = p->alpha + i * p->room, *beta = p->beta + i * p->room;
        neck__gauss(length, alpha, beta, p->mass[i] / (double)p->count, nodes, weights, s->scratch);
    }
}

/* Adds to the curve what the quadrature of one probe leaves open; weights are divided by the number of probes
 * already. */
static void add_bracket(const stochastic *s, int64_t probe, neck__curve *curve)
{
    const neck__probes *p = &s->probes;
    const double *nodes = s->nodes + probe * p->steps, *weights = s->weights + probe * p->steps;
    const double *alpha = p->alpha + probe * p->room, *beta = p->beta + probe * p->room;
    double mass = p->mass[probe] / (double)p->count, *over = s->scratch, *under = over + p->steps;
    neck__gauss_bracket(p->steps, alpha, beta, mass, nodes, weights, over, under);
    for (int64_t k = 0; k < curve->points; k++) {
        curve->below[k] += neck__gauss_over(p->steps, alpha, beta, mass, nodes, over, curve->t[k]);
        double end = k + 1 < curve->points ? curve->t[k + 1] : INFINITY;
        curve->above[k] += neck__gauss_under(p->steps, nodes, under, curve->t[k], end);
    }
}

/* What the quadratures leave open, the mean over the probes. Returns the most. */
static double bracket(const stochastic *s, neck__curve *curve)
{
    double widest = 0;
    for (int64_t i = 0; i < s->probes.count; i++)
        if (s->probes.lengths[i] < 0) add_bracket(s, i, curve); /* else exhausted: exact */
    for (int64_t k = 0; k < curve->points; k++) {
        curve->below[k] = fmin(curve->below[k], curve->at[k]);
        widest = fmax(widest, fmax(curve->below[k], curve->above[k]));
        curve->below[k] += neck__density_pinching(s->work, curve->t[k]);
    }
    return widest;
}

/* Nodes of the probes, of what was taken out, and of the caller, in one curve. */
static neck_status lay_curve(stochastic *s, neck__curve *curve)
{
    const neck__density_work *work = s->work;
    int64_t probed = s->probes.count * s->probes.steps, nodes = probed + work->top.count + s->known.count;
    double *values = neck__alloc(&work->allocator, 2 * nodes, sizeof *values, "nodes");
    if (!values) return NECK_E_NOMEM;
    for (int64_t i = 0; i < nodes; i++) values[nodes + i] = 1;
    memcpy(values, s->nodes, (size_t)probed * sizeof *values);
    memcpy(values + nodes, s->weights, (size_t)probed * sizeof *values);
    if (work->top.count) memcpy(values + probed, work->top_values, (size_t)work->top.count * sizeof *values);
    if (s->known.count)
        memcpy(values + probed + work->top.count, s->known.squares, (size_t)s->known.count * sizeof *values);
    neck_status status = neck__curve_create(work->context, nodes, values, values + nodes, curve);
    neck__release(&work->allocator, values);
    return status;
}

/* The curve of the probes so far. */
static neck_status evaluate(stochastic *s, double alpha, neck__curve *curve, double *quadrature, double *sampling)
{
    const neck__allocator *allocator = &s->work->allocator;
    int64_t size = s->probes.count * s->probes.steps;
    s->nodes = neck__alloc(allocator, 2 * size + 2 * s->probes.steps, sizeof *s->nodes, "nodes");
    if (!s->nodes) return NECK_E_NOMEM;
    s->weights = s->nodes + size;
    s->scratch = s->weights + size;
    quadratures(s);
    neck_status status = lay_curve(s, curve);
    if (status == NECK_OK) {
        *quadrature = bracket(s, curve);
        double dimension = (double)(s->work->n - s->work->top.count);
        status = neck__density_sampling(s->work, curve, size, s->nodes, s->weights, s->probes.count, dimension,
                                        s->plan->trace, alpha, sampling);
        if (status != NECK_OK) neck__curve_destroy(curve);
    }
    neck__release(allocator, s->nodes);
    return status;
}

/* Products that are left for this many probes, in steps. */
static int64_t steps_left(const stochastic *s, int64_t probes)
{
    const neck__density_work *work = s->work;
    return work->most < 0 ? s->probes.room : (work->most - work->products) / (2 * probes);
}

/* The first block, which also finds how many steps it takes. */
static neck_status first_block(stochastic *s, int64_t count)
{
    neck__lanczos *lanczos;
    NECK_TRY(neck__lanczos_start(s->work, &s->probes, 0, count, &lanczos));
    neck_status status = NECK_OK;
    int64_t most = s->probes.room, left = steps_left(s, count);
    if (left < most) most = left;
    s->probes.count = count;
    for (int done = 0; !done && status == NECK_OK;) {
        int64_t steps = s->plan->steps ? most : STEPS_AT_A_TIME + s->probes.steps / 8 * 2;
        if (steps > most - s->probes.steps) steps = most - s->probes.steps;
        NECK_GOTO_DONE(neck__lanczos_advance(lanczos, steps));
        s->probes.steps += steps;
        neck__curve curve;
        double quadrature, sampling, final = (double)(s->plan->probes > count ? s->plan->probes : count);
        done = s->probes.steps == most;
        if (done) break;
        NECK_GOTO_DONE(evaluate(s, 0, &curve, &quadrature, &sampling));
        neck__curve_destroy(&curve);
        if (s->plan->width > 0) final = (double)count;
        done = quadrature <= SHARE * sampling * sqrt((double)count / final);
    }
done:
    neck__lanczos_destroy(lanczos);
    return status;
}

static neck_status next_blocks(stochastic *s, int64_t count)
{
    if (count > s->room) NECK_TRY(make_room(s, count));
    while (s->probes.count < count) {
        neck__lanczos *lanczos;
        int64_t block = count - s->probes.count < s->plan->block ? count - s->probes.count : s->plan->block;
        NECK_TRY(neck__lanczos_start(s->work, &s->probes, s->probes.count, block, &lanczos));
        neck_status status = neck__lanczos_advance(lanczos, s->probes.steps);
        neck__lanczos_destroy(lanczos);
        NECK_TRY(status);
        s->probes.count += block;
    }
    return NECK_OK;
}

/* Puts the curve of the probes so far last in the density, in place of the one before. */
static neck_status renew(stochastic *s, int place)
{
    neck_density *density = s->density;
    neck__curve curve;
    NECK_TRY(evaluate(s, s->plan->alpha, &curve, &density->report.quadrature_error, &density->report.sampling_error));
    if (density->count > place) neck__curve_destroy(&density->curves[place]);
    density->curves[place] = curve;
    density->count = place + 1;
    density->report.probes = (int32_t)s->probes.count;
    density->report.steps = (int32_t)s->probes.steps;
    if (s->plan->trace < 0) {
        const neck__curve *c = &density->curves[place];
        int64_t last = c->points - 1; /* beyond all values, where M is their sum */
        double value = c->at[last] + c->shift[last];
        density->total = (neck_band){fmax(0, value - c->below[last]), value, c->at[last] + c->above[last]};
    }
    return NECK_OK;
}

/* How many probes the target may take, going by a width that falls with their square root. */
static int64_t wanted(const stochastic *s, int64_t now)
{
    int64_t most = s->plan->probes, affordable = now + steps_left(s, s->probes.steps);
    if (!(s->plan->width > 0)) return most < affordable ? most : affordable;
    double ratio = neck__density_width(s->density) / s->plan->width;
    if (ratio <= 1) return now;
    double count = (double)now * fmin(GROWTH, 1.1 * ratio * ratio);
    if (count < (double)most) most = (int64_t)ceil(count);
    return most < affordable ? most : affordable;
}

static neck_status run(stochastic *s)
{
    int64_t count = s->plan->probes < s->plan->block ? s->plan->probes : s->plan->block;
    if (count > 32 && s->plan->width > 0) count = 32;
    if (count < 4) count = 4;
    while (count > 4 && steps_left(s, count) < 2 * STEPS_AT_A_TIME) count--;
    if (steps_left(s, count) < 2)
        return neck__fail(NECK_E_CONVERGENCE, "%lld products do not suffice for %lld random vectors",
                          (long long)s->work->most, (long long)count);
    NECK_TRY(make_room(s, count));
    NECK_TRY(first_block(s, count));
    for (int place = s->density->count;;) {
        NECK_TRY(renew(s, place));
        int64_t more = wanted(s, s->probes.count);
        if (more <= s->probes.count) return NECK_OK;
        NECK_TRY(next_blocks(s, more));
    }
}

neck_status neck__density_stochastic(neck__density_work *work, const neck__density_plan *plan,
                                     neck__density_known known, neck_density *density)
{
    stochastic s = {.work = work, .plan = plan, .known = known, .density = density};
    s.probes.room = plan->steps ? plan->steps : MOST_STEPS;
    neck_status status = run(&s);
    neck__release(&work->allocator, s.probes.alpha);
    neck__release(&work->allocator, s.probes.lengths);
    return status;
}
