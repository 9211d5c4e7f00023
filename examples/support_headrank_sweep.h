/* support_headrank_sweep.h - heads trained on frozen states, rank by rank, with the learning rate each does best at. */
#ifndef SUPPORT_HEADRANK_SWEEP_H
#define SUPPORT_HEADRANK_SWEEP_H

#include "support_headrank_plan.h"
#include "support_progress.h"

typedef struct headrank_sweep {
    const headrank_plan *plan;
    const headrank_data *data;
    headrank_runs *runs;
    progress *shown;
    const char *tool;
    int64_t done, total; /* runs */
    int failed;
} headrank_sweep;

/* headrank_sweep_run   - trains what is not in runs yet. 0 when interrupted. What fails is told and sets failed.
 * headrank_dense_file  - where the head of the best dense run is kept; release with free. */
int headrank_sweep_run(headrank_sweep *sweep);
char *headrank_dense_file(const headrank_runs *runs);

#endif
