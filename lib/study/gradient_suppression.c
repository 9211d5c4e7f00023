/* study/gradient_suppression.c - how much of the logit gradient the head keeps from the states. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "linalg/blas.h"
#include "linalg/view.h"
#include "softneck/bottleneck.h"
#include "study/eigen.h"
#include "study/rows.h"

/* Tokens whose gradients exist at once. */
enum { TOKENS = 2048 };

typedef struct suppression_job {
    neck_context *context;
    neck__allocator allocator;
    neck_matrix weights, states;
    const int32_t *targets;
    neck_cross_entropy_options options;
    int32_t dtype;   /* of the states' gradient */
    int64_t rank;
    double *basis;       /* rank x d: eigenvectors of W^T W over the roots of their values: Q^T g = basis W^T g */
    double *share;       /* of every token: |g_i - Q Q^T g_i| / |g_i| */
    double *norms;       /* |g_i| of a block */
    void *gradient;      /* of its states */
    double *wide, *seen; /* W^T g and Q^T g of some tokens of it */
    int64_t tokens;
    double lost, all, shares; /* sums of |g_i - Q Q^T g_i|^2, of |g_i|^2, of share */
} suppression_job;

/* What is asked of the loss is the gradient of plain log-softmax; what only the caller's loss would fill is not
 * filled. */
static neck_status read_options(suppression_job *job, const neck_cross_entropy_options *options)
{
    NECK_OPTIONS(neck_cross_entropy_options, given, options);
    if (given.soft_cap != 0 || given.label_smoothing != 0 || given.z_loss != 0 || given.filter_tolerance != 0 ||
        given.reduction != 0 || given.accumulate || given.accuracy || given.reserved)
        return neck__fail(NECK_E_ARGUMENT,
                          "of the loss's options bias, logit_scale, ignore_index and memory_cap alone apply");
    if (given.token_loss || given.log_normalizer || given.gradient_norm || given.best)
        return neck__fail(NECK_E_ARGUMENT,
                          "token_loss, log_normalizer, gradient_norm and best must be NULL: nothing fills them");
    given.struct_size = sizeof given;
    given.reduction = NECK_REDUCTION_SUM;
    job->options = given;
    return NECK_OK;
}

static neck_status check(suppression_job *job, const neck_matrix *weights, const neck_labeled_states *data)
{
    if (!data || !data->targets) return neck__fail(NECK_E_ARGUMENT, "data or its targets are NULL");
    NECK_TRY(neck__view_check(weights, &job->weights));
    NECK_TRY(neck__view_check(&data->states, &job->states));
    if (job->states.cols != job->weights.cols)
        return neck__fail(NECK_E_ARGUMENT, "the states have %lld numbers, the head takes %lld",
                          (long long)job->states.cols, (long long)job->weights.cols);
    job->targets = data->targets;
    job->dtype = job->states.dtype == NECK_F64 ? NECK_F64 : NECK_F32;
    return NECK_OK;
}

static neck_status allocate(suppression_job *job)
{
    int64_t d = job->weights.cols, tokens = job->states.rows < TOKENS ? job->states.rows : TOKENS, square;
    if (!neck__mul(d, d, &square))
        return neck__fail(NECK_E_OVERFLOW, "a head of width %lld is too large", (long long)d);
    job->basis = neck__alloc(&job->allocator, square, sizeof(double), "a basis of the head");
    job->share = neck__alloc(&job->allocator, job->states.rows, sizeof(double), "shares of tokens");
    job->norms = neck__alloc(&job->allocator, tokens, sizeof(double), "gradient norms");
    job->wide = neck__alloc(&job->allocator, 2 * neck__rows_per_block(d) * d, sizeof(double), "gradients");
    job->gradient = neck__alloc(&job->allocator, tokens * d, neck_dtype_size(job->dtype), "gradients");
    if (!job->basis || !job->share || !job->norms || !job->wide || !job->gradient) return NECK_E_NOMEM;
    job->seen = job->wide + neck__rows_per_block(d) * d;
    return NECK_OK;
}

static void release(suppression_job *job)
{
    neck__release(&job->allocator, job->basis);
    neck__release(&job->allocator, job->share);
    neck__release(&job->allocator, job->norms);
    neck__release(&job->allocator, job->wide);
    neck__release(&job->allocator, job->gradient);
}

