/* monitor/monitor.c - making a monitor from its options; what it can be asked. */
#include "monitor/monitor_object.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "monitor/monitor_log.h"
#include "softneck/metrics.h"

static const char *const default_metrics[] = {"singular_entropy",    "effective_rank",  "stable_rank",
                                              "top_component_share", "w_error_at_half", "condition_number",
                                              "frobenius_norm",      "spectral_norm"};

/* ---- options --------------------------------------------------------------------------------------------------- */

/* 0 becomes standard. */
static neck_status fill_threshold(const char *name, double *value, double standard)
{
    if (*value == 0) *value = standard;
    if (!(*value > 0) || isinf(*value))
        return neck__fail(NECK_E_ARGUMENT, "%s is %g: it must be a finite number above 0", name, *value);
    return NECK_OK;
}

static neck_status fill_thresholds(neck_monitor_options *given)
{
    NECK_TRY(fill_threshold("flatten_fall", &given->flatten_fall, 0.1));
    NECK_TRY(fill_threshold("spike_rise", &given->spike_rise, 0.5));
    NECK_TRY(fill_threshold("spike_release", &given->spike_release, fmin(0.1, given->spike_rise / 2)));
    NECK_TRY(fill_threshold("anisotropy_fall", &given->anisotropy_fall, 0.1));
    NECK_TRY(fill_threshold("anisotropy_rise", &given->anisotropy_rise, 0.3));
    NECK_TRY(fill_threshold("anisotropy_release", &given->anisotropy_release, fmin(0.1, given->anisotropy_rise / 2)));
    if (given->spike_release >= given->spike_rise || given->anisotropy_release >= given->anisotropy_rise)
        return neck__fail(NECK_E_ARGUMENT, "a release is not below its rise: spike %g, %g; anisotropy %g, %g",
                          given->spike_release, given->spike_rise, given->anisotropy_release, given->anisotropy_rise);
    return NECK_OK;
}

static neck_status fill_options(neck_monitor_options *given)
{
    if (given->interval == 0) given->interval = NECK_MONITOR_INTERVAL;
    if (given->patience == 0) given->patience = 2;
    if (given->variants == 0) given->variants = NECK_MONITOR_RAW | NECK_MONITOR_CENTERED;
    if (given->interval < 0 || given->patience < 0 || given->vocabulary < 0 || given->hidden_size < 0)
        return neck__fail(NECK_E_ARGUMENT, "interval, patience, vocabulary or hidden_size is negative");
    if (given->variants & ~(NECK_MONITOR_RAW | NECK_MONITOR_CENTERED))
        return neck__fail(NECK_E_ARGUMENT, "variants is %d: 1 (raw), 2 (centered) or 3", given->variants);
    if (!given->metrics != (given->metric_count == 0) || given->metric_count < 0)
        return neck__fail(NECK_E_ARGUMENT, "metric_count is %lld, metrics is %s", (long long)given->metric_count,
                          given->metrics ? "given" : "NULL");
    if (!given->metrics) {
        given->metrics = default_metrics;
        given->metric_count = sizeof default_metrics / sizeof *default_metrics;
    }
    return fill_thresholds(given);
}

static neck_status find_metrics(neck_monitor *monitor, const neck_monitor_options *given)
{
    monitor->metrics = neck__alloc(&monitor->allocator, given->metric_count, sizeof *monitor->metrics, "metrics");
    if (!monitor->metrics) return NECK_E_NOMEM;
    for (int64_t i = 0; i < given->metric_count; i++) {
        NECK_TRY(neck_metric_find(given->metrics[i], &monitor->metrics[i]));
        for (int64_t j = 0; j < i; j++)
            if (monitor->metrics[j] == monitor->metrics[i])
                return neck__fail(NECK_E_ARGUMENT, "metric '%s' is given twice", given->metrics[i]);
    }
    monitor->metric_count = given->metric_count;
    return NECK_OK;
}

/* ---- create and destroy ---------------------------------------------------------------------------------------- */

neck_status neck_monitor_create(neck_context *context, const neck_monitor_options *options, neck_monitor **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_monitor_options, given, options);
    NECK_TRY(fill_options(&given));
    neck__allocator allocator = neck__allocator_of(context);
    neck_monitor *monitor = neck__calloc(&allocator, 1, sizeof *monitor, "a monitor");
    if (!monitor) return NECK_E_NOMEM;
    *monitor = (neck_monitor){
        .allocator = allocator,
        .interval = given.interval,
        .vocabulary = given.vocabulary,
        .hidden_size = given.hidden_size,
        .variants = given.variants,
        .under_way = given.under_way,
        .thresholds = {{given.flatten_fall, given.spike_rise, given.spike_release, given.patience},
                       {given.anisotropy_fall, given.anisotropy_rise, given.anisotropy_release, given.patience}}};
    neck_status status = find_metrics(monitor, &given);
    if (status == NECK_OK)
        *out = monitor;
    else
        neck_monitor_destroy(monitor);
    return status;
}

