/* monitor/turning.c - three phases, two thresholds apart: an outlier is no turn, and a spike is told once. */
#include "monitor/turning.h"

static void set_extreme(neck__turning *self, int64_t step, double value)
{
    self->started = 1;
    self->extreme_step = step;
    self->extreme = value;
}

static void set_onset(neck__turning *self, int64_t step, double value)
{
    self->onset_step = step;
    self->onset = value;
}

/* Each phase keeps what its event will tell, and says whether value is beyond its threshold. */

static int take_early(neck__turning *self, const neck__thresholds *thresholds, int64_t step, double value)
{
    if (!self->started || value > self->extreme) {
        set_extreme(self, step, value);
        set_onset(self, step, value);
    }
    return value <= self->extreme - thresholds->fall;
}

static int take_flat(neck__turning *self, const neck__thresholds *thresholds, int64_t step, double value)
{
    if (!self->started || value < self->extreme) set_extreme(self, step, value);
    if (value <= self->extreme + thresholds->release) set_onset(self, step, value);
    return value >= self->extreme + thresholds->rise;
}

static int take_spiked(neck__turning *self, const neck__thresholds *thresholds, int64_t step, double value)
{
    int back = value <= self->extreme + thresholds->release;
    if (back && self->beyond == 0) set_onset(self, step, value);
    return back;
}

int neck__turning_take(neck__turning *self, const neck__thresholds *thresholds, int64_t step, double value,
                       neck__turning *before)
{
    static int (*const take[])(neck__turning *, const neck__thresholds *, int64_t, double) = {
        [NECK__EARLY] = take_early, [NECK__FLAT] = take_flat, [NECK__SPIKED] = take_spiked};
    self->beyond = take[self->phase](self, thresholds, step, value) ? self->beyond + 1 : 0;
    if (self->beyond < thresholds->patience) return 0;
    *before = *self;
    self->beyond = 0;
    self->phase = self->phase == NECK__FLAT ? NECK__SPIKED : NECK__FLAT;
    if (before->phase != NECK__FLAT) { /* flat from here on: the lowest value may be this one */
        if (before->phase == NECK__EARLY || value < self->extreme) set_extreme(self, step, value);
        set_onset(self, step, value);
    }
    return 1;
}
