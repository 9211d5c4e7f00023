/* metrics/truncation.c - how much of the matrix its largest components hold: W-error and its relatives. All work on
 * the largest values alone. */
#include <float.h>
#include <math.h>

#include "core/error.h"
#include "metrics/values.h"

/* |W|_F^2 in units of sigma_1^2, cut after the first rank components. */
typedef struct energy {
    neck__interval total, tail;
    int64_t rank;
} energy;

/* The energy of the values that are not known: what |W|_F^2, exact but for its rounding, leaves. */
static neck__interval unknown_energy(const neck_spectrum *spectrum, neck__interval known)
{
    if (spectrum->count == spectrum->size) return (neck__interval){0, 0, 0};
    double unit = spectrum->values[0], all = spectrum->frobenius_squared / unit / unit;
    double rounding = (double)(spectrum->count + 4) * DBL_EPSILON * all;
    return (neck__interval){fmax(0, all - known.high - rounding), fmax(0, all - known.value),
                            fmax(0, all - known.low + rounding)};
}

/* The cut behind all known values. Smallest first, like every sum here. */
static energy energy_of(const neck_spectrum *spectrum)
{
    neck__interval known = {0, 0, 0};
    for (int64_t i = spectrum->count - 1; i >= 0; i--)
        neck__interval_add(&known, neck__relative(spectrum, i, NECK_P_SQUARED));
    energy e = {known, unknown_energy(spectrum, known), spectrum->count};
    neck__interval_add(&e.total, e.tail);
    return e;
}

/* Moves the cut one component up. */
static void energy_step(const neck_spectrum *spectrum, energy *e)
{
    neck__interval_add(&e->tail, neck__relative(spectrum, --e->rank, NECK_P_SQUARED));
}

static double ratio(double part, double whole, double if_nothing)
{
    return whole > 0 ? fmin(1, part / whole) : if_nothing;
}

/* W-error at the cut. It grows with the tail and falls with the head, so the extremes have one low and the other high;
 * written so that exact values have no error at all. */
static neck__interval w_error_at(const energy *e)
{
    double doubt = e->tail.high - e->tail.low;
    return (neck__interval){sqrt(ratio(e->tail.low, e->total.high - doubt, 0)),
                            sqrt(ratio(e->tail.value, e->total.value, 0)),
                            sqrt(ratio(e->tail.high, e->total.low + doubt, 1))};
}

neck_status neck_w_error(const neck_spectrum *spectrum, int64_t rank, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "w_error", NECK__NOT_ZERO));
    if (rank < 0 || rank > spectrum->size)
        return neck__fail(NECK_E_ARGUMENT, "w_error: rank is %lld, the spectrum has %lld values", (long long)rank,
                          (long long)spectrum->size);
    if (rank > spectrum->count)
        return neck__fail(NECK_E_STATE, "w_error: rank is %lld, only the %lld largest values are known",
                          (long long)rank, (long long)spectrum->count);
    energy e = energy_of(spectrum);
    while (e.rank > rank) energy_step(spectrum, &e);
    *out = neck__measure(w_error_at(&e));
    return NECK_OK;
}

neck_status neck_rank_for_w_error(const neck_spectrum *spectrum, double w_error, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "rank_for_w_error", NECK__NOT_ZERO));
    if (!(w_error >= 0 && w_error <= 1))
        return neck__fail(NECK_E_ARGUMENT, "rank_for_w_error: w_error is %g: between 0 and 1", w_error);
    energy e = energy_of(spectrum);
    if (w_error_at(&e).value > w_error)
        return neck__fail(NECK_E_STATE, "rank_for_w_error: the %lld known values of %lld leave %g", (long long)e.rank,
                          (long long)spectrum->size, w_error_at(&e).value);
    int64_t lowest = e.rank, rank = e.rank, highest = spectrum->size;
    for (;;) {
        neck__interval error = w_error_at(&e);
        if (error.low <= w_error) lowest = e.rank;
        if (error.value <= w_error) rank = e.rank;
        if (error.high <= w_error) highest = e.rank;
        if (error.low > w_error || e.rank == 0) break;
        energy_step(spectrum, &e);
    }
    *out = neck__measure((neck__interval){(double)lowest, (double)rank, (double)highest});
    return NECK_OK;
}

/* The tail behind sigma_1, and sigma_1^2 itself. */
static void split_top(const neck_spectrum *spectrum, neck__interval *top, neck__interval *tail)
{
    energy e = energy_of(spectrum);
    while (e.rank > 1) energy_step(spectrum, &e);
    *top = neck__relative(spectrum, 0, NECK_P_SQUARED);
    *tail = e.tail;
}

neck_status neck_top_component_share(const neck_spectrum *spectrum, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "top_component_share", NECK__NOT_ZERO));
    neck__interval top, tail;
    split_top(spectrum, &top, &tail);
    *out = neck__measure((neck__interval){ratio(top.low, top.low + tail.high, 0),
                                          ratio(top.value, top.value + tail.value, 1),
                                          ratio(top.high, top.high + tail.low, 1)});
    return NECK_OK;
}

neck_status neck_stable_rank(const neck_spectrum *spectrum, neck_measure *out)
{
    NECK_TRY(neck__values_check(spectrum, out, "stable_rank", NECK__NOT_ZERO));
    neck__interval top, tail;
    split_top(spectrum, &top, &tail);
    *out = neck__measure((neck__interval){1 + tail.low / top.high, 1 + tail.value / top.value,
                                          top.low > 0 ? 1 + tail.high / top.low : INFINITY});
    return NECK_OK;
}
