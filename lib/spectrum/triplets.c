/* spectrum/triplets.c - singular triplets from a subspace of the shorter side, with residuals and bounds. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/blas.h"
#include "linalg/lapack.h"
#include "linalg/matmul.h"
#include "spectrum/certificate.h"
#include "spectrum/truncated.h"

/* W = B V^T (length x count) = U diag(s) Z, all count x count but U. scratch: 4 count^2. Each array as long as W costs
 * more than the arithmetic on it, while the system clears its pages: U takes W's place, panel by panel. */
typedef struct turning {
    int64_t length, count;
    double *w;
    double *values;
    double *turn;     /* Z */
    double *by;       /* U = W by, in scratch; NULL: U is there already */
    double *u;        /* of its own, where W is far from orthogonal; else NULL */
    double *scratch;
} turning;

/* Columns of W are orthogonal but for rounding when the vectors are Ritz vectors. Then one Cholesky factorisation of
 * their scaled products, well conditioned, makes a QR of W that is as good as Householder's at a third of the time. */
#define NEARLY_ORTHOGONAL 0.1

/* Cross products scaled to a unit diagonal, in the upper triangle; 0 when they are not nearly the identity. */
static int nearly_orthogonal(int64_t count, double *cross, double *norms)
{
    double most = 0;
    for (int64_t i = 0; i < count; i++) {
        norms[i] = sqrt(cross[i * count + i]);
        if (!(norms[i] > 1e-130)) return 0;
    }
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = i; j < count; j++) {
            cross[i * count + j] /= norms[i] * norms[j];
            if (i != j) most = fmax(most, fabs(cross[i * count + j]));
        }
    return most * (double)count <= NEARLY_ORTHOGONAL;
}

/* Upper triangular r with r^T r = a (upper triangle read), in its place; zeros below. */
static void cholesky(int64_t n, double *a)
{
    for (int64_t i = 0; i < n; i++) {
        double root = sqrt(a[i * n + i]);
        for (int64_t j = i; j < n; j++) a[i * n + j] /= root;
        for (int64_t l = i + 1; l < n; l++)
            for (int64_t j = l; j < n; j++) a[l * n + j] -= a[i * n + l] * a[i * n + j];
        memset(a + i * n, 0, (size_t)i * sizeof *a);
    }
}

/* x = r^-1 x, r upper triangular, all n x n. */
static void solve_upper(int64_t n, const double *r, double *x)
{
    for (int64_t i = n - 1; i >= 0; i--) {
        for (int64_t l = i + 1; l < n; l++)
            for (int64_t j = 0; j < n; j++) x[i * n + j] -= r[i * n + l] * x[l * n + j];
        for (int64_t j = 0; j < n; j++) x[i * n + j] /= r[i * n + i];
    }
}

/* W = (W D^-1 R^-1) (R D) with R D = P diag(s) Z, so U = W (D^-1 R^-1 P). */
static neck_status turn_by_cholesky(neck_context *context, turning *job, double *cross, double *norms)
{
    int64_t n = job->count;
    double *left = cross + n * n, *square = left + n * n;
    cholesky(n, cross);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) square[i * n + j] = cross[i * n + j] * norms[j];
    NECK_TRY(neck__small_svd(context, n, square, left, job->values, job->turn));
    solve_upper(n, cross, left);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) left[i * n + j] /= norms[i];
    job->by = left;
    return NECK_OK;
}

static neck_status turn(neck_context *context, turning *job)
{
    int64_t n = job->count;
    double *cross = job->scratch, *norms = cross + 3 * n * n;
    NECK_TRY(neck__gemm(1, 0, n, n, job->length, 1, job->w, n, job->w, n, 0, cross, n));
    if (nearly_orthogonal(n, cross, norms)) return turn_by_cholesky(context, job, cross, norms);
    neck__allocator allocator = neck__allocator_of(context);
    job->u = neck__alloc(&allocator, n, job->length * (int64_t)sizeof *job->u, "singular vectors");
    if (!job->u) return NECK_E_NOMEM;
    neck_matrix view = {job->w, job->length, n, 0, NECK_F64, 0};
    return neck_svd_compute(context, &view, NULL, job->u, job->values, job->turn, NULL);
}

/* vectors = turn * vectors, a panel of columns at a time. */
static neck_status turn_vectors(int64_t count, int64_t order, const double *by, const double *from, double *to)
{
    return neck__gemm(0, 0, count, order, count, 1, by, count, from, order, 0, to, order);
}

/* In each vector of the shorter side the entry of largest magnitude becomes positive, as in neck_svd_compute. */
static void fix_signs(const neck__normal *normal, neck__triplets *t, double *images)
{
    for (int64_t i = 0; i < t->count; i++) {
        double *row = t->shorter + i * normal->order, *image = images + i * normal->order, largest = 0;
        for (int64_t j = 0; j < normal->order; j++)
            if (fabs(row[j]) > fabs(largest)) largest = row[j];
        if (largest >= 0) continue;
        for (int64_t j = 0; j < normal->order; j++) {
            row[j] = -row[j];
            image[j] = -image[j];
        }
        for (int64_t j = 0; j < normal->length; j++) t->longer[j * t->count + i] = -t->longer[j * t->count + i];
    }
}

