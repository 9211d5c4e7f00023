/* train/lm_training.c - neck_training: options, parts, read access. */
#include "train/lm_training.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "linalg/matmul.h"

#define HEAD_PREFIX "head."

enum { NAME_CAPACITY = 64 };

static const double gradient_limit = 1e6;

/* ---- options ---------------------------------------------------------------------------------------------------- */

static neck_status read_loss(const neck_cross_entropy_options *given, neck_training *self)
{
    NECK_OPTIONS(neck_cross_entropy_options, loss, given);
    if (loss.token_loss || loss.log_normalizer || loss.gradient_norm || loss.best)
        return neck__fail(NECK_E_ARGUMENT, "loss: results of single tokens cannot be had from training");
    if (loss.accumulate || loss.reduction != NECK_REDUCTION_MEAN)
        return neck__fail(NECK_E_ARGUMENT, "loss: training takes the mean over a batch, and accumulates by itself");
    if (loss.bias || loss.logit_scale != 0 || loss.soft_cap != 0)
        return neck__fail(NECK_E_ARGUMENT, "loss: bias, logit_scale and soft_cap are the head's");
    loss.struct_size = sizeof loss;
    loss.accumulate = 1;
    self->loss = loss;
    return NECK_OK;
}

static neck_status read_rule(const neck_optimizer_options *given, neck_training *self)
{
    if (!given) return neck__fail(NECK_E_ARGUMENT, "optimizer is NULL: training needs a rule and a learning rate");
    NECK_OPTIONS(neck_optimizer_options, rule, given);
    rule.struct_size = sizeof rule;
    rule.gradients_are_clipped = self->clip_norm <= 1e15; /* whose square single precision can hold */
    self->rule = rule;
    return NECK_OK;
}

static neck_status read_schedule(const neck_schedule *given, neck_training *self)
{
    double scale;
    NECK_OPTIONS(neck_schedule, schedule, given);
    schedule.struct_size = sizeof schedule;
    NECK_TRY(neck_schedule_scale(&schedule, 0, &scale));
    self->schedule = schedule;
    return NECK_OK;
}

static neck_status read_batches(const neck_batches_options *given, neck_training *self)
{
    if (!given) return neck__fail(NECK_E_ARGUMENT, "batches is NULL: training needs their size");
    NECK_OPTIONS(neck_batches_options, shape, given);
    if (shape.part != NECK_PART_ALL)
        return neck__fail(NECK_E_ARGUMENT, "batches.part must be 0: the training part is taken");
    if (shape.context_length > neck_trainable_context_length(self->model))
        return neck__fail(NECK_E_ARGUMENT, "a context of %" PRId64 " tokens for a model of %" PRId64,
                          shape.context_length, neck_trainable_context_length(self->model));
    shape.struct_size = sizeof shape;
    shape.part = NECK_PART_TRAINING;
    self->shape = shape;
    return NECK_OK;
}

static neck_status read_options(neck_training *self, const neck_training_options *given)
{
    NECK_OPTIONS(neck_training_options, options, given);
    if (!options.model || !options.tokens) return neck__fail(NECK_E_ARGUMENT, "model or tokens is NULL");
    if (options.accumulation < 0 || options.evaluation_windows < 0)
        return neck__fail(NECK_E_ARGUMENT, "accumulation or evaluation_windows is negative");
    if (!(options.clip_norm >= 0) || !(options.gradient_limit >= 0))
        return neck__fail(NECK_E_ARGUMENT, "clip_norm is %g, gradient_limit %g: both must be at least 0",
                          options.clip_norm, options.gradient_limit);
    self->model = options.model;
    self->head = options.head;
    self->file = options.tokens;
    self->dtype = neck_trainable_dtype(options.model);
    self->accumulation = options.accumulation ? options.accumulation : 1;
    self->evaluation_windows = options.evaluation_windows;
    self->clip_norm = options.clip_norm > 0 ? options.clip_norm : 1;
    self->gradient_limit = options.gradient_limit > 0 ? options.gradient_limit : gradient_limit;
    NECK_TRY(read_batches(options.batches, self));
    NECK_TRY(read_rule(options.optimizer, self));
    NECK_TRY(read_schedule(options.schedule, self));
    return read_loss(options.loss, self);
}

