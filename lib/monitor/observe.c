/* monitor/observe.c - from a head, states, a gradient or plain numbers to the readings of one observation. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "linalg/view.h"
#include "monitor/monitor_object.h"
#include "softneck/geometry.h"

/* Readings of one observation in the making. */
typedef struct readings {
    neck__reading *list; /* room for all that may come */
    int64_t count;
} readings;

static const char *const gradient_metrics[] = {"frobenius_norm", "effective_rank", "stable_rank",
                                               "top_component_share"};
enum { GRADIENT_METRICS = sizeof gradient_metrics / sizeof *gradient_metrics };
#define STATES_METRIC "effective_rank"
enum { STATES_READINGS = 5 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- metrics of one spectrum ------------------------------------------------------------------------------------ */

/* What is not defined here (0/0) or not finite is left out. */
static neck_status add(readings *made, const char *prefix, const char *name, neck_status status, neck_measure measure)
{
    char full[2 * NECK__SERIES_NAME];
    if (status == NECK_E_ARGUMENT || status == NECK_E_STATE || (status == NECK_OK && !isfinite(measure.value)))
        return NECK_OK;
    NECK_TRY(status);
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return neck__reading_make(full, measure.value, measure.error, &made->list[made->count++]);
}

static neck_status add_metrics(const neck_spectrum *spectrum, const char *prefix, const int64_t *metrics, int64_t count,
                               readings *made)
{
    for (int64_t i = 0; i < count; i++) {
        neck_measure measure = {0, 0};
        neck_status status = neck_metric_evaluate(metrics[i], spectrum, &measure);
        NECK_TRY(add(made, prefix, neck_metric_name(metrics[i]), status, measure));
    }
    return NECK_OK;
}

static neck_status add_spectrum(neck_context *context, const neck_gram *gram, int32_t variant, const char *prefix,
                                const int64_t *metrics, int64_t count, readings *made)
{
    neck_spectrum_options options = {.struct_size = sizeof options, .variant = variant};
    neck_spectrum *spectrum;
    NECK_TRY(neck_gram_spectrum(context, gram, &options, &spectrum));
    neck_status status = add_metrics(spectrum, prefix, metrics, count, made);
    neck_spectrum_destroy(spectrum);
    return status;
}

/* ---- what is observed -------------------------------------------------------------------------------------------- */

/* A matrix that is observed, its gram, and the readings of it. */
typedef struct subject {
    neck_context *context;
    const neck_monitor *monitor;
    const neck_matrix *matrix;
    const neck_gram *gram;
} subject;

typedef neck_status (*measure_fn)(const subject *self, readings *made);

static neck_status measure_head(const subject *self, readings *made)
{
    const neck_monitor *monitor = self->monitor;
    if (monitor->variants & NECK_MONITOR_RAW)
        NECK_TRY(add_spectrum(self->context, self->gram, NECK_VARIANT_RAW, "head.raw.", monitor->metrics,
                              monitor->metric_count, made));
    if (monitor->variants & NECK_MONITOR_CENTERED)
        NECK_TRY(add_spectrum(self->context, self->gram, NECK_VARIANT_CENTERED, "head.centered.", monitor->metrics,
                              monitor->metric_count, made));
    return NECK_OK;
}

static neck_status measure_states(const subject *self, readings *made)
{
    int64_t metric;
    neck_measure raw = {0, 0}, centered = {0, 0}, norm = {0, 0};
    NECK_TRY(neck_metric_find(STATES_METRIC, &metric));
    neck_status status = neck_anisotropy(self->gram, &raw);
    NECK_TRY(add(made, "states.raw.", "anisotropy", status, raw));
    NECK_TRY(add_spectrum(self->context, self->gram, NECK_VARIANT_RAW, "states.raw.", &metric, 1, made));
    status = neck_matrix_anisotropy(self->context, self->matrix, 1, &centered);
    NECK_TRY(add(made, "states.centered.", "anisotropy", status, centered));
    NECK_TRY(add_spectrum(self->context, self->gram, NECK_VARIANT_CENTERED, "states.centered.", &metric, 1, made));
    status = neck_mean_norm(self->gram, &norm);
    return add(made, "states.", "mean_norm", status, norm);
}

static neck_status measure_gradient(const subject *self, readings *made)
{
    int64_t metrics[GRADIENT_METRICS];
    for (int i = 0; i < GRADIENT_METRICS; i++) NECK_TRY(neck_metric_find(gradient_metrics[i], &metrics[i]));
    return add_spectrum(self->context, self->gram, NECK_VARIANT_RAW, "gradient.", metrics, GRADIENT_METRICS, made);
}

static neck_status observe(neck_context *context, neck_monitor *monitor, int64_t step, const neck_matrix *matrix,
                           measure_fn measure, int64_t most)
{
    double began = now();
    neck_gram *gram = NULL;
    readings made = {.list = neck__alloc(&monitor->allocator, most, sizeof *made.list, "readings")};
    neck_status status = NECK_E_NOMEM;
    if (!made.list) goto done;
    NECK_GOTO_DONE(neck_gram_create(context, matrix->cols, NULL, &gram));
    NECK_GOTO_DONE(neck_gram_push(context, gram, matrix));
    subject self = {.context = context, .monitor = monitor, .matrix = matrix, .gram = gram};
    NECK_GOTO_DONE(measure(&self, &made));
    NECK_GOTO_DONE(neck__monitor_observe(monitor, step, made.list, made.count));
done:
    neck_gram_destroy(gram);
    neck__release(&monitor->allocator, made.list);
    monitor->seconds += now() - began;
    return status;
}

/* What can be refused before anything is computed. Sizes of 0 are not known yet. */
static neck_status check(const neck_monitor *monitor, int64_t step, const neck_matrix *matrix, int64_t rows,
                         int64_t cols)
{
    neck_matrix view;
    if (!monitor) return neck__fail(NECK_E_ARGUMENT, "monitor is NULL");
    if (step < 0) return neck__fail(NECK_E_ARGUMENT, "step is %lld: it must not be negative", (long long)step);
    NECK_TRY(neck__view_check(matrix, &view));
    if ((rows && view.rows != rows) || (cols && view.cols != cols))
        return neck__fail(NECK_E_ARGUMENT, "%lld x %lld, but the head is %lld x %lld", (long long)view.rows,
                          (long long)view.cols, (long long)monitor->vocabulary, (long long)monitor->hidden_size);
    return NECK_OK;
}

neck_status neck_monitor_head(neck_context *context, neck_monitor *monitor, int64_t step, const neck_matrix *weights)
{
    NECK_TRY(check(monitor, step, weights, monitor ? monitor->vocabulary : 0, monitor ? monitor->hidden_size : 0));
    NECK_TRY(observe(context, monitor, step, weights, measure_head, 2 * monitor->metric_count));
    monitor->vocabulary = weights->rows;
    monitor->hidden_size = weights->cols;
    return NECK_OK;
}

neck_status neck_monitor_states(neck_context *context, neck_monitor *monitor, int64_t step, const neck_matrix *states)
{
    NECK_TRY(check(monitor, step, states, 0, monitor ? monitor->hidden_size : 0));
    if (states->rows < 2) return neck__fail(NECK_E_ARGUMENT, "one state has no geometry: give at least two");
    return observe(context, monitor, step, states, measure_states, STATES_READINGS);
}

neck_status neck_monitor_gradient(neck_context *context, neck_monitor *monitor, int64_t step,
                                  const neck_matrix *gradient)
{
    NECK_TRY(check(monitor, step, gradient, monitor ? monitor->vocabulary : 0, monitor ? monitor->hidden_size : 0));
    return observe(context, monitor, step, gradient, measure_gradient, GRADIENT_METRICS);
}

/* ---- plain numbers ----------------------------------------------------------------------------------------------- */

neck_status neck_monitor_value(neck_monitor *monitor, int64_t step, const char *name, double value)
{
    return neck_monitor_values(monitor, step, &name, &value, 1);
}

neck_status neck_monitor_values(neck_monitor *monitor, int64_t step, const char *const *names, const double *values,
                                int64_t count)
{
    if (!monitor || !names || !values || count < 1)
        return neck__fail(NECK_E_ARGUMENT, "monitor, names or values is NULL, or count is %lld", (long long)count);
    neck__reading *list = neck__alloc(&monitor->allocator, count, sizeof *list, "readings");
    neck_status status = list ? NECK_OK : NECK_E_NOMEM;
    for (int64_t i = 0; status == NECK_OK && i < count; i++) {
        if (!names[i]) status = neck__fail(NECK_E_ARGUMENT, "name %lld is NULL", (long long)i);
        else status = neck__reading_make(names[i], values[i], 0, &list[i]);
    }
    if (status == NECK_OK) status = neck__monitor_observe(monitor, step, list, count);
    neck__release(&monitor->allocator, list);
    return status;
}
