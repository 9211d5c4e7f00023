/* tests/test_monitor_failmalloc.c - observing, writing and loading with every allocation failing. */
#include "failmalloc.h"

#include "softneck/monitor.h"

static char folder[] = "/tmp/softneck-failmalloc-XXXXXX", state[64], log_path[64], written[64];

enum observation { HEAD, STATES, GRADIENT, VALUES, REWIND, LOG };

/* Two observations in it, of which a failure must not take anything away. */
static neck_status begun(neck_context *context, neck_monitor **out)
{
    neck_monitor_options options = {sizeof options, .under_way = 1, .patience = 1, .spike_rise = 1e-9};
    neck_monitor *monitor;
    neck_status status = neck_monitor_create(context, &options, &monitor);
    if (status != NECK_OK) return status;
    for (int64_t step = 0; step < 2 && status == NECK_OK; step++) {
        status = neck_monitor_value(monitor, step, "loss", 1);
        if (status == NECK_OK) status = neck_monitor_value(monitor, step, "head.raw.singular_entropy", 0);
    }
    if (status == NECK_OK) *out = monitor;
    else neck_monitor_destroy(monitor);
    return status;
}

static neck_status observe(neck_context *context, neck_monitor *monitor, enum observation what,
                           const neck_matrix *matrix)
{
    static const char *const names[] = {"loss", "new"};
    switch (what) {
    case HEAD: return neck_monitor_head(context, monitor, 5, matrix);
    case STATES: return neck_monitor_states(context, monitor, 5, matrix);
    case GRADIENT: return neck_monitor_gradient(context, monitor, 5, matrix);
    case VALUES: return neck_monitor_values(monitor, 5, names, (double[]){1, 2}, 2);
    case REWIND: return neck_monitor_rewind(monitor, 0);
    default: return neck_monitor_log(monitor, log_path);
    }
}

static neck_status observe_once(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    neck_monitor *monitor;
    neck_status status = begun(context, &monitor);
    if (status != NECK_OK) return status;
    if (self->variant) status = neck_monitor_log(monitor, log_path);
    if (status == NECK_OK
        && (status = observe(context, monitor, (enum observation)self->method, self->matrix)) != NECK_OK) {
        ck_assert_int_eq(neck_monitor_series_count(monitor), 2);
        ck_assert_int_eq(neck_monitor_series_length(monitor, 0), 2);
        ck_assert_int_eq(neck_monitor_series_length(monitor, 1), 2);
        ck_assert_int_eq(neck_monitor_event_count(monitor), 0);
    }
    neck_monitor_destroy(monitor);
    return status;
}

static neck_status use_file(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    neck_monitor *monitor;
    neck_status status = begun(context, &monitor);
    if (status != NECK_OK) return status;
    switch (self->method) {
    case 0: status = neck_monitor_save(context, monitor, self->path); break;
    case 1: status = neck_monitor_load(context, monitor, self->path); break;
    case 2: status = neck_monitor_write_jsonl(monitor, self->path); break;
    default: status = neck_monitor_write_csv(monitor, self->path); break;
    }
    if (status != NECK_OK) ck_assert_int_eq(neck_monitor_series_count(monitor), 2);
    neck_monitor_destroy(monitor);
    return status;
}

static const operation operations[] = {
    {"head", observe_once, NULL, &tall, HEAD, 0, NULL, 0},
    {"head, with a log", observe_once, NULL, &tall, HEAD, 1, NULL, 0},
    {"states", observe_once, NULL, &wide, STATES, 0, NULL, 0},
    {"gradient", observe_once, NULL, &half, GRADIENT, 0, NULL, 0},
    {"values", observe_once, NULL, NULL, VALUES, 1, NULL, 0},
    {"rewind", observe_once, NULL, NULL, REWIND, 0, NULL, 0},
    {"log", observe_once, NULL, NULL, LOG, 0, NULL, 0},
    {"save", use_file, NULL, NULL, 0, 0, written, 1},
    {"load", use_file, NULL, NULL, 1, 0, state, 0},
    {"jsonl", use_file, NULL, NULL, 2, 0, written, 1},
    {"csv", use_file, NULL, NULL, 3, 0, written, 1},
};

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(state, sizeof state, "%s/state", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    snprintf(written, sizeof written, "%s/written", folder);
    neck_monitor *monitor = NULL;
    ck_assert_int_eq(begun(NULL, &monitor), NECK_OK);
    ck_assert_int_eq(neck_monitor_head(NULL, monitor, 1000, &tall), NECK_OK);
    ck_assert_int_eq(neck_monitor_event_count(monitor), 1); /* so that events are written and loaded */
    ck_assert_int_eq(neck_monitor_save(NULL, monitor, state), NECK_OK);
    neck_monitor_destroy(monitor);
}

static void teardown(void)
{
    unlink(state);
    unlink(log_path);
    unlink(written);
    rmdir(folder);
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
}

int main(void)
{
    return run_failmalloc("monitor_failmalloc", failmalloc_case(operations, COUNT(operations), setup, teardown));
}
