/* study/frequency.c - the dominant components of a head against log frequency. */
#include "softneck/frequency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "linalg/blas.h"
#include "linalg/view.h"
#include "softneck/spectrum.h"
#include "study/eigen.h"
#include "study/rows.h"

typedef struct frequency_job {
    neck_context *context;
    neck__allocator allocator;
    neck_matrix weights;
    const double *counts;
    neck_frequency_options options;
    int64_t count;    /* of components */
    int64_t rank;     /* of the head */
    int64_t tokens;   /* that have a logarithm */
    double *logs;     /* tokens: log counts minus their mean, of length 1 */
    double *log_ranks; /* the same of their ranks */
    double *columns;  /* count x tokens: u of each component; then orthonormal columns of the same spans */
    double *ranks;    /* tokens */
    int64_t *order;   /* tokens */
    double *vectors;  /* d x d: v, a row each */
    double *values;   /* d: squared singular values */
    double *mean;     /* d, or NULL */
} frequency_job;

static neck_status check(const frequency_job *job)
{
    int32_t variant = job->options.variant;
    int64_t rows = job->weights.rows, cols = job->weights.cols, most = rows < cols ? rows : cols;
    if (job->count < 1 || job->count > most)
        return neck__fail(NECK_E_ARGUMENT, "count is %lld: it must be 1 to %lld", (long long)job->count,
                          (long long)most);
    if (variant != NECK_VARIANT_RAW && variant != NECK_VARIANT_CENTERED && variant != NECK_VARIANT_FREQUENCY_CENTERED)
        return neck__fail(NECK_E_ARGUMENT, "neck_frequency_options.variant is %d: RAW, CENTERED or FREQUENCY_CENTERED",
                          variant);
    if (job->options.reserved) return neck__fail(NECK_E_ARGUMENT, "neck_frequency_options.reserved is not 0");
    if (!(job->options.smoothing >= 0 && isfinite(job->options.smoothing)))
        return neck__fail(NECK_E_ARGUMENT, "smoothing is %g: it must be 0 or above", job->options.smoothing);
    for (int64_t i = 0; i < rows; i++)
        if (!(job->counts[i] >= 0 && isfinite(job->counts[i])))
            return neck__fail(NECK_E_ARGUMENT, "count %lld is %g: it must be 0 or above", (long long)i, job->counts[i]);
    return NECK_OK;
}

/* ---- correlations ------------------------------------------------------------------------------------------------ */

/* Minus its mean and of length 1; all 0 when it does not vary beyond roundings. */
static void standardize(int64_t count, double *x)
{
    double mean = 0, before = 0, square = 0;
    for (int64_t i = 0; i < count; i++) {
        mean += x[i] / (double)count;
        before += x[i] * x[i];
    }
    for (int64_t i = 0; i < count; i++) {
        x[i] -= mean;
        square += x[i] * x[i];
    }
    double factor = square > 1e-26 * before ? 1 / sqrt(square) : 0;
    for (int64_t i = 0; i < count; i++) x[i] *= factor;
}

static double dot(int64_t count, const double *x, const double *y)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += x[i] * y[i];
    return sum;
}

typedef struct ranked {
    double value;
    int64_t index;
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Ranks of x, equals sharing the middle of theirs, standardized. room: count pairs. */
static void rank(int64_t count, const double *x, ranked *room, double *out)
{
    for (int64_t i = 0; i < count; i++) room[i] = (ranked){x[i], i};
    qsort(room, (size_t)count, sizeof *room, by_value);
    for (int64_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && room[end].value == room[begin].value;) end++;
        for (int64_t i = begin; i < end; i++) out[room[i].index] = 0.5 * (double)(begin + end - 1);
    }
    standardize(count, out);
}

/* What the column adds to the span of those before it, all of which are orthonormal or 0: twice, because once leaves
 * roundings. */
static void orthogonalize(const frequency_job *job, int64_t column)
{
    double *x = job->columns + column * job->tokens;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = 0; k < column; k++) {
            const double *other = job->columns + k * job->tokens;
            double along = dot(job->tokens, x, other);
            for (int64_t i = 0; i < job->tokens; i++) x[i] -= along * other[i];
        }
    double length = sqrt(dot(job->tokens, x, x));
    for (int64_t i = 0; i < job->tokens; i++) x[i] = length > 1e-10 ? x[i] / length : 0;
}

static void correlate(const frequency_job *job, neck_frequency_component *out)
{
    double total = 0, explained = 0;
    for (int64_t i = 0; i < job->weights.cols; i++) total += job->values[i];
    for (int64_t k = 0; k < job->count; k++) {
        double *x = job->columns + k * job->tokens;
        rank(job->tokens, x, (ranked *)job->order, job->ranks);
        standardize(job->tokens, x);
        double pearson = dot(job->tokens, x, job->logs), spearman = dot(job->tokens, job->ranks, job->log_ranks);
        orthogonalize(job, k);
        double added = dot(job->tokens, x, job->logs);
        explained += added * added;
        out[k] = (neck_frequency_component){sqrt(job->values[k]), total > 0 ? job->values[k] / total : 0, fabs(pearson),
                                            pearson < 0 ? -spearman : spearman, fmin(explained, 1)};
    }
}

