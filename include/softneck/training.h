/* softneck/training.h - training a language model on a token file: steps, evaluations, and states on disk that
 * survive. */
#ifndef SOFTNECK_TRAINING_H
#define SOFTNECK_TRAINING_H

#include "batches.h"
#include "gradient_exchange.h"
#include "head.h"
#include "model_training.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A training under way: a model and what moves it. The caller owns the loop, and decides what happens when:
 *
 *     while (neck_training_steps(training) < steps) {
 *         neck_training_step(context, training, &report);
 *         if (neck_training_steps(training) % 100 == 0) {
 *             neck_training_evaluate(context, training, &evaluation);
 *             neck_training_save(context, training, "run/state", NULL, NULL);
 *         }
 *     }
 *
 * Everything happens in a fixed order, and neither the number of threads nor stopping and resuming shows in the bits.
 *
 * With an exchange, all processes of it call these functions together and get the same status, reports and evaluations;
 * the model and head of each become those of the first at the start. A step's rows are the micro-batches' one after the
 * other; dropout is drawn by row, whoever has it. Where targets are ignored, a step's loss is the mean over all its
 * tokens, not over micro-batches. What a filter of gradients leaves out depends on the rows computed together. Files
 * are written and read by the first process alone; the folder is its, and of the others only passed in.
 * Thread rule: one call at a time on one training. */
typedef struct neck_training neck_training;

typedef struct neck_training_options {
    size_t struct_size;
    neck_trainable *model;                   /* required; borrowed, as are head and tokens */
    neck_head *head;                         /* of a model without one, or TIED to a matrix of the model's; in the
                                                model's dtype. NULL: the model's own */
    const neck_token_file *tokens;           /* required */
    const neck_batches_options *batches;     /* required; of one micro-batch. part: 0, for TRAINING is what it gets */
    const neck_optimizer_options *optimizer; /* required */
    const neck_schedule *schedule;           /* NULL: constant */
    const neck_cross_entropy_options *loss;  /* label smoothing, z_loss, filter, memory cap; NULL: plain */
    int64_t accumulation;                    /* micro-batches a step, whose gradients are averaged; 0: 1 */
    int64_t evaluation_windows;              /* from the start of the validation part; 0: all */
    double clip_norm;                        /* 0: 1, INFINITY: none */
    double gradient_limit;                   /* a step with a larger gradient norm, before clipping, is refused;
                                                0: 1e6 */
    const neck_gradient_exchange *exchange;  /* several processes train this together; copied. NULL: this one alone */
} neck_training_options;

/* neck_training_create - takes all memory that the training itself needs, but what the loss works in: that comes with
 * the first step and stays. Model, head and tokens must outlive it.
 * Errors: NECK_E_ARGUMENT (sizes that disagree, named; a part of the text too short for the context; a head beside the
 * model's own), NECK_E_UNSUPPORTED (MOS of another width than the states: no model folder could hold it),
 * NECK_E_NOMEM. */
NECK_API neck_status neck_training_create(neck_context *context, const neck_training_options *options,
                                          neck_training **out);
NECK_API void neck_training_destroy(neck_training *training);

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_training_report {
    size_t struct_size;
    int64_t step;         /* steps made, this one included */
    int64_t tokens;       /* seen so far, with repetition */
    double loss;          /* mean over the step's tokens, before the update, nats */
    double gradient_norm; /* before clipping */
    double learning_rate;
} neck_training_report;

/* neck_training_step - one update: micro-batches forward and backward, clipping, the optimizer. report may be NULL.
 * Errors: NECK_E_NONFINITE (the loss or a gradient is NaN or infinite), NECK_E_OVERFLOW (the gradient exceeds
 * gradient_limit); those of reading tokens; NECK_E_NOMEM, NECK_E_CANCELLED. Whatever the error, parameters and
 * optimizer are as before the step. */
NECK_API neck_status neck_training_step(neck_context *context, neck_training *training, neck_training_report *report);

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_training_evaluation {
    size_t struct_size;
    double loss;      /* mean over the windows' targets, nats; plain cross-entropy whatever the training's loss */
    double accuracy;
    int64_t tokens;   /* scored */
    double best_loss; /* the lowest so far, this one included */
    int64_t best_step;
} neck_training_evaluation;

/* neck_training_evaluate - on the windows of the validation part, one after another, nothing dropped.
 * Errors: NECK_E_STATE (batches have no validation share), NECK_E_NONFINITE, NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_training_evaluate(neck_context *context, neck_training *training,
                                            neck_training_evaluation *out);

/* Read access.
 *   steps       made so far                    tokens   seen so far
 *   parameters  all that is trained, the model's first, those of a head with "head." before their names; borrowed
 *   head_matrix a view of the V x d matrix that meets the vocabulary (FACTORED: the product, computed at this call);
 *               valid until the next call on the training
 *   states      the last hidden states of the latest micro-batch (with an exchange, of this process's rows of it);
 *               valid until the next pass. NECK_E_STATE: there was none */
NECK_API int64_t neck_training_steps(const neck_training *training);
NECK_API int64_t neck_training_tokens(const neck_training *training);
NECK_API const neck_parameter *neck_training_parameters(const neck_training *training, int64_t *count);
NECK_API neck_status neck_training_head_matrix(neck_context *context, neck_training *training, neck_matrix *out);
NECK_API neck_status neck_training_states(const neck_training *training, neck_matrix *out);

/* Adds the caller's own files to a folder while it is being written; it appears with them or not at all. A failure is
 * passed on. */
typedef neck_status (*neck_training_folder_fn)(void *user, const char *folder);

/* neck_training_export - a folder with config.json and model.safetensors, as transformers and neck_model_open read it,
 *                        and with head.safetensors (neck_head_load) when the training has a neck_head: of one that is
 *                        neither linear nor plain, model.safetensors holds the matrix alone. A folder that is there is
 *                        removed first.
 * neck_training_save   - writes the state into folder/step-N, N the steps made, and removes from folder older states
 *                        and what saves that died have left; makes the folder, but not the one above. A state of these
 *                        steps that this training saved or resumed stays.
 * neck_training_resume - puts back the latest state in folder: parameters, optimizer, position. Then steps, batches and
 *                        evaluations follow bit for bit as if nothing had happened. Before the first step.
 * Save and export write beside their goal, sync, and rename: however the program dies, the last whole state is there.
 * Folders named *.partial are what was left unfinished; the next save, or export with that goal, removes them.
 * Errors: NECK_E_IO; resume: NECK_E_NOT_FOUND (no state), NECK_E_FORMAT (damaged, or of another training: the message
 * names what differs; nothing is changed); save: NECK_E_STATE (folder holds a state of another training);
 * NECK_E_ARGUMENT, NECK_E_NOMEM. */
NECK_API neck_status neck_training_export(neck_context *context, neck_training *training, const char *folder,
                                          neck_training_folder_fn add, void *user);
NECK_API neck_status neck_training_save(neck_context *context, neck_training *training, const char *folder,
                                        neck_training_folder_fn add, void *user);
NECK_API neck_status neck_training_resume(neck_context *context, neck_training *training, const char *folder);

#ifdef __cplusplus
}
#endif
#endif
