/* softneck/saturation.h - has a training run saturated: the verdict on one curve, with its uncertainty. */
#ifndef SOFTNECK_SATURATION_H
#define SOFTNECK_SATURATION_H

#include "context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Something measured along a run; borrowed. In any order of steps; of a step given twice the later entry counts, as in
 * the log of a run that was resumed. */
typedef struct neck_curve {
    const int64_t *steps;          /* >= 0 */
    const double *values;          /* NaN and infinity: see neck_saturation_assess */
    const double *standard_errors; /* of the values, as far as they are known (0 or NaN: not); or NULL */
    int64_t count;
} neck_curve;

#define NECK_VERDICT_LIST(X)       \
    X(UNCLEAR, 0, "unclear")       \
    X(IMPROVING, 1, "improving")   \
    X(PLATEAU, 2, "plateau")       \
    X(SATURATED, 3, "saturated")   \
    X(DIVERGED, 4, "diverged")

/* Why a verdict is what it is, where that needs a word more. */
#define NECK_VERDICT_REASON_LIST(X)                                                                                   \
    X(NONE, 0, "")                                                                                                    \
    X(FEW_POINTS, 1, "there are too few points for a verdict")                                                        \
    X(NOISE, 2, "the noise hides whether it improves or gets worse")                                                  \
    X(RECENT_RISE, 3, "it rose at the very end: too late to tell a passing rise from a lasting one")                  \
    X(RECOVERED, 4, "it rose and came back to its best: a passing rise, or a turn that has been made good")           \
    X(NOT_FINITE, 5, "its last values are not finite")                                                                \
    X(FAR_ABOVE, 6, "it ends far above its best")                                                                     \
    X(BROKEN, 7, "it fell back at a blow to where it was at its beginning, and stayed there")

enum {
#define NECK_VERDICT_ENTRY(name, number, text) NECK_VERDICT_##name = number,
    NECK_VERDICT_LIST(NECK_VERDICT_ENTRY)
#undef NECK_VERDICT_ENTRY
#define NECK_VERDICT_REASON_ENTRY(name, number, text) NECK_REASON_##name = number,
    NECK_VERDICT_REASON_LIST(NECK_VERDICT_REASON_ENTRY)
#undef NECK_VERDICT_REASON_ENTRY
};

typedef struct neck_saturation_options {
    size_t struct_size;
    int32_t higher_is_better;  /* non-zero: of a score such as accuracy, which saturates downward */
    int32_t simulations;       /* 0: 999; 99 .. 100000 */
    double minimum_excess;     /* a rise or gain below this is none, in the curve's unit, > 0; 0: 0.01, one per cent of
                                  perplexity where the curve is in nats */
    double divergence_excess;  /* an end this far above the best is no saturation any more; 0: 1, e times the
                                  perplexity */
    double significance;       /* of the test, in (0, 0.5]; 0: 0.05 */
    double confidence;         /* of the intervals, in [0.5, 1); 0: 0.95 */
    int32_t skip_start;        /* non-zero: the curve may rise from its start before anything else happens to it, as the
                                  singular entropy of a head does; see neck_saturation_assess */
    int32_t reserved;
} neck_saturation_options;

/* Set struct_size before the call; only fields within it are written. A level is a median over a block of steps, so
 * that a spike is none of it. Steps that do not exist are -1 and numbers that do not exist NaN: a curve that has not
 * turned has no onset. "Excess" is how much worse: above the lowest level of a loss, below the highest of a score. */
typedef struct neck_saturation {
    size_t struct_size;
    int32_t verdict;         /* NECK_VERDICT_* */
    int32_t reason;          /* NECK_REASON_* */
    int64_t points;          /* finite, of different steps: what the verdict stands on */
    int64_t not_finite;      /* left out */
    int64_t repeated;        /* left out: a later entry has the same step */
    int64_t blocks;          /* levels the points were drawn together to: at most 120, equally wide in steps */
    double block_steps;      /* their width */
    int64_t first_step;
    int64_t last_step;
    int64_t minimum_step;    /* of the best smoothed level: not of the luckiest point */
    double minimum_level;    /* the median around it */
    int64_t onset_step;      /* the last step before a tenth of the lasting rise is over: SATURATED, and DIVERGED (of
                                non-finite values: the last finite step), else -1. It is minimum_step where the curve
                                turns sharply, and later where it lies flat before it rises */
    int64_t onset_low;
    int64_t onset_high;
    double excess_nats;      /* of the last levels over the best one; nats if the curve is in nats */
    double excess_low;
    double excess_high;
    double sustained_excess; /* the median since the onset: half the time it was worse than that */
    double peak_excess;      /* of the worst smoothed level since the onset */
    int64_t peak_step;
    double gain;             /* of the last levels over the best smoothed one of the first half of the run; positive:
                                better */
    double gain_low;
    double gain_high;
    double p_value;          /* of "it never turned"; see neck_saturation_assess */
    double noise;            /* standard deviation of a level, the typical one */
    double autocorrelation;  /* of one block's noise with the next one's, the median of those it may be */
} neck_saturation;