/* ---- the head --------------------------------------------------------------------------------------------------- */

/* A TIED head's weight is listed by its head, but trained once. */
static const neck_parameter *in_model(const neck_training *self, const neck_parameter *wanted)
{
    int64_t count;
    const neck_parameter *parameters = neck_trainable_parameters(self->model, &count);
    for (int64_t i = 0; i < count; i++)
        if (parameters[i].data == wanted->data) return &parameters[i];
    return NULL;
}

static neck_status check_storage(const neck_training *self)
{
    const neck_parameter *own = neck_trainable_head(self->model, NULL);
    const neck_parameter *parameters = neck_head_parameters(self->head, NULL);
    const neck_parameter *shared = in_model(self, &parameters[0]);
    if (own && shared != own)
        return neck__fail(NECK_E_ARGUMENT, "a head is given, but the model has one of its own");
    if (neck_head_kind(self->head) == NECK_HEAD_TIED && (!shared || shared->gradient != parameters[0].gradient))
        return neck__fail(NECK_E_ARGUMENT, "a tied head must use a matrix of the model, and that matrix's gradient");
    return NECK_OK;
}

static neck_status check_head(const neck_training *self)
{
    int64_t vocabulary = neck_trainable_vocabulary(self->model), width = neck_trainable_head_size(self->model);
    if (neck_token_file_vocab_size(self->file) > vocabulary)
        return neck__fail(NECK_E_ARGUMENT, "tokens of a vocabulary of %" PRId64 " for a model of %" PRId64,
                          neck_token_file_vocab_size(self->file), vocabulary);
    if (!self->head)
        return neck_trainable_head(self->model, NULL)
                   ? NECK_OK
                   : neck__fail(NECK_E_ARGUMENT, "head is NULL, and the model has none of its own");
    const neck_parameter *weight = neck_head_parameters(self->head, NULL);
    if (neck_head_vocabulary(self->head) != vocabulary || neck_head_hidden_size(self->head) != width)
        return neck__fail(NECK_E_ARGUMENT, "a head of %" PRId64 " x %" PRId64 " for a model of %" PRId64 " x %" PRId64,
                          neck_head_vocabulary(self->head), neck_head_hidden_size(self->head), vocabulary, width);
    if (weight->dtype != self->dtype)
        return neck__fail(NECK_E_ARGUMENT, "the head is %s, the model %s", neck_dtype_name(weight->dtype),
                          neck_dtype_name(self->dtype));
    if (neck_head_kind(self->head) != NECK_HEAD_FACTORED && weight->cols != width)
        return neck__fail(NECK_E_UNSUPPORTED, "a head of width %" PRId64 " on states of width %" PRId64
                          " has no place in a model folder", weight->cols, width);
    return check_storage(self);
}

/* ---- parts ------------------------------------------------------------------------------------------------------ */

/* The optimizer wants names that differ; a head's "weight" says too little beside a model's. */
static neck_status list_parameters(neck_training *self)
{
    int64_t head_count = 0;
    const neck_parameter *model = neck_trainable_parameters(self->model, &self->model_count);
    const neck_parameter *head = self->head ? neck_head_parameters(self->head, &head_count) : NULL;
    int64_t most = self->model_count + head_count;
    self->parameters = neck__alloc(&self->allocator, most, sizeof *self->parameters, "a list of parameters");
    if (!self->parameters) return NECK_E_NOMEM;
    self->names = neck__alloc(&self->allocator, head_count, NAME_CAPACITY, "names of parameters");
    if (!self->names) return NECK_E_NOMEM;
    memcpy(self->parameters, model, (size_t)self->model_count * sizeof *model);
    self->count = self->model_count;
    for (int64_t i = 0; i < head_count; i++) {
        if (in_model(self, &head[i])) continue;
        char *name = self->names + i * NAME_CAPACITY;
        snprintf(name, NAME_CAPACITY, HEAD_PREFIX "%s", head[i].name);
        self->parameters[self->count] = head[i];
        self->parameters[self->count++].name = name;
    }
    return NECK_OK;
}

