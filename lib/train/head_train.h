/* train/head_train.h - a training under way, and its file. */
#ifndef NECK_TRAIN_HEAD_TRAIN_H
#define NECK_TRAIN_HEAD_TRAIN_H

#include "softneck/head_training.h"
#include "train/epochs.h"

/* Where a training stands, but for the head and the optimizer. All members take 8 bytes: it is written as it lies. */
typedef struct neck__training_record {
    int64_t position;  /* steps made */
    int64_t evaluated; /* position of the last evaluation; 0: none yet */
    int64_t recent;    /* batches since then */
    double recent_sum; /* of their losses */
    int64_t late;      /* batches in the last tenth of steps */
    double late_sum;
    double learning_rate; /* of the last step */
    double gradient_norm;
    double valid_loss; /* of the last evaluation */
    double valid_accuracy;
    double best_valid_loss;
    int64_t best_step;
} neck__training_record;

/* What a training is told apart by, each part as a number made of all its bytes. */
enum { NECK__TRAINING_MARKS = 6 };

typedef struct neck__training {
    neck_context *context;
    neck__allocator allocator;
    neck_head *head;
    const neck_parameter *parameters;
    int64_t parameter_count;
    neck_head_training_options options; /* with defaults filled in */
    neck_optimizer_options rule;
    neck_schedule schedule;
    neck_cross_entropy_options loss;
    neck_optimizer *optimizer;
    neck__batches train;
    neck__batches valid;
    neck__training_record record;
    int64_t saved; /* position of the checkpoint; 0: there is none */
    int slot;      /* which of the two files its optimizer is in */
    uint64_t marks[NECK__TRAINING_MARKS];
} neck__training;

/* neck__training_mark - fills in marks; before the first step. Two trainings with equal marks are the same.
 * neck__training_save - writes the checkpoint. The file at options.checkpoint names one of two optimizer files beside
 *                       it, and appears after that one: whenever the program dies, one whole pair is there.
 * neck__training_load - puts back what save wrote, or changes nothing; NECK_OK also when there is no checkpoint but can
 *                       be one. */
void neck__training_mark(neck__training *training);
neck_status neck__training_save(neck__training *training);
neck_status neck__training_load(neck__training *training);

#endif
