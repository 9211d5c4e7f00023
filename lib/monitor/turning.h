/* monitor/turning.h - when a series comes down from its early height, shoots up from its lowest, and comes back. */
#ifndef NECK_MONITOR_TURNING_H
#define NECK_MONITOR_TURNING_H

#include <stdint.h>

typedef struct neck__thresholds {
    double fall, rise, release;
    int64_t patience;
} neck__thresholds;

/* The phases of monitor.h. EARLY is 0, so that a zeroed turning has seen nothing. */
enum { NECK__EARLY = 0, NECK__FLAT = 1, NECK__SPIKED = 2 };

/* Copied freely: a step is tried on a copy. */
typedef struct neck__turning {
    int32_t phase;
    int32_t started;       /* extreme is known */
    int64_t beyond;        /* observations in a row beyond the threshold of this phase */
    int64_t extreme_step;  /* highest (EARLY) or lowest value */
    double extreme;
    int64_t onset_step;    /* last one near the lowest (FLAT), first one beyond the threshold (SPIKED) */
    double onset;
} neck__turning;

/* Takes the next value. Non-zero when the phase has changed; what happened is told by the phase it left: *before is the
 * state at that moment. */
int neck__turning_take(neck__turning *self, const neck__thresholds *thresholds, int64_t step, double value,
                       neck__turning *before);

#endif
