/* study/curve_start.c - a head's singular entropy starts low, as random numbers do, and rises; what matters is if it
 * rises again. */
#include "study/curve_start.h"

#include <string.h>

/* Of the rise looked for: a fall that tells the beginning from what comes after it. */
static const double FALL = 0.2;

/* Medians of three, which single outliers do not reach. */
static void smooth_out(const neck__levels *levels, double *smooth)
{
    for (int64_t i = 0; i < levels->count; i++) {
        int64_t first = i > 0 ? i - 1 : 0, last = i + 1 < levels->count ? i + 1 : i;
        double copy[3];
        memcpy(copy, levels->values + first, (size_t)(last - first + 1) * sizeof *copy);
        smooth[i] = neck__median(last - first + 1, copy);
    }
}

/* The median of what comes after level i, above it. */
static double lasting_rise(const neck__levels *levels, const double *smooth, int64_t i)
{
    double copy[NECK__MOST_LEVELS];
    int64_t count = levels->count - i - 1;
    if (count == 0) return 0;
    memcpy(copy, levels->values + i + 1, (size_t)count * sizeof *copy);
    return neck__median(count, copy) - smooth[i];
}

static int64_t find_start(const neck__levels *levels, double least_rise)
{
    double smooth[NECK__MOST_LEVELS] = {0}, most = least_rise;
    int64_t highest = 0, start = 0;
    smooth_out(levels, smooth);
    for (int64_t i = 1; i < levels->count; i++) {
        if (smooth[i] > smooth[highest]) highest = i;
        double rise = lasting_rise(levels, smooth, i);
        if (smooth[highest] - smooth[i] < FALL * least_rise || rise < most) continue;
        most = rise;
        start = highest;
    }
    return start;
}

static void drop(double *of, int64_t start, int64_t kept)
{
    memmove(of, of + start, (size_t)kept * sizeof *of);
}

void neck__levels_skip_start(neck__levels *levels, double least_rise, int64_t fewest)
{
    int64_t start = find_start(levels, least_rise), kept = levels->count - start;
    if (start == 0 || kept < fewest) return;
    drop(levels->steps, start, kept);
    drop(levels->values, start, kept);
    drop(levels->errors, start, kept);
    levels->count = kept;
}