static neck_status make_basis(suppression_job *job)
{
    int64_t d = job->weights.cols;
    double *values = neck__alloc(&job->allocator, d, sizeof *values, "eigenvalues"), scale = job->options.logit_scale;
    neck_gram *gram = NULL;
    neck_status status = values ? neck_gram_create(job->context, d, NULL, &gram) : NECK_E_NOMEM;
    if (status == NECK_OK) status = neck_gram_push(job->context, gram, &job->weights);
    if (status == NECK_OK) status = neck__gram_eigen(job->context, gram, values, job->basis, &job->rank);
    for (int64_t i = 0; status == NECK_OK && i < job->rank; i++) /* the gradient of the states is logit_scale W^T g */
        for (int64_t j = 0; j < d; j++) job->basis[i * d + j] /= sqrt(values[i]) * (scale == 0 ? 1 : scale);
    neck_gram_destroy(gram);
    neck__release(&job->allocator, values);
    return status;
}

/* Returns the token's share. */
static double add_token(suppression_job *job, double norm, const double *seen)
{
    double all = norm * norm, kept = 0;
    for (int64_t k = 0; k < job->rank; k++) kept += seen[k] * seen[k];
    double lost = fmax(all - kept, 0), share = all > 0 ? sqrt(lost / all) : 0;
    job->lost += lost;
    job->all += all;
    job->shares += share;
    return share;
}

static neck_status add_block(suppression_job *job, int64_t first, int64_t count)
{
    int64_t d = job->weights.cols, step = neck__rows_per_block(d);
    neck_matrix states = job->states, gradient = {job->gradient, count, d, d, job->dtype, 0};
    states.data = neck__view_row(&job->states, first);
    states.rows = count;
    neck_cross_entropy_options options = job->options;
    options.gradient_norm = job->norms;
    neck_cross_entropy_gradients gradients = {.struct_size = sizeof gradients, .states = job->gradient};
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    NECK_TRY(neck_cross_entropy(job->context, &states, &job->weights, job->targets + first, &options, &gradients,
                                &result));
    job->tokens += result.tokens;
    for (int64_t at = 0; at < count; at += step) {
        int64_t rows = count - at < step ? count - at : step;
        neck__rows_read(job->context, &(neck__rows){&gradient, NULL, at, rows, NULL}, NECK_F64, job->wide);
        NECK_TRY(neck__gemm(0, 1, rows, job->rank, d, 1, job->wide, d, job->basis, d, 0, job->seen, d));
        for (int64_t i = 0; i < rows; i++)
            job->share[first + at + i] = add_token(job, job->norms[at + i], job->seen + i * d);
    }
    return NECK_OK;
}

static neck_status measure(suppression_job *job)
{
    NECK_TRY(allocate(job));
    NECK_TRY(make_basis(job));
    for (int64_t first = 0; first < job->states.rows; first += TOKENS) {
        int64_t count = job->states.rows - first < TOKENS ? job->states.rows - first : TOKENS;
        neck_status status = add_block(job, first, count);
        if (status != NECK_OK)
            return first ? neck__fail_in(status, "counting rows from %lld on", (long long)first) : status;
        NECK_TRY(neck__progress(job->context, "gradient suppression", "tokens", first + count, job->states.rows));
    }
    return NECK_OK;
}

neck_status neck_gradient_suppression_measure(neck_context *context, const neck_matrix *weights,
                                              const neck_labeled_states *data,
                                              const neck_cross_entropy_options *options, double *token_share,
                                              neck_gradient_suppression *out)
{
    if (!out || out->struct_size < sizeof out->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "out is NULL or its struct_size is not set");
    suppression_job job = {.context = context, .allocator = neck__allocator_of(context)};
    NECK_TRY(read_options(&job, options));
    NECK_TRY(check(&job, weights, data));
    neck_status status = measure(&job);
    if (status == NECK_OK && token_share) memcpy(token_share, job.share, (size_t)job.states.rows * sizeof *token_share);
    release(&job);
    if (status != NECK_OK) return status;
    neck_gradient_suppression made = {.struct_size = out->struct_size, .tokens = job.tokens, .rank = job.rank};
    if (job.all > 0) made.suppressed = sqrt(job.lost / job.all);
    if (job.tokens > 0) made.mean_suppressed = job.shares / (double)job.tokens;
    memcpy(out, &made, out->struct_size < sizeof made ? out->struct_size : sizeof made);
    return NECK_OK;
}
