/* model/loss.c - cross-entropy and logits of a batch. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "head/logit_loss.h"
#include "model/forward.h"
#include "model/head.h"

/* Scored rows: where they lie in the batch, what they should predict, and what came of it. */
typedef struct scored {
    int64_t count;
    int64_t *row;
    int32_t *target, *best;
    double *nll;
} scored;

/* ---- which rows are scored -------------------------------------------------------------------------------------- */

static int32_t target_of(const neck__forward *run, int64_t row)
{
    int64_t position = row % run->length, length = neck__forward_length(run, row / run->length);
    if (position >= length) return NECK_NO_TARGET;
    if (run->options.targets) return run->options.targets[row];
    return position + 1 < length ? run->tokens[row + 1] : NECK_NO_TARGET;
}

/* Moves the states of scored rows to the front. */
static void gather(const neck__forward *run, scored *s)
{
    int64_t width = run->model->config.embedding;
    for (int64_t row = 0; row < run->rows; row++) {
        int32_t target = target_of(run, row);
        if (target == NECK_NO_TARGET) continue;
        if (row != s->count)
            memcpy(run->last + s->count * width, run->last + row * width, (size_t)width * sizeof *run->last);
        s->row[s->count] = row;
        s->target[s->count++] = target;
    }
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

static neck_status score(const neck__forward *run, scored *s, neck_loss *loss)
{
    if (s->count == 0) return neck__fail(NECK_E_ARGUMENT, "no position has a target");
    const neck_model *model = run->model;
    neck__logit_loss asked = {.targets = s->target, .components = 1, .weights_are_finite = 1,
                              .weights = neck__head_view(model)};
    neck_cross_entropy_options options = {.soft_cap = model->config.logit_cap, .accuracy = 1, .token_loss = s->nll,
                                          .best = s->best, .reduction = NECK_REDUCTION_SUM};
    neck_cross_entropy_result result;
    asked.states = (neck_matrix){run->last, s->count, model->config.embedding, 0, NECK_F32, 0};
    neck_status status = neck__logit_loss_run(run->context, &asked, &options, NULL, &result);
    if (status == NECK_E_NONFINITE)
        return neck__fail(status, "the loss is not finite: the model's weights are not, or its logits overflow");
    NECK_TRY(status);
    loss->tokens = s->count;
    loss->correct = result.correct;
    loss->nll_sum = result.loss;
    loss->loss = result.loss / (double)s->count;
    return NECK_OK;
}

static void write_rows(const neck__forward *run, const scored *s)
{
    for (int64_t row = 0; row < run->rows; row++) {
        if (run->options.nll) run->options.nll[row] = 0;
        if (run->options.best) run->options.best[row] = NECK_NO_TARGET;
    }
    for (int64_t i = 0; i < s->count; i++) {
        if (run->options.nll) run->options.nll[s->row[i]] = s->nll[i];
        if (run->options.best) run->options.best[s->row[i]] = s->best[i];
    }
}

static neck_status score_run(neck__forward *run, neck_loss *loss)
{
    int64_t size = (int64_t)(sizeof(int64_t) + sizeof(double) + 2 * sizeof(int32_t));
    void *memory = neck__alloc(&run->allocator, run->rows, size, "scores");
    if (!memory) return NECK_E_NOMEM;
    scored s = {.row = memory};
    s.nll = (double *)(s.row + run->rows);
    s.target = (int32_t *)(s.nll + run->rows);
    s.best = s.target + run->rows;
    gather(run, &s);
    neck_status status = score(run, &s, loss);
    if (status == NECK_OK) write_rows(run, &s);
    neck__release(&run->allocator, memory);
    return status;
}

neck_status neck_model_loss(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                            int64_t length, const neck_forward_options *options, neck_loss *out)
{
    if (!out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "out is NULL or its struct_size is not set");
    neck_loss loss = {.struct_size = out->struct_size};
    neck__forward run;
    neck_status status = neck__forward_run(context, model, tokens, batch, length, options, &run);
    if (status == NECK_OK) status = score_run(&run, &loss);
    neck__forward_clear(&run);
    if (status == NECK_OK) memcpy(out, &loss, out->struct_size < sizeof loss ? out->struct_size : sizeof loss);
    return status;
}

/* ---- logits ----------------------------------------------------------------------------------------------------- */

static void clear_padding(const neck__forward *run, float *logits)
{
    int64_t vocabulary = run->model->config.vocabulary;
    for (int64_t row = 0; row < run->rows; row++)
        if (row % run->length >= neck__forward_length(run, row / run->length))
            memset(logits + row * vocabulary, 0, (size_t)vocabulary * sizeof *logits);
}

neck_status neck_model_logits(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                              int64_t length, const neck_forward_options *options, float *logits)
{
    if (!logits) return neck__fail(NECK_E_ARGUMENT, "logits is NULL");
    neck__forward run;
    neck_status status = neck__forward_run(context, model, tokens, batch, length, options, &run);
    if (status == NECK_OK) status = neck__head_logits(context, model, run.last, run.rows, logits);
    if (status == NECK_OK) clear_padding(&run, logits);
    neck__forward_clear(&run);
    return status;
}
