/* spectrum/density.c - the bands of a density, by the cheapest route that makes them narrow enough. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "spectrum/density_object.h"
#include "spectrum/operator.h"

/* Krylov vectors for taking out the largest values; what the coupling part may be wrong by of all that may be wrong,
 * each time; the width of band that needs no further work when none is asked for. */
enum { BASIS = 128, PROBES = 32, BLOCK = 32, LARGEST_BLOCK = 1024, LARGEST_PROBES = 65536, LARGEST_STEPS = 1024 };
#define COUPLING_SHARE 0.1
#define NARROW 0.02
#define LEAST_UNIT 1e-290

static neck_status check(const neck_operator *op, const neck_density_options *o)
{
    if (o->probes && (o->probes < 4 || o->probes > LARGEST_PROBES))
        return neck__fail(NECK_E_ARGUMENT, "probes is %d: 4 to %d, or 0", o->probes, LARGEST_PROBES);
    if (o->steps && (o->steps < 2 || o->steps > LARGEST_STEPS))
        return neck__fail(NECK_E_ARGUMENT, "steps is %d: 2 to %d, or 0", o->steps, LARGEST_STEPS);
    if (o->block < 0 || o->block > LARGEST_BLOCK)
        return neck__fail(NECK_E_ARGUMENT, "block is %d: 1 to %d, or 0", o->block, LARGEST_BLOCK);
    if (o->confidence != 0 && !(o->confidence > 0 && o->confidence < 1))
        return neck__fail(NECK_E_ARGUMENT, "confidence is %g: between 0 and 1", o->confidence);
    if (!(o->target_width >= 0))
        return neck__fail(NECK_E_ARGUMENT, "target_width is %g: not negative", o->target_width);
    if (o->max_products < 0)
        return neck__fail(NECK_E_ARGUMENT, "max_products is %lld: not negative", (long long)o->max_products);
    if (o->known_count < 0 || (o->known_count > 0 && !o->known_values))
        return neck__fail(NECK_E_ARGUMENT, "known_count is %lld, known_values %s", (long long)o->known_count,
                          o->known_values ? "given" : "NULL");
    for (int64_t i = 0; i < o->known_count; i++)
        if (!(o->known_values[i] >= 0) || isinf(o->known_values[i]))
            return neck__fail(NECK_E_ARGUMENT, "known_values[%lld] is %g: singular values are finite and not negative",
                              (long long)i, o->known_values[i]);
    double sum = 0, whole = op->frobenius_squared;
    for (int64_t i = 0; o->diagonal && i < op->cols; i++) {
        if (!(o->diagonal[i] >= 0) || isinf(o->diagonal[i]))
            return neck__fail(NECK_E_ARGUMENT, "diagonal[%lld] is %g: squared norms are finite and not negative",
                              (long long)i, o->diagonal[i]);
        sum += o->diagonal[i];
    }
    if (o->diagonal && whole >= 0 && fabs(sum - whole) > 1e-8 * whole)
        return neck__fail(NECK_E_ARGUMENT, "diagonal sums to %.17g, but |A|_F^2 is %.17g", sum, whole);
    return NECK_OK;
}

static void fill_defaults(neck_density_options *o)
{
    if (!o->block) o->block = BLOCK;
    if (o->confidence == 0) o->confidence = 0.95;
    if (!o->probes) o->probes = o->target_width > 0 ? LARGEST_PROBES : PROBES;
}

/* Everything a computation holds. */
typedef struct computation {
    neck_density_options options;
    neck__density_work work;
    neck_density *density;
    neck__density_known known; /* squares in units; owned */
    double *diagonal;          /* of C in units; owned */
    double trace;              /* of C in units, negative when not known */
} computation;

