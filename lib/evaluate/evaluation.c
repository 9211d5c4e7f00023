/* evaluate/evaluation.c - a running evaluation: documents in, sums of their loss, states of their layers. */
#include "evaluate/evaluation_object.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"

/* A model trained for longer contexts than this is rarely better on them, but always slower. */
#define LONGEST_DEFAULT_CONTEXT 2048
#define DEFAULT_BATCH_TOKENS 4096
#define DEFAULT_SAMPLE_ROWS 1024

/* ---- create and destroy --------------------------------------------------------------------------------------- */

static neck_status fill_options(const neck_model *model, neck_evaluation_options *given)
{
    int64_t trained = neck_model_context_length(model);
    if (given->context_length == 0)
        given->context_length = trained < LONGEST_DEFAULT_CONTEXT ? trained : LONGEST_DEFAULT_CONTEXT;
    if (given->context_length < 1)
        return neck__fail(NECK_E_ARGUMENT, "context_length is %lld: it must be at least 1",
                          (long long)given->context_length);
    if (given->stride == 0) given->stride = given->context_length;
    if (given->stride < 1 || given->stride > given->context_length)
        return neck__fail(NECK_E_ARGUMENT, "stride is %lld: it must be 1 to the context length, %lld",
                          (long long)given->stride, (long long)given->context_length);
    if (given->batch_tokens == 0) given->batch_tokens = DEFAULT_BATCH_TOKENS;
    if (given->batch_tokens < 0)
        return neck__fail(NECK_E_ARGUMENT, "batch_tokens is %lld: it must not be negative",
                          (long long)given->batch_tokens);
    if (given->sample_rows == 0) given->sample_rows = DEFAULT_SAMPLE_ROWS;
    if (given->sample_rows < 2)
        return neck__fail(NECK_E_ARGUMENT, "sample_rows is %lld: it must be at least 2", (long long)given->sample_rows);
    return NECK_OK;
}

neck_status neck_evaluation_create(neck_context *context, neck_model *model, const neck_evaluation_options *options,
                                   neck_evaluation **out)
{
    if (!model || !out) return neck__fail(NECK_E_ARGUMENT, "model or out is NULL");
    NECK_OPTIONS(neck_evaluation_options, given, options);
    NECK_TRY(fill_options(model, &given));
    neck__allocator allocator = neck__allocator_of(context);
    neck_evaluation *evaluation = neck__calloc(&allocator, 1, sizeof *evaluation, "an evaluation");
    if (!evaluation) return NECK_E_NOMEM;
    evaluation->allocator = allocator;
    evaluation->model = model;
    evaluation->options = given;
    neck_status status = NECK_OK;
    if (given.watch_layers) status = neck__watch_init(context, model, given.sample_rows, &evaluation->watch);
    evaluation->watch.dump = given.dump;
    if (status == NECK_OK) *out = evaluation;
    else neck__release(&allocator, evaluation);
    return status;
}

void neck_evaluation_destroy(neck_evaluation *evaluation)
{
    if (!evaluation) return;
    neck__allocator allocator = evaluation->allocator;
    if (evaluation->watch.layers) neck__watch_free(&evaluation->watch);
    neck__release(&allocator, evaluation);
}

/* ---- one batch of windows --------------------------------------------------------------------------------------- */

/* Consecutive windows of equal length, and what the model is given and gives. */
typedef struct batch {
    neck__window *windows;
    int32_t *tokens;
    int32_t *targets;
    int32_t *best;
    double *nll;
    int64_t count;
    int64_t length;
} batch;

static neck_status batch_init(const neck__allocator *allocator, int64_t windows, int64_t length, batch *out)
{
    int64_t each = (int64_t)(3 * sizeof(int32_t) + sizeof(double)), size, all;
    if (!neck__mul(windows, length, &size) || !neck__mul(size, each, &all))
        return neck__fail(NECK_E_OVERFLOW, "a batch of %lld x %lld tokens is too large", (long long)windows,
                          (long long)length);
    out->nll = neck__alloc(allocator, size, each, "a batch of tokens");
    out->windows = neck__alloc(allocator, windows, sizeof *out->windows, "a batch of windows");
    if (!out->nll || !out->windows) return NECK_E_NOMEM;
    out->tokens = (int32_t *)(out->nll + size);
    out->targets = out->tokens + size;
    out->best = out->targets + size;
    return NECK_OK;
}

static void batch_free(const neck__allocator *allocator, batch *made)
{
    neck__release(allocator, made->nll);
    neck__release(allocator, made->windows);
}

