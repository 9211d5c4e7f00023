/* support_curves_draw.c - a curve sorted, smoothed, and the range that shows what matters of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support_curves.h"
#include "support_text.h"

typedef struct point {
    int64_t step, order;
    double value;
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

/* Where value stands, or would, among sorted numbers. */
static int64_t place_of(const double *sorted, int64_t count, double value)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sorted[middle] < value) low = middle + 1;
        else high = middle;
    }
    return low;
}

static void put_in(double *sorted, int64_t count, double value)
{
    int64_t at = place_of(sorted, count, value);
    memmove(sorted + at + 1, sorted + at, (size_t)(count - at) * sizeof *sorted);
    sorted[at] = value;
}

static void take_out(double *sorted, int64_t count, double value)
{
    int64_t at = place_of(sorted, count, value);
    memmove(sorted + at, sorted + at + 1, (size_t)(count - at - 1) * sizeof *sorted);
}

/* Running medians. Both ends of the window only move forward, so it is kept sorted: a sort for each point
 * of a log of every step would take a minute. */
static void smooth(drawn_curve *self, double *window)
{
    int64_t half = self->count / 80, first = 0, end = 0;
    for (int64_t i = 0; i < self->count; i++) {
        int64_t reach = half < i ? half : i; /* as far to the right as to the left, so that a trend stays where it is */
        if (reach > self->count - 1 - i) reach = self->count - 1 - i;
        for (; end <= i + reach; end++) put_in(window, end - first, self->y[end]);
        for (; first < i - reach; first++) take_out(window, end - first, self->y[first]);
        self->smooth[i] = window[reach];
    }
}

static void find_range(drawn_curve *self, double *room)
{
    int64_t first = 0, count;
    double start = self->x[0] + 0.05 * (self->x[self->count - 1] - self->x[0]);
    while (first < self->count - 1 && self->x[first] < start) first++;
    count = self->count - first;
    memcpy(room, self->y + first, (size_t)count * sizeof *room);
    qsort(room, (size_t)count, sizeof *room, by_size);
    self->low = room[count / 100];
    self->high = room[count - 1 - count / 100];
    double margin = self->high > self->low ? 0.06 * (self->high - self->low) : 0.5;
    self->low -= margin;
    self->high += margin;
}

drawn_curve curve_draw(const curve *from)
{
    size_t room_size = (size_t)(from->count ? from->count : 1);
    point *points = text_alloc(room_size * sizeof *points);
    double *room = text_alloc(room_size * sizeof *room);
    drawn_curve made = {.x = text_alloc(room_size * sizeof *made.x), .y = text_alloc(room_size * sizeof *made.y),
                        .smooth = text_alloc(room_size * sizeof *made.smooth), .high = 1};
    for (int64_t i = 0; i < from->count; i++) points[i] = (point){from->steps[i], i, from->values[i]};
    qsort(points, (size_t)from->count, sizeof *points, by_step);
    for (int64_t i = 0; i < from->count; i++) {
        int again = i + 1 < from->count && points[i + 1].step == points[i].step;
        if (again || !isfinite(points[i].value)) continue;
        made.x[made.count] = (double)points[i].step;
        made.y[made.count++] = points[i].value;
    }
    if (made.count > 0) {
        smooth(&made, room);
        find_range(&made, room);
    }
    free(points);
    free(room);
    return made;
}

void drawn_curve_free(drawn_curve *self)
{
    free(self->x);
    free(self->y);
    free(self->smooth);
}
