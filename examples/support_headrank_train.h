/* support_headrank_train.h - one training of a sweep, on whichever rank it is. */
#ifndef SUPPORT_HEADRANK_TRAIN_H
#define SUPPORT_HEADRANK_TRAIN_H

#include "support_headrank_plan.h"

/* What is to be trained, and what came of it. */
typedef struct headrank_training {
    const headrank_plan *plan;
    const headrank_data *data;
    const headrank_runs *runs; /* its folder */
    headrank_run run;
    char name[128];
    char *checkpoint;
    char note[512]; /* what is to be told of it beside its result, or "" */
} headrank_training;

/* headrank_training_make  - names it; run says head, rank, learning rate and seed. headrank_training_free in the end.
 * headrank_training_run   - trains and fills run. A dense head is kept in headrank_training_head. The steps done are
 *                           told by work_tell (support_work.h). NECK_E_CANCELLED after Ctrl-C, a checkpoint is left.
 * headrank_training_head  - that file; release with free.
 * headrank_training_clean - removes the checkpoint and all that belongs to it. */
void headrank_training_make(const headrank_plan *plan, const headrank_data *data, const headrank_runs *runs,
                            const headrank_run *run, headrank_training *out);
void headrank_training_free(headrank_training *training);
neck_status headrank_training_run(headrank_training *training);
char *headrank_training_head(const headrank_training *training);
void headrank_training_clean(const headrank_training *training);

#endif
