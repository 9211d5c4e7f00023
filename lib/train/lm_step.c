/* train/lm_step.c - one update, and the loss on held-out text. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "head/head_pass.h"
#include "train/lm_training.h"

/* ---- loss ------------------------------------------------------------------------------------------------------- */

static neck_status own_head_loss(neck_context *context, neck_training *self, const int32_t *targets,
                                 const neck_cross_entropy_options *asked, void *states_gradient,
                                 neck_cross_entropy_result *result)
{
    const neck_parameter *head = neck_trainable_head(self->model, NULL);
    neck_matrix weights = {.data = head->data, .rows = head->rows, .cols = head->cols, .dtype = head->dtype};
    neck_cross_entropy_options options = *asked;
    options.soft_cap = neck_trainable_soft_cap(self->model);
    neck_cross_entropy_gradients gradients = {.struct_size = sizeof gradients, .states = states_gradient,
                                              .weights = head->gradient};
    return neck__cross_entropy(context, &self->states, &weights, targets, &options, states_gradient ? &gradients : NULL,
                               &self->loss_room, result);
}

static neck_status loss_of(neck_context *context, neck_training *self, const int32_t *targets,
                           const neck_cross_entropy_options *asked,
                           void *states_gradient, neck_cross_entropy_result *result)
{
    if (!self->head) return own_head_loss(context, self, targets, asked, states_gradient, result);
    neck__room *room = &self->loss_room;
    if (!states_gradient) return neck__head_loss(context, self->head, &self->states, targets, asked, room, result);
    return neck__head_gradient(context, self->head, &self->states, targets, asked, states_gradient, room, result);
}

/* ---- a step ----------------------------------------------------------------------------------------------------- */

static void clear_gradients(neck_context *context, neck_training *self)
{
    neck_trainable_clear_gradients(context, self->model);
    for (int64_t i = self->model_count; i < self->count; i++)
        memset(self->parameters[i].gradient, 0, (size_t)neck__lm_bytes(&self->parameters[i]));
}

/* Some of the rows of a batch: this process's run of rows, batch by batch. */
typedef struct piece {
    int64_t index; /* of the batch, whose rows are numbered index * batch ... */
    int64_t first; /* of its rows */
    int64_t rows;
} piece;

/* The piece of rows [row, end) that begins them. */
static piece piece_at(const neck_training *self, int64_t row, int64_t end)
{
    int64_t batch = self->shape.batch, first = row % batch;
    return (piece){row / batch, first, end - row < batch - first ? end - row : batch - first};
}

/* Forward, and the loss with its gradient; the number of the micro-batch is what dropout is drawn from, too. The
 * gradient of the states is added to what its buffer holds, as all gradients are here. sums: loss and tokens; alone,
 * those of micro-batches. */
static neck_status begin_piece(neck_context *context, neck_training *self, piece now, double sums[2])
{
    int64_t length = self->shape.context_length, rows = now.rows * length;
    neck_cross_entropy_options options = self->loss;
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    int shared = neck__is_shared(&self->sharing);
    self->states.data = NULL;
    NECK_TRY(neck_batches_fill(self->training, now.index, self->tokens, self->targets));
    NECK_TRY(neck_trainable_forward_part(context, self->model, self->tokens + now.first * length, now.first, now.rows,
                                         length,
                                         now.index, &self->states));
    memset(self->states_gradient, 0, (size_t)(rows * self->states.cols * neck_dtype_size(self->dtype)));
    if (shared) options.reduction = NECK_REDUCTION_SUM;
    NECK_TRY(loss_of(context, self, self->targets + now.first * length, &options, self->states_gradient, &result));
    if (!isfinite(result.loss)) return neck__fail(NECK_E_NONFINITE, "the loss is %g", result.loss);
    sums[0] += result.loss;
    sums[1] += shared ? (double)result.tokens : 1;
    return NECK_OK;
}

static void tell_ready(void *user, int64_t first, int64_t count)
{
    neck__sharing_ready(user, first, count);
}

/* Behind the agreement nothing is left that can fail but the exchange: gradients go on their way while others are
 * computed. */
static neck_status end_last_piece(neck_context *context, neck_training *self, int64_t rows, neck_status status)
{
    neck__sharing *sharing = &self->sharing;
    NECK_TRY(neck__sharing_agree(sharing, status));
    neck__sharing_ready(sharing, self->model_count, self->count - self->model_count);
    if (rows > 0)
        return neck_trainable_backward_telling(context, self->model, self->states_gradient, tell_ready, sharing);
    neck__sharing_ready(sharing, 0, self->count);
    return NECK_OK;
}

