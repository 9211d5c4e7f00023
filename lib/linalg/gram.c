/* linalg/gram.c - streaming second moments: create, push, merge, read. */
#include "linalg/gram.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "linalg/cross.h"
#include "linalg/moments.h"
#include "linalg/view.h"

/* Pushes of up to this many rows go straight into the Gram matrix: they take milliseconds, so they are not cancelled
 * half-way and need no second matrix to be undone from. */
enum { DIRECT_ROWS = 1024 };

static neck_status check_create(int64_t cols, const neck_gram_options *given)
{
    if (cols < 1) return neck__fail(NECK_E_ARGUMENT, "cols is %lld: it must be at least 1", (long long)cols);
    if (given->reserved) return neck__fail(NECK_E_ARGUMENT, "neck_gram_options.reserved must be 0");
    for (int64_t j = 0; given->shift && j < cols; j++)
        if (!isfinite(given->shift[j]))
            return neck__fail(NECK_E_NONFINITE, "shift[%lld] is %g", (long long)j, given->shift[j]);
    return NECK_OK;
}

static neck_status allocate(neck_gram *gram, const neck_gram_options *given)
{
    int64_t size;
    if (!neck__mul(gram->cols, gram->cols, &size))
        return neck__fail(NECK_E_OVERFLOW, "a gram of %lld columns is too large", (long long)gram->cols);
    gram->sum = neck__calloc(&gram->allocator, gram->cols, 3 * sizeof(double), "sums of rows");
    if (!gram->sum) return NECK_E_NOMEM;
    gram->unit_sum = gram->sum + gram->cols;
    if (given->shift) {
        gram->shift = gram->unit_sum + gram->cols;
        memcpy(gram->shift, given->shift, (size_t)gram->cols * sizeof(double));
    }
    if (given->moments_only) return NECK_OK;
    gram->data = neck__calloc(&gram->allocator, size, sizeof(double), "a Gram matrix");
    return gram->data ? NECK_OK : NECK_E_NOMEM;
}

neck_status neck_gram_create(neck_context *context, int64_t cols, const neck_gram_options *options, neck_gram **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_gram_options, given, options);
    NECK_TRY(check_create(cols, &given));
    neck__allocator allocator = neck__allocator_of(context);
    neck_gram *gram = neck__calloc(&allocator, 1, sizeof *gram, "a gram");
    if (!gram) return NECK_E_NOMEM;
    gram->allocator = allocator;
    gram->cols = cols;
    gram->mirrored = 1;
    pthread_mutex_init(&gram->mirror_lock, NULL);
    neck_status status = allocate(gram, &given);
    if (status != NECK_OK) {
        neck_gram_destroy(gram);
        return status;
    }
    *out = gram;
    return NECK_OK;
}

void neck_gram_destroy(neck_gram *gram)
{
    if (!gram) return;
    neck__allocator allocator = gram->allocator;
    pthread_mutex_destroy(&gram->mirror_lock);
    neck__release(&allocator, gram->sum);
    neck__release(&allocator, gram->data);
    neck__release(&allocator, gram);
}

static void add_upper(int64_t n, const double *from, double *to)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) to[i * n + j] += from[i * n + j];
}

static neck_status push_products(neck_context *context, neck_gram *gram, const neck__source *source)
{
    double trace = 0;
    if (source->silent) return neck__cross(context, source, gram->data, gram->cols, &trace);
    double *scratch = neck__calloc(&gram->allocator, gram->cols * gram->cols, sizeof(double), "a Gram matrix");
    if (!scratch) return NECK_E_NOMEM;
    neck_status status = neck__cross(context, source, scratch, gram->cols, &trace);
    if (status == NECK_OK) add_upper(gram->cols, scratch, gram->data);
    neck__release(&gram->allocator, scratch);
    return status;
}

static void take_moments(neck_gram *gram, const neck__moments *moments)
{
    for (int64_t j = 0; j < gram->cols; j++) {
        gram->sum[j] += moments->sum[j];
        gram->unit_sum[j] += moments->unit_sum[j];
    }
    gram->norm_sum += moments->norm_sum;
    gram->square_sum += moments->square_sum;
    gram->zero_rows += moments->zero_rows;
}

/* The moments pass also finds whatever is wrong with the data, so that nothing but a cancellation or a lack of memory
 * can stop the products, and those leave the gram alone. */
