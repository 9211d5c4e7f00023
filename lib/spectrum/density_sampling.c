/* spectrum/density_sampling.c - how far the mean over random vectors may be from the trace, for all t together.
 *
 * The known traces of 1 and of C are control variates: estimated is only h_t = min(x, t) - a - b x, with a and b that
 * leave least. The variance of z^T h z is at most 2 tr h^2, which the same quadrature gives, much more precisely than a
 * spread of few probes would. The band's factors are quantiles of the largest deviation over t in draws from what the
 * nodes say the deviations are: a value of multiplicity w met by m probes deviates as a chi-squared of w m degrees. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/random.h"
#include "spectrum/density_object.h"

enum { DRAWS = 2000, CELLS = 192, POINTS = 128 };
/* Deviations are measured in their own size, but none in less than this share of the largest: where nearly nothing
 * varies, a few roundings or one odd value would set the factor for all t. */
#define LEAST_SHARE 0.1
/* Fewer degrees of freedom are those of traces of vectors, which do not matter. */
#define LEAST_FREEDOM 2
/* Instead of draws, where only the size of things is asked for. */
#define ROUGH_FACTOR 3

/* Nodes by cells of the curve's grid, at their mean: what draws need of them. */
typedef struct sampling {
    int64_t cells, points, probes;
    double values[CELLS + 1], weights[CELLS + 1];
    double t[POINTS], a[POINTS], b[POINTS], size[POINTS]; /* size: the standard deviation, floored */
    double floor;
    double moments[3]; /* sums of w, w x, w x^2 */
} sampling;

static int64_t cell_of(const neck__curve *curve, double x, int64_t cells)
{
    return neck__curve_cell(curve, x) * cells / curve->points;
}

static void gather(sampling *s, const neck__curve *curve, int64_t nodes, const double *values, const double *weights)
{
    s->cells = curve->points < CELLS ? curve->points : CELLS;
    for (int64_t i = 0; i < nodes; i++) {
        int64_t cell = cell_of(curve, values[i], s->cells);
        s->values[cell] += weights[i] * values[i];
        s->weights[cell] += weights[i];
    }
    for (int64_t c = 0; c < s->cells; c++) {
        if (!(s->weights[c] > 0)) continue;
        s->values[c] /= s->weights[c];
        s->moments[0] += s->weights[c];
        s->moments[1] += s->weights[c] * s->values[c];
        s->moments[2] += s->weights[c] * s->values[c] * s->values[c];
    }
}

/* a + b x next to min(x, t) in least squares over the nodes. */
static void fit(const sampling *s, int with_trace, double t, double *a, double *b)
{
    double own = 0, cross = 0;
    for (int64_t c = 0; c < s->cells; c++) {
        double least = fmin(s->values[c], t);
        own += s->weights[c] * least;
        cross += s->weights[c] * least * s->values[c];
    }
    double whole = s->moments[0], mean = whole > 0 ? s->moments[1] / whole : 0,
        spread = s->moments[2] - mean * s->moments[1];
    *b = with_trace && spread > 1e-12 * s->moments[2] ? (cross - mean * own) / spread : 0;
    *a = whole > 0 ? own / whole - *b * mean : 0;
}

/* The standard deviation of the mean of z^T h z over the probes. *doubt: how much Student's t is wider than the normal
 * distribution at the degrees of freedom that this estimate itself has (Cornish & Fisher's expansion). */
static double deviation(const sampling *s, double t, double a, double b, double *doubt)
{
    double squares = 0, fourths = 0, m = (double)s->probes;
    for (int64_t c = 0; c < s->cells; c++) {
        double h = fmin(s->values[c], t) - a - b * s->values[c];
        squares += s->weights[c] * h * h;
        fourths += s->weights[c] * h * h * h * h;
    }
    double freedom = fourths > 0 ? fmax(LEAST_FREEDOM, m * squares * squares / fourths) : INFINITY, z = 2.5;
    *doubt = 1 + (z * z + 1) / (4 * freedom) + ((5 * z * z + 16) * z * z + 3) / (96 * freedom * freedom);
    return sqrt(2 * squares / m);
}

/* Marsaglia & Tsang 2000; below shape 1 by the power of a uniform number. */
static double gamma_draw(neck__random *random, double shape)
{
    double power = shape < 1 ? pow(neck__random_uniform(random), 1 / shape) : 1;
    double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = neck__random_normal(random), v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        if (log(neck__random_uniform(random)) < x * x / 2 + d - d * v + d * log(v)) return power * d * v;
    }
}

