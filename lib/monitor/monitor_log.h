/* monitor/monitor_log.h - a monitor's records as JSON lines, and the file they are appended to. */
#ifndef NECK_MONITOR_MONITOR_LOG_H
#define NECK_MONITOR_MONITOR_LOG_H

#include "monitor/monitor_object.h"

/* Text in the making, in memory that was measured before. */
typedef struct neck__line {
    char *text;
    int64_t size;
} neck__line;

/* The shortest decimal number that reads back to the same bits, whatever the locale; at most 32 characters. */
void neck__line_number(neck__line *line, double value);
void neck__line_integer(neck__line *line, int64_t value);
void neck__line_text(neck__line *line, const char *text);

/* Room for the lines of an observation of so many records and events. */
int64_t neck__observation_room(int64_t records, int64_t events);
/* The lines of records [first, last) of one observation and of events [event, event_last). */
void neck__observation_lines(const neck_monitor *monitor, int64_t first, int64_t last, int64_t event,
                             int64_t event_last, neck__line *line);

/* Appends the lines in one write. On failure nothing of them stays in the file. */
neck_status neck__monitor_log_append(neck__monitor_log *log, const neck__line *lines);
void neck__monitor_log_close(neck__monitor_log *log); /* NULL is a no-op */

#endif
