/* monitor/monitor_object.h - what a neck_monitor is inside the library. */
#ifndef NECK_MONITOR_MONITOR_OBJECT_H
#define NECK_MONITOR_MONITOR_OBJECT_H

#include "core/memory.h"
#include "monitor/turning.h"
#include "softneck/monitor.h"

#define NECK__SERIES_NAME 64 /* with its NUL */

/* A series; its numbers share one allocation. */
typedef struct neck__monitor_series {
    char name[NECK__SERIES_NAME];
    int32_t watched; /* 0: no events, else one more than its place among the watches of entry.c */
    int64_t count, capacity;
    int64_t *steps;
    double *values, *errors;
    neck__turning turning;
    neck__turning tried; /* turning after what is staged */
} neck__monitor_series;

/* One number in the order of arrival. */
typedef struct neck__record {
    int64_t index; /* in its series */
    int32_t series;
    int32_t first; /* of its observation */
} neck__record;

/* An event, and how many records there were once its observation was in. */
typedef struct neck__found {
    neck_monitor_event event;
    int64_t records;
} neck__found;

typedef struct neck__monitor_log neck__monitor_log;

struct neck_monitor {
    neck__allocator allocator;
    int64_t interval;
    int64_t vocabulary, hidden_size; /* 0: not known yet */
    int64_t metric_count;
    int64_t *metrics; /* indices into the table of metrics */
    int32_t variants;
    int32_t under_way;
    neck__thresholds thresholds[2]; /* of entropies, of anisotropy */
    neck__monitor_series **series;  /* each stays where it is, so that names can be lent */
    int64_t series_count, series_capacity;
    neck__record *records;
    int64_t record_count, record_capacity;
    neck__found *events;
    int64_t event_count, event_capacity;
    neck__monitor_log *log; /* or NULL */
    double seconds;
};

/* A number to be observed: its name can be one, value is finite, error >= 0. */
typedef struct neck__reading {
    char name[NECK__SERIES_NAME];
    double value, error;
} neck__reading;

neck_status neck__reading_make(const char *name, double value, double error, neck__reading *out);

/* One observation: all readings or, on failure, none. Finds events, writes the log. */
neck_status neck__monitor_observe(neck_monitor *monitor, int64_t step, const neck__reading *readings, int64_t count);

/* A monitor with the same options and nothing observed, to take the place of another's contents. */
neck_status neck__monitor_sibling(const neck_monitor *monitor, neck_monitor **out);
/* Everything observed, and the shape of the head, change places. */
void neck__monitor_exchange(neck_monitor *monitor, neck_monitor *sibling);

#endif
