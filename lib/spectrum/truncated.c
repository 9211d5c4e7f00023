/* spectrum/truncated.c - neck_truncated_svd and neck_truncated_spectrum: options, the route by cost, the caller's
 * units. */
#include "spectrum/truncated.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "core/parallel.h"
#include "spectrum/spectrum_object.h"

static neck_status check(const neck_operator *op, int64_t k, const neck_truncated_options *options)
{
    int64_t order = op->rows < op->cols ? op->rows : op->cols;
    if (k < 1 || k > order)
        return neck__fail(NECK_E_ARGUMENT, "k is %lld: a %lld x %lld operator has 1 to %lld singular values",
                          (long long)k, (long long)op->rows, (long long)op->cols, (long long)order);
    if (options->method != NECK_METHOD_AUTO && options->method != NECK_METHOD_GRAM &&
        options->method != NECK_METHOD_KRYLOV && options->method != NECK_METHOD_RANDOMIZED)
        return neck__fail(NECK_E_ARGUMENT, "method %d is not AUTO, GRAM, KRYLOV or RANDOMIZED", options->method);
    if (!(options->tolerance >= 0 && options->tolerance < 1))
        return neck__fail(NECK_E_ARGUMENT, "tolerance is %g: it is a number from 0 to below 1", options->tolerance);
    if (options->block < 0 || options->basis < 0 || options->max_products < 0 || options->start_count < 0 ||
        options->oversampling < 0)
        return neck__fail(NECK_E_ARGUMENT, "block, basis, max_products, start_count or oversampling is negative");
    if (options->start_count > 0 && !options->start)
        return neck__fail(NECK_E_ARGUMENT, "start is NULL, start_count is not 0");
    int64_t numbers;
    if (!neck__mul(options->start_count, op->cols, &numbers))
        return neck__fail(NECK_E_OVERFLOW, "start_count is %lld: too many vectors", (long long)options->start_count);
    for (int64_t i = 0; i < numbers; i++)
        if (!isfinite(options->start[i]))
            return neck__fail(NECK_E_NONFINITE, "start[%lld][%lld] is %g", (long long)(i / options->start_count),
                              (long long)(i % options->start_count), options->start[i]);
    return NECK_OK;
}

enum { BLOCK = 8, ROUGH_BLOCK = 16, OVERSAMPLING = 10, POWER_STEPS = 2 };

/* Tolerances that vectors from products in single precision can meet. */
#define ROUGH_TOLERANCE 1e-6

/* A wider block wastes products, a narrower one passes over the operator more often; products in single precision are
 * so fast that the passes count. More given starts than this are cut off: a block is multiplied as a whole each
 * time. */
static void fill_defaults(const neck_truncated_options *options, int64_t k, const neck__normal *normal,
                          neck__request *request)
{
    int64_t order = normal->order;
    *request = (neck__request){.k = k, .method = options->method};
    request->tolerance = options->tolerance > 0 ? options->tolerance : 1e-10;
    request->rough = request->tolerance >= ROUGH_TOLERANCE && neck__normal_has_rough(normal);
    int64_t block = options->block > 0 ? options->block : BLOCK, starts = options->start_count;
    if (starts > k + BLOCK) starts = k + BLOCK;
    if (block < starts) block = starts;
    request->block = block < order ? block : order;
    request->rough_block = options->block > 0 || block > ROUGH_BLOCK ? request->block : ROUGH_BLOCK;
    request->start_count = starts < order ? starts : order;
    request->basis = options->basis > 0 ? options->basis : 4 * k + 16 * request->block;
    request->oversampling = options->oversampling > 0 ? options->oversampling : OVERSAMPLING;
    if (request->oversampling > order - k) request->oversampling = order - k;
    request->power_steps = options->power_steps == 0 ? POWER_STEPS : options->power_steps;
    if (request->power_steps < 0) request->power_steps = 0;
}

/* Starts as vectors of the shorter side: given for A's right side, they go through A where that is the longer one. */
static neck_status take_starts(neck_context *context, neck__normal *normal, const neck_truncated_options *options,
                               neck__request *request, double **memory)
{
    int64_t given = options->start_count, cols = normal->op->cols;
    if (request->start_count == 0) return NECK_OK;
    double *rows = neck__alloc(&normal->allocator, given, cols * (int64_t)sizeof *rows, "start vectors");
    if (!rows) return NECK_E_NOMEM;
    if (normal->flipped) {
        double *starts = neck__alloc(&normal->allocator, given, normal->order * (int64_t)sizeof *starts,
                                     "start vectors");
        neck_status status = NECK_E_NOMEM;
        if (starts) status = neck__normal_backward(context, normal, given, options->start, starts);
        neck__release(&normal->allocator, rows);
        if (status != NECK_OK) {
            neck__release(&normal->allocator, starts);
            return status;
        }
        rows = starts;
    } else {
        neck__transpose(context, cols, given, options->start, 1, rows);
    }
    *memory = rows;
    request->start = rows;
    return NECK_OK;
}