/* ---- components -------------------------------------------------------------------------------------------------- */

static neck_status find_vectors(frequency_job *job)
{
    int by_frequency = job->options.variant == NECK_VARIANT_FREQUENCY_CENTERED;
    if (job->mean)
        NECK_TRY(neck_matrix_column_mean(job->context, &job->weights, by_frequency ? job->counts : NULL, job->mean));
    neck_gram_options options = {.struct_size = sizeof options, .shift = job->mean};
    neck_gram *gram;
    NECK_TRY(neck_gram_create(job->context, job->weights.cols, &options, &gram));
    neck_status status = neck_gram_push(job->context, gram, &job->weights);
    if (status == NECK_OK) status = neck__gram_eigen(job->context, gram, job->values, job->vectors, &job->rank);
    neck_gram_destroy(gram);
    return status;
}

/* The components' numbers of the tokens that count. Their scale does not matter. */
static neck_status project(frequency_job *job, double *block, int64_t step)
{
    int64_t d = job->weights.cols, at = 0, used = job->rank < job->count ? job->rank : job->count;
    double *numbers = block + step * d;
    memset(job->columns, 0, (size_t)(job->count * job->tokens) * sizeof *job->columns);
    for (int64_t first = 0; first < job->weights.rows; first += step) {
        int64_t count = job->weights.rows - first < step ? job->weights.rows - first : step;
        neck__rows_read(job->context, &(neck__rows){&job->weights, NULL, first, count, job->mean}, NECK_F64, block);
        NECK_TRY(neck__gemm(0, 1, count, used, d, 1, block, d, job->vectors, d, 0, numbers, job->count));
        for (int64_t i = 0; i < count; i++) {
            if (!(job->counts[first + i] + job->options.smoothing > 0)) continue;
            for (int64_t k = 0; k < used; k++) job->columns[k * job->tokens + at] = numbers[i * job->count + k];
            at++;
        }
    }
    return NECK_OK;
}

static neck_status measure(frequency_job *job, neck_frequency_component *out)
{
    int64_t d = job->weights.cols, step = neck__rows_per_block(d);
    NECK_TRY(find_vectors(job));
    double *block = neck__alloc(&job->allocator, step, (d + job->count) * (int64_t)sizeof *block, "rows of the head");
    if (!block) return NECK_E_NOMEM;
    neck_status status = project(job, block, step);
    neck__release(&job->allocator, block);
    if (status != NECK_OK) return status;
    for (int64_t i = 0, at = 0; i < job->weights.rows; i++) {
        double seen = job->counts[i] + job->options.smoothing;
        if (seen > 0) job->logs[at++] = log(seen);
    }
    rank(job->tokens, job->logs, (ranked *)job->order, job->log_ranks);
    standardize(job->tokens, job->logs);
    correlate(job, out);
    return NECK_OK;
}

static neck_status allocate_and_measure(frequency_job *job, neck_frequency_component *out)
{
    int64_t n = job->tokens, d = job->weights.cols;
    job->logs = neck__alloc(&job->allocator, n, (job->count + 5) * (int64_t)sizeof(double), "components of the head");
    job->vectors = neck__alloc(&job->allocator, d + 2, d * (int64_t)sizeof(double), "components of the head");
    neck_status status = job->logs && job->vectors ? NECK_OK : NECK_E_NOMEM;
    if (status == NECK_OK) {
        job->log_ranks = job->logs + n;
        job->ranks = job->log_ranks + n;
        job->order = (int64_t *)(job->ranks + n);
        job->columns = (double *)(job->order + 2 * n);
        job->values = job->vectors + d * d;
        job->mean = job->options.variant == NECK_VARIANT_RAW ? NULL : job->values + d;
        status = measure(job, out);
    }
    neck__release(&job->allocator, job->logs);
    neck__release(&job->allocator, job->vectors);
    return status;
}

neck_status neck_frequency_measure(neck_context *context, const neck_matrix *weights, const double *counts,
                                   const neck_frequency_options *options, int64_t count, neck_frequency_component *out,
                                   int64_t *tokens)
{
    if (!counts || !out) return neck__fail(NECK_E_ARGUMENT, "counts or out is NULL");
    frequency_job job = {.context = context, .allocator = neck__allocator_of(context), .counts = counts,
                         .count = count};
    NECK_OPTIONS(neck_frequency_options, given, options);
    job.options = given;
    NECK_TRY(neck__view_check(weights, &job.weights));
    NECK_TRY(check(&job));
    NECK_TRY(neck_matrix_check_finite(context, &job.weights, NULL, NULL));
    for (int64_t i = 0; i < job.weights.rows; i++) job.tokens += counts[i] + given.smoothing > 0;
    if (job.tokens < 3)
        return neck__fail(NECK_E_ARGUMENT, "%lld tokens have a count above 0: at least 3 are needed",
                          (long long)job.tokens);
    NECK_TRY(allocate_and_measure(&job, out));
    if (tokens) *tokens = job.tokens;
    return NECK_OK;
}
