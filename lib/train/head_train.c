/* train/head_train.c - steps, evaluations and checkpoints in their order; divergence as a result. */
#include "train/head_train.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"

enum { BATCH = 2048, EVALUATION_ROWS = 4096 };

/* ---- options ---------------------------------------------------------------------------------------------------- */

/* Batches come in an order that the caller does not know: numbers by the token would tell nothing. */
static neck_status read_loss(const neck_cross_entropy_options *given, neck_cross_entropy_options *out)
{
    NECK_OPTIONS(neck_cross_entropy_options, loss, given);
    if (loss.token_loss || loss.log_normalizer || loss.gradient_norm || loss.best)
        return neck__fail(NECK_E_ARGUMENT, "loss: results of single tokens cannot be had from training");
    if (loss.accumulate || loss.reduction != NECK_REDUCTION_MEAN)
        return neck__fail(NECK_E_ARGUMENT, "loss: training takes the mean over a batch, and does not accumulate");
    loss.struct_size = sizeof loss;
    *out = loss;
    return NECK_OK;
}

static neck_status read_schedule(const neck_schedule *given, int64_t steps, neck_schedule *out)
{
    NECK_OPTIONS(neck_schedule, schedule, given);
    if (!given) schedule = (neck_schedule){.kind = NECK_SCHEDULE_COSINE, .steps = steps, .warmup_steps = steps / 100,
                                           .final_scale = 0.1};
    schedule.struct_size = sizeof schedule;
    double scale;
    NECK_TRY(neck_schedule_scale(&schedule, 0, &scale));
    *out = schedule;
    return NECK_OK;
}

static neck_status read_rule(const neck_optimizer_options *given, double clip_norm, neck_optimizer_options *out)
{
    if (!given) return neck__fail(NECK_E_ARGUMENT, "optimizer is NULL: training needs a rule and a learning rate");
    NECK_OPTIONS(neck_optimizer_options, rule, given);
    rule.struct_size = sizeof rule;
    rule.gradients_are_clipped = clip_norm <= 1e15; /* whose square single precision can hold */
    *out = rule;
    return NECK_OK;
}

static neck_status read_options(neck__training *self, const neck_head_training_options *given)
{
    NECK_OPTIONS(neck_head_training_options, options, given);
    NECK_TRY(neck__sharing_read(options.exchange, &self->sharing));
    if (options.steps < 1)
        return neck__fail(NECK_E_ARGUMENT, "steps is %" PRId64 ": at least 1 is needed", options.steps);
    if (options.batch < 0 || options.evaluate_every < 0 || options.checkpoint_every < 0)
        return neck__fail(NECK_E_ARGUMENT, "batch, evaluate_every or checkpoint_every is negative");
    if (!(options.clip_norm >= 0)) return neck__fail(NECK_E_ARGUMENT, "clip_norm is %g", options.clip_norm);
    if (options.batch == 0) options.batch = BATCH;
    if (options.clip_norm == 0) options.clip_norm = 1;
    if (options.evaluate_every == 0) options.evaluate_every = options.steps;
    if (options.checkpoint_every == 0) options.checkpoint_every = (options.steps + 9) / 10;
    int64_t seen;
    if (!neck__mul(options.steps, options.batch, &seen))
        return neck__fail(NECK_E_OVERFLOW, "%" PRId64 " steps of %" PRId64 " tokens are too many", options.steps,
                          options.batch);
    self->options = options;
    NECK_TRY(read_rule(options.optimizer, options.clip_norm, &self->rule));
    NECK_TRY(read_schedule(options.schedule, options.steps, &self->schedule));
    return read_loss(options.loss, &self->loss);
}

/* ---- a training's parts ----------------------------------------------------------------------------------------- */

static neck_status open_batches(neck__training *self, const char *what, const neck_labeled_states *data, int shuffled,
                                neck__batches *out)
{
    int64_t width = neck_head_hidden_size(self->head);
    if (data && data->states.cols != width)
        return neck__fail(NECK_E_ARGUMENT, "%s: states of width %" PRId64 " for a head of width %" PRId64, what,
                          data->states.cols, width);
    neck__batches_options options = {.size = shuffled ? self->options.batch : EVALUATION_ROWS,
                                     .dtype = self->parameters[0].dtype,
                                     .shuffled = shuffled,
                                     .seed = self->options.seed,
                                     .vocabulary = neck_head_vocabulary(self->head),
                                     .use_ignore_index = self->loss.use_ignore_index,
                                     .ignore_index = self->loss.ignore_index};
    return neck__batches_init(self->context, what, data, &options, out);
}