/* Krylov takes some 5 k + 100 pairs of products; the Gram matrix of a dense view costs a quarter of `order` such pairs
 * and runs several times faster; any other operator's costs all of them. */
enum { LARGEST_GRAM = 8192 };

static int gram_pays(const neck__normal *normal, int64_t k)
{
    int64_t pairs = 5 * k + 100, order = normal->order;
    return order <= LARGEST_GRAM && order <= (neck__operator_matrix(normal->op) ? 8 * pairs : pairs);
}

static neck_status find(neck_context *context, neck__normal *normal, const neck__request *request, int32_t method,
                        neck__subspace *subspace, neck__triplets *triplets)
{
    NECK_TRY(method == NECK_METHOD_GRAM     ? neck__truncated_by_gram(context, normal, request, subspace)
             : method == NECK_METHOD_KRYLOV ? neck__truncated_by_krylov(context, normal, request, subspace)
                                            : neck__truncated_by_range(context, normal, request, subspace));
    neck_status status = neck__triplets_of(context, normal, subspace, triplets);
    neck__release(&normal->allocator, subspace->vectors);
    subspace->vectors = NULL;
    return status;
}

/* Squares lose what lies below the root of double's precision; products with A itself do not. */
#define UNRESOLVED 1e-8

/* Whether vectors found in single precision meet the tolerance. */
static int within_tolerance(const neck__request *request, const neck__triplets *triplets)
{
    for (int64_t i = 0; i < request->k; i++)
        if (!(triplets->residuals[i] <= request->tolerance * triplets->values[0])) return 0;
    return 1;
}

static neck_status find_by_krylov(neck_context *context, neck__normal *normal, const neck__request *request,
                                  neck__subspace *subspace, neck__triplets *triplets)
{
    neck__request exactly = *request;
    exactly.rough = 0;
    if (!request->rough) return find(context, normal, request, NECK_METHOD_KRYLOV, subspace, triplets);
    NECK_TRY(find(context, normal, request, NECK_METHOD_KRYLOV, subspace, triplets));
    if (within_tolerance(request, triplets)) return NECK_OK;
    neck__log(context, 1, "single precision does not reach the tolerance near %.3g; going on in double",
              triplets->values[request->k - 1]);
    neck__triplets_free(&normal->allocator, triplets);
    return find(context, normal, &exactly, NECK_METHOD_KRYLOV, subspace, triplets);
}

static neck_status find_by_cost(neck_context *context, neck__normal *normal, const neck__request *request,
                                neck__subspace *subspace, neck__triplets *triplets)
{
    int may_choose = request->method == NECK_METHOD_AUTO;
    if (request->method == NECK_METHOD_KRYLOV || (may_choose && !gram_pays(normal, request->k)))
        return find_by_krylov(context, normal, request, subspace, triplets);
    if (!may_choose) return find(context, normal, request, request->method, subspace, triplets);
    NECK_TRY(find(context, normal, request, NECK_METHOD_GRAM, subspace, triplets));
    if (triplets->bounds[request->k - 1] <= UNRESOLVED * triplets->values[0]) return NECK_OK;
    neck__log(context, 1, "the Gram matrix resolves no values near %.3g; going on with products",
              triplets->values[request->k - 1]);
    neck__triplets_free(&normal->allocator, triplets);
    return find_by_krylov(context, normal, request, subspace, triplets);
}

typedef struct outputs {
    double *values, *left, *right, *residuals, *bounds;
} outputs;

/* rows (k x n) or, turned, n x k from vectors that lie the other way round among `count`. */
static void write_rows(int64_t k, int64_t n, const double *rows, double *out)
{
    memcpy(out, rows, (size_t)(k * n) * sizeof *out);
}

typedef struct writing {
    int64_t k, n, count;
    const double *columns;
    double *out;
} writing;

enum { ROWS_A_TASK = 1024 };