/* The windows from `first` on that run together; returns how many. */
static int64_t batch_fill(batch *made, const neck__windows *windows, int64_t first, int64_t count, int64_t most,
                          const int32_t *tokens)
{
    made->length = neck__windows_at(windows, first).inputs;
    for (made->count = 0; made->count < most && first + made->count < count; made->count++) {
        neck__window window = neck__windows_at(windows, first + made->count);
        if (window.inputs != made->length) break;
        int32_t *row = made->tokens + made->count * made->length, *target = made->targets + made->count * made->length;
        memcpy(row, tokens + window.begin, (size_t)made->length * sizeof *row);
        for (int64_t i = 0; i < made->length; i++)
            target[i] = i < made->length - window.targets ? NECK_NO_TARGET : tokens[window.begin + i + 1];
        made->windows[made->count] = window;
    }
    return made->count;
}

static void add_batch(neck_evaluation *evaluation, const batch *run)
{
    for (int64_t i = 0; i < run->count * run->length; i++) {
        if (run->targets[i] == NECK_NO_TARGET) continue;
        evaluation->tokens++;
        evaluation->correct += run->best[i] == run->targets[i];
        evaluation->nll_sum += run->nll[i];
        evaluation->nll_squares += run->nll[i] * run->nll[i];
    }
}

static neck_status run_batch(neck_context *context, neck_evaluation *evaluation, const batch *run)
{
    neck__watch *watch = &evaluation->watch;
    neck_loss loss = {.struct_size = sizeof loss};
    neck_forward_options options = {
        .struct_size = sizeof options, .targets = run->targets, .nll = run->nll, .best = run->best};
    if (watch->layers || watch->dump) {
        watch->context = context;
        watch->windows = run->windows;
        watch->targets = run->targets;
        watch->batch = run->count;
        watch->length = run->length;
        watch->status = NECK_OK;
        options.states = neck__watch_states;
        options.states_user = watch;
    }
    neck_status status =
        neck_model_loss(context, evaluation->model, run->tokens, run->count, run->length, &options, &loss);
    /* What stopped the callback says more than that it stopped. */
    if (status == NECK_E_CANCELLED && watch->status != NECK_OK) return neck__fail(watch->status, "%s", watch->message);
    if (status == NECK_OK) add_batch(evaluation, run);
    return status;
}

/* ---- documents -------------------------------------------------------------------------------------------------- */

static neck__windows windows_of(const neck_evaluation *evaluation, int64_t tokens)
{
    const neck_evaluation_options *options = &evaluation->options;
    return (neck__windows){.tokens = tokens,
                           .context = options->context_length,
                           .stride = options->stride,
                           .reach_back = options->reach_back};
}

/* A document's windows in batches: all of one length, but for the last window, which may be alone. */
typedef struct division {
    int64_t windows; /* 0: nothing to predict */
    int64_t alike;   /* of the first one's length */
    int64_t most;    /* in a batch */
    int64_t batches;
} division;

static division divide(const neck_evaluation *evaluation, const neck__windows *windows)
{
    division made = {.windows = neck__windows_count(windows)};
    if (made.windows == 0) return made;
    int64_t length = neck__windows_at(windows, 0).inputs;
    made.alike = made.windows - (neck__windows_at(windows, made.windows - 1).inputs != length);
    made.most = evaluation->options.batch_tokens / length;
    if (made.most < 1) made.most = 1;
    made.batches = (made.alike + made.most - 1) / made.most + (made.windows - made.alike);
    return made;
}

/* The first window of a batch. */
static int64_t window_of(const division *parts, int64_t index)
{
    if (index == parts->batches) return parts->windows;
    return index * parts->most < parts->alike ? index * parts->most : parts->alike;
}

static int64_t predicted(const neck__windows *windows, int64_t first, int64_t last)
{
    int64_t tokens = 0;
    for (int64_t i = first; i < last; i++) tokens += neck__windows_at(windows, i).targets;
    return tokens;
}

/* Windows [first, last), where batches begin and end. */
static neck_status run_windows(neck_context *context, neck_evaluation *evaluation, const neck__windows *windows,
                               const division *parts, int64_t first, int64_t last, const int32_t *tokens)
{
    int64_t start = evaluation->tokens, all = predicted(windows, first, last);
    int64_t most = parts->most < last - first ? parts->most : last - first;
    batch run = {.nll = NULL};
    neck_status status = batch_init(&evaluation->allocator, most, neck__windows_at(windows, first).inputs, &run);
    for (int64_t i = first; i < last && status == NECK_OK;) {
        status = neck__progress(context, "evaluate", "tokens", evaluation->tokens - start, all);
        if (status != NECK_OK) break;
        i += batch_fill(&run, windows, i, last, most, tokens);
        status = run_batch(context, evaluation, &run);
    }
    batch_free(&evaluation->allocator, &run);
    return status;
}

int64_t neck_evaluation_batches(const neck_evaluation *evaluation, int64_t count)
{
    if (!evaluation) return 0;
    neck__windows windows = windows_of(evaluation, count);
    return divide(evaluation, &windows).batches;
}