neck_status neck_gram_push(neck_context *context, neck_gram *gram, const neck_matrix *matrix)
{
    if (!gram) return neck__fail(NECK_E_ARGUMENT, "gram is NULL");
    neck__source source = {.shift = gram->shift, .scale = 1};
    NECK_TRY(neck__view_check(matrix, &source.view));
    if (source.view.cols != gram->cols)
        return neck__fail(NECK_E_ARGUMENT, "the matrix has %lld columns, the gram %lld", (long long)source.view.cols,
                          (long long)gram->cols);
    source.silent = source.view.rows <= DIRECT_ROWS;
    double *sums = neck__calloc(&gram->allocator, gram->cols, 2 * sizeof(double), "sums of rows");
    if (!sums) return NECK_E_NOMEM;
    neck__moments moments = {.sum = sums, .unit_sum = sums + gram->cols};
    neck_status status = neck__moments_add(context, &source.view, gram->shift, &moments);
    if (status == NECK_OK && !isfinite(gram->square_sum + moments.square_sum))
        status = neck__fail(NECK_E_OVERFLOW, "the sum of squares exceeds the range of double: scale the data down");
    if (status == NECK_OK && gram->data) status = push_products(context, gram, &source);
    if (status == NECK_OK) {
        take_moments(gram, &moments);
        gram->count += source.view.rows;
        gram->chain += neck__cross_chain(&source);
        gram->mirrored = 0;
    }
    neck__release(&gram->allocator, sums);
    return status;
}

static neck_status check_merge(const neck_gram *gram, const neck_gram *other)
{
    if (!gram || !other) return neck__fail(NECK_E_ARGUMENT, "gram or other is NULL");
    if (gram->cols != other->cols)
        return neck__fail(NECK_E_ARGUMENT, "the grams have %lld and %lld columns", (long long)gram->cols,
                          (long long)other->cols);
    if (!gram->data != !other->data)
        return neck__fail(NECK_E_ARGUMENT, "one gram holds only moments, the other a Gram matrix");
    for (int64_t j = 0; j < gram->cols && (gram->shift || other->shift); j++)
        if ((gram->shift ? gram->shift[j] : 0) != (other->shift ? other->shift[j] : 0))
            return neck__fail(NECK_E_ARGUMENT, "the grams have different shifts, first in column %lld", (long long)j);
    if (!isfinite(gram->square_sum + other->square_sum))
        return neck__fail(NECK_E_OVERFLOW, "the sum of squares exceeds the range of double");
    return NECK_OK;
}

neck_status neck_gram_merge(neck_gram *gram, const neck_gram *other)
{
    NECK_TRY(check_merge(gram, other));
    neck__moments moments = {other->sum, other->unit_sum, other->norm_sum, other->square_sum, other->zero_rows};
    if (gram->data) add_upper(gram->cols, other->data, gram->data);
    take_moments(gram, &moments);
    gram->count += other->count;
    gram->chain = fmax(gram->chain, other->chain) + 1;
    gram->mirrored = 0;
    return NECK_OK;
}

int64_t neck_gram_count(const neck_gram *gram) { return gram->count; }
int64_t neck_gram_cols(const neck_gram *gram) { return gram->cols; }
int64_t neck_gram_zero_rows(const neck_gram *gram) { return gram->zero_rows; }
double neck_gram_norm_sum(const neck_gram *gram) { return gram->norm_sum; }
const double *neck_gram_sum(const neck_gram *gram) { return gram->sum; }
const double *neck_gram_unit_sum(const neck_gram *gram) { return gram->unit_sum; }
const double *neck_gram_shift(const neck_gram *gram) { return gram->shift; }

/* Pushes keep only the upper triangle up to date; the first reader after them completes the lower one. */
const double *neck_gram_data(const neck_gram *gram)
{
    if (!gram->data) return NULL;
    neck_gram *writable = (neck_gram *)(uintptr_t)gram;
    pthread_mutex_lock(&writable->mirror_lock);
    if (!gram->mirrored) neck__mirror(NULL, gram->cols, gram->data, gram->cols);
    writable->mirrored = 1;
    pthread_mutex_unlock(&writable->mirror_lock);
    return gram->data;
}

neck_status neck_gram_mean(const neck_gram *gram, double *out)
{
    if (!gram || !out) return neck__fail(NECK_E_ARGUMENT, "gram or out is NULL");
    if (gram->count == 0) return neck__fail(NECK_E_STATE, "nothing was pushed into the gram: it has no mean");
    for (int64_t j = 0; j < gram->cols; j++)
        out[j] = gram->sum[j] / (double)gram->count + (gram->shift ? gram->shift[j] : 0);
    return NECK_OK;
}
