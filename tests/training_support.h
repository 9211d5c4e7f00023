/* tests/training_support.h - small trainings of language models: text, model, head, and the training itself. */
#ifndef TESTS_TRAINING_SUPPORT_H
#define TESTS_TRAINING_SUPPORT_H

#include <math.h>

#include "format_support.h"
#include "softneck/training.h"

#define ASSERT_OK(expression) ck_assert_msg((expression) == NECK_OK, "%s", neck_last_error())

enum { LESSON_VOCABULARY = 29, LESSON_TOKENS = 900, LESSON_CONTEXT = 8, LESSON_BATCH = 3 };

/* What a training is made of; change the options, then lesson_open. */
typedef struct lesson {
    neck_trainable_options model_options;
    neck_head_options head_options; /* kind 0: the model's own head */
    neck_batches_options batches;
    neck_optimizer_options optimizer;
    neck_schedule schedule;
    neck_cross_entropy_options loss;
    neck_training_options options;
    char folder[PATH_CAPACITY]; /* of scratch files */
    neck_token_file *tokens;
    neck_trainable *model;
    neck_head *head;
    neck_training *training;
} lesson;

static inline lesson lesson_make(void)
{
    lesson l = {.model_options = {.struct_size = sizeof l.model_options, .vocabulary = LESSON_VOCABULARY, .layers = 2,
                                  .hidden_size = 16, .heads = 2, .inner_size = 24, .context_length = LESSON_CONTEXT,
                                  .seed = 4, .dropout = 0.1},
                .head_options = {.struct_size = sizeof l.head_options},
                .batches = {.struct_size = sizeof l.batches, .batch = LESSON_BATCH, .context_length = LESSON_CONTEXT,
                            .validation_share = 0.2, .seed = 6},
                .optimizer = {.struct_size = sizeof l.optimizer, .learning_rate = 0.01, .weight_decay = 0.1},
                .schedule = {.struct_size = sizeof l.schedule, .kind = NECK_SCHEDULE_COSINE, .steps = 40,
                             .warmup_steps = 3},
                .loss = {.struct_size = sizeof l.loss},
                .options = {.struct_size = sizeof l.options, .accumulation = 2}};
    scratch_make(l.folder);
    return l;
}

/* Tokens that can be learned: each follows from the one before, but for every seventh. */
static inline neck_token_file *lesson_text(const char *folder)
{
    char path[PATH_CAPACITY];
    int32_t ids[LESSON_TOKENS] = {1};
    neck_token_writer *writer = NULL;
    neck_token_file *file = NULL;
    for (int i = 1; i < LESSON_TOKENS; i++)
        ids[i] = i % 7 ? (ids[i - 1] * 5 + 3) % LESSON_VOCABULARY : (i * i / 7) % LESSON_VOCABULARY;
    scratch_file(path, folder, "tokens.bin");
    ASSERT_OK(neck_token_writer_create(NULL, path, LESSON_VOCABULARY, 77, &writer));
    ASSERT_OK(neck_token_writer_push(writer, ids, LESSON_TOKENS));
    ASSERT_OK(neck_token_writer_commit(writer));
    ASSERT_OK(neck_token_file_open(NULL, path, NULL, &file));
    return file;
}

/* Everything but the training, so that its creation can be tested. */
static inline void lesson_prepare(lesson *l)
{
    l->tokens = lesson_text(l->folder);
    ASSERT_OK(neck_trainable_create(NULL, &l->model_options, &l->model));
    if (l->head_options.kind) {
        l->head_options.vocabulary = LESSON_VOCABULARY;
        l->head_options.hidden_size = 16;
        if (l->head_options.kind == NECK_HEAD_TIED) {
            const neck_parameter *embedding = neck_trainable_parameters(l->model, NULL);
            l->head_options.tied_weights = embedding->data;
            l->head_options.tied_gradient = embedding->gradient;
        }
        ASSERT_OK(neck_head_create(NULL, &l->head_options, &l->head));
    }
    l->options.model = l->model;
    l->options.head = l->head;
    l->options.tokens = l->tokens;
    l->options.batches = &l->batches;
    l->options.optimizer = &l->optimizer;
    l->options.schedule = &l->schedule;
    l->options.loss = &l->loss;
}

static inline void lesson_open(lesson *l)
{
    lesson_prepare(l);
    ASSERT_OK(neck_training_create(NULL, &l->options, &l->training));
}

/* What lesson_open made; the options and the scratch folder stay. */
static inline void lesson_close(lesson *l)
{
    neck_training_destroy(l->training);
    neck_head_destroy(l->head);
    neck_trainable_destroy(l->model);
    neck_token_file_destroy(l->tokens);
    l->training = NULL;
    l->head = NULL;
    l->model = NULL;
    l->tokens = NULL;
}

/* Removes a folder with all that is in it. */
static inline void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        size_t size = strlen(path) + strlen(entry->d_name) + 2;
        char *inner = malloc(size);
        snprintf(inner, size, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0) remove_tree(inner);
        free(inner);
    }
    closedir(folder);
    ck_assert_int_eq(rmdir(path), 0);
}

static inline void lesson_end(lesson *l)
{
    lesson_close(l);
    remove_tree(l->folder);
}

static inline neck_training_report step_once(lesson *l)
{
    neck_training_report report = {.struct_size = sizeof report};
    ASSERT_OK(neck_training_step(NULL, l->training, &report));
    return report;
}

static inline neck_training_evaluation evaluate(lesson *l)
{
    neck_training_evaluation found = {.struct_size = sizeof found};
    ASSERT_OK(neck_training_evaluate(NULL, l->training, &found));
    return found;
}

/* All parameters' bytes, one after another; free() them. */
static inline unsigned char *parameter_bytes(const neck_training *training, size_t *size)
{
    int64_t count;
    const neck_parameter *p = neck_training_parameters(training, &count);
    *size = 0;
    for (int64_t i = 0; i < count; i++) *size += (size_t)(p[i].rows * p[i].cols * neck_dtype_size(p[i].dtype));
    unsigned char *bytes = malloc(*size), *at = bytes;
    for (int64_t i = 0; i < count; i++) {
        size_t part = (size_t)(p[i].rows * p[i].cols * neck_dtype_size(p[i].dtype));
        memcpy(at, p[i].data, part);
        at += part;
    }
    return bytes;
}

#endif
