/* model/forward.h - one batch on its way through a model. */
#ifndef NECK_MODEL_FORWARD_H
#define NECK_MODEL_FORWARD_H

#include "model/layers.h"
#include "model/model_object.h"

typedef struct neck__forward {
    neck_context *context;
    neck_model *model;
    neck_forward_options options;
    const int32_t *tokens;
    int64_t batch, length, rows; /* rows = batch * length */
    neck__allocator allocator;
    neck__rotation rotation;
    int32_t faulty;              /* a state was not finite */
    float *x;                    /* rows x hidden: the residual stream */
    float *branch;               /* rows x max(hidden, embedding): input, then output of a branch */
    float *qkv;                  /* rows x (queries + keys + values) */
    float *mixed;                /* rows x max(queries, embedding): what attention gives */
    float *packed;               /* scratch of attention */
    float *inner, *gate;         /* a chunk of rows x inner; gate only where the MLP has one */
    float *last;                 /* rows x embedding: the last state, which the head multiplies; one of the above */
} neck__forward;

/* Checks the arguments of a call, allocates, runs; all hidden states go to the callback. On success run->last is
 * set and stays valid until neck__forward_clear, which must follow in any case. */
neck_status neck__forward_run(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                              int64_t length, const neck_forward_options *options, neck__forward *run);
void neck__forward_clear(neck__forward *run);

/* Tokens of a sequence that are not padding. */
int64_t neck__forward_length(const neck__forward *run, int64_t sequence);

#endif
