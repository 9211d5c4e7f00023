/* optim/schedule.c - the learning rate over a run. */
#include <inttypes.h>
#include <math.h>

#include "core/error.h"
#include "core/options.h"
#include "softneck/optimizer.h"

static neck_status check(neck_schedule *s)
{
    if (s->kind < NECK_SCHEDULE_CONSTANT || s->kind > NECK_SCHEDULE_WSD || s->reserved)
        return neck__fail(NECK_E_ARGUMENT, "schedule kind %d is unknown, or reserved is not 0", (int)s->kind);
    if (s->steps < 0 || s->warmup_steps < 0 || s->decay_steps < 0)
        return neck__fail(NECK_E_ARGUMENT, "a number of steps is negative");
    if (!(s->final_scale >= 0 && s->final_scale <= 1))
        return neck__fail(NECK_E_ARGUMENT, "final_scale is %g: it must be from 0 to 1", s->final_scale);
    if (s->kind == NECK_SCHEDULE_CONSTANT) return NECK_OK;
    if (s->steps == 0) return neck__fail(NECK_E_ARGUMENT, "steps is needed: how long the schedule is");
    if (s->warmup_steps > s->steps || s->decay_steps > s->steps - s->warmup_steps)
        return neck__fail(NECK_E_ARGUMENT, "warm-up (%" PRId64 ") and decay (%" PRId64 ") exceed the %" PRId64 " steps",
                          s->warmup_steps, s->decay_steps, s->steps);
    int64_t room = s->steps - s->warmup_steps, fifth = s->steps / 5;
    if (s->decay_steps == 0) s->decay_steps = fifth < room ? fifth : room;
    return NECK_OK;
}

neck_status neck_schedule_scale(const neck_schedule *schedule, int64_t step, double *scale)
{
    NECK_OPTIONS(neck_schedule, s, schedule);
    NECK_TRY(check(&s));
    if (step < 0 || !scale) return neck__fail(NECK_E_ARGUMENT, "step is %" PRId64 ", or scale is NULL", step);
    double fall = 1 - s.final_scale;
    int64_t stable_end = s.steps - s.decay_steps;
    if (step < s.warmup_steps)
        *scale = (double)(step + 1) / (double)s.warmup_steps;
    else if (s.kind == NECK_SCHEDULE_CONSTANT)
        *scale = 1;
    else if (step >= s.steps)
        *scale = s.final_scale;
    else if (s.kind == NECK_SCHEDULE_COSINE) {
        double way = (double)(step - s.warmup_steps), whole = (double)(s.steps - s.warmup_steps);
        *scale = s.final_scale + fall * 0.5 * (1 + cos(acos(-1.0) * way / whole));
    } else
        *scale = step < stable_end ? 1 : 1 - fall * (double)(step - stable_end) / (double)s.decay_steps;
    return NECK_OK;
}
