/* model/loss.c - cross-entropy and logits of a batch. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "model/forward.h"
#include "model/head.h"

/* Rows of one task. */
enum { TASK_ROWS = 8 };

/* A row's softmax so far: sum of exp(logit - most) over the ids seen. */
typedef struct score {
    int64_t row; /* of the batch */
    int32_t target, best;
    float most, target_logit;
    double sum;
} score;

/* ---- which rows are scored -------------------------------------------------------------------------------------- */

static int32_t target_of(const neck__forward *run, int64_t row)
{
    int64_t position = row % run->length, length = neck__forward_length(run, row / run->length);
    if (position >= length) return NECK_NO_TARGET;
    if (run->options.targets) return run->options.targets[row];
    return position + 1 < length ? run->tokens[row + 1] : NECK_NO_TARGET;
}

/* Moves the states of scored rows to the front. Returns how many there are. */
static int64_t gather(const neck__forward *run, score *scores)
{
    int64_t width = run->model->config.embedding, count = 0;
    for (int64_t row = 0; row < run->rows; row++) {
        int32_t target = target_of(run, row);
        if (target == NECK_NO_TARGET) continue;
        if (row != count)
            memcpy(run->last + count * width, run->last + row * width, (size_t)width * sizeof *run->last);
        scores[count++] = (score){row, target, NECK_NO_TARGET, -INFINITY, 0, 0};
    }
    return count;
}

/* ---- softmax over blocks of logits ------------------------------------------------------------------------------ */

typedef struct scoring {
    const neck__kernels *kernels;
    const neck__logits *block;
    score *scores;
} scoring;

static void score_row(const scoring *job, score *s, float *logits)
{
    const neck__logits *block = job->block;
    float most = job->kernels->max_f32(block->ids, logits);
    if (s->target >= block->first_id && s->target < block->first_id + block->ids)
        s->target_logit = logits[s->target - block->first_id];
    if (most > s->most) {
        int64_t best = 0;
        while (logits[best] != most) best++;
        s->best = (int32_t)(block->first_id + best);
        s->sum *= exp((double)s->most - (double)most);
        s->most = most;
    }
    s->sum += job->kernels->exp_sum_f32(block->ids, s->most, logits);
}

static void score_task(void *data, int64_t index)
{
    const scoring *job = data;
    int64_t end = (index + 1) * TASK_ROWS < job->block->rows ? (index + 1) * TASK_ROWS : job->block->rows;
    for (int64_t row = index * TASK_ROWS; row < end; row++)
        score_row(job, &job->scores[job->block->first_row + row], job->block->logits + row * job->block->ids);
}

typedef struct loss_job {
    neck_context *context;
    score *scores;
} loss_job;

static void take_logits(void *data, const neck__logits *block)
{
    const loss_job *job = data;
    scoring scoring_job = {neck__kernels_get(), block, job->scores};
    neck__parallel(job->context, (block->rows + TASK_ROWS - 1) / TASK_ROWS, score_task, &scoring_job);
}

static double nll_of(const score *s)
{
    return (double)s->most + log(s->sum) - (double)s->target_logit;
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

static neck_status sum_up(const score *scores, int64_t count, neck_loss *loss)
{
    loss->tokens = count;
    for (int64_t i = 0; i < count; i++) {
        loss->nll_sum += nll_of(&scores[i]);
        loss->correct += scores[i].best == scores[i].target;
    }
    loss->loss = loss->nll_sum / (double)count;
    if (isfinite(loss->nll_sum)) return NECK_OK;
    return neck__fail(NECK_E_NONFINITE, "the loss is not finite: the model's weights are not, or its logits overflow");
}

static void write_rows(const neck__forward *run, const score *scores, int64_t count)
{
    for (int64_t row = 0; row < run->rows; row++) {
        if (run->options.nll) run->options.nll[row] = 0;
        if (run->options.best) run->options.best[row] = NECK_NO_TARGET;
    }
    for (int64_t i = 0; i < count; i++) {
        if (run->options.nll) run->options.nll[scores[i].row] = nll_of(&scores[i]);
        if (run->options.best) run->options.best[scores[i].row] = scores[i].best;
    }
}

static neck_status score_run(neck__forward *run, neck_loss *loss)
{
    score *scores = neck__alloc(&run->allocator, run->rows, sizeof *scores, "scores");
    if (!scores) return NECK_E_NOMEM;
    int64_t count = gather(run, scores);
    loss_job job = {run->context, scores};
    neck_status status = count > 0 ? neck__head_sweep(run->context, run->model, run->last, count, take_logits, &job)
                                   : neck__fail(NECK_E_ARGUMENT, "no position has a target");
    if (status == NECK_OK) status = sum_up(scores, count, loss);
    if (status == NECK_OK) write_rows(run, scores, count);
    neck__release(&run->allocator, scores);
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

typedef struct logits_job {
    const neck__forward *run;
    float *out;
} logits_job;

static void copy_logits(void *data, const neck__logits *block)
{
    const logits_job *job = data;
    int64_t vocabulary = job->run->model->config.vocabulary;
    for (int64_t i = 0; i < block->rows; i++) {
        int64_t row = block->first_row + i;
        float *to = job->out + row * vocabulary + block->first_id;
        if (row % job->run->length < neck__forward_length(job->run, row / job->run->length))
            memcpy(to, block->logits + i * block->ids, (size_t)block->ids * sizeof *to);
        else
            memset(to, 0, (size_t)block->ids * sizeof *to);
    }
}

neck_status neck_model_logits(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                              int64_t length, const neck_forward_options *options, float *logits)
{
    if (!logits) return neck__fail(NECK_E_ARGUMENT, "logits is NULL");
    neck__forward run;
    neck_status status = neck__forward_run(context, model, tokens, batch, length, options, &run);
    logits_job job = {&run, logits};
    if (status == NECK_OK) status = neck__head_sweep(context, model, run.last, run.rows, copy_logits, &job);
    neck__forward_clear(&run);
    return status;
}