static neck_status gather(neck_context *context, neck_training *self, double sums[2])
{
    int64_t all = self->accumulation * self->shape.batch, row, count;
    neck_status status = NECK_OK;
    neck__sharing_share(&self->sharing, all, &row, &count);
    row += self->record.steps * all;
    clear_gradients(context, self);
    neck__sharing_clear(&self->sharing);
    for (int64_t end = row + count; row < end && status == NECK_OK;) {
        piece now = piece_at(self, row, end);
        status = begin_piece(context, self, now, sums);
        row += now.rows;
        if (status == NECK_OK && row < end)
            status = neck_trainable_backward(context, self->model, self->states_gradient);
    }
    return end_last_piece(context, self, count, status);
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

/* Alone, gradients are sums over micro-batches, of means: each has as many tokens as the next. */
static neck_status update(neck_context *context, neck_training *self, double sums[2], double *norm, double *scale)
{
    if (!neck__is_shared(&self->sharing) && self->accumulation > 1)
        scale_gradients(self, 1 / (double)self->accumulation);
    NECK_TRY(neck__sharing_clip(context, &self->sharing, self->clip_norm, sums, norm));
    if (*norm > self->gradient_limit)
        return neck__fail(NECK_E_OVERFLOW, "the gradient's norm is %.3g, more than %.3g", *norm, self->gradient_limit);
    NECK_TRY(neck_schedule_scale(&self->schedule, self->record.steps, scale));
    return neck__sharing_step(context, &self->sharing, self->optimizer, *scale);
}

neck_status neck_training_step(neck_context *context, neck_training *training, neck_training_report *report)
{
    double sums[2] = {0, 0}, norm, scale;
    if (!training) return neck__fail(NECK_E_ARGUMENT, "training is NULL");
    if (report && report->struct_size < sizeof report->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "report's struct_size is not set");
    neck_status status = gather(context, training, sums);
    if (status == NECK_OK) status = update(context, training, sums, &norm, &scale);
    if (status != NECK_OK) return neck__fail_in(status, "step %" PRId64, training->record.steps + 1);
    training->record.steps++;
    training->record.tokens += training->accumulation * training->shape.batch * training->shape.context_length;
    if (!report) return NECK_OK;
    neck_training_report made = {.struct_size = report->struct_size,
                                 .step = training->record.steps,
                                 .tokens = training->record.tokens,
                                 .loss = sums[1] > 0 ? sums[0] / sums[1] : 0,
                                 .gradient_norm = norm,
                                 .learning_rate = training->rule.learning_rate * scale};
    memcpy(report, &made, report->struct_size < sizeof made ? report->struct_size : sizeof made);
    return NECK_OK;
}

/* ---- evaluation ------------------------------------------------------------------------------------------------- */

/* Alone, the last batch is filled up with windows from the start, which are not scored: every pass has the same
 * shape. */
static neck_status held_out_piece(neck_context *context, neck_training *self, piece now,
                                  neck_cross_entropy_result *result)
{
    int64_t length = self->shape.context_length, batch = neck__is_shared(&self->sharing) ? now.rows : self->shape.batch;
    int32_t *tokens = self->tokens + now.first * length, *targets = self->targets + now.first * length;
    neck_cross_entropy_options plain = {.struct_size = sizeof plain,
                                        .reduction = NECK_REDUCTION_SUM,
                                        .accuracy = 1,
                                        .use_ignore_index = self->loss.use_ignore_index,
                                        .ignore_index = self->loss.ignore_index,
                                        .memory_cap = self->loss.memory_cap};
    self->states.data = NULL;
    NECK_TRY(neck_batches_fill(self->validation, now.index, self->tokens, self->targets));
    for (int64_t i = now.rows * length; i < batch * length; i++) targets[i] = NECK_NO_TARGET;
    NECK_TRY(neck_trainable_forward(context, self->model, tokens, batch, length, NECK_EVALUATION, &self->states));
    return loss_of(context, self, targets, &plain, NULL, result);
}

/* Sums of this process's windows: loss, right guesses, tokens. */
static neck_status measure_own(neck_context *context, neck_training *self, int64_t windows, double sums[3])
{
    int64_t first, count;
    neck__sharing_share(&self->sharing, windows, &first, &count);
    for (int64_t row = first; row < first + count;) {
        neck_cross_entropy_result part = {.struct_size = sizeof part};
        piece now = piece_at(self, row, first + count);
        NECK_TRY(neck__progress(context, "evaluating", "windows", row - first, count));
        NECK_TRY(held_out_piece(context, self, now, &part));
        sums[0] += part.loss;
        sums[1] += (double)part.correct;
        sums[2] += (double)part.tokens;
        row += now.rows;
    }
    return NECK_OK;
}

static neck_status measure(neck_context *context, neck_training *self, neck_training_evaluation *out)
{
    int64_t windows = neck_batches_windows(self->validation);
    double sums[3] = {0, 0, 0};
    if (self->evaluation_windows > 0 && self->evaluation_windows < windows) windows = self->evaluation_windows;
    NECK_TRY(neck__sharing_agree(&self->sharing, measure_own(context, self, windows, sums)));
    NECK_TRY(neck__sharing_add(&self->sharing, sums, 3));
    if (!isfinite(sums[0])) return neck__fail(NECK_E_NONFINITE, "the validation loss is %g", sums[0]);
    out->tokens = (int64_t)sums[2];
    out->loss = sums[2] > 0 ? sums[0] / sums[2] : 0;
    out->accuracy = sums[2] > 0 ? sums[1] / sums[2] : 0;
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