/* |A|_F^2, or a first estimate of it by random signs when it is not known. */
static neck_status find_unit(computation *c)
{
    neck__density_work *work = &c->work;
    double unit = work->op->frobenius_squared;
    if (unit < 0 && c->options.diagonal) {
        unit = 0;
        for (int64_t i = 0; i < work->n; i++) unit += c->options.diagonal[i];
    }
    c->trace = unit < 0 ? -1 : 1;
    if (unit < 0) {
        enum { VECTORS = 8 };
        double *x = neck__alloc(&work->allocator, work->n, 2 * VECTORS * (int64_t)sizeof *x, "vectors"), sum = 0;
        if (!x) return NECK_E_NOMEM;
        for (int64_t j = 0; j < VECTORS; j++)
            neck__density_signs(work, NECK__STREAM_DRAWS, 1 + j, work->n, VECTORS, x + j);
        work->unit = 1;
        neck_status status = neck__density_apply(work, VECTORS, x, x + work->n * VECTORS);
        for (int64_t i = 0; status == NECK_OK && i < work->n * VECTORS; i++) sum += x[i] * x[work->n * VECTORS + i];
        neck__release(&work->allocator, x);
        NECK_TRY(status);
        unit = sum / VECTORS;
    }
    if (!(unit > 0) || isinf(unit))
        return neck__fail(NECK_E_ARGUMENT, unit == 0 ? "the operator is zero: W-error is not defined" : "|A|_F^2 is %g",
                          unit);
    if (unit < LEAST_UNIT)
        return neck__fail(NECK_E_ARGUMENT, "|A|_F^2 is %g, of which squares lose digits: scale the operator up", unit);
    work->unit = unit;
    return NECK_OK;
}

static neck_status take_known(computation *c)
{
    double *squares = neck__alloc(&c->work.allocator, c->options.known_count, sizeof *squares, "known values");
    if (!squares) return NECK_E_NOMEM;
    double root = sqrt(c->work.unit), sum = 0;
    for (int64_t i = 0; i < c->options.known_count; i++) {
        double value = c->options.known_values[i] / root;
        squares[i] = value * value;
        sum += squares[i];
    }
    c->known = (neck__density_known){c->options.known_count, squares};
    c->density->total = (neck_band){1 + sum, 1 + sum, 1 + sum};
    c->density->unit = c->work.unit;
    return isinf(sum) ? neck__fail(NECK_E_OVERFLOW, "known_values are too large beside |A|_F^2 = %g",
                                   c->work.unit) : NECK_OK;
}

static int narrow_enough(const computation *c)
{
    double target = c->options.target_width > 0 ? c->options.target_width : NARROW;
    return c->density->count > 0 && neck__density_width(c->density) <= target;
}

static neck_status couple(computation *c)
{
    if (!c->options.diagonal) return NECK_OK;
    const neck__density_work *work = &c->work;
    if (!c->diagonal) c->diagonal = neck__alloc(&work->allocator, work->n, sizeof *c->diagonal, "a diagonal");
    if (!c->diagonal) return NECK_E_NOMEM;
    for (int64_t i = 0; i < work->n; i++)
        c->diagonal[i] = c->options.diagonal[i] / work->unit - (work->top.count ? work->top_diagonal[i] : 0);
    neck_density *density = c->density;
    double alpha = COUPLING_SHARE * (1 - c->options.confidence);
    int32_t groups = 0;
    NECK_TRY(neck__density_coupling(&c->work, c->diagonal, c->known, alpha, &groups, &density->curves[density->count]));
    if (groups) {
        density->count++;
        density->report.groups = groups;
        density->report.routes |= NECK_DENSITY_COUPLING;
    }
    return NECK_OK;
}

