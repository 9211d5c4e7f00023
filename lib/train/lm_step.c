/* train/lm_step.c - one update, and the loss on held-out text. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "head/head_pass.h"
#include "train/lm_training.h"

/* ---- loss ------------------------------------------------------------------------------------------------------- */

static neck_status own_head_loss(neck_context *context, neck_training *self, const neck_cross_entropy_options *asked,
                                 void *states_gradient, neck_cross_entropy_result *result)
{
    const neck_parameter *head = neck_trainable_head(self->model, NULL);
    neck_matrix weights = {.data = head->data, .rows = head->rows, .cols = head->cols, .dtype = head->dtype};
    neck_cross_entropy_options options = *asked;
    options.soft_cap = neck_trainable_soft_cap(self->model);
    neck_cross_entropy_gradients gradients = {.struct_size = sizeof gradients, .states = states_gradient,
                                              .weights = head->gradient};
    return neck__cross_entropy(context, &self->states, &weights, self->targets, &options,
                               states_gradient ? &gradients : NULL, &self->loss_room, result);
}

neck_status neck__lm_loss(neck_context *context, neck_training *self, const neck_cross_entropy_options *asked,
                          void *states_gradient, neck_cross_entropy_result *result)
{
    if (!self->head) return own_head_loss(context, self, asked, states_gradient, result);
    neck__room *room = &self->loss_room;
    if (!states_gradient)
        return neck__head_loss(context, self->head, &self->states, self->targets, asked, room, result);
    return neck__head_gradient(context, self->head, &self->states, self->targets, asked, states_gradient, room, result);
}

/* ---- a step ----------------------------------------------------------------------------------------------------- */

static void clear_gradients(neck_context *context, neck_training *self)
{
    neck_trainable_clear_gradients(context, self->model);
    for (int64_t i = self->model_count; i < self->count; i++)
        memset(self->parameters[i].gradient, 0, (size_t)neck__lm_bytes(&self->parameters[i]));
}

/* index: of the micro-batch among all of the training; what dropout is drawn from, too. The gradient of the states is
 * added to what its buffer holds, as all gradients are here. */
static neck_status micro_batch(neck_context *context, neck_training *self, int64_t index, double *loss)
{
    int64_t rows = self->shape.batch * self->shape.context_length;
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    self->states.data = NULL;
    NECK_TRY(neck_batches_fill(self->training, index, self->tokens, self->targets));
    NECK_TRY(neck_trainable_forward(context, self->model, self->tokens, self->shape.batch, self->shape.context_length,
                                    index, &self->states));
    memset(self->states_gradient, 0, (size_t)(rows * self->states.cols * neck_dtype_size(self->dtype)));
    NECK_TRY(neck__lm_loss(context, self, &self->loss, self->states_gradient, &result));
    if (!isfinite(result.loss)) return neck__fail(NECK_E_NONFINITE, "the loss is %g", result.loss);
    *loss = result.loss;
    return neck_trainable_backward(context, self->model, self->states_gradient);
}

static void scale_gradients(neck_training *self, double factor)
{
    for (int64_t k = 0; k < self->count; k++) {
        const neck_parameter *p = &self->parameters[k];
        int64_t count = p->rows * p->cols;
        if (p->dtype == NECK_F64)
            for (int64_t i = 0; i < count; i++) ((double *)p->gradient)[i] *= factor;
        else
            for (int64_t i = 0; i < count; i++) ((float *)p->gradient)[i] *= (float)factor;
    }
}

/* The mean over micro-batches: each has as many tokens as the next. */
static neck_status gather(neck_context *context, neck_training *self, double *loss)
{
    double sum = 0;
    clear_gradients(context, self);
    for (int64_t i = 0; i < self->accumulation; i++) {
        double part = 0;
        NECK_TRY(micro_batch(context, self, self->record.steps * self->accumulation + i, &part));
        sum += part;
    }
    if (self->accumulation > 1) scale_gradients(self, 1 / (double)self->accumulation);
    *loss = sum / (double)self->accumulation;
    return NECK_OK;
}

static neck_status update(neck_context *context, neck_training *self, double *norm, double *scale)
{
    NECK_TRY(neck_gradients_clip(context, self->parameters, self->count, self->clip_norm, norm));
    if (*norm > self->gradient_limit)
        return neck__fail(NECK_E_OVERFLOW, "the gradient's norm is %.3g, more than %.3g", *norm, self->gradient_limit);
    NECK_TRY(neck_schedule_scale(&self->schedule, self->record.steps, scale));
    return neck_optimizer_step(context, self->optimizer, *scale);
}

