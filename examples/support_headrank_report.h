/* support_headrank_report.h - what a sweep or a set of truncations found, as tables and JSON lines. */
#ifndef SUPPORT_HEADRANK_REPORT_H
#define SUPPORT_HEADRANK_REPORT_H

#include "support_headrank_closed.h"
#include "support_headrank_plan.h"

/* The model's own head on the validation states, for comparison. */
typedef struct headrank_reference {
    double loss; /* NaN: there is no model */
    double accuracy;
} headrank_reference;

/* headrank_report_groups - table of groups, or one object a line.
 * headrank_report_closed - the same of truncations. */
void headrank_report_groups(const headrank_data *data, const headrank_group *groups, int64_t count,
                            const headrank_reference *reference, int json);
void headrank_report_closed(const headrank_data *data, const headrank_truncated *rows, int64_t count, int centered,
                            int json);

#endif