/* neck_saturation_assess - the verdict on a curve.
 *
 * Test. Order-restricted regression (Robertson, Wright & Dykstra 1988): the best curve that only improves (isotonic
 * regression) against the best one that improves to some step and worsens from there on (unimodal regression over every
 * step); the statistic is how much the second lessens the weighted sum of squares. It takes a durable rise to make it
 * large: a bump after which the curve goes lower than before does not. p_value: how often the statistic is as large on
 * simulated curves that neither improve nor worsen, the least favourable of all that do not turn, with noise as found
 * on this curve: heavy-tailed, and of a scale from robust second differences, which do not see the trend, that may vary
 * along the run. Four times as many curves as simulations are drawn, each with its own AR(1) correlation (density
 * 1 / sqrt(1 - r^2)). A run that came down at least twice as far as it ever rose is taken for one seen from its start:
 * for its p_value those curves count whose residuals from the regression are as correlated as this curve's (of up to
 * 0.97; up to 0.45 with fewer than 16 levels, which tell next to nothing of it). Of any other curve, which may be all
 * noise, the worst of the correlations up to 0.95 counts that its residuals do not rule out (Berger & Boos 1994; the
 * p_value is then at least 0.01). Intervals: from curves simulated around the fitted one, of the likely correlations.
 * skip_start: the levels before the highest one that precedes the largest lasting rise are not judged; that rise is at
 * least minimum_excess high and begins a fifth of that or more below that highest one. Without such a rise nothing is
 * skipped.
 *
 * SATURATED  it turned: p_value <= significance, sustained_excess >= minimum_excess, and since the onset at least a
 *            tenth of the run and 4 blocks went by.
 * DIVERGED   the last 3 values or more are not finite; or it turned and the last levels are divergence_excess above the
 *            best; or it turned and is broken: the last levels are a quarter of divergence_excess or more above the
 *            best, and no better than the run was after its first twentieth, and half of that excess or more came
 *            within a tenth of the run. What gets as bad little by little (overfitting) is SATURATED, and so is a blow
 *            that left most of what was learned.
 * IMPROVING  it has not turned, and its end is better than all of its first half, by at least minimum_excess and for
 *            certain (gain_low > 0).
 * PLATEAU    it has not turned, and its gain is less than that. (Where its end is worse for certain, but noise so
 *            correlated makes such ends, it is UNCLEAR.)
 * RECOVERED is the reason where a turn has been made good at the end, in a learning-rate cool-down say, without a gain:
 *            what is tested then is the curve as it was when half of its largest rise was still there. SATURATED if the
 *            rise lasted for a third of the run, else UNCLEAR. A rise after which the curve gained goes without saying:
 *            IMPROVING.
 * UNCLEAR    see reason. Fewer than 8 blocks are always FEW_POINTS.
 * False alarms, as measured on simulated runs (docs/saturation.md): at most 1 % of improving runs, at most 5 % of flat
 * ones, of any length, whose levels are up to 0.9 correlated. More of those that fell to where they lie flat, where the
 * noise is strongly correlated.
 *
 * Single values that are not finite, or beyond 1e100, are left out and counted. The same context seed gives the same
 * bits. Memory: 32 bytes a point.
 * Errors: NECK_E_ARGUMENT (no points, a negative step, options out of range), NECK_E_NOMEM, NECK_E_CANCELLED.
 * Thread rule: any number of calls at a time. */
NECK_API neck_status neck_saturation_assess(neck_context *context, const neck_curve *curve,
                                            const neck_saturation_options *options, neck_saturation *out);

/* neck_verdict_name - e.g. "saturated". neck_verdict_reason_text - e.g. "there are too few points for a verdict", ""
 * for NONE. Static strings, "?" for unknown numbers. */
NECK_API const char *neck_verdict_name(int32_t verdict);
NECK_API const char *neck_verdict_reason_text(int32_t reason);

#ifdef __cplusplus
}
#endif
#endif
