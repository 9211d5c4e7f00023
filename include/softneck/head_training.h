/* softneck/head_training.h - training a head on frozen hidden states. */
#ifndef SOFTNECK_HEAD_TRAINING_H
#define SOFTNECK_HEAD_TRAINING_H

#include "gradient_exchange.h"
#include "head.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a report tells. The library owns the struct; it lives for the call. Read only fields within struct_size. */
typedef struct neck_head_report {
    size_t struct_size;
    int64_t step;         /* steps made, of steps */
    int64_t steps;
    double learning_rate; /* of the last step */
    double train_loss;    /* mean over the batches since the last report, nats */
    double gradient_norm; /* of the last batch, before clipping */
    double valid_loss;    /* nats, over all validation states */
    double valid_accuracy;
} neck_head_report;

/* Return 0 to go on, anything else to cancel. Called on the calling thread. */
typedef int32_t (*neck_head_report_fn)(void *user, const neck_head_report *report);

typedef struct neck_head_training_options {
    size_t struct_size;
    int64_t steps;                           /* required */
    int64_t batch;                           /* tokens a step; 0: 2048, at most what there is */
    const neck_optimizer_options *optimizer; /* required */
    const neck_schedule *schedule;           /* NULL: warm-up over a hundredth of steps, cosine to 0.1 (Pythia's) */
    const neck_cross_entropy_options *loss;  /* label smoothing, z_loss, filter, memory cap; NULL: plain */
    double clip_norm;                        /* 0: 1, INFINITY: none */
    uint64_t seed;                           /* of the order of the states: every epoch in another order */
    int64_t evaluate_every;                  /* steps; 0: only after the last */
    neck_head_report_fn report;              /* after each evaluation; may be NULL */
    void *report_user;
    const char *checkpoint;                  /* a file with the head and the position, the optimizer beside it in
                                                CHECKPOINT.optimizer-0 or -1; written every checkpoint_every steps,
                                                after the last one, and on being cancelled; at any moment a whole one is
                                                there. When it is there at the start, training goes on from it, bit for
                                                bit. NULL: none */
    int64_t checkpoint_every;                /* 0: a tenth of steps */
    const neck_gradient_exchange *exchange;  /* several processes train this together. NULL: this one alone */
} neck_head_training_options;

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_head_training_result {
    size_t struct_size;
    double valid_loss;      /* after the last step, nats */
    double valid_accuracy;
    double best_valid_loss; /* lowest of the evaluations */
    int64_t best_step;
    double train_loss;      /* mean over the last tenth of steps */
    int64_t tokens;         /* seen, with repetition */
    int32_t diverged;       /* 1: stopped early because the loss or a gradient was no longer finite; valid_loss and
                               train_loss are INFINITY then */
    int32_t reserved;
} neck_head_training_result;

/* With an exchange, all its processes call this together, with all the states (a mapped file costs each only the rows
 * it takes) and the same options; heads begin as that of the first and end alike; result and reports are the same on
 * all; the checkpoint is written and read by the first alone; what cancels one cancels all.
 *
 * neck_head_train - trains head on train, evaluates on valid. Divergence is a result, not an error (a learning rate was
 * too high); the head then holds what its last step left. Errors: NECK_E_ARGUMENT (widths that differ from the head's,
 * no states, targets outside the vocabulary), NECK_E_NONFINITE (an input state, by row and column), NECK_E_FORMAT (a
 * checkpoint of another run), NECK_E_IO, NECK_E_NOMEM, NECK_E_CANCELLED. Source: Sec. 5.1 and App. B.1 of arXiv
 * 2404.07647. */
NECK_API neck_status neck_head_train(neck_context *context, neck_head *head, const neck_labeled_states *train,
                                     const neck_labeled_states *valid, const neck_head_training_options *options,
                                     neck_head_training_result *result);

#ifdef __cplusplus
}
#endif
#endif
