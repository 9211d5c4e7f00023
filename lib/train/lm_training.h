/* train/lm_training.h - a language model's training, as its files share it. */
#ifndef NECK_TRAIN_LM_TRAINING_H
#define NECK_TRAIN_LM_TRAINING_H

#include "core/memory.h"
#include "softneck/training.h"
#include "train/sharing.h"

/* Where a training stands, but for parameters and optimizer. All members take 8 bytes: it is written as it lies. */
typedef struct neck__lm_record {
    int64_t steps;
    int64_t tokens;
    double best_loss; /* INFINITY before the first evaluation */
    int64_t best_step;
} neck__lm_record;

/* What a training is told apart by, each part as a number made of all its bytes. */
enum { NECK__LM_MARKS = 6 };

struct neck_training {
    neck__allocator allocator;
    neck_trainable *model;
    neck_head *head; /* NULL: the model's own */
    const neck_token_file *file;
    neck_batches_options shape; /* these four with defaults filled in */
    neck_optimizer_options rule;
    neck_schedule schedule;
    neck_cross_entropy_options loss;
    int64_t accumulation;
    int64_t evaluation_windows;
    double clip_norm, gradient_limit;
    int32_t dtype;
    neck_batches *training, *validation; /* validation: NULL without a share */
    neck_parameter *parameters;          /* the model's, then those of the head that are not the model's */
    int64_t count, model_count;
    char *names; /* of the latter */
    neck_optimizer *optimizer;
    neck__sharing sharing;
    int32_t *tokens, *targets;
    void *states_gradient;
    void *product; /* V x d, of a FACTORED head */
    neck__room loss_room;
    neck_matrix states; /* of the latest micro-batch; data NULL: there was none */
    neck__lm_record record;
    int64_t saved; /* steps of the state on disk; -1: none of this training */
};

int64_t neck__lm_bytes(const neck_parameter *parameter);

/* neck__lm_mark - fills in marks (clobbers tokens): two trainings with equal ones go the same way from the same state.
 * neck__lm_mark_names - what they stand for: keys in files, and words in messages. */
neck_status neck__lm_mark(const neck_training *self, uint64_t marks[NECK__LM_MARKS]);
extern const char *const neck__lm_mark_names[NECK__LM_MARKS];

#endif
