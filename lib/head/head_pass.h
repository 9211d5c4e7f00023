/* head/head_pass.h - one use of a head: states on their way to features and back, with all memory that takes. */
#ifndef NECK_HEAD_HEAD_PASS_H
#define NECK_HEAD_HEAD_PASS_H

#include "head/head_object.h"
#include "head/logit_loss.h"

enum { NECK__HEAD_SCRATCH = 16 };

struct neck__head_pass {
    neck_context *context;
    const neck_head *head;
    neck__allocator allocator;
    neck_matrix states;         /* N x d in the head's dtype */
    neck__logit_loss loss;      /* what the engine is asked */
    neck__logit_map map;
    int32_t accumulate;
    const void *feature_gradient; /* as loss.states; for kinds that transform */
    void *states_gradient;      /* N x d, or NULL */
    void *scratch[NECK__HEAD_SCRATCH];
    int64_t scratch_count;
};

/* Checks states (N x d) and parameters, narrows or copies states where they are not in the head's dtype, runs the
 * kind's forward. neck__head_pass_end must follow, whatever came of it. */
neck_status neck__head_pass_begin(neck_context *context, const neck_head *head, const neck_matrix *states,
                                  int gradients, neck__head_pass *pass);
void neck__head_pass_end(neck__head_pass *pass);

/* neck_head_loss and, with gradients, neck_head_gradient, working in a room (NULL: in memory of their own). */
neck_status neck__head_loss(neck_context *context, neck_head *head, const neck_matrix *states, const int32_t *targets,
                            const neck_cross_entropy_options *options, neck__room *room,
                            neck_cross_entropy_result *result);
neck_status neck__head_gradient(neck_context *context, neck_head *head, const neck_matrix *states,
                                const int32_t *targets, const neck_cross_entropy_options *options,
                                void *states_gradient, neck__room *room, neck_cross_entropy_result *result);

/* Memory until the end of the pass: rows x cols zeros of size bytes. */
void *neck__head_scratch(neck__head_pass *pass, int64_t rows, int64_t cols, int64_t size, const char *what);

#endif
