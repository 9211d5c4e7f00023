/* support_train_run.h - a run folder and what is made from it: tokenizer, tokens, model, training. */
#ifndef SUPPORT_TRAIN_RUN_H
#define SUPPORT_TRAIN_RUN_H

#include <softneck.h>
#include <softneck/monitor.h>
#include <softneck/training.h>

#include "support_train_config.h"

/* In the folder: run.json, tokenizer.json, tokens.bin, log.jsonl, monitor.jsonl, state/step-N, checkpoints/step-N.
 * Whatever is missing is made from what is there, so a run can be taken up wherever it was stopped. */
enum { TRAIN_FIRST_FILES = 3 };

typedef struct train_run {
    const char *tool;   /* for lines on standard error */
    const char *folder;
    int quiet;
    train_config config;
    neck_context *context;
    neck_tokenizer *tokenizer;
    neck_token_file *tokens;
    neck_trainable *model;
    neck_head *head;
    const neck_gradient_exchange *exchange; /* of several ranks; NULL: alone */
    neck_training *training;
    neck_monitor *monitor; /* of the first rank alone */
    int had_folder, had_file[TRAIN_FIRST_FILES]; /* before this run began in it */
    char error[6400];
} train_run;

/* All return 0 and one line in self->error on failure. Several ranks call them together, but prepare and watch; what
 * they write, the first one writes.
 * train_run_prepare - the tokenizer and the tokens (support_train_data.c).
 * train_run_build   - model, head, training and monitor; puts back the latest state, *resumed says whether there was
 *                     one.
 * train_run_export  - checkpoints/step-N with tokenizer.json; one that is there is left.
 * train_run_save    - the state, the monitor's in it.
 * train_run_watch   - an observation of head, states and these numbers; states are those of the latest pass. */
int train_run_prepare(train_run *self);
int train_run_build(train_run *self, int *resumed);
int train_run_export(train_run *self);
int train_run_save(train_run *self);
int train_run_watch(train_run *self, const char *const *names, const double *values, int64_t count);
void train_run_free(train_run *self);

/* train_run_path  - folder/name in new memory.
 * train_run_agree - whether all ranks are good; the line in self->error is then that of the first that is not.
 * train_run_fail  - the message of the library's latest failure, "what: " before it unless what is NULL. Returns 0.
 * train_run_tell  - a line on standard error, unless quiet.
 * train_start_note - what is there already; train_start_undo removes what has come since, of a run that failed before
 *   its first step and cannot begin with these settings.
 * train_file_write, train_file_copy - whole or not at all; 0 and errno on failure. */
char *train_run_path(const train_run *self, const char *name);
int train_run_agree(train_run *self, int good);
int train_run_fail(train_run *self, const char *what);
void train_run_tell(const train_run *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void train_start_note(train_run *self);
void train_start_undo(const train_run *self);
int train_file_write(const char *path, const char *bytes, size_t size);
int train_file_copy(const char *from, const char *to);

#endif