void neck_monitor_destroy(neck_monitor *monitor)
{
    if (!monitor) return;
    neck__allocator allocator = monitor->allocator;
    neck__monitor_log_close(monitor->log);
    for (int64_t i = 0; i < monitor->series_count; i++) {
        neck__release(&allocator, monitor->series[i]->steps);
        neck__release(&allocator, monitor->series[i]);
    }
    neck__release(&allocator, monitor->series);
    neck__release(&allocator, monitor->records);
    neck__release(&allocator, monitor->events);
    neck__release(&allocator, monitor->metrics);
    neck__release(&allocator, monitor);
}

neck_status neck__monitor_sibling(const neck_monitor *monitor, neck_monitor **out)
{
    const neck__allocator *allocator = &monitor->allocator;
    neck_monitor *sibling = neck__calloc(allocator, 1, sizeof *sibling, "a monitor");
    if (!sibling) return NECK_E_NOMEM;
    *sibling = (neck_monitor){.allocator = *allocator, .interval = monitor->interval, .under_way = monitor->under_way};
    memcpy(sibling->thresholds, monitor->thresholds, sizeof sibling->thresholds);
    *out = sibling;
    return NECK_OK;
}

void neck__monitor_exchange(neck_monitor *monitor, neck_monitor *sibling)
{
    neck_monitor kept = *monitor;
#define EXCHANGE(member) monitor->member = sibling->member, sibling->member = kept.member
    EXCHANGE(vocabulary);
    EXCHANGE(hidden_size);
    EXCHANGE(series);
    EXCHANGE(series_count);
    EXCHANGE(series_capacity);
    EXCHANGE(records);
    EXCHANGE(record_count);
    EXCHANGE(record_capacity);
    EXCHANGE(events);
    EXCHANGE(event_count);
    EXCHANGE(event_capacity);
#undef EXCHANGE
}

/* ---- questions ------------------------------------------------------------------------------------------------- */

int32_t neck_monitor_due(const neck_monitor *monitor, int64_t step)
{
    return step >= 0 && step % monitor->interval == 0;
}

int64_t neck_monitor_interval(const neck_monitor *monitor)
{
    return monitor->interval;
}

double neck_monitor_seconds(const neck_monitor *monitor)
{
    return monitor->seconds;
}

int64_t neck_monitor_series_count(const neck_monitor *monitor)
{
    return monitor->series_count;
}

neck_status neck_monitor_series_find(const neck_monitor *monitor, const char *name, int64_t *index)
{
    if (!monitor || !name || !index) return neck__fail(NECK_E_ARGUMENT, "monitor, name or index is NULL");
    for (int64_t i = 0; i < monitor->series_count; i++)
        if (strcmp(monitor->series[i]->name, name) == 0) {
            *index = i;
            return NECK_OK;
        }
    return neck__fail(NECK_E_NOT_FOUND, "no series '%.64s' was observed", name);
}

static const neck__monitor_series *series_at(const neck_monitor *monitor, int64_t index)
{
    return index >= 0 && index < monitor->series_count ? monitor->series[index] : NULL;
}

const char *neck_monitor_series_name(const neck_monitor *monitor, int64_t index)
{
    const neck__monitor_series *series = series_at(monitor, index);
    return series ? series->name : NULL;
}

int64_t neck_monitor_series_length(const neck_monitor *monitor, int64_t index)
{
    const neck__monitor_series *series = series_at(monitor, index);
    return series ? series->count : 0;
}

const int64_t *neck_monitor_series_steps(const neck_monitor *monitor, int64_t index)
{
    const neck__monitor_series *series = series_at(monitor, index);
    return series ? series->steps : NULL;
}

const double *neck_monitor_series_values(const neck_monitor *monitor, int64_t index)
{
    const neck__monitor_series *series = series_at(monitor, index);
    return series ? series->values : NULL;
}

const double *neck_monitor_series_errors(const neck_monitor *monitor, int64_t index)
{
    const neck__monitor_series *series = series_at(monitor, index);
    return series ? series->errors : NULL;
}

int64_t neck_monitor_event_count(const neck_monitor *monitor)
{
    return monitor->event_count;
}

neck_status neck_monitor_event_at(const neck_monitor *monitor, int64_t index, neck_monitor_event *out)
{
    if (!monitor || !out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "monitor or out is NULL, or out's struct_size is not set");
    if (index < 0 || index >= monitor->event_count)
        return neck__fail(NECK_E_ARGUMENT, "event %lld: there are %lld, numbered from 0", (long long)index,
                          (long long)monitor->event_count);
    neck_monitor_event made = monitor->events[index].event;
    made.struct_size = out->struct_size;
    memcpy(out, &made, out->struct_size < sizeof made ? out->struct_size : sizeof made);
    return NECK_OK;
}

const char *neck_monitor_event_name(int32_t kind)
{
    switch (kind) {
#define ENTRY(name, number, text) \
    case number: return text;
        NECK_EVENT_LIST(ENTRY)
#undef ENTRY
    default: return "?";
    }
}
