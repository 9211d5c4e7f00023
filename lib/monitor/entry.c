/* monitor/entry.c - one observation enters: staged behind what is there, written to the log, then counted in. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "monitor/monitor_log.h"

/* The series that are watched: their thresholds and what each phase's end is called. */
static const struct {
    const char *name;
    int32_t thresholds;
    int32_t kinds[3]; /* of the phase that ended */
} watches[] = {
    {"head.raw.singular_entropy", 0, {NECK_EVENT_FLATTEN, NECK_EVENT_SPIKE, NECK_EVENT_SPIKE_END}},
    {"head.centered.singular_entropy", 0, {NECK_EVENT_FLATTEN, NECK_EVENT_SPIKE, NECK_EVENT_SPIKE_END}},
    {"states.raw.anisotropy", 1, {NECK_EVENT_SPREAD, NECK_EVENT_JUMP, NECK_EVENT_JUMP_END}},
};

enum { WATCHES = sizeof watches / sizeof *watches };

/* ---- readings ---------------------------------------------------------------------------------------------------- */

static neck_status check_name(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/");
    if (length == 0 || name[length] || length >= NECK__SERIES_NAME)
        return neck__fail(NECK_E_ARGUMENT, "series name '%.80s': it must be 1 to %d characters of A-Z a-z 0-9 . _ - /",
                          name, NECK__SERIES_NAME - 1);
    return NECK_OK;
}

