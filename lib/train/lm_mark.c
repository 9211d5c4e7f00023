/* train/lm_mark.c - what tells one language model's training from another. */
#include <string.h>

#include "core/error.h"
#include "train/lm_training.h"
#include "train/mark.h"

enum { MARK_MODEL, MARK_HEAD, MARK_OPTIMIZER, MARK_COURSE, MARK_LOSS, MARK_TEXT };

const char *const neck__lm_mark_names[NECK__LM_MARKS] = {
    "models", "heads", "optimizer options", "schedule, clipping or accumulation", "loss options", "texts or batches"};

static uint64_t mark_of_model(const neck_training *self)
{
    const char *config = neck_trainable_config(self->model);
    uint64_t mark = neck__mark(MARK_MODEL, config, strlen(config));
    return neck__mark(mark, &self->dtype, sizeof self->dtype);
}

static uint64_t mark_of_head(const neck_training *self)
{
    int64_t count = 0;
    const neck_parameter *parameters = self->head ? neck_head_parameters(self->head, &count) : NULL;
    int64_t kind = self->head ? neck_head_kind(self->head) : 0;
    uint64_t mark = neck__mark(MARK_HEAD, &kind, sizeof kind);
    for (int64_t i = 0; i < count; i++) {
        int64_t shape[] = {parameters[i].rows, parameters[i].cols};
        mark = neck__mark(mark, shape, sizeof shape);
    }
    return mark;
}

static uint64_t mark_of_course(const neck_training *self)
{
    double numbers[] = {self->clip_norm, self->gradient_limit, (double)self->accumulation,
                        (double)self->evaluation_windows};
    uint64_t mark = neck__mark(MARK_COURSE, numbers, sizeof numbers);
    return neck__mark(mark, &self->schedule, sizeof self->schedule);
}

/* Some of the tokens stand for all: other texts differ from the start. */
static neck_status mark_of_text(const neck_training *self, uint64_t *out)
{
    const neck_token_file *file = self->file;
    int64_t sampled = self->shape.batch * self->shape.context_length, all = neck_token_file_count(file);
    int64_t sizes[] = {all, neck_token_file_vocab_size(file), (int64_t)neck_token_file_tokenizer_hash(file)};
    if (sampled > all) sampled = all;
    NECK_TRY(neck_token_file_read(file, 0, sampled, self->tokens));
    uint64_t mark = neck__mark(MARK_TEXT, sizes, sizeof sizes);
    mark = neck__mark(mark, self->tokens, (size_t)sampled * sizeof *self->tokens);
    *out = neck__mark(mark, &self->shape, sizeof self->shape);
    return NECK_OK;
}

neck_status neck__lm_mark(const neck_training *self, uint64_t marks[NECK__LM_MARKS])
{
    marks[MARK_MODEL] = mark_of_model(self);
    marks[MARK_HEAD] = mark_of_head(self);
    marks[MARK_OPTIMIZER] = neck__mark(MARK_OPTIMIZER, &self->rule, sizeof self->rule);
    marks[MARK_COURSE] = mark_of_course(self);
    marks[MARK_LOSS] = neck__mark(MARK_LOSS, &self->loss, sizeof self->loss);
    return mark_of_text(self, &marks[MARK_TEXT]);
}