neck_status neck_evaluation_push_part(neck_context *context, neck_evaluation *evaluation, const int32_t *tokens,
                                      int64_t count, int64_t nbytes, int64_t words, int64_t first, int64_t batches)
{
    if (!evaluation || (!tokens && count > 0)) return neck__fail(NECK_E_ARGUMENT, "evaluation or tokens is NULL");
    if (count < 0 || nbytes < 0 || words < 0)
        return neck__fail(NECK_E_ARGUMENT, "count, nbytes or words is negative: %lld, %lld, %lld", (long long)count,
                          (long long)nbytes, (long long)words);
    neck__windows windows = windows_of(evaluation, count);
    division parts = divide(evaluation, &windows);
    if (first < 0 || batches < 0 || first > parts.batches || batches > parts.batches - first)
        return neck__fail(NECK_E_ARGUMENT, "%lld batches from %lld on: the document has %lld", (long long)batches,
                          (long long)first, (long long)parts.batches);
    if (parts.batches == 0) return NECK_OK;
    int64_t before = evaluation->tokens, begin = window_of(&parts, first), end = window_of(&parts, first + batches);
    neck__watch_leave_out(&evaluation->watch, predicted(&windows, 0, begin));
    neck_status status = NECK_OK;
    if (batches > 0) status = run_windows(context, evaluation, &windows, &parts, begin, end, tokens);
    if (status == NECK_OK) neck__watch_leave_out(&evaluation->watch, predicted(&windows, end, parts.windows));
    double share = (double)(evaluation->tokens - before) / (double)(count - 1);
    evaluation->documents += share > 0 && first == 0;
    evaluation->bytes += share * (double)nbytes;
    evaluation->words += share * (double)words;
    return status;
}

neck_status neck_evaluation_push_tokens(neck_context *context, neck_evaluation *evaluation, const int32_t *tokens,
                                        int64_t count, int64_t nbytes, int64_t words)
{
    return neck_evaluation_push_part(context, evaluation, tokens, count, nbytes, words, 0,
                                     neck_evaluation_batches(evaluation, count));
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

static double ratio(double sum, double count)
{
    return count > 0 ? sum / count : NAN;
}

static neck_text_loss summary(const neck_evaluation *evaluation)
{
    double n = (double)evaluation->tokens, sum = evaluation->nll_sum;
    double variance = n > 1 ? fmax(evaluation->nll_squares - sum * sum / n, 0) / (n - 1) : NAN;
    return (neck_text_loss){.context_length = evaluation->options.context_length,
                            .stride = evaluation->options.stride,
                            .documents = evaluation->documents,
                            .tokens = evaluation->tokens,
                            .correct = evaluation->correct,
                            .bytes = evaluation->bytes,
                            .words = evaluation->words,
                            .nll_sum = sum,
                            .loss = sum / n,
                            .standard_error = sqrt(variance / n),
                            .perplexity = exp(sum / n),
                            .bits_per_byte = ratio(sum / M_LN2, evaluation->bytes),
                            .byte_perplexity = exp(ratio(sum, evaluation->bytes)),
                            .word_perplexity = exp(ratio(sum, evaluation->words)),
                            .accuracy = (double)evaluation->correct / n};
}

neck_status neck_evaluation_loss(const neck_evaluation *evaluation, neck_text_loss *out)
{
    if (!evaluation || !out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "evaluation or out is NULL, or out's struct_size is not set");
    if (evaluation->tokens == 0) return neck__fail(NECK_E_STATE, "no token was predicted: there is no loss");
    neck_text_loss made = summary(evaluation);
    made.struct_size = out->struct_size;
    memcpy(out, &made, out->struct_size < sizeof made ? out->struct_size : sizeof made);
    return NECK_OK;
}

int64_t neck_evaluation_layers(const neck_evaluation *evaluation)
{
    return evaluation->watch.count;
}

const neck_gram *neck_evaluation_gram(const neck_evaluation *evaluation, int64_t layer)
{
    return layer >= 0 && layer < evaluation->watch.count ? evaluation->watch.layers[layer].gram : NULL;
}

neck_status neck_evaluation_centered_anisotropy(neck_context *context, const neck_evaluation *evaluation, int64_t layer,
                                                neck_measure *out, double *standard_error)
{
    if (!evaluation || !out) return neck__fail(NECK_E_ARGUMENT, "evaluation or out is NULL");
    const neck_gram *gram = neck_evaluation_gram(evaluation, layer);
    if (!gram)
        return neck__fail(NECK_E_ARGUMENT, "layer is %lld: %lld are watched", (long long)layer,
                          (long long)evaluation->watch.count);
    neck__allocator allocator = neck__allocator_of(context);
    double *mean = neck__alloc(&allocator, neck_gram_cols(gram), sizeof *mean, "a mean row");
    if (!mean) return NECK_E_NOMEM;
    double error = 0;
    neck_status status = neck_gram_mean(gram, mean);
    if (status == NECK_OK)
        status = neck__sample_anisotropy(&evaluation->watch.layers[layer].sample, mean, out, &error);
    if (status == NECK_OK && standard_error) *standard_error = error;
    neck__release(&allocator, mean);
    return status;
}