/* One draw of all deviations: the largest upwards and downwards, in sizes. */
static void draw(const sampling *s, neck__random *random, double *up, double *down)
{
    double extra[CELLS], all = 0, sum = 0, m = (double)s->probes;
    for (int64_t c = 0; c < s->cells; c++) {
        double w = s->weights[c];
        extra[c] = w > 0 ? gamma_draw(random, w * m / 2) * 2 / m - w : 0;
        all += extra[c];
        sum += extra[c] * s->values[c];
    }
    double below = 0, count = 0; /* of the cells up to t: sum of extra x, and of extra */
    *up = *down = 0;
    for (int64_t p = 0, c = 0; p < s->points; p++) {
        for (; c < s->cells && s->values[c] <= s->t[p]; c++) {
            below += extra[c] * s->values[c];
            count += extra[c];
        }
        if (!(s->size[p] > 0)) continue;
        double x = (below + s->t[p] * (all - count) - s->a[p] * all - s->b[p] * sum) / s->size[p];
        *up = fmax(*up, x);
        *down = fmax(*down, -x);
    }
}

static int increasing(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Factors that the largest deviation of either sign exceeds with probability alpha / 2. */
static void factors(const sampling *s, neck__random random, double alpha, double *draws, double *up, double *down)
{
    for (int64_t i = 0; i < DRAWS; i++) draw(s, &random, &draws[i], &draws[DRAWS + i]);
    qsort(draws, DRAWS, sizeof *draws, increasing);
    qsort(draws + DRAWS, DRAWS, sizeof *draws, increasing);
    int64_t at = (int64_t)ceil((1 - alpha / 2) * DRAWS);
    if (at >= DRAWS) at = DRAWS - 1;
    *up = draws[at];
    *down = draws[DRAWS + at];
}

static void lay(sampling *s, const neck__curve *curve, int with_trace)
{
    double largest = 0, doubt;
    s->points = curve->points < POINTS ? curve->points : POINTS;
    for (int64_t p = 0; p < s->points; p++) {
        s->t[p] = curve->t[p * curve->points / s->points];
        fit(s, with_trace, s->t[p], &s->a[p], &s->b[p]);
        s->size[p] = deviation(s, s->t[p], s->a[p], s->b[p], &doubt);
        largest = fmax(largest, s->size[p]);
    }
    s->floor = LEAST_SHARE * largest;
    for (int64_t p = 0; p < s->points; p++) s->size[p] = hypot(s->size[p], s->floor);
}

/* Into the curve; a cell has the greater of what its ends have. Returns half the widest band. */
static double widen(const sampling *s, neck__curve *curve, double dimension, double trace, double up, double down)
{
    double widest = 0, next = 0;
    for (int64_t i = curve->points - 1; i >= 0; i--) {
        double a, b, doubt;
        fit(s, trace >= 0, curve->t[i], &a, &b);
        double size = hypot(deviation(s, curve->t[i], a, b, &doubt), s->floor) * doubt;
        curve->shift[i] = -a * (s->moments[0] - dimension) - (trace >= 0 ? b * (s->moments[1] - trace) : 0);
        double above = curve->shift[i] + down * size;
        curve->below[i] += up * size;
        curve->above[i] += i + 1 < curve->points ? fmax(above, next) : above;
        widest = fmax(widest, (up + down) / 2 * size);
        next = above;
    }
    return widest;
}

neck_status neck__density_sampling(neck__density_work *work, neck__curve *curve, int64_t nodes, const double *values,
                                   const double *weights, int64_t probes, double dimension, double trace, double alpha,
                                   double *widest)
{
    sampling *s = neck__calloc(&work->allocator, 1, sizeof *s, "a sampling error");
    double *draws = s ? neck__alloc(&work->allocator, 2 * DRAWS, sizeof *draws, "draws") : NULL;
    if (draws) {
        double up = ROUGH_FACTOR, down = ROUGH_FACTOR;
        s->probes = probes;
        gather(s, curve, nodes, values, weights);
        lay(s, curve, trace >= 0);
        neck__random random = neck__random_seeded(neck__context_seed(work->context),
                                                  (uint64_t)NECK__STREAM_DRAWS << 32);
        if (alpha > 0) factors(s, random, alpha, draws, &up, &down);
        *widest = widen(s, curve, dimension, trace, up, down);
    }
    neck__release(&work->allocator, draws);
    neck__release(&work->allocator, s);
    return draws ? NECK_OK : NECK_E_NOMEM;
}
