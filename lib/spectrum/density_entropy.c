/* spectrum/density_entropy.c - entropies as integrals of M, and so their bands from its band.
 *
 * In units of the sum of all lambda, p_i = lambda_i: min(x, t) over all t gives back x - x ln x by the weight 1 / t,
 * sqrt(x) by t^(-3/2) / 4, and -sqrt(x) ln sqrt(x) by t^(-3/2) (-ln t) / 8. So with p squared
 *     H = int_0^1 M(t) / t dt - 1,
 * which grows with M; with p linear, S = sum sigma and K = sum sigma ln sigma are such integrals and H = ln S - K / S.
 * That grows with M at small t and falls with it at large t, so its extremes have M at one edge of the band below some
 * t and at the other above. */
#include <math.h>

#include "core/error.h"
#include "spectrum/density_object.h"

/* What a stretch of M adds to the integrals. */
typedef struct integrals {
    double plain;     /* int M / t */
    double sum;       /* S */
    double logarithm; /* -K */
} integrals;

static void add(integrals *all, integrals part, double sign)
{
    all->plain += sign * part.plain;
    all->sum += sign * part.sum;
    all->logarithm += sign * part.logarithm;
}

/* Of the line through (from, a) and (to, b), 0 <= from < to <= 1; through 0 when from is 0. */
static integrals of_line(double from, double to, double a, double b)
{
    double slope = (b - a) / (to - from), level = a - slope * from, end = sqrt(to);
    integrals s = {slope * (to - from), slope * 2 * end / 4, -slope * 2 * end * (log(to) - 2) / 8};
    if (from > 0) {
        double start = sqrt(from);
        s.plain += level * log(to / from);
        s.sum += (level * 2 * (1 / start - 1 / end) - slope * 2 * start) / 4;
        s.logarithm += (level * 2 * ((log(to) + 2) / end - (log(from) + 2) / start) +
                        slope * 2 * start * (log(from) - 2)) / 8;
    }
    return s;
}

/* Of the lesser of that line and size t, which no sum of so many min(lambda, t) exceeds. */
static integrals of_lesser(double from, double to, double a, double b, double size)
{
    double over_a = a - size * from, over_b = b - size * to;
    if (over_a <= 0 && over_b <= 0) return of_line(from, to, a, b);
    if (over_a >= 0 && over_b >= 0) return of_line(from, to, size * from, size * to);
    double meet = from + (to - from) * over_a / (over_a - over_b), m = size * meet;
    if (!(meet > from && meet < to)) return of_line(from, to, fmin(a, size * from), fmin(b, size * to));
    integrals all = of_line(from, meet, fmin(a, size * from), m);
    add(&all, of_line(meet, to, m, fmin(b, size * to)), 1);
    return all;
}

/* M = m from 1 on. */
static integrals beyond(double m)
{
    return (integrals){0, m / 2, -m / 2};
}

typedef enum edge { LOW, VALUE, HIGH } edge;

/* M on cell i as a line from *a to *b, t and M in units of `unit`. A concave function exceeds its chord by at most a
 * quarter of the step times the change of slope, by a third of that in the mean. */
static integrals of_cell(const neck__curve *curve, int64_t i, edge which, double size, double unit)
{
    double from = curve->t[i], to = curve->t[i + 1], cut = fmin(to, unit), a, b;
    if (from >= unit) return (integrals){0, 0, 0};
    if (which == LOW) {
        a = fmax(0, curve->at[i] + curve->shift[i] - curve->below[i]);
        b = fmax(0, curve->at[i + 1] + curve->shift[i + 1] - curve->below[i + 1]);
    } else {
        double before = to * (1 - 1e-11); /* nodes at the end itself do not bend the cell */
        double excess = (to - from) * (neck__curve_count(curve, from) - neck__curve_count(curve, before)) / 4;
        double lift_a = which == HIGH ? excess + curve->above[i] : excess / 3 + curve->shift[i];
        double lift_b = which == HIGH ? excess + curve->above[i] : excess / 3 + curve->shift[i + 1];
        a = curve->at[i] + lift_a;
        b = curve->at[i + 1] + lift_b;
    }
    if (from == 0 && which != HIGH) a = 0;
    b = a + (b - a) * (cut - from) / (to - from);
    return of_lesser(from / unit, cut / unit, a / unit, b / unit, size);
}

