/* spectrum/density_coupling.c - the band of a matrix whose columns hardly overlap: C = D + E with D its diagonal and E
 * small.
 *
 * M(t) is at most sum min(d, t), for certain (Schur, Horn: pinching raises M). How much less it may be: sort the
 * columns by d into groups and cut off those far from t. With C - t = [X Y; Y^T Z] and X > 0, the positive part of C -
 * t has a trace of at most tr X + tr Z_+ + tr Y^T X^-1 Y, since [X Y; Y^T Y^T X^-1 Y + Z_+] is semidefinite and not
 * below C - t. So groups above t cost what couples them to the rest over their distance; the same for t - C and groups
 * below. They are cut off run by run, X one run of groups, X >= (1 - eta) (D - t) with eta = |(D - t)^-1/2 E (D -
 * t)^-1/2|_F. What is left around t costs at most half the trace norm of its E. All that must be known is how large E
 * is, block by block: estimated from products with random signs on one group at a time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "spectrum/density_object.h"

enum { GROUPS = 40, PROBES = 9, REACH = 8 };

typedef struct column {
    double d;
    int64_t index;
} column;

typedef struct coupling {
    neck__density_work *work;
    double alpha;
    int64_t columns;     /* those that are not zero, sorted by d, decreasing */
    const column *sorted;
    int32_t *group_of;   /* of each of n columns, -1: zero */
    int64_t groups;
    int64_t starts[GROUPS + 1];
    double sums[GROUPS][GROUPS], squares[GROUPS][GROUPS]; /* over probes, of |E_hg z|^2 and its square */
    double blocks[GROUPS][GROUPS];                        /* upper limits of |E_gh|_F^2 */
    double before[GROUPS][GROUPS + 1];                    /* [g][k]: sum of blocks[g][h] over h < k */
} coupling;

