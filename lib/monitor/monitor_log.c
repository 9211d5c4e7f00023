/* monitor/monitor_log.c - observations as lines of text, and the file that gets each as it comes. */
#include "monitor/monitor_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "format/system_error.h"

enum { NUMBER_ROOM = 32, EVENT_ROOM = 512, RECORD_ROOM = 2 * (NECK__SERIES_NAME + NUMBER_ROOM + 4), LINE_ROOM = 128 };

struct neck__monitor_log {
    neck__allocator allocator;
    int fd;
    int64_t size; /* of the file, up to the last whole line */
    char *path;
};

/* ---- text ------------------------------------------------------------------------------------------------------- */

void neck__line_text(neck__line *line, const char *text)
{
    size_t length = strlen(text);
    memcpy(line->text + line->size, text, length);
    line->size += (int64_t)length;
}

void neck__line_integer(neck__line *line, int64_t value)
{
    char digits[NUMBER_ROOM];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    neck__line_text(line, digits);
}

/* What the locale has for a decimal point becomes one. */
static void plain_point(char *digits)
{
    char *from = digits, *to = digits;
    while (*from) {
        if (strchr("0123456789+-e", *from)) {
            *to++ = *from++;
        } else {
            *to++ = '.';
            while (*from && !strchr("0123456789+-e", *from)) from++;
        }
    }
    *to = '\0';
}

void neck__line_number(neck__line *line, double value)
{
    char digits[NUMBER_ROOM];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value) break;
    }
    plain_point(digits);
    neck__line_text(line, digits);
}

static void member(neck__line *line, const char *name, int first)
{
    neck__line_text(line, first ? "\"" : ",\"");
    neck__line_text(line, name);
    neck__line_text(line, "\":");
}

static void number_member(neck__line *line, const char *name, double value)
{
    member(line, name, 0);
    neck__line_number(line, value);
}

static void integer_member(neck__line *line, const char *name, int64_t value)
{
    member(line, name, 0);
    neck__line_integer(line, value);
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static void begin(neck__line *line, int64_t step)
{
    neck__line_text(line, "{\"step\":");
    neck__line_integer(line, step);
}

static void errors(const neck_monitor *monitor, int64_t first, int64_t last, neck__line *line)
{
    int none = 1;
    for (int64_t i = first; i < last; i++) {
        const neck__monitor_series *series = monitor->series[monitor->records[i].series];
        double error = series->errors[monitor->records[i].index];
        if (error == 0) continue;
        if (none) neck__line_text(line, ",\"errors\":{");
        member(line, series->name, none);
        if (isinf(error))
            neck__line_text(line, "null");
        else
            neck__line_number(line, error);
        none = 0;
    }
    if (!none) neck__line_text(line, "}");
}

static void event_line(const neck_monitor *monitor, const neck_monitor_event *event, neck__line *line)
{
    begin(line, event->step);
    neck__line_text(line, ",\"event\":\"");
    neck__line_text(line, neck_monitor_event_name(event->kind));
    neck__line_text(line, "\",\"series\":\"");
    neck__line_text(line, monitor->series[event->series]->name);
    neck__line_text(line, "\"");
    number_member(line, "value", event->value);
    integer_member(line, "onset_step", event->onset_step);
    number_member(line, "onset_value", event->onset_value);
    integer_member(line, "extreme_step", event->extreme_step);
    number_member(line, "extreme_value", event->extreme_value);
    neck__line_text(line, "}\n");
}

int64_t neck__observation_room(int64_t records, int64_t events)
{
    return LINE_ROOM + records * RECORD_ROOM + events * EVENT_ROOM;
}

void neck__observation_lines(const neck_monitor *monitor, int64_t first, int64_t last, int64_t event,
                             int64_t event_last, neck__line *line)
{
    const neck__record *records = monitor->records;
    begin(line, monitor->series[records[first].series]->steps[records[first].index]);
    neck__line_text(line, ",\"values\":{");
    for (int64_t i = first; i < last; i++) {
        const neck__monitor_series *series = monitor->series[records[i].series];
        member(line, series->name, i == first);
        neck__line_number(line, series->values[records[i].index]);
    }
    neck__line_text(line, "}");
    errors(monitor, first, last, line);
    neck__line_text(line, "}\n");
    for (; event < event_last; event++) event_line(monitor, &monitor->events[event].event, line);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static neck_status log_open(const neck__allocator *allocator, const char *path, neck__monitor_log **out)
{
    struct stat about;
    neck__monitor_log *log = neck__calloc(allocator, 1, sizeof *log, "a log");
    if (!log) return NECK_E_NOMEM;
    log->allocator = *allocator;
    log->fd = -1;
    log->path = neck__strdup(allocator, path);
    neck_status status = log->path ? NECK_OK : NECK_E_NOMEM;
    if (status == NECK_OK) {
        log->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (log->fd < 0 || fstat(log->fd, &about) != 0) status = neck__fail_system("append to", path, errno);
    }
    if (status == NECK_OK) {
        log->size = (int64_t)about.st_size;
        *out = log;
    } else {
        neck__monitor_log_close(log);
    }
    return status;
}

void neck__monitor_log_close(neck__monitor_log *log)
{
    if (!log) return;
    neck__allocator allocator = log->allocator;
    if (log->fd >= 0) close(log->fd);
    neck__release(&allocator, log->path);
    neck__release(&allocator, log);
}

neck_status neck_monitor_log(neck_monitor *monitor, const char *path)
{
    neck__monitor_log *log = NULL;
    if (!monitor) return neck__fail(NECK_E_ARGUMENT, "monitor is NULL");
    if (path) {
        NECK_TRY(neck_monitor_write_jsonl(monitor, path));
        NECK_TRY(log_open(&monitor->allocator, path, &log));
    }
    neck__monitor_log_close(monitor->log);
    monitor->log = log;
    return NECK_OK;
}

neck_status neck__monitor_log_append(neck__monitor_log *log, const neck__line *lines)
{
    int64_t done = 0;
    while (done < lines->size) {
        ssize_t written = write(log->fd, lines->text + done, (size_t)(lines->size - done));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            neck_status status = neck__fail_system("append to", log->path, errno);
            if (done > 0) (void)!ftruncate(log->fd, (off_t)log->size); /* half a line is worse than none */
            return status;
        }
        done += written;
    }
    log->size += done;
    return NECK_OK;
}