enum { PANEL = 8192, ROWS_A_TASK = 256 };

/* Rows of W whose place U takes: of each, B v is the row of turn times W's. */
typedef struct panel {
    const turning *job;
    int64_t first, rows;
    const double *u, *images;
    double *sums; /* a row a task */
} panel;

static void settle_rows(void *data, int64_t task)
{
    const panel *now = data;
    int64_t n = now->job->count, from = task * ROWS_A_TASK, left = now->rows - from;
    int64_t to = from + (left < ROWS_A_TASK ? left : ROWS_A_TASK);
    double *sums = now->sums + task * n, *w = now->job->w + (now->first + from) * n;
    const double *u = now->u + from * n, *image = now->images + from * n;
    memset(sums, 0, (size_t)n * sizeof *sums);
    for (int64_t i = from; i < to; i++, u += n, image += n)
        for (int64_t j = 0; j < n; j++) {
            double difference = image[j] - now->job->values[j] * u[j];
            sums[j] += difference * difference;
        }
    memcpy(w, now->u + from * n, (size_t)((to - from) * n) * sizeof *w);
}

static neck_status settle_panel(neck_context *context, const turning *job, int64_t first, int64_t rows, double *room,
                                double *squares)
{
    int64_t n = job->count, tasks = (rows + ROWS_A_TASK - 1) / ROWS_A_TASK;
    double *w = job->w + first * n, *images = room, *u = images + rows * n;
    panel now = {job, first, rows, job->u ? job->u + first * n : u, images, u + (job->u ? 0 : rows * n)};
    NECK_TRY(neck__matmul_f64(context, rows, n, n, w, n, 1, job->turn, 1, n, images, n, 0));
    if (!job->u) NECK_TRY(neck__matmul_f64(context, rows, n, n, w, n, 1, job->by, n, 1, u, n, 0));
    neck__parallel(context, tasks, settle_rows, &now);
    for (int64_t task = 0; task < tasks; task++)
        for (int64_t j = 0; j < n; j++) squares[j] += now.sums[task * n + j];
    return NECK_OK;
}

/* W becomes U; |B v - s u|^2 of each is added to squares. */
static neck_status settle(neck_context *context, const turning *job, double *squares)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t most = job->length < PANEL ? job->length : PANEL;
    double *room = neck__alloc(&allocator, job->count, (2 * most + most / ROWS_A_TASK + 1) * (int64_t)sizeof *room,
                               "residuals");
    neck_status status = room ? NECK_OK : NECK_E_NOMEM;
    for (int64_t first = 0; first < job->length && status == NECK_OK; first += most) {
        int64_t rows = job->length - first < most ? job->length - first : most;
        status = settle_panel(context, job, first, rows, room, squares);
    }
    neck__release(&allocator, room);
    return status;
}

/* The roundings of a sum of products, in any order; of the orthogonality of the vectors; of denormals. */
static double rounding(const neck__normal *normal, const neck__subspace *subspace, const neck__triplets *t)
{
    double sides = (double)(normal->order + normal->length), squares = normal->frobenius_squared, known = 0;
    for (int64_t i = 0; i < t->count; i++) known += t->values[i] * t->values[i];
    double estimate = known + (double)(normal->order - t->count) * subspace->ceiling * subspace->ceiling;
    if (squares < 0) squares = isfinite(estimate) ? estimate : (double)normal->order * t->values[0] * t->values[0];
    double size = fmax(sqrt(squares), normal->magnitude);
    double turned = 9 * (double)t->count * DBL_EPSILON + neck__singular_values_error(t->count);
    return DBL_EPSILON / 2 * sides * size + turned * t->values[0] + sides * DBL_TRUE_MIN;
}

/* What the operator is caught lying at: V^T R, which both products make zero but for rounding, is not; or the squares
 * of the values are more than there is. */
#define LIE 1e-6

static neck_status check_honesty(const neck__normal *normal, const neck__triplets *t, double along, double floor)
{
    double squares = 0, known = normal->frobenius_squared;
    for (int64_t i = 0; i < t->count; i++) {
        double least = fmax(t->values[i] - floor, 0);
        squares += least * least;
    }
    if (along > LIE * t->values[0] + floor)
        return neck__fail(NECK_E_ARGUMENT,
                          "the operator's two products are not of the same matrix: they differ by %.3g of it",
                          along / t->values[0]);
    if (known >= 0 && squares > (1 + LIE) * known)
        return neck__fail(NECK_E_ARGUMENT,
                          "the operator's |A|_F^2 is given as %g, but the squares of its values sum to %g", known,
                          squares);
    return NECK_OK;
}