static neck_status open_batches(neck_context *context, neck_training *self)
{
    NECK_TRY(neck_batches_create(context, self->file, &self->shape, &self->training));
    if (self->shape.validation_share == 0) return NECK_OK;
    neck_batches_options held_out = self->shape;
    held_out.part = NECK_PART_VALIDATION;
    held_out.order = NECK_BATCHES_SEQUENTIAL;
    return neck_batches_create(context, self->file, &held_out, &self->validation);
}

/* Of a pass. */
static int64_t most_rows(const neck_training *self)
{
    int64_t first, rows;
    neck__sharing_share(&self->sharing, self->accumulation * self->shape.batch, &first, &rows);
    if (rows > self->shape.batch) rows = self->shape.batch;
    return rows > 0 ? rows : 1;
}

static neck_status take_memory(neck_context *context, neck_training *self)
{
    int64_t rows = self->shape.batch * self->shape.context_length, size = neck_dtype_size(self->dtype), count, bytes;
    NECK_TRY(neck_trainable_reserve(context, self->model, most_rows(self), self->shape.context_length, &bytes));
    self->tokens = neck__alloc(&self->allocator, rows, sizeof *self->tokens, "tokens of a batch");
    if (!self->tokens) return NECK_E_NOMEM;
    self->targets = neck__alloc(&self->allocator, rows, sizeof *self->targets, "targets of a batch");
    if (!self->targets) return NECK_E_NOMEM;
    if (!neck__mul(rows, neck_trainable_head_size(self->model), &count))
        return neck__fail(NECK_E_OVERFLOW, "a batch of %" PRId64 " tokens is too large", rows);
    self->states_gradient = neck__alloc(&self->allocator, count, size, "the gradient of the states");
    if (!self->states_gradient) return NECK_E_NOMEM;
    if (!self->head || neck_head_kind(self->head) != NECK_HEAD_FACTORED) return NECK_OK;
    self->product = neck__alloc(&self->allocator, neck_head_vocabulary(self->head) * neck_head_hidden_size(self->head),
                                size,
                                "the product of a head's factors");
    return self->product ? NECK_OK : NECK_E_NOMEM;
}

/* The number of the model's own head, whose gradient its loss gives before the backward pass; -1: there is none, or it
 * is tied. */
static int64_t own_head(const neck_training *self)
{
    int32_t tied = 0;
    const neck_parameter *head = neck_trainable_head(self->model, &tied);
    return head && !tied ? head - neck_trainable_parameters(self->model, NULL) : -1;
}

static neck_status make(neck_context *context, neck_training *self, const neck_training_options *options)
{
    NECK_TRY(read_options(self, options));
    NECK_TRY(check_head(self));
    NECK_TRY(open_batches(context, self));
    NECK_TRY(list_parameters(self));
    NECK_TRY(take_memory(context, self));
    NECK_TRY(neck__sharing_begin(context, &self->sharing, &self->rule, self->parameters, self->count, own_head(self)));
    return neck__sharing_optimizer(context, &self->sharing, &self->rule, &self->optimizer);
}

/* All processes begin alike. */
static neck_status join(neck_training *self, neck_status status)
{
    uint64_t marks[NECK__LM_MARKS];
    if (!neck__is_shared(&self->sharing)) return status;
    if (status == NECK_OK) status = neck__lm_mark(self, marks);
    NECK_TRY(neck__sharing_agree(&self->sharing, status));
    NECK_TRY(neck__sharing_equal(&self->sharing, marks, neck__lm_mark_names, NECK__LM_MARKS));
    return neck__sharing_copy_parameters(&self->sharing);
}

