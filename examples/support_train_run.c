/* support_train_run.c - the model, the head and the training that a configuration asks for. */
#include "support_train_run.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_text.h"

#define MONITOR_FILE "monitor.safetensors"

/* ---- small things ----------------------------------------------------------------------------------------------- */

char *train_run_path(const train_run *self, const char *name)
{
    size_t room = strlen(self->folder) + strlen(name) + 2;
    char *path = text_alloc(room);
    snprintf(path, room, "%s/%s", self->folder, name);
    return path;
}

int train_run_fail(train_run *self, const char *what)
{
    snprintf(self->error, sizeof self->error, "%s%s%s", what ? what : "", what ? ": " : "", neck_last_error());
    return 0;
}

void train_run_tell(const train_run *self, const char *format, ...)
{
    va_list values;
    if (self->quiet) return;
    va_start(values, format);
    fprintf(stderr, "%s: ", self->tool);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
}

/* The place of text among choices, as in the table of keys: the library's numbers begin with first. */
static int32_t number_of(const char *text, const char *const *choices, int32_t first)
{
    int32_t i = 0;
    while (choices[i] && strcmp(choices[i], text) != 0) i++;
    return first + i;
}

static const char *const optimizers[] = {"adamw", "sgd", "muon", NULL};                /* NECK_OPTIMIZER_ADAMW ... */
static const char *const schedules[] = {"constant", "cosine", "wsd", NULL};            /* NECK_SCHEDULE_CONSTANT ... */
static const char *const orders[] = {"random", "sequential", NULL};                    /* NECK_BATCHES_RANDOM ... */
static const char *const initializers[] = {"family", "gpt2", "neox", NULL};            /* NECK_INITIALIZER_FAMILY ... */
static const char *const ties[] = {"no", "family", "yes", NULL};                       /* -1, 0, 1 */

/* ---- building --------------------------------------------------------------------------------------------------- */

static int build_model(train_run *self)
{
    const train_config *c = &self->config;
    int own = strcmp(c->head, "own") == 0;
    neck_trainable_options options = {.struct_size = sizeof options, .seed = (uint64_t)c->seed, .dropout = c->dropout,
                                      .attention_dropout = c->attention_dropout, .recompute = (int32_t)c->recompute};
    if (c->from && !own) {
        snprintf(self->error, sizeof self->error, "a model given by --from has a head: --head must be own");
        return 0;
    }
    if (c->from)
        return neck_trainable_open(self->context, c->from, &options, &self->model) == NECK_OK
            || train_run_fail(self, NULL);
    options.family = c->family;
    options.vocabulary = neck_tokenizer_vocab_size(self->tokenizer);
    options.layers = c->layers;
    options.hidden_size = c->hidden_size;
    options.heads = c->heads;
    options.kv_heads = c->kv_heads;
    options.inner_size = c->inner_size;
    options.context_length = c->context;
    options.activation = strcmp(c->activation, "family") == 0 ? NULL : c->activation;
    options.tied = own ? number_of(c->tied, ties, -1) : 0;
    options.without_head = !own;
    options.initializer = number_of(c->initializer, initializers, NECK_INITIALIZER_FAMILY);
    return neck_trainable_create(self->context, &options, &self->model) == NECK_OK || train_run_fail(self, NULL);
}

static int build_head(train_run *self)
{
    const train_config *c = &self->config;
    neck_head_options options = {.struct_size = sizeof options, .rank = c->rank,
                                 .vocabulary = neck_trainable_vocabulary(self->model),
                                 .hidden_size = neck_trainable_head_size(self->model)};
    if (strcmp(c->head, "own") == 0) return 1;
    if (neck_head_kind_find(c->head, &options.kind) == NECK_OK &&
        neck_head_create(self->context, &options, &self->head) == NECK_OK)
        return 1;
    return train_run_fail(self, NULL);
}

static int build_training(train_run *self)
{
    const train_config *c = &self->config;
    neck_batches_options batches = {.struct_size = sizeof batches, .batch = c->batch, .context_length = c->context,
                                    .order = number_of(c->order, orders, NECK_BATCHES_RANDOM),
                                    .validation_share = c->validation_share, .seed = (uint64_t)c->seed};
    neck_optimizer_options optimizer = {.struct_size = sizeof optimizer, .learning_rate = c->learning_rate,
                                        .rule = number_of(c->optimizer, optimizers, NECK_OPTIMIZER_ADAMW),
                                        .weight_decay = c->weight_decay, .momentum = c->momentum,
                                        .beta1 = c->beta1 > 0 ? c->beta1 : -1, .beta2 = c->beta2 > 0 ? c->beta2 : -1};
    neck_schedule schedule = {.struct_size = sizeof schedule, .steps = c->steps, .final_scale = c->final_scale,
                              .kind = number_of(c->schedule, schedules, NECK_SCHEDULE_CONSTANT),
                              .warmup_steps = c->warmup < 0 ? c->steps / 100 : c->warmup, .decay_steps = c->decay};
    neck_cross_entropy_options loss = {.struct_size = sizeof loss, .label_smoothing = c->label_smoothing,
                                       .z_loss = c->z_loss};
    neck_training_options options = {.struct_size = sizeof options, .model = self->model, .head = self->head,
                                     .tokens = self->tokens, .batches = &batches, .optimizer = &optimizer,
                                     .schedule = &schedule, .loss = &loss, .accumulation = c->accumulation,
                                     .evaluation_windows = c->evaluation_windows,
                                     .clip_norm = c->clip > 0 ? c->clip : INFINITY};
    return neck_training_create(self->context, &options, &self->training) == NECK_OK || train_run_fail(self, NULL);
}