static neck_status deflate(computation *c)
{
    neck__density_work *work = &c->work;
    if (c->options.deflate < 0) return NECK_OK;
    int64_t basis = c->options.deflate > 0 ? 2 * (int64_t)c->options.deflate + 32 : BASIS, count = c->options.deflate;
    if (work->most >= 0 && basis > (work->most - work->products) / 6) basis = (work->most - work->products) / 6;
    NECK_TRY(neck__density_top(work, count > 0 ? count : basis, basis));
    double taken = 0;
    for (int64_t i = 0; i < work->top.count; i++) taken += work->top_values[i];
    if (c->trace >= 0) c->trace = fmax(0, c->trace - taken);
    c->density->report.deflated = work->top.count;
    c->density->report.deflation_error = neck__density_pinching(work, 0);
    return NECK_OK;
}

static neck_status sample(computation *c)
{
    neck_density *density = c->density;
    double alpha = (1 - 2 * COUPLING_SHARE) * (1 - c->options.confidence);
    neck__density_plan plan = {c->options.probes, c->options.steps, c->options.block, c->options.target_width, alpha,
                               c->trace};
    NECK_TRY(neck__density_stochastic(&c->work, &plan, c->known, density));
    density->report.routes |= NECK_DENSITY_LANCZOS;
    return NECK_OK;
}

static neck_status work_through(computation *c)
{
    NECK_TRY(find_unit(c));
    NECK_TRY(take_known(c));
    NECK_TRY(couple(c));
    if (narrow_enough(c)) return NECK_OK;
    NECK_TRY(deflate(c));
    if (c->work.top.count) NECK_TRY(couple(c));
    return narrow_enough(c) ? NECK_OK : sample(c);
}

/* What products leave of M, in units: far more than they do, which the entropies of values near zero tell. */
static double rounding(const neck_operator *op)
{
    return 32 * DBL_EPSILON * (4 + sqrt((double)op->rows + (double)op->cols));
}

static void widen(neck__curve *curve, double by)
{
    for (int64_t i = 0; i < curve->points; i++) {
        curve->below[i] += by;
        curve->above[i] += by;
    }
}

static void finish(computation *c)
{
    neck_density_report *report = &c->density->report;
    for (int i = 0; i < c->density->count; i++)
        widen(&c->density->curves[i], rounding(c->work.op) * c->density->total.high);
    report->size = (c->work.op->rows < c->work.n ? c->work.op->rows : c->work.n) + c->known.count;
    report->products = c->work.products;
    report->confidence = c->options.confidence;
    report->frobenius_squared = c->density->total.value * c->density->unit;
    report->width = neck__density_width(c->density);
}

neck_status neck_density_compute(neck_context *context, const neck_operator *op, const neck_density_options *options,
                                 neck_density **out)
{
    if (!op || !out) return neck__fail(NECK_E_ARGUMENT, "op or out is NULL");
    computation c = {0};
    NECK_TRY(neck__options_read("neck_density_options", options, &c.options, sizeof c.options));
    NECK_TRY(check(op, &c.options));
    fill_defaults(&c.options);
    neck__allocator allocator = neck__allocator_of(context);
    c.density = neck__calloc(&allocator, 1, sizeof *c.density, "a density");
    if (!c.density) return NECK_E_NOMEM;
    c.density->allocator = allocator;
    c.density->report.size = (op->rows < op->cols ? op->rows : op->cols) + c.options.known_count;
    c.work = (neck__density_work){.context = context, .allocator = allocator, .op = op, .n = op->cols, .unit = 1,
                                  .most = c.options.max_products > 0 ? c.options.max_products : -1};
    neck_status status = work_through(&c);
    if (status == NECK_OK) {
        finish(&c);
        *out = c.density;
    } else {
        neck_density_destroy(c.density);
    }
    neck__release(&allocator, (void *)c.known.squares);
    neck__release(&allocator, c.diagonal);
    neck__density_forget(&c.work);
    return status;
}

void neck_density_destroy(neck_density *density)
{
    if (!density) return;
    neck__allocator allocator = density->allocator;
    for (int i = 0; i < density->count; i++) neck__curve_destroy(&density->curves[i]);
    neck__release(&allocator, density);
}
