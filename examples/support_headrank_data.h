/* support_headrank_data.h - frozen hidden states with their targets, and the head of the model they came from. */
#ifndef SUPPORT_HEADRANK_DATA_H
#define SUPPORT_HEADRANK_DATA_H

#include "support_measure.h"

/* Where they lie. */
typedef struct headrank_source {
    const char *states;  /* a file with a matrix "states", or of one matrix */
    const char *targets; /* a file of one integer tensor; NULL: "targets" beside the states */
    const char *model;   /* a checkpoint with a head; NULL: none */
    int64_t vocabulary;  /* 0: the rows of the model's head, else the largest target + 1 */
    double valid_fraction;
} headrank_source;

/* What was read. Views point into mapped files. */
typedef struct headrank_data {
    neck_checkpoint *states_file;
    neck_checkpoint *model_file; /* NULL: none */
    int32_t *targets;
    neck_labeled_states train;
    neck_labeled_states valid; /* the last rows: neighbours in a text tell about each other, so they stay on
                                  one side. With a fraction of 0 both parts are all rows */
    int64_t vocabulary;
    int vocabulary_is_guess;
    neck_matrix head;   /* data NULL: none */
    double *wide_head;  /* what it lies in when it had to be converted */
    uint64_t mark;      /* of the states and targets: other data, another number */
    uint64_t head_mark; /* 0: no head */
} headrank_data;

/* headrank_data_open  - opens and checks all: shapes, finite states, targets in the vocabulary. 1, or 0 and error.
 * headrank_data_close - also after a failure. */
int headrank_data_open(neck_context *context, const headrank_source *source, headrank_data *out, measure_error *error);
void headrank_data_close(headrank_data *data);

#endif