static int build_monitor(train_run *self)
{
    neck_monitor_options options = {.struct_size = sizeof options, .interval = self->config.monitor_every};
    return neck_monitor_create(self->context, &options, &self->monitor) == NECK_OK || train_run_fail(self, NULL);
}

static neck_status resume(train_run *self)
{
    char name[64];
    char *states = train_run_path(self, "state");
    neck_status status = neck_training_resume(self->context, self->training, states);
    free(states);
    if (status != NECK_OK) return status;
    snprintf(name, sizeof name, "state/step-%" PRId64 "/" MONITOR_FILE, neck_training_steps(self->training));
    char *monitor = train_run_path(self, name);
    status = neck_monitor_load(self->context, self->monitor, monitor);
    free(monitor);
    return status;
}

int train_run_build(train_run *self, int *resumed)
{
    if (!build_model(self) || !build_head(self) || !build_training(self) || !build_monitor(self)) return 0;
    neck_status status = resume(self);
    *resumed = status == NECK_OK;
    return status == NECK_OK || status == NECK_E_NOT_FOUND || train_run_fail(self, NULL);
}

int train_run_watch(train_run *self, const char *const *names, const double *values, int64_t count)
{
    neck_matrix matrix;
    int64_t step = neck_training_steps(self->training);
    neck_status status = neck_training_head_matrix(self->context, self->training, &matrix);
    if (status == NECK_OK) status = neck_monitor_head(self->context, self->monitor, step, &matrix);
    int passed = status == NECK_OK && neck_training_states(self->training, &matrix) == NECK_OK;
    if (passed) status = neck_monitor_states(self->context, self->monitor, step, &matrix);
    if (status == NECK_OK && count > 0) status = neck_monitor_values(self->monitor, step, names, values, count);
    return status == NECK_OK || train_run_fail(self, "monitor");
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* What the checkpoint lacks to be whole: its tokenizer. */
static neck_status add_tokenizer(void *user, const char *folder)
{
    train_run *self = user;
    size_t room = strlen(folder) + 32;
    char *from = train_run_path(self, "tokenizer.json"), *to = text_alloc(room);
    snprintf(to, room, "%s/tokenizer.json", folder);
    int good = train_file_copy(from, to);
    if (!good) snprintf(self->error, sizeof self->error, "%s: %s", to, strerror(errno));
    free(from);
    free(to);
    return good ? NECK_OK : NECK_E_IO;
}

int train_run_export(train_run *self)
{
    char name[64];
    snprintf(name, sizeof name, "checkpoints/step-%" PRId64, neck_training_steps(self->training));
    char *above = train_run_path(self, "checkpoints"), *folder = train_run_path(self, name);
    (void)mkdir(above, 0777); /* what is wrong with it shows in the next line */
    self->error[0] = '\0';
    int good = access(folder, F_OK) == 0 ||
               neck_training_export(self->context, self->training, folder, add_tokenizer, self) == NECK_OK;
    if (!good && !self->error[0]) train_run_fail(self, NULL);
    free(above);
    free(folder);
    return good;
}

static neck_status add_monitor(void *user, const char *folder)
{
    train_run *self = user;
    size_t room = strlen(folder) + sizeof MONITOR_FILE + 1;
    char *path = text_alloc(room);
    snprintf(path, room, "%s/" MONITOR_FILE, folder);
    neck_status status = neck_monitor_save(self->context, self->monitor, path);
    free(path);
    return status;
}

int train_run_save(train_run *self)
{
    char *states = train_run_path(self, "state");
    int good = neck_training_save(self->context, self->training, states, add_monitor, self) == NECK_OK;
    free(states);
    return good || train_run_fail(self, NULL);
}

void train_run_free(train_run *self)
{
    neck_monitor_destroy(self->monitor);
    neck_training_destroy(self->training);
    neck_head_destroy(self->head);
    neck_trainable_destroy(self->model);
    neck_token_file_destroy(self->tokens);
    neck_tokenizer_destroy(self->tokenizer);
    neck_context_destroy(self->context);
    train_config_free(&self->config);
}