static integrals of_curve(const neck__curve *curve, edge which, double size, double unit)
{
    integrals all = {0, 0, 0};
    for (int64_t i = 0; i + 1 < curve->points; i++) add(&all, of_cell(curve, i, which, size, unit), 1);
    return all;
}

static double linear_entropy(integrals all)
{
    return all.sum > 0 ? log(all.sum) + all.logarithm / all.sum : 0;
}

/* The extreme of the linear entropy over M at edge `small` up to some t and at `large` beyond: the greatest when sign
 * is 1, the least when -1. */
static double extreme(const neck__curve *curve, edge small, edge large, const double *m, double size, double unit,
                      double sign)
{
    integrals all = of_curve(curve, large, size, unit);
    add(&all, beyond(m[large]), 1);
    double most = sign * linear_entropy(all);
    for (int64_t i = 0; i + 1 < curve->points; i++) {
        add(&all, of_cell(curve, i, large, size, unit), -1);
        add(&all, of_cell(curve, i, small, size, unit), 1);
        most = fmax(most, sign * linear_entropy(all));
    }
    add(&all, beyond(m[small] - m[large]), 1);
    return sign * fmax(most, sign * linear_entropy(all));
}

static neck_band linear_band(const neck__curve *curve, neck_band total, double size)
{
    double unit = total.high, m[] = {total.low / unit, total.value / unit, 1};
    integrals middle = of_curve(curve, VALUE, size, unit);
    add(&middle, beyond(m[VALUE]), 1);
    return (neck_band){extreme(curve, LOW, HIGH, m, size, unit, -1), linear_entropy(middle),
                       extreme(curve, HIGH, LOW, m, size, unit, 1)};
}

/* The integral falls as the unit grows, all else equal. */
static neck_band squared_band(const neck__curve *curve, neck_band total, double size)
{
    return (neck_band){of_curve(curve, LOW, size, total.high).plain - 1,
                       of_curve(curve, VALUE, size, total.value).plain - 1,
                       total.low > 0 ? of_curve(curve, HIGH, size, total.low).plain - 1 : INFINITY};
}

/* H(p), nats. */
static neck_band entropy(const neck_density *density, int32_t normalization)
{
    double size = (double)density->report.size;
    neck_band all = {0, NAN, log(size)};
    for (int i = 0; i < density->count; i++)
        neck__band_meet(&all, normalization == NECK_P_SQUARED ? squared_band(&density->curves[i], density->total, size)
                                                               : linear_band(&density->curves[i], density->total,
                                                                             size));
    double most = log(size);
    return (neck_band){fmin(all.low, most), fmin(all.value, most), fmin(all.high, most)};
}

static neck_status check(const neck_density *density, int32_t normalization, const neck_band *out)
{
    if (!density || !out) return neck__fail(NECK_E_ARGUMENT, "density or out is NULL");
    if (normalization != NECK_P_SQUARED && normalization != NECK_P_LINEAR)
        return neck__fail(NECK_E_ARGUMENT, "normalization is %d: NECK_P_SQUARED or NECK_P_LINEAR", normalization);
    return NECK_OK;
}

neck_status neck_density_entropy(const neck_density *density, int32_t normalization, neck_band *out)
{
    NECK_TRY(check(density, normalization, out));
    neck_band h = entropy(density, normalization);
    double most = log((double)density->report.size);
    *out = (neck_band){most - h.high, most - h.value, most - h.low};
    return NECK_OK;
}

neck_status neck_density_effective_rank(const neck_density *density, int32_t normalization, neck_band *out)
{
    NECK_TRY(check(density, normalization, out));
    neck_band h = entropy(density, normalization);
    *out = (neck_band){exp(h.low), exp(h.value), exp(h.high)};
    return NECK_OK;
}
