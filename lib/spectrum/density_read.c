/* spectrum/density_read.c - W-error, ranks and counts with their bands. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "spectrum/density_object.h"

/* The value is the narrowest curve's; bands that do not meet (which happens no more often than the confidence allows)
 * become the point between them. */
void neck__band_meet(neck_band *all, neck_band one)
{
    if (isnan(all->value) || one.high - one.low < all->high - all->low) all->value = one.value;
    all->low = fmax(all->low, one.low);
    all->high = fmin(all->high, one.high);
    if (all->low > all->high) all->low = all->high = (all->low + all->high) / 2;
    all->value = fmax(all->low, fmin(all->value, all->high));
}

neck_band neck__density_tail(const neck_density *density, double d)
{
    double size = (double)density->report.size, whole = density->total.high;
    if (d >= size) return (neck_band){0, 0, 0};
    neck_band tail = {0, NAN, whole * (1 - d / size)}; /* no spectrum leaves more than a flat one */
    for (int i = 0; i < density->count; i++) neck__band_meet(&tail, neck__curve_tail(&density->curves[i], d));
    return tail;
}

static double root_of_share(double part, double whole)
{
    return whole > 0 ? sqrt(fmin(1, fmax(0, part / whole))) : 1;
}

neck_band neck__density_w_error(const neck_density *density, int64_t rank)
{
    neck_band tail = neck__density_tail(density, (double)rank), total = density->total;
    if (rank == 0) return (neck_band){1, 1, 1};
    return (neck_band){root_of_share(tail.low, total.high), root_of_share(tail.value, total.value),
                       root_of_share(tail.high, total.low)};
}

/* Every rank near either end, every hundredth of what lies between. */
double neck__density_width(const neck_density *density)
{
    double widest = 0, size = (double)density->report.size;
    for (double rank = 1; rank < size; rank = fmax(rank + 1, floor(rank * 1.01))) {
        neck_band head = neck__density_w_error(density, (int64_t)rank);
        neck_band tail = neck__density_w_error(density, (int64_t)(size - rank));
        widest = fmax(widest, fmax(head.high - head.low, tail.high - tail.low));
    }
    return widest;
}

neck_status neck_density_describe(const neck_density *density, neck_density_report *report)
{
    if (!density || !report) return neck__fail(NECK_E_ARGUMENT, "density or report is NULL");
    size_t size = report->struct_size;
    if (size < sizeof size || size > 4096)
        return neck__fail(NECK_E_ARGUMENT,
                          "neck_density_report.struct_size is %zu: set it to sizeof(neck_density_report)", size);
    memcpy(report, &density->report, size < sizeof *report ? size : sizeof *report);
    report->struct_size = size;
    return NECK_OK;
}

neck_status neck_density_w_error(const neck_density *density, int64_t rank, neck_band *out)
{
    if (!density || !out) return neck__fail(NECK_E_ARGUMENT, "density or out is NULL");
    if (rank < 0 || rank > density->report.size)
        return neck__fail(NECK_E_ARGUMENT, "rank is %lld: there are %lld singular values", (long long)rank,
                          (long long)density->report.size);
    *out = neck__density_w_error(density, rank);
    return NECK_OK;
}

/* The smallest rank at which an edge of the band (or its middle) is at most limit: all three fall with the rank. */
static int64_t first_rank(const neck_density *density, double limit, double (*edge)(neck_band))
{
    int64_t low = 0, high = density->report.size;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (edge(neck__density_w_error(density, middle)) <= limit)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static double low_edge(neck_band band) { return band.low; }
static double middle_of(neck_band band) { return band.value; }
static double high_edge(neck_band band) { return band.high; }

neck_status neck_density_rank_for_w_error(const neck_density *density, double w_error, neck_band *out)
{
    if (!density || !out) return neck__fail(NECK_E_ARGUMENT, "density or out is NULL");
    if (!(w_error >= 0 && w_error <= 1)) return neck__fail(NECK_E_ARGUMENT, "w_error is %g: between 0 and 1", w_error);
    double low = (double)first_rank(density, w_error, low_edge), high = (double)first_rank(density, w_error, high_edge);
    double value = (double)first_rank(density, w_error, middle_of);
    *out = (neck_band){low, fmax(low, fmin(value, high)), high};
    return NECK_OK;
}

/* The count is the slope of M at t, which is concave: chords to the left are steeper, to the right flatter. */
static neck_band count_above(const neck__curve *curve, double t, double size)
{
    neck_band count = {0, neck__curve_count(curve, t), size};
    double high = neck__curve_at(curve, t) + curve->above[neck__curve_cell(curve, t)];
    for (int64_t i = 0; i < curve->points; i++) {
        double low = fmax(0, curve->at[i] + curve->shift[i] - curve->below[i]);
        if (curve->t[i] < t) count.high = fmin(count.high, (high - low) / (t - curve->t[i]));
        if (curve->t[i] > t) count.low = fmax(count.low, (low - high) / (curve->t[i] - t));
    }
    return count;
}

neck_status neck_density_count_above(const neck_density *density, double sigma, neck_band *out)
{
    if (!density || !out) return neck__fail(NECK_E_ARGUMENT, "density or out is NULL");
    if (!(sigma >= 0)) return neck__fail(NECK_E_ARGUMENT, "sigma is %g: not negative", sigma);
    double size = (double)density->report.size, t = sigma / density->unit * sigma;
    neck_band count = {0, NAN, size};
    for (int i = 0; i < density->count; i++) neck__band_meet(&count, count_above(&density->curves[i], t, size));
    count.low = ceil(count.low - 1e-6);
    count.high = floor(count.high + 1e-6);
    count.value = fmax(count.low, fmin(round(count.value), count.high));
    *out = count;
    return NECK_OK;
}
