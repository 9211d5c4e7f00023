/* support_train_log.h - what a training run tells: RUN/log.jsonl for programs, one live line for people. */
#ifndef SUPPORT_TRAIN_LOG_H
#define SUPPORT_TRAIN_LOG_H

#include <stdint.h>

/* Everything known after a step; NAN: not measured at this step. */
typedef struct train_row {
    int64_t step, tokens;
    double loss, gradient_norm, learning_rate, seconds; /* of the step */
    double validation_loss, validation_accuracy;
    double singular_entropy, anisotropy;
} train_row;

typedef struct train_log {
    int fd;
    const char *tool;
    int quiet, terminal, drawn;
    int64_t steps;                       /* of the whole run */
    double rate;                         /* tokens a second, smoothed */
    double per_step;                     /* seconds, smoothed */
    double singular_entropy, anisotropy; /* the latest */
    double shown;                        /* when a line was last shown */
} train_log;

#define TRAIN_LOG_ERROR 512

/* All return 0 and one line in error on failure.
 * train_log_open  - opens path for a run that goes on from step: later lines and a torn last one are dropped. Only one
 *                   program at a time may have it open.
 * train_log_step  - appends a row and, when it is time, shows it. */
int train_log_open(train_log *self, const char *path, int64_t step, char error[TRAIN_LOG_ERROR]);
int train_log_step(train_log *self, const train_row *row, char error[TRAIN_LOG_ERROR]);
/* train_log_clear - takes the live line away, so that something else can be printed. */
void train_log_clear(train_log *self);
void train_log_close(train_log *self);

double train_clock(void); /* seconds, from any start */

#endif