static void write_some(void *data, int64_t task)
{
    const writing *job = data;
    int64_t first = task * ROWS_A_TASK, last = first + ROWS_A_TASK < job->n ? first + ROWS_A_TASK : job->n;
    for (int64_t i = first; i < last; i++)
        memcpy(job->out + i * job->k, job->columns + i * job->count, (size_t)job->k * sizeof *job->out);
}

/* On all threads: the caller's pages are often new, and to clear them takes longer than to fill them. */
static void write_columns(neck_context *context, int64_t k, int64_t n, int64_t count, const double *columns,
                          double *out)
{
    writing job = {k, n, count, columns, out};
    neck__parallel(context, (n + ROWS_A_TASK - 1) / ROWS_A_TASK, write_some, &job);
}

static void turn_rows(neck_context *context, int64_t k, int64_t n, const double *rows, double *out)
{
    neck__transpose(context, k, n, rows, 1, out);
}

static void turn_columns(int64_t k, int64_t n, int64_t count, const double *columns, double *out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++) out[j * n + i] = columns[i * count + j];
}

static neck_status write_outputs(neck_context *context, const neck__normal *normal, int64_t k, const neck__triplets *t,
                                 const outputs *to)
{
    if (isinf(t->values[0] / normal->scale))
        return neck__fail(NECK_E_OVERFLOW,
                          "the largest singular value exceeds the range of double: scale the operator down");
    double denormal = normal->scale == 1 ? 0 : DBL_TRUE_MIN; /* which round too */
    for (int64_t i = 0; i < k; i++) {
        to->values[i] = t->values[i] / normal->scale;
        if (to->residuals) to->residuals[i] = t->residuals[i] / normal->scale;
        if (to->bounds) to->bounds[i] = t->bounds[i] / normal->scale + denormal;
    }
    int64_t order = normal->order, length = normal->length;
    if (to->right && normal->flipped) turn_columns(k, length, t->count, t->longer, to->right);
    if (to->right && !normal->flipped) write_rows(k, order, t->shorter, to->right);
    if (to->left && normal->flipped) turn_rows(context, k, order, t->shorter, to->left);
    if (to->left && !normal->flipped) write_columns(context, k, length, t->count, t->longer, to->left);
    return NECK_OK;
}

static neck_status write_report(const neck__normal *normal, const neck__subspace *subspace,
                                neck_truncated_report *report)
{
    if (!report) return NECK_OK;
    neck_truncated_report full = {report->struct_size,         subspace->method,
                                  (int32_t)subspace->block,    normal->products,
                                  subspace->restarts,          subspace->missed_probability,
                                  normal->op->frobenius_squared};
    if (report->struct_size < sizeof full.struct_size)
        return neck__fail(NECK_E_ARGUMENT, "neck_truncated_report.struct_size is %zu: it must be sizeof the struct",
                          report->struct_size);
    memcpy(report, &full, report->struct_size < sizeof full ? report->struct_size : sizeof full);
    return NECK_OK;
}

static neck_status compute(neck_context *context, neck__normal *normal, int64_t k,
                           const neck_truncated_options *options, const outputs *to, neck_truncated_report *report)
{
    neck__request request;
    neck__subspace subspace = {0};
    neck__triplets triplets;
    double *starts = NULL;
    fill_defaults(options, k, normal, &request);
    NECK_TRY(take_starts(context, normal, options, &request, &starts));
    neck_status status = find_by_cost(context, normal, &request, &subspace, &triplets);
    neck__release(&normal->allocator, starts);
    if (status != NECK_OK) return status;
    status = write_outputs(context, normal, k, &triplets, to);
    neck__triplets_free(&normal->allocator, &triplets);
    return status == NECK_OK ? write_report(normal, &subspace, report) : status;
}

neck_status neck_truncated_svd(neck_context *context, const neck_operator *op, int64_t k,
                               const neck_truncated_options *options, double *values, double *left, double *right,
                               double *residuals, double *error_bounds, neck_truncated_report *report)
{
    if (!op || !values) return neck__fail(NECK_E_ARGUMENT, "op or values is NULL");
    if (report && report->struct_size < sizeof report->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "neck_truncated_report.struct_size must be sizeof the struct");
    NECK_OPTIONS(neck_truncated_options, given, options);
    NECK_TRY(check(op, k, &given));
    neck__normal normal;
    NECK_TRY(neck__normal_open(context, op, given.max_products, &normal));
    outputs to = {values, left, right, residuals, error_bounds};
    return compute(context, &normal, k, &given, &to, report);
}