neck_status neck_training_step(neck_context *context, neck_training *training, neck_training_report *report)
{
    double loss, norm, scale;
    if (!training) return neck__fail(NECK_E_ARGUMENT, "training is NULL");
    if (report && report->struct_size < sizeof report->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "report's struct_size is not set");
    neck_status status = gather(context, training, &loss);
    if (status == NECK_OK) status = update(context, training, &norm, &scale);
    if (status != NECK_OK) return neck__fail_in(status, "step %" PRId64, training->record.steps + 1);
    training->record.steps++;
    training->record.tokens += training->accumulation * training->shape.batch * training->shape.context_length;
    if (!report) return NECK_OK;
    neck_training_report made = {.struct_size = report->struct_size,
                                 .step = training->record.steps,
                                 .tokens = training->record.tokens,
                                 .loss = loss,
                                 .gradient_norm = norm,
                                 .learning_rate = training->rule.learning_rate * scale};
    memcpy(report, &made, report->struct_size < sizeof made ? report->struct_size : sizeof made);
    return NECK_OK;
}

/* ---- evaluation ------------------------------------------------------------------------------------------------- */

/* The last batch is filled up with windows from the start, which are not scored: every pass has the same shape. */
static neck_status held_out_batch(neck_context *context, neck_training *self, int64_t index, int64_t windows,
                                  neck_cross_entropy_result *result)
{
    int64_t length = self->shape.context_length, rows = self->shape.batch * length;
    int64_t scored = (windows - index * self->shape.batch) * length;
    neck_cross_entropy_options plain = {.struct_size = sizeof plain,
                                        .reduction = NECK_REDUCTION_SUM,
                                        .accuracy = 1,
                                        .use_ignore_index = self->loss.use_ignore_index,
                                        .ignore_index = self->loss.ignore_index,
                                        .memory_cap = self->loss.memory_cap};
    self->states.data = NULL;
    NECK_TRY(neck_batches_fill(self->validation, index, self->tokens, self->targets));
    for (int64_t i = scored; i < rows; i++) self->targets[i] = NECK_NO_TARGET;
    NECK_TRY(neck_trainable_forward(context, self->model, self->tokens, self->shape.batch, length, NECK_EVALUATION,
                                    &self->states));
    return neck__lm_loss(context, self, &plain, NULL, result);
}

static neck_status measure(neck_context *context, neck_training *self, neck_training_evaluation *out)
{
    int64_t windows = neck_batches_windows(self->validation), correct = 0;
    if (self->evaluation_windows > 0 && self->evaluation_windows < windows) windows = self->evaluation_windows;
    double sum = 0;
    for (int64_t first = 0; first < windows; first += self->shape.batch) {
        neck_cross_entropy_result part = {.struct_size = sizeof part};
        NECK_TRY(neck__progress(context, "evaluating", "windows", first, windows));
        NECK_TRY(held_out_batch(context, self, first / self->shape.batch, windows, &part));
        sum += part.loss;
        correct += part.correct;
        out->tokens += part.tokens;
    }
    if (!isfinite(sum)) return neck__fail(NECK_E_NONFINITE, "the validation loss is %g", sum);
    out->loss = out->tokens ? sum / (double)out->tokens : 0;
    out->accuracy = out->tokens ? (double)correct / (double)out->tokens : 0;
    return NECK_OK;
}

neck_status neck_training_evaluate(neck_context *context, neck_training *training, neck_training_evaluation *out)
{
    if (!training || !out) return neck__fail(NECK_E_ARGUMENT, "training or out is NULL");
    if (out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "the evaluation's struct_size is not set");
    if (!training->validation) return neck__fail(NECK_E_STATE, "no text is held out: validation_share is 0");
    neck_training_evaluation made = {.struct_size = out->struct_size};
    NECK_TRY(measure(context, training, &made));
    neck__lm_record *record = &training->record;
    if (made.loss < record->best_loss) {
        record->best_loss = made.loss;
        record->best_step = record->steps;
    }
    made.best_loss = record->best_loss;
    made.best_step = record->best_step;
    memcpy(out, &made, out->struct_size < sizeof made ? out->struct_size : sizeof made);
    return NECK_OK;
}
