/* support_headrank_asked.h - the command line of neck-headrank. */
#ifndef SUPPORT_HEADRANK_ASKED_H
#define SUPPORT_HEADRANK_ASKED_H

#include "support_args.h"
#include "support_headrank_plan.h"

/* What the command line asks for. */
typedef struct headrank_asked {
    tool_common common;
    headrank_source source;
    headrank_plan plan;
    const char *out; /* folder of the sweep */
    const char *plot;
    const char *save; /* where the truncated head of save_rank goes; NULL: nowhere */
    int64_t save_rank;
    int no_train;
    int centered;
    int json;
} headrank_asked;

extern const tool headrank_tool;

/* headrank_asked_read     - options and operands; what is wrong with them ends the program with a usage error.
 * headrank_asked_complete - what depends on the data: default ranks, and that no rank exceeds the width of the states.
 * headrank_asked_free     - the lists in it. */
void headrank_asked_read(headrank_asked *asked, int argc, char **argv);
void headrank_asked_complete(headrank_asked *asked, const headrank_data *data);
void headrank_asked_free(headrank_asked *asked);

#endif
