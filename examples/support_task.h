/* support_task.h - tasks that score a model item by item, by the conventions of LM Evaluation Harness. */
#ifndef SUPPORT_TASK_H
#define SUPPORT_TASK_H

#include <jansson.h>
#include <softneck.h>

/* A model under test. */
typedef struct task_subject {
    neck_context *context;
    neck_model *model;
    neck_tokenizer *tokenizer;
} task_subject;

/* Mean and spread of numbers that come one by one. */
typedef struct tally {
    int64_t count;
    double mean;
    double squares; /* sum of squared deviations from the mean */
} tally;

/* What has been scored so far; each task uses what it needs. */
typedef struct task_score {
    tally log_likelihood;
    tally acc;
    tally acc_norm;
    neck_evaluation *rolling;
} task_score;

typedef struct task_value {
    const char *name;
    double value;
    double standard_error; /* NaN: none is known */
} task_value;

#define TASK_MOST_VALUES 4

/* A task. item: scores one; NECK_E_FORMAT when the item has not the members it needs, told by `needs`. values: the
 * results, returns how many. */
typedef struct task {
    const char *name;
    const char *needs;
    neck_status (*item)(const task_subject *subject, const json_t *item, task_score *score);
    int (*values)(const task_score *score, task_value out[TASK_MOST_VALUES]);
} task;

/* task_find - the task of that name, or NULL. task_score_free releases what a score keeps. */
const task *task_find(const char *name);
void task_score_free(task_score *score);

#endif