neck_status neck__reading_make(const char *name, double value, double error, neck__reading *out)
{
    NECK_TRY(check_name(name));
    if (!isfinite(value) || !(error >= 0))
        return neck__fail(NECK_E_NONFINITE, "%s is %g with error %g", name, value, error);
    *out = (neck__reading){.value = value, .error = error};
    strcpy(out->name, name);
    return NECK_OK;
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

/* Room for extra more items of that size; the first used ones move along. */
static neck_status reserve(const neck__allocator *allocator, void *array, int64_t used, int64_t extra, int64_t size,
                           int64_t *capacity)
{
    void *old, *grown;
    if (extra <= *capacity - used) return NECK_OK;
    int64_t wanted = 2 * used + extra;
    grown = neck__alloc(allocator, wanted, size, "series of a monitor");
    if (!grown) return NECK_E_NOMEM;
    memcpy(&old, array, sizeof old);
    if (used > 0) memcpy(grown, old, (size_t)(used * size));
    neck__release(allocator, old);
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return NECK_OK;
}

static neck_status reserve_numbers(const neck__allocator *allocator, neck__monitor_series *series)
{
    if (series->count < series->capacity) return NECK_OK;
    int64_t wanted = 2 * series->count + 16;
    int64_t *steps = neck__alloc(allocator, wanted, sizeof *steps + 2 * sizeof(double), "a series");
    if (!steps) return NECK_E_NOMEM;
    double *values = (double *)(steps + wanted), *errors = values + wanted;
    if (series->count > 0) {
        size_t size = (size_t)series->count * sizeof(double);
        memcpy(steps, series->steps, size);
        memcpy(values, series->values, size);
        memcpy(errors, series->errors, size);
    }
    neck__release(allocator, series->steps);
    series->steps = steps;
    series->values = values;
    series->errors = errors;
    series->capacity = wanted;
    return NECK_OK;
}

/* ---- staging: behind the counts, so that nothing has happened until they move ------------------------------------ */

/* A new series is counted at once, because its number is needed; what fails later takes it back. */
static neck_status new_series(neck_monitor *monitor, const char *name)
{
    NECK_TRY(reserve(&monitor->allocator, &monitor->series, monitor->series_count, 1, sizeof *monitor->series,
                     &monitor->series_capacity));
    neck__monitor_series *series = neck__calloc(&monitor->allocator, 1, sizeof *series, "a series");
    if (!series) return NECK_E_NOMEM;
    strcpy(series->name, name);
    for (int32_t w = 0; w < WATCHES; w++)
        if (strcmp(name, watches[w].name) == 0) series->watched = w + 1;
    if (monitor->under_way) series->turning.phase = NECK__FLAT;
    monitor->series[monitor->series_count++] = series;
    return NECK_OK;
}

static void drop_series(neck_monitor *monitor, int64_t count)
{
    while (monitor->series_count > count) {
        neck__monitor_series *series = monitor->series[--monitor->series_count];
        neck__release(&monitor->allocator, series->steps);
        neck__release(&monitor->allocator, series);
    }
}

static neck_status find_series(neck_monitor *monitor, const char *name, int64_t *index)
{
    for (int64_t i = 0; i < monitor->series_count; i++)
        if (strcmp(monitor->series[i]->name, name) == 0) {
            *index = i;
            return NECK_OK;
        }
    NECK_TRY(new_series(monitor, name));
    *index = monitor->series_count - 1;
    return NECK_OK;
}

/* Events of the value just staged; *events is how many there are then. */
static void watch(neck_monitor *monitor, int64_t index, int64_t records, int64_t *events)
{
    neck__monitor_series *series = monitor->series[index];
    neck__turning before;
    int64_t step = series->steps[series->count];
    double value = series->values[series->count];
    series->tried = series->turning;
    if (!series->watched) return;
    const neck__thresholds *thresholds = &monitor->thresholds[watches[series->watched - 1].thresholds];
    if (!neck__turning_take(&series->tried, thresholds, step, value, &before)) return;
    monitor->events[(*events)++] = (neck__found){
        .event = {.struct_size = sizeof(neck_monitor_event),
                  .kind = watches[series->watched - 1].kinds[before.phase],
                  .series = index,
                  .step = step,
                  .value = value,
                  .onset_step = before.onset_step,
                  .onset_value = before.onset,
                  .extreme_step = before.extreme_step,
                  .extreme_value = before.extreme},
        .records = records};
}

static neck_status stage(neck_monitor *monitor, int64_t step, const neck__reading *readings, int64_t count,
                         int64_t *events)
{
    const neck__allocator *allocator = &monitor->allocator;
    NECK_TRY(reserve(allocator, &monitor->records, monitor->record_count, count, sizeof *monitor->records,
                     &monitor->record_capacity));
    NECK_TRY(reserve(allocator, &monitor->events, monitor->event_count, count, sizeof *monitor->events,
                     &monitor->event_capacity));
    for (int64_t i = 0; i < count; i++) {
        int64_t index;
        NECK_TRY(find_series(monitor, readings[i].name, &index));
        neck__monitor_series *series = monitor->series[index];
        if (series->count > 0 && series->steps[series->count - 1] >= step)
            return neck__fail(NECK_E_ARGUMENT, "%s: step %lld is not after %lld, the last one", series->name,
                              (long long)step, (long long)series->steps[series->count - 1]);
        for (int64_t j = 0; j < i; j++)
            if (monitor->records[monitor->record_count + j].series == index)
                return neck__fail(NECK_E_ARGUMENT, "%s is given twice in one observation", series->name);
        NECK_TRY(reserve_numbers(allocator, series));
        series->steps[series->count] = step;
        series->values[series->count] = readings[i].value;
        series->errors[series->count] = readings[i].error;
        monitor->records[monitor->record_count + i] =
            (neck__record){.index = series->count, .series = (int32_t)index, .first = i == 0};
        watch(monitor, index, monitor->record_count + count, events);
    }
    return NECK_OK;
}

static neck_status write_log(const neck_monitor *monitor, int64_t count, int64_t events)
{
    if (!monitor->log) return NECK_OK;
    int64_t first = monitor->record_count;
    neck__line line = {0};
    line.text = neck__alloc(&monitor->allocator, neck__observation_room(count, events - monitor->event_count), 1,
                            "a line of the log");
    if (!line.text) return NECK_E_NOMEM;
    neck__observation_lines(monitor, first, first + count, monitor->event_count, events, &line);
    neck_status status = neck__monitor_log_append(monitor->log, &line);
    neck__release(&monitor->allocator, line.text);
    return status;
}

static void count_in(neck_monitor *monitor, int64_t count, int64_t events)
{
    for (int64_t i = 0; i < count; i++) {
        neck__monitor_series *series = monitor->series[monitor->records[monitor->record_count + i].series];
        series->count++;
        series->turning = series->tried;
    }
    monitor->record_count += count;
    monitor->event_count = events;
}

neck_status neck__monitor_observe(neck_monitor *monitor, int64_t step, const neck__reading *readings, int64_t count)
{
    if (step < 0) return neck__fail(NECK_E_ARGUMENT, "step is %lld: it must not be negative", (long long)step);
    if (count == 0) return NECK_OK;
    int64_t series = monitor->series_count, events = monitor->event_count;
    neck_status status = stage(monitor, step, readings, count, &events);
    if (status == NECK_OK) status = write_log(monitor, count, events);
    if (status == NECK_OK)
        count_in(monitor, count, events);
    else
        drop_series(monitor, series);
    return status;
}