static neck_status begin(neck__training *self, const neck_labeled_states *train, const neck_labeled_states *valid)
{
    NECK_TRY(open_batches(self, "training states", train, 1, &self->train));
    NECK_TRY(open_batches(self, "validation states", valid, 0, &self->valid));
    self->record.best_valid_loss = INFINITY;
    NECK_TRY(neck__sharing_begin(self->context, &self->sharing, &self->rule, self->parameters, self->parameter_count,
                                 -1));
    return neck__sharing_optimizer(self->context, &self->sharing, &self->rule, &self->optimizer);
}

/* All processes begin alike. */
static neck_status join(neck__training *self)
{
    NECK_TRY(neck__sharing_copy_parameters(&self->sharing));
    neck__training_mark(self);
    NECK_TRY(neck__sharing_equal(&self->sharing, self->marks, neck__training_mark_names, NECK__TRAINING_MARKS));
    return self->options.checkpoint ? neck__training_load(self) : NECK_OK;
}

static void end(neck__training *self)
{
    neck_optimizer_destroy(self->optimizer);
    neck__sharing_end(&self->sharing);
    if (self->train.order) neck__batches_free(&self->train);
    if (self->valid.order) neck__batches_free(&self->valid);
}

/* ---- the course of it ------------------------------------------------------------------------------------------- */

static void clear_gradients(neck__training *self)
{
    for (int64_t i = 0; i < self->parameter_count; i++) {
        const neck_parameter *p = &self->parameters[i];
        memset(p->gradient, 0, (size_t)(p->rows * p->cols * neck_dtype_size(p->dtype)));
    }
}

/* Of this process's rows of the batch: sums, of which the mean is made when all are together. sums: loss and tokens. */
static neck_status find_gradient(neck__training *self, double sums[2])
{
    int64_t first, rows;
    neck_cross_entropy_options options = self->loss;
    neck_cross_entropy_result loss = {.struct_size = sizeof loss};
    neck__sharing_share(&self->sharing, self->train.options.size, &first, &rows);
    if (rows == 0) {
        clear_gradients(self);
        return NECK_OK;
    }
    if (neck__is_shared(&self->sharing)) options.reduction = NECK_REDUCTION_SUM;
    neck__batches_draw(self->context, &self->train, self->record.position, first, rows);
    NECK_TRY(neck_head_gradient(self->context, self->head, &self->train.states, self->train.targets, &options, NULL,
                                &loss));
    if (!isfinite(loss.loss)) return neck__fail(NECK_E_NONFINITE, "the loss is %g", loss.loss);
    sums[0] = loss.loss;
    sums[1] = neck__is_shared(&self->sharing) ? (double)loss.tokens : 1;
    return NECK_OK;
}

/* status: whether this process wants to go on. */
static neck_status step(neck__training *self, neck_status status)
{
    neck__training_record *record = &self->record;
    neck__sharing *sharing = &self->sharing;
    double sums[2] = {0, 0}, norm, scale;
    if (status == NECK_OK) status = find_gradient(self, sums);
    NECK_TRY(neck__sharing_agree(sharing, status));
    neck__sharing_clear(sharing);
    neck__sharing_ready(sharing, 0, self->parameter_count);
    NECK_TRY(neck__sharing_clip(self->context, sharing, self->options.clip_norm, sums, &norm));
    NECK_TRY(neck_schedule_scale(&self->schedule, record->position, &scale));
    NECK_TRY(neck__sharing_step(self->context, sharing, self->optimizer, scale));
    double loss = sums[0] / sums[1];
    int64_t steps = self->options.steps, tenth = steps < 10 ? 1 : steps / 10;
    int is_late = record->position >= steps - tenth;
    record->late += is_late;
    record->late_sum += is_late ? loss : 0;
    record->recent++;
    record->recent_sum += loss;
    record->learning_rate = self->rule.learning_rate * scale;
    record->gradient_norm = norm;
    record->position++;
    return NECK_OK;
}

/* Sums of this process's states: loss and right guesses. */
static neck_status measure_own(neck__training *self, double sums[2])
{
    neck_cross_entropy_options plain = {.struct_size = sizeof plain,
                                        .reduction = NECK_REDUCTION_SUM,
                                        .accuracy = 1,
                                        .memory_cap = self->loss.memory_cap};
    int64_t begin, count;
    neck__sharing_share(&self->sharing, self->valid.count, &begin, &count);
    for (int64_t first = begin; first < begin + count; first += self->valid.states.rows) {
        neck_cross_entropy_result part = {.struct_size = sizeof part};
        NECK_TRY(neck__progress(self->context, "evaluating", "states", first - begin, count));
        neck__batches_block(self->context, &self->valid, first, begin + count);
        NECK_TRY(neck_head_loss(self->context, self->head, &self->valid.states, self->valid.targets, &plain, &part));
        sums[0] += part.loss;
        sums[1] += (double)part.correct;
    }
    return NECK_OK;
}