/* images = B^T U less S V becomes the residual R; *norm = |R|. floor: what rounding leaves. */
static neck_status backward_residuals(neck_context *context, const neck__normal *normal, double floor,
                                      neck__triplets *t, double *images, double *scratch, double *norm)
{
    int64_t n = t->count, order = normal->order;
    double along = 0;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < order; j++) {
            images[i * order + j] -= t->values[i] * t->shorter[i * order + j];
            sum += images[i * order + j] * images[i * order + j];
        }
        t->residuals[i] += sum;
    }
    NECK_TRY(neck__gemm(0, 1, n, n, order, 1, images, order, t->shorter, order, 0, scratch, n));
    for (int64_t i = 0; i < n * n; i++) along = fmax(along, fabs(scratch[i]));
    NECK_TRY(check_honesty(normal, t, along, floor));
    NECK_TRY(neck__gemm(0, 1, n, n, order, 1, images, order, images, order, 0, scratch, n));
    NECK_TRY(neck__symmetric_eigenvalues(context, n, scratch, n, scratch + n * n));
    *norm = sqrt(fmax(scratch[n * n + n - 1], 0)) * (1 + 1e-6);
    return NECK_OK;
}

static void bound(const neck__subspace *subspace, double floor, double coupling, neck__triplets *t)
{
    double ceiling = subspace->ceiling;
    if (subspace->rounded) /* by |dB^T B + B^T dB| */
        ceiling = sqrt(ceiling * ceiling + 2 * floor * (t->values[0] + floor));
    for (int64_t i = 0; i < t->count; i++) {
        t->residuals[i] = sqrt(t->residuals[i] / 2);
        t->bounds[i] = neck__triplet_bound(t->values[i], coupling, ceiling) + floor;
        if (t->values[i] > floor) continue;
        t->bounds[i] += t->values[i]; /* all of it may be rounding */
        t->values[i] = 0;
    }
}

static neck_status allocate(const neck__normal *normal, int64_t count, neck__triplets *t)
{
    const neck__allocator *allocator = &normal->allocator;
    *t = (neck__triplets){.count = count};
    t->values = neck__calloc(allocator, 3, count * (int64_t)sizeof(double), "singular values");
    t->shorter = t->values ? neck__alloc(allocator, count, normal->order * (int64_t)sizeof(double),
                                         "singular vectors") : NULL;
    t->longer = t->shorter ? neck__alloc(allocator, count, normal->length * (int64_t)sizeof(double),
                                         "singular vectors") : NULL;
    if (!t->longer) return NECK_E_NOMEM;
    t->residuals = t->values + count;
    t->bounds = t->residuals + count;
    return NECK_OK;
}

void neck__triplets_free(const neck__allocator *allocator, neck__triplets *triplets)
{
    neck__release(allocator, triplets->values);
    neck__release(allocator, triplets->shorter);
    neck__release(allocator, triplets->longer);
}

neck_status neck__triplets_of(neck_context *context, neck__normal *normal, const neck__subspace *subspace,
                              neck__triplets *out)
{
    const neck__allocator *allocator = &normal->allocator;
    int64_t n = subspace->count;
    double *scratch = NULL, *images = NULL, coupling = 0;
    neck__triplets t;
    turning job = {.length = normal->length, .count = n};
    neck_status status;
    NECK_GOTO_DONE(allocate(normal, n, &t));
    status = NECK_E_NOMEM;
    images = neck__alloc(allocator, n, normal->order * (int64_t)sizeof *images, "images of singular vectors");
    if (!images) goto done;
    scratch = neck__alloc(allocator, n, (4 * n + 1) * (int64_t)sizeof *scratch, "turns of singular vectors");
    if (!scratch) goto done;
    job.w = t.longer;
    job.values = t.values;
    job.turn = scratch;
    job.scratch = scratch + n * n;
    NECK_GOTO_DONE(neck__normal_forward(context, normal, n, subspace->vectors, job.w));
    NECK_GOTO_DONE(turn(context, &job));
    NECK_GOTO_DONE(turn_vectors(n, normal->order, job.turn, subspace->vectors, t.shorter));
    NECK_GOTO_DONE(settle(context, &job, t.residuals));
    NECK_GOTO_DONE(neck__normal_backward(context, normal, n, t.longer, images));
    fix_signs(normal, &t, images);
    double floor = rounding(normal, subspace, &t);
    NECK_GOTO_DONE(backward_residuals(context, normal, floor, &t, images, scratch, &coupling));
    bound(subspace, floor, coupling, &t);
    *out = t;
done:
    neck__release(allocator, job.u);
    neck__release(allocator, scratch);
    neck__release(allocator, images);
    if (status != NECK_OK) neck__triplets_free(allocator, &t);
    return status;
}
