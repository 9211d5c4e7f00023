/* spectrum/density_curve.c - M(t) = sum min(lambda, t) as an estimate with a band, and sums of the smallest lambda from
 * it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "spectrum/density_object.h"

/* The grid: even in ln t, even in the number of nodes' weights, even in its logarithm from the smallest node, even in
 * their sum; and the middle between any two such points. */
enum { BY_LOGARITHM = 160, BY_COUNT = 192, BY_TAIL = 64, BY_SUM = 128 };
enum { LAID = 1 + BY_LOGARITHM + BY_COUNT + BY_TAIL + BY_SUM, LARGEST = 2 * LAID };

typedef struct node {
    double value, weight;
} node;

static int decreasing(const void *a, const void *b)
{
    double x = ((const node *)a)->value, y = ((const node *)b)->value;
    return (x < y) - (x > y);
}

static int increasing(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sum_nodes(neck__curve *curve)
{
    curve->head[0] = curve->tail[curve->nodes] = 0;
    for (int64_t i = 0; i < curve->nodes; i++) curve->head[i + 1] = curve->head[i] + curve->weights[i];
    for (int64_t i = curve->nodes - 1; i >= 0; i--)
        curve->tail[i] = curve->tail[i + 1] + curve->weights[i] * curve->values[i];
}

/* How many nodes are greater than t. */
static int64_t above(const neck__curve *curve, double t)
{
    int64_t low = 0, high = curve->nodes;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (curve->values[middle] > t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Appends the values where a running sum over the nodes passes each of parts equal shares. */
static int64_t lay_quantiles(const neck__curve *curve, const double *running, int64_t parts, int64_t points)
{
    double whole = running[curve->nodes] - running[0];
    int64_t i = 0;
    for (int64_t part = 0; part < parts; part++) {
        double share = running[0] + whole * ((double)part + 0.5) / (double)parts;
        while (i + 1 < curve->nodes && fabs(running[i + 1] - running[0]) < fabs(share - running[0])) i++;
        curve->t[points++] = curve->values[i];
    }
    return points;
}

/* The same for weights of 1.3^k from the smallest node on. */
static int64_t lay_tail(const neck__curve *curve, int64_t points)
{
    int64_t i = curve->nodes - 1;
    double count = 0.5, whole = curve->head[curve->nodes];
    for (int64_t k = 0; k < BY_TAIL; k++, count *= 1.3) {
        while (i > 0 && whole - curve->head[i] < count) i--;
        curve->t[points++] = curve->values[i];
    }
    return points;
}

/* Sorts t and leaves points out that are hardly greater than the one before. */
static int64_t sort_points(double *t, int64_t points)
{
    int64_t kept = 1;
    qsort(t, (size_t)points, sizeof *t, increasing);
    for (int64_t i = 1; i < points; i++)
        if (t[i] > t[kept - 1] * (1 + 1e-12)) t[kept++] = t[i];
    return kept;
}

/* From where nothing matters any more up to four times the sum of all: no lambda is greater, estimated or not. */
static void lay_grid(neck__curve *curve)
{
    double whole = curve->tail[0], end = 4 * fmax(whole, 1), start = 1e-9 * whole / fmax(curve->head[curve->nodes], 1);
    int64_t points = 0;
    curve->t[points++] = 0;
    for (int64_t i = 0; i < BY_LOGARITHM; i++)
        curve->t[points++] = start * pow(end / start, (double)i / (BY_LOGARITHM - 1));
    points = lay_quantiles(curve, curve->head, BY_COUNT, points);
    points = lay_quantiles(curve, curve->tail, BY_SUM, points);
    points = sort_points(curve->t, lay_tail(curve, points));
    for (int64_t i = 1, laid = points; i + 1 < laid; i++) curve->t[points++] = (curve->t[i] + curve->t[i + 1]) / 2;
    curve->points = sort_points(curve->t, points);
    for (int64_t i = 0; i < curve->points; i++) curve->at[i] = neck__curve_at(curve, curve->t[i]);
}

static int64_t take_nodes(int64_t count, const double *values, const double *weights, node *nodes)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++)
        if (values[i] > 0 && weights[i] > 0) nodes[kept++] = (node){values[i], weights[i]};
    if (kept == 0) nodes[kept++] = (node){1e-300, 1e-300}; /* an empty curve has somewhere to lay its grid */
    qsort(nodes, (size_t)kept, sizeof *nodes, decreasing);
    return kept;
}

neck_status neck__curve_create(neck_context *context, int64_t nodes, const double *values, const double *weights,
                               neck__curve *curve)
{
    neck__allocator allocator = neck__allocator_of(context);
    node *sorted = neck__alloc(&allocator, nodes + 1, sizeof *sorted, "sorted nodes");
    if (!sorted) return NECK_E_NOMEM;
    int64_t kept = take_nodes(nodes, values, weights, sorted);
    double *numbers = neck__calloc(&allocator, 4 * kept + 2 + 5 * LARGEST, sizeof *numbers, "a curve");
    if (numbers) {
        *curve = (neck__curve){.allocator = allocator, .nodes = kept, .values = numbers, .weights = numbers + kept};
        curve->head = curve->weights + kept;
        curve->tail = curve->head + kept + 1;
        curve->t = curve->tail + kept + 1;
        curve->at = curve->t + LARGEST;
        curve->shift = curve->at + LARGEST;
        curve->below = curve->shift + LARGEST;
        curve->above = curve->below + LARGEST;
        for (int64_t i = 0; i < kept; i++) {
            curve->values[i] = sorted[i].value;
            curve->weights[i] = sorted[i].weight;
        }
        sum_nodes(curve);
        lay_grid(curve);
    }
    neck__release(&allocator, sorted);
    return numbers ? NECK_OK : NECK_E_NOMEM;
}

void neck__curve_destroy(neck__curve *curve)
{
    if (curve->values) neck__release(&curve->allocator, curve->values);
    *curve = (neck__curve){.nodes = 0};
}

double neck__curve_at(const neck__curve *curve, double t)
{
    int64_t i = above(curve, t);
    return t * curve->head[i] + curve->tail[i];
}

double neck__curve_count(const neck__curve *curve, double t)
{
    return curve->head[above(curve, t)];
}

int64_t neck__curve_cell(const neck__curve *curve, double t)
{
    int64_t low = 0, high = curve->points - 1;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (curve->t[middle] <= t)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* The t at which M(t) - d t of the nodes is greatest, and that maximum: what the d largest leave. */
static double best(const neck__curve *curve, double d, double *t)
{
    int64_t low = 0, high = curve->nodes; /* the first node that the d largest do not hold wholly */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (curve->head[middle + 1] > d)
            high = middle;
        else
            low = middle + 1;
    }
    *t = low < curve->nodes ? curve->values[low] : 0;
    return low < curve->nodes ? curve->tail[low] - (d - curve->head[low]) * *t : 0;
}

neck_band neck__curve_tail(const neck__curve *curve, double d)
{
    double peak, most = best(curve, d, &peak);
    int64_t cell = neck__curve_cell(curve, peak);
    neck_band tail = {0, most + curve->shift[cell], 0};
    for (int64_t i = 0; i < curve->points; i++) {
        double here = curve->at[i] - d * curve->t[i];
        double next = i + 1 < curve->points ? curve->at[i + 1] - d * curve->t[i + 1] : here;
        tail.low = fmax(tail.low, here + curve->shift[i] - curve->below[i]);
        tail.value = fmax(tail.value, here + curve->shift[i]);
        tail.high = fmax(tail.high, (i == cell ? most : fmax(here, next)) + curve->above[i]);
    }
    tail.value = fmax(tail.low, fmin(tail.value, tail.high));
    return tail;
}
