/* monitor/monitor_files.c - all that was observed as one file: JSON lines in the order it came, CSV by step. */
#include <string.h>

#include "core/error.h"
#include "format/atomic_file.h"
#include "monitor/monitor_log.h"

typedef neck_status (*write_fn)(const neck_monitor *monitor, neck__atomic_file *file);

static neck_status write_whole(const neck_monitor *monitor, const char *path, write_fn write)
{
    neck__atomic_file *file;
    if (!monitor || !path) return neck__fail(NECK_E_ARGUMENT, "monitor or path is NULL");
    NECK_TRY(neck__atomic_file_create(&monitor->allocator, path, &file));
    neck_status status = write(monitor, file);
    if (status == NECK_OK) return neck__atomic_file_commit(file);
    neck__atomic_file_abandon(file);
    return status;
}

/* ---- JSON lines -------------------------------------------------------------------------------------------------- */

static int64_t observation_end(const neck_monitor *monitor, int64_t first)
{
    int64_t last = first + 1;
    while (last < monitor->record_count && !monitor->records[last].first) last++;
    return last;
}

static neck_status write_observation(const neck_monitor *monitor, neck__atomic_file *file, int64_t first, int64_t last,
                                     int64_t *event)
{
    int64_t event_last = *event;
    while (event_last < monitor->event_count && monitor->events[event_last].records <= last) event_last++;
    neck__line line = {0};
    line.text = neck__alloc(&monitor->allocator, neck__observation_room(last - first, event_last - *event), 1, "lines");
    if (!line.text) return NECK_E_NOMEM;
    neck__observation_lines(monitor, first, last, *event, event_last, &line);
    neck_status status = neck__atomic_file_write(file, line.text, line.size);
    neck__release(&monitor->allocator, line.text);
    *event = event_last;
    return status;
}

static neck_status write_lines(const neck_monitor *monitor, neck__atomic_file *file)
{
    int64_t event = 0;
    for (int64_t first = 0, last; first < monitor->record_count; first = last) {
        last = observation_end(monitor, first);
        NECK_TRY(write_observation(monitor, file, first, last, &event));
    }
    return NECK_OK;
}

neck_status neck_monitor_write_jsonl(const neck_monitor *monitor, const char *path)
{
    return write_whole(monitor, path, write_lines);
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

/* The earliest step at or behind the places; -1 when all series are at their ends. */
static int64_t next_step(const neck_monitor *monitor, const int64_t *places)
{
    int64_t next = -1;
    for (int64_t i = 0; i < monitor->series_count; i++) {
        const neck__monitor_series *series = monitor->series[i];
        if (places[i] < series->count && (next < 0 || series->steps[places[i]] < next)) next = series->steps[places[i]];
    }
    return next;
}

static void csv_row(const neck_monitor *monitor, int64_t step, int64_t *places, neck__line *line)
{
    neck__line_integer(line, step);
    for (int64_t i = 0; i < monitor->series_count; i++) {
        const neck__monitor_series *series = monitor->series[i];
        neck__line_text(line, ",");
        if (places[i] < series->count && series->steps[places[i]] == step)
            neck__line_number(line, series->values[places[i]++]);
    }
    neck__line_text(line, "\n");
}

static neck_status write_rows(const neck_monitor *monitor, neck__atomic_file *file)
{
    const neck__allocator *allocator = &monitor->allocator;
    int64_t *places = neck__calloc(allocator, monitor->series_count, sizeof *places, "places in series");
    neck__line line = {0};
    line.text = places ? neck__alloc(allocator, neck__observation_room(monitor->series_count, 0), 1, "a row") : NULL;
    neck_status status = line.text ? NECK_OK : NECK_E_NOMEM;
    if (status == NECK_OK) {
        neck__line_text(&line, "step");
        for (int64_t i = 0; i < monitor->series_count; i++) {
            neck__line_text(&line, ",");
            neck__line_text(&line, monitor->series[i]->name);
        }
        neck__line_text(&line, "\n");
    }
    for (int64_t step = 0; status == NECK_OK && step >= 0;) {
        status = neck__atomic_file_write(file, line.text, line.size);
        line.size = 0;
        step = next_step(monitor, places);
        if (step >= 0) csv_row(monitor, step, places, &line);
    }
    neck__release(allocator, line.text);
    neck__release(allocator, places);
    return status;
}

neck_status neck_monitor_write_csv(const neck_monitor *monitor, const char *path)
{
    return write_whole(monitor, path, write_rows);
}
