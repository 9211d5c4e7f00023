/* study/curve_levels.c - points sorted by step, and medians of blocks of them. */
#include "study/curve_levels.h"

#include <math.h>
#include <stdlib.h>

#include "core/error.h"

/* A loss beyond this has overflowed in all but name; its square still has room. */
static const double LARGEST = 1e100;

typedef struct point {
    int64_t step, order;
    double value, error;
} point;

static int by_step(const void *a, const void *b)
{
    const point *p = a, *q = b;
    if (p->step != q->step) return p->step < q->step ? -1 : 1;
    return (p->order > q->order) - (p->order < q->order);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Windows of a few levels are what nearly all medians are of. */
static void sort_few(int64_t count, double *numbers)
{
    for (int64_t i = 1; i < count; i++) {
        double number = numbers[i];
        int64_t k = i;
        for (; k > 0 && numbers[k - 1] > number; k--) numbers[k] = numbers[k - 1];
        numbers[k] = number;
    }
}

double neck__median(int64_t count, double *numbers)
{
    if (count <= 32)
        sort_few(count, numbers);
    else
        qsort(numbers, (size_t)count, sizeof *numbers, by_size);
    return 0.5 * (numbers[(count - 1) / 2] + numbers[count / 2]);
}

static neck_status check(const neck_curve *curve)
{
    if (!curve || !curve->steps || !curve->values)
        return neck__fail(NECK_E_ARGUMENT, "the curve, its steps or values are NULL");
    if (curve->count < 1) return neck__fail(NECK_E_ARGUMENT, "the curve has %lld points", (long long)curve->count);
    for (int64_t i = 0; i < curve->count; i++)
        if (curve->steps[i] < 0)
            return neck__fail(NECK_E_ARGUMENT, "steps[%lld] is %lld", (long long)i, (long long)curve->steps[i]);
    return NECK_OK;
}

/* Sorted, one point a step, finite; what was left out is counted. */
static int64_t clean(const neck_curve *curve, double sign, point *points, neck__levels *levels)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < curve->count; i++) {
        double error = curve->standard_errors ? curve->standard_errors[i] : 0;
        points[i] = (point){curve->steps[i], i, sign * curve->values[i], error > 0 && isfinite(error) ? error : 0};
    }
    qsort(points, (size_t)curve->count, sizeof *points, by_step);
    for (int64_t i = 0; i < curve->count; i++) {
        if (i + 1 < curve->count && points[i + 1].step == points[i].step) {
            levels->repeated++;
        } else if (!(fabs(points[i].value) <= LARGEST)) {
            levels->not_finite++;
            levels->trailing++;
        } else {
            levels->trailing = 0;
            points[kept++] = points[i];
        }
    }
    return kept;
}

/* The gap that half of the run's steps are covered by gaps at least as wide as: with checkpoints at steps 1, 2, 4 ...
 * 512 and then every thousand, a thousand. room: count numbers. */
static double typical_gap(int64_t count, const point *points, double *room)
{
    double span = (double)(points[count - 1].step - points[0].step), covered = 0;
    for (int64_t i = 0; i + 1 < count; i++) room[i] = (double)(points[i + 1].step - points[i].step);
    qsort(room, (size_t)(count - 1), sizeof *room, by_size);
    int64_t i = count - 1;
    while (i > 0 && covered < 0.5 * span) covered += room[--i];
    return room[i];
}

/* points[first .. end) as one level. The median of m normal numbers has pi/2 the variance of their mean, the median of
 * one or two is the mean. */
static void add_level(neck__levels *levels, const point *points, int64_t first, int64_t end, double *room)
{
    double steps = 0, variance = 0, count = (double)(end - first);
    for (int64_t i = first; i < end; i++) {
        room[i - first] = points[i].value;
        steps += (double)(points[i].step - levels->first_step) / count;
        variance += points[i].error * points[i].error / (count * count);
    }
    levels->steps[levels->count] = steps;
    levels->values[levels->count] = neck__median(end - first, room);
    levels->errors[levels->count++] = sqrt(variance * (end - first > 2 ? 1.5707963267948966 : 1));
}

static void make_blocks(int64_t count, const point *points, neck__levels *levels, double *room)
{
    double span = (double)(points[count - 1].step - points[0].step);
    levels->width = count > 1 ? fmax(typical_gap(count, points, room), span / (NECK__MOST_LEVELS - 1)) : 0;
    for (int64_t first = 0, end = 0; first < count; first = end) {
        double block = levels->width > 0 ? floor((double)(points[first].step - points[0].step) / levels->width) : 0;
        while (end < count && (double)(points[end].step - points[0].step) < (block + 1) * levels->width) end++;
        if (end == first) end++; /* a single point: no width */
        add_level(levels, points, first, end, room);
    }
}

neck_status neck__levels_make(neck_context *context, const neck_curve *curve, double sign, neck__levels *levels)
{
    NECK_TRY(check(curve));
    *levels = (neck__levels){.first_step = -1, .last_step = -1};
    neck__allocator allocator = neck__allocator_of(context);
    point *points = neck__alloc(&allocator, curve->count, sizeof *points, "points of a curve");
    double *room = points ? neck__alloc(&allocator, curve->count, sizeof *room, "points of a curve") : NULL;
    if (room) {
        levels->points = clean(curve, sign, points, levels);
        if (levels->points > 0) {
            levels->first_step = points[0].step;
            levels->last_step = points[levels->points - 1].step;
            make_blocks(levels->points, points, levels, room);
        }
    }
    neck_status status = room ? NECK_OK : NECK_E_NOMEM;
    neck__release(&allocator, room);
    neck__release(&allocator, points);
    return status;
}
