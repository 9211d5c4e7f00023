/* support_report.h - measured checkpoints on standard output: a table for people or JSON lines for programs. */
#ifndef SUPPORT_REPORT_H
#define SUPPORT_REPORT_H

#include "support_measure.h"

/* What to show of each row, and what the last heading said. */
typedef struct report {
    int json;
    int values;             /* show all singular values */
    int64_t top;            /* show that many of the largest, 0: none */
    const int64_t *metrics; /* indices of the metrics to show; NULL: a telling few in a table, all in JSON */
    int64_t metric_count;
    char *heading;          /* of the table under way, NULL before the first */
} report;

/* report_row - prints one row, before it a heading when the matrix is another one than before (another name, shape,
 * dtype or series). series: what the row belongs to, for that heading.
 * report_tensors - prints what a checkpoint holds instead. 0 and error when it cannot be read.
 * report_free - releases what the report keeps. */
void report_row(report *self, const char *series, const measured *row);
int report_tensors(const report *self, neck_context *context, const char *path, measure_error *error);
void report_free(report *self);

#endif