neck_status neck_training_create(neck_context *context, const neck_training_options *options, neck_training **out)
{
    if (!options || !out) return neck__fail(NECK_E_ARGUMENT, "options or out is NULL");
    neck__sharing sharing = {.count = 0};
    NECK_OPTIONS(neck_training_options, given, options);
    NECK_TRY(neck__sharing_read(given.exchange, &sharing));
    neck__allocator allocator = neck__allocator_of(context);
    neck_training *self = neck__calloc(&allocator, 1, sizeof *self, "a training");
    if (!self) return neck__sharing_agree(&sharing, NECK_E_NOMEM);
    self->allocator = allocator;
    self->sharing = sharing;
    self->loss_room.allocator = allocator;
    self->record.best_loss = INFINITY;
    self->saved = -1;
    neck_status status = join(self, make(context, self, options));
    if (status != NECK_OK) {
        neck_training_destroy(self);
        return status;
    }
    *out = self;
    return NECK_OK;
}

void neck_training_destroy(neck_training *self)
{
    if (!self) return;
    neck__allocator allocator = self->allocator;
    neck_optimizer_destroy(self->optimizer);
    neck__sharing_end(&self->sharing);
    neck_batches_destroy(self->training);
    neck_batches_destroy(self->validation);
    neck__release(&allocator, self->parameters);
    neck__release(&allocator, self->names);
    neck__release(&allocator, self->tokens);
    neck__release(&allocator, self->targets);
    neck__release(&allocator, self->states_gradient);
    neck__release(&allocator, self->product);
    neck__room_release(&self->loss_room);
    neck__release(&allocator, self);
}

/* ---- read access ------------------------------------------------------------------------------------------------ */

int64_t neck__lm_bytes(const neck_parameter *parameter)
{
    return parameter->rows * parameter->cols * neck_dtype_size(parameter->dtype);
}

int64_t neck_training_steps(const neck_training *training)
{
    return training ? training->record.steps : 0;
}

int64_t neck_training_tokens(const neck_training *training)
{
    return training ? training->record.tokens : 0;
}

const neck_parameter *neck_training_parameters(const neck_training *training, int64_t *count)
{
    if (count) *count = training ? training->count : 0;
    return training ? training->parameters : NULL;
}

static neck_status multiply_factors(neck_context *context, neck_training *self)
{
    const neck_parameter *a = neck_head_parameters(self->head, NULL), *b = a + 1;
    if (self->dtype == NECK_F64)
        return neck__matmul_f64(context, a->rows, b->cols, a->cols, a->data, a->cols, 1, b->data, b->cols, 1,
                                self->product, b->cols, 0);
    return neck__matmul_f32(context, a->rows, b->cols, a->cols, a->data, a->cols, 1, b->data, b->cols, 1, self->product,
                            b->cols, 0);
}

neck_status neck_training_head_matrix(neck_context *context, neck_training *training, neck_matrix *out)
{
    if (!training || !out) return neck__fail(NECK_E_ARGUMENT, "training or out is NULL");
    const neck_parameter *weight =
        training->head ? neck_head_parameters(training->head, NULL) : neck_trainable_head(training->model, NULL);
    if (training->product) NECK_TRY(multiply_factors(context, training));
    *out = (neck_matrix){.data = training->product ? training->product : weight->data,
                         .rows = weight->rows,
                         .cols = neck_trainable_head_size(training->model),
                         .dtype = training->dtype};
    return NECK_OK;
}

neck_status neck_training_states(const neck_training *training, neck_matrix *out)
{
    if (!training || !out) return neck__fail(NECK_E_ARGUMENT, "training or out is NULL");
    if (!training->states.data) return neck__fail(NECK_E_STATE, "no states yet: there was no step and no evaluation");
    *out = training->states;
    return NECK_OK;
}