static int decreasing(const void *a, const void *b)
{
    const column *x = a, *y = b;
    if (x->d != y->d) return x->d < y->d ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Groups of columns within a ratio, the smallest ratio that gives few enough; the last holds whatever weighs
 * nothing. */
static int64_t split(const coupling *c, double ratio, double nothing, int64_t *starts)
{
    int64_t groups = 0;
    for (int64_t i = 0; i < c->columns;) {
        if (groups == GROUPS) return GROUPS + 1;
        starts[groups++] = i;
        double least = c->sorted[i].d > nothing ? c->sorted[i].d / ratio : 0;
        while (i < c->columns && c->sorted[i].d > least) i++;
    }
    return groups;
}

static void make_groups(coupling *c)
{
    double ratio = 1.1;
    double nothing = 1e-6 / (double)c->columns; /* together at most a millionth */
    while ((c->groups = split(c, ratio, nothing, c->starts)) > GROUPS) ratio *= 1.05;
    c->starts[c->groups] = c->columns;
    for (int64_t i = 0; i < c->work->n; i++) c->group_of[i] = -1;
    for (int64_t g = 0; g < c->groups; g++)
        for (int64_t i = c->starts[g]; i < c->starts[g + 1]; i++) c->group_of[c->sorted[i].index] = (int32_t)g;
}

/* Adds |E_hg z_g|^2 of one product to the sums: y = C x, column g of x random signs on group g. */
static void add_squares(coupling *c, const double *diagonal, const double *signs, const double *y)
{
    static const double none[GROUPS] = {0};
    double here[GROUPS][GROUPS];
    for (int64_t g = 0; g < c->groups; g++) memcpy(here[g], none, sizeof none);
    for (int64_t i = 0; i < c->work->n; i++) {
        int32_t h = c->group_of[i];
        if (h < 0) continue;
        for (int64_t g = 0; g < c->groups; g++) {
            double e = y[i * c->groups + g] - (g == h ? diagonal[i] * signs[i] : 0);
            here[h][g] += e * e;
        }
    }
    for (int64_t h = 0; h < c->groups; h++)
        for (int64_t g = 0; g <= h; g++) {
            double sample = (here[h][g] + here[g][h]) / 2; /* both estimate the same block */
            c->sums[g][h] += sample;
            c->squares[g][h] += sample * sample;
        }
}

/* Student's t for an even number of degrees, P(|T| > t) = p, by bisection of its closed form. */
static double student(int freedom, double p)
{
    double low = 0, high = 1e6;
    for (int i = 0; i < 200; i++) {
        double t = (low + high) / 2, angle = atan(t / sqrt(freedom)), term = 1, sum = 1;
        for (int k = 1; k < freedom / 2; k++) {
            term *= (2 * k - 1) / (2.0 * k) * cos(angle) * cos(angle);
            sum += term;
        }
        if (1 - sin(angle) * sum > p)
            low = t;
        else
            high = t;
    }
    return high;
}

static neck_status measure(coupling *c, const double *diagonal, double *x, double *y, double *signs)
{
    neck__density_work *work = c->work;
    for (int64_t probe = 0; probe < PROBES; probe++) {
        neck__density_signs(work, NECK__STREAM_COUPLING, probe, work->n, 1, signs);
        memset(x, 0, (size_t)(work->n * c->groups) * sizeof *x);
        for (int64_t i = 0; i < work->n; i++)
            if (c->group_of[i] >= 0) x[i * c->groups + c->group_of[i]] = signs[i];
        NECK_TRY(neck__block_project(work->context, work->n, work->top, (neck__block){x, c->groups, c->groups}));
        NECK_TRY(neck__density_apply(work, c->groups, x, y));
        add_squares(c, diagonal, signs, y);
    }
    return NECK_OK;
}

static void limit_blocks(coupling *c)
{
    double entries = (double)(c->groups * (c->groups + 1) / 2), factor = student(PROBES - 1, 2 * c->alpha / entries);
    for (int64_t g = 0; g < c->groups; g++)
        for (int64_t h = g; h < c->groups; h++) {
            double mean = c->sums[g][h] / PROBES,
                spread = fmax(0, c->squares[g][h] / PROBES - mean * mean) / (PROBES - 1);
            c->blocks[g][h] = c->blocks[h][g] = mean + factor * sqrt(spread);
        }
    for (int64_t g = 0; g < c->groups; g++)
        for (int64_t h = 0; h < c->groups; h++) c->before[g][h + 1] = c->before[g][h] + c->blocks[g][h];
}

/* The sum of |E_gh|_F^2 over first <= h < end. */
static double coupled(const coupling *c, int64_t g, int64_t first, int64_t end)
{
    return fmax(0, c->before[g][end] - c->before[g][first]);
}

/* How far all of group g is from t: above it when sign is 1, below it when -1. */
static double distance(const coupling *c, int64_t g, double t, double sign)
{
    return sign * (c->sorted[sign > 0 ? c->starts[g + 1] - 1 : c->starts[g]].d - t);
}

/* The least cost of cutting off, run by run from one end (above t when sign is 1, below when -1), the groups up to and
 * including the k-th from that end: costs[k + 1], costs[0] = 0. first, end: the groups that are there at all. Returns
 * how many can be cut off. */
static int64_t cut(const coupling *c, double t, double sign, int64_t first, int64_t end, double *costs)
{
    double far[GROUPS];
    costs[0] = 0;
    for (int64_t k = 0; k < end - first; k++) {
        int64_t last = sign > 0 ? first + k : end - 1 - k; /* the last group of the run; the rest lies beyond */
        far[k] = distance(c, last, t, sign);
        if (!(far[k] > 0)) return k;
        double squares = 0, crossing = 0;
        costs[k + 1] = INFINITY;
        for (int64_t j = k; j >= 0; j--) { /* the run begins with group g, the j-th */
            int64_t g = sign > 0 ? first + j : end - 1 - j;
            double inner = c->blocks[g][g] / far[j];
            for (int64_t i = j + 1; i <= k; i++) inner += 2 * c->blocks[g][sign > 0 ? first + i : end - 1 - i] / far[i];
            squares += inner / far[j];
            if (!(squares < 1)) break;
            crossing += (sign > 0 ? coupled(c, g, last + 1, end) : coupled(c, g, first, last)) / far[j];
            costs[k + 1] = fmin(costs[k + 1], costs[j] + crossing / (1 - sqrt(squares)));
        }
    }
    return end - first;
}

static double middle(const coupling *c, int64_t a, int64_t b)
{
    double squares = 0;
    for (int64_t g = a; g < b; g++) squares += coupled(c, g, a, b);
    return sqrt((double)(c->starts[b] - c->starts[a]) * squares) / 2;
}

/* The least that the ways to cut around t say. */
static double most_below(const coupling *c, double t)
{
    double above[GROUPS + 1], below[GROUPS + 1], least = INFINITY;
    int64_t highest = cut(c, t, 1, 0, c->groups, above);
    for (int64_t a = highest; a >= 0 && a >= highest - REACH; a--) {
        int64_t most = cut(c, t, -1, a, c->groups, below);
        for (int64_t k = most; k >= 0 && k >= most - REACH; k--)
            least = fmin(least, above[a] + middle(c, a, c->groups - k) + below[k]);
    }
    return least;
}

typedef struct limits {
    const coupling *c;
    neck__curve *curve;
} limits;

static void limit_point(void *data, int64_t i)
{
    const limits *l = data;
    double t = l->curve->t[i];
    l->curve->below[i] = fmin(l->curve->at[i], most_below(l->c, t) + neck__density_pinching(l->c->work, t));
}

/* All the nodes: the diagonal, what was taken out, and what the caller knows. */
static neck_status lay_curve(const coupling *c, neck__density_known known, neck__curve *curve)
{
    const neck__density_work *work = c->work;
    int64_t nodes = c->columns + work->top.count + known.count;
    double *values = neck__alloc(&work->allocator, 2 * nodes, sizeof *values, "values");
    if (!values) return NECK_E_NOMEM;
    for (int64_t i = 0; i < nodes; i++) values[nodes + i] = 1;
    for (int64_t i = 0; i < c->columns; i++) values[i] = c->sorted[i].d;
    if (work->top.count) memcpy(values + c->columns, work->top_values, (size_t)work->top.count * sizeof *values);
    if (known.count) memcpy(values + c->columns + work->top.count, known.squares, (size_t)known.count * sizeof *values);
    neck_status status = neck__curve_create(work->context, nodes, values, values + nodes, curve);
    neck__release(&work->allocator, values);
    if (status != NECK_OK) return status;
    limits job = {c, curve};
    neck__parallel(work->context, curve->points, limit_point, &job);
    return NECK_OK;
}

static neck_status run(coupling *c, const double *diagonal, neck__density_known known, double *numbers,
                       neck__curve *curve)
{
    int64_t size = c->work->n * c->groups;
    NECK_TRY(measure(c, diagonal, numbers, numbers + size, numbers + 2 * size));
    limit_blocks(c);
    return lay_curve(c, known, curve);
}

neck_status neck__density_coupling(neck__density_work *work, const double *diagonal, neck__density_known known,
                                   double alpha, int32_t *groups, neck__curve *curve)
{
    const neck__allocator *allocator = &work->allocator;
    coupling *c = neck__calloc(allocator, 1, sizeof *c, "column groups");
    column *sorted = c ? neck__alloc(allocator, work->n, sizeof *sorted + sizeof *c->group_of, "sorted columns") : NULL;
    double *numbers = NULL;
    neck_status status = NECK_E_NOMEM;
    *groups = 0;
    if (!sorted) goto done;
    *c = (coupling){.work = work, .alpha = alpha, .sorted = sorted, .group_of = (int32_t *)(sorted + work->n)};
    for (int64_t i = 0; i < work->n; i++)
        if (diagonal[i] > 0) sorted[c->columns++] = (column){diagonal[i], i};
    qsort(sorted, (size_t)c->columns, sizeof *sorted, decreasing);
    make_groups(c);
    status = NECK_OK;
    if (c->groups == 0 || (work->most >= 0 && work->products + 2 * PROBES * c->groups > work->most)) goto done;
    numbers = neck__alloc(allocator, work->n, (2 * c->groups + 1) * (int64_t)sizeof *numbers, "a product");
    status = numbers ? run(c, diagonal, known, numbers, curve) : NECK_E_NOMEM;
    if (status == NECK_OK) *groups = (int32_t)c->groups;
done:
    neck__release(allocator, numbers);
    neck__release(allocator, sorted);
    neck__release(allocator, c);
    return status;
}