static neck_status measure(neck__training *self, double *loss, double *accuracy)
{
    double sums[2] = {0, 0};
    NECK_TRY(neck__sharing_agree(&self->sharing, measure_own(self, sums)));
    NECK_TRY(neck__sharing_add(&self->sharing, sums, 2));
    if (!isfinite(sums[0])) return neck__fail(NECK_E_NONFINITE, "the validation loss is %g", sums[0]);
    *loss = sums[0] / (double)self->valid.count;
    *accuracy = sums[1] / (double)self->valid.count;
    return NECK_OK;
}

static neck_status tell(const neck__training *self, double train_loss)
{
    const neck__training_record *record = &self->record;
    neck_head_report report = {.struct_size = sizeof report,
                               .step = record->position,
                               .steps = self->options.steps,
                               .learning_rate = record->learning_rate,
                               .train_loss = train_loss,
                               .gradient_norm = record->gradient_norm,
                               .valid_loss = record->valid_loss,
                               .valid_accuracy = record->valid_accuracy};
    if (!self->options.report || self->options.report(self->options.report_user, &report) == 0) return NECK_OK;
    return neck__fail(NECK_E_CANCELLED, "training was cancelled by its report after %" PRId64 " of %" PRId64 " steps",
                      record->position, self->options.steps);
}

static neck_status evaluate(neck__training *self)
{
    neck__training_record *record = &self->record;
    NECK_TRY(measure(self, &record->valid_loss, &record->valid_accuracy));
    if (record->valid_loss < record->best_valid_loss) {
        record->best_valid_loss = record->valid_loss;
        record->best_step = record->position;
    }
    double train_loss = record->recent_sum / (double)record->recent;
    record->evaluated = record->position;
    record->recent = 0;
    record->recent_sum = 0;
    return neck__sharing_agree(&self->sharing, tell(self, train_loss));
}

/* Whether something that happens every so many steps, and after the last, is due now. */
static int is_due(const neck__training *self, int64_t every, int64_t last_time)
{
    int64_t position = self->record.position;
    return position != last_time && (position % every == 0 || position == self->options.steps);
}

/* What is due at a position is decided anew when a checkpoint is taken up: stopping between two of these lines is
 * safe. */
static neck_status go_on(neck__training *self)
{
    const neck_head_training_options *options = &self->options;
    for (;;) {
        if (is_due(self, options->evaluate_every, self->record.evaluated)) NECK_TRY(evaluate(self));
        int keeps = options->checkpoint && is_due(self, options->checkpoint_every, self->saved);
        if (keeps) NECK_TRY(neck__training_save(self));
        if (self->record.position == options->steps) return NECK_OK;
        NECK_TRY(step(self, neck__progress(self->context, "training", "steps", self->record.position, options->steps)));
    }
}

static void conclude(const neck__training *self, int diverged, neck_head_training_result *out)
{
    const neck__training_record *record = &self->record;
    neck_head_training_result result = {.struct_size = out->struct_size,
                                        .valid_loss = record->valid_loss,
                                        .valid_accuracy = record->valid_accuracy,
                                        .best_valid_loss = record->best_valid_loss,
                                        .best_step = record->best_step,
                                        .train_loss = record->late_sum / (double)record->late,
                                        .tokens = record->position * self->train.options.size,
                                        .diverged = diverged};
    if (diverged) {
        result.valid_loss = result.train_loss = INFINITY;
        result.valid_accuracy = 0;
    }
    memcpy(out, &result, out->struct_size < sizeof result ? out->struct_size : sizeof result);
}

neck_status neck_head_train(neck_context *context, neck_head *head, const neck_labeled_states *train,
                            const neck_labeled_states *valid, const neck_head_training_options *options,
                            neck_head_training_result *result)
{
    if (!head || !train || !valid || !options)
        return neck__fail(NECK_E_ARGUMENT, "head, train, valid or options is NULL");
    if (!result || result->struct_size < sizeof result->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "result is NULL or its struct_size is not set");
    neck__training self = {.context = context, .allocator = neck__allocator_of(context), .head = head};
    self.parameters = neck_head_parameters(head, &self.parameter_count);
    neck_status status = read_options(&self, options);
    if (status == NECK_OK) status = begin(&self, train, valid);
    status = neck__sharing_agree(&self.sharing, status);
    if (status == NECK_OK) status = join(&self);
    if (status != NECK_OK) goto done;
    status = go_on(&self);
    /* All inputs were finite at the beginning: what is not any more, training has made. */
    int diverged = status == NECK_E_NONFINITE;
    if (diverged) status = NECK_OK;
    if (status == NECK_E_CANCELLED && self.options.checkpoint && self.record.position != self.saved)
        if (neck__training_save(&self) != NECK_OK) neck__log(context, 2, "%s", neck_last_error());
    if (status == NECK_OK) conclude(&self, diverged, result);
done:
    end(&self);
    return status;
}
