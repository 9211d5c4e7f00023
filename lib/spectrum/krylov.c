/* spectrum/krylov.c - growing, restarting and reading a block Krylov space. */
#include "spectrum/krylov.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "linalg/blas.h"
#include "linalg/lapack.h"
#include "linalg/source.h"

static neck_status allocate(neck__krylov *space)
{
    struct {
        double **to;
        int64_t rows, cols;
    } parts[] = {
        {&space->basis, space->capacity + space->widest, space->order},
        {&space->block, space->widest, space->order},
        {&space->reflectors, space->widest, space->order},
        {&space->t, space->capacity, space->capacity},
        {&space->ritz, space->capacity, space->capacity},
        {&space->coupling, space->widest, space->capacity},
        {&space->small, space->capacity + 5 * space->widest, space->widest},
        {&space->values, 2, space->capacity},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int64_t size;
        if (!neck__mul(parts[i].rows, parts[i].cols, &size))
            return neck__fail(NECK_E_OVERFLOW, "%lld vectors of %lld numbers are too many", (long long)parts[i].rows,
                              (long long)parts[i].cols);
        *parts[i].to = neck__calloc(&space->allocator, size, sizeof(double), "a Krylov space");
        if (!*parts[i].to) return NECK_E_NOMEM;
    }
    space->residuals = space->values + space->capacity;
    return NECK_OK;
}

neck_status neck__krylov_create(neck_context *context, int64_t order, int64_t capacity, int64_t widest, uint64_t stream,
                                neck__multiply_fn multiply, void *user, neck__krylov *out)
{
    neck__krylov space = {.allocator = neck__allocator_of(context), .multiply = multiply, .user = user, .order = order,
                          .capacity = capacity, .widest = widest};
    space.random = neck__random_seeded(neck__context_seed(context), stream);
    neck_status status = allocate(&space);
    if (status == NECK_OK)
        *out = space;
    else
        neck__krylov_free(&space);
    return status;
}

void neck__krylov_free(neck__krylov *space)
{
    double *parts[] = {space->basis, space->block, space->reflectors, space->t, space->ritz, space->coupling,
                       space->small, space->values};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) neck__release(&space->allocator, parts[i]);
}

void neck__krylov_fill(neck__krylov *space, int64_t count, double *x)
{
    for (int64_t i = 0; i < count * space->order; i++) x[i] = neck__random_normal(&space->random);
}

static double *pending(const neck__krylov *space)
{
    return space->basis + space->used * space->order;
}

neck_status neck__krylov_inject(neck_context *context, neck__krylov *space, int64_t count, const double *given)
{
    int64_t held = space->used + space->width;
    double *x = space->basis + held * space->order;
    if (given)
        memcpy(x, given, (size_t)(count * space->order) * sizeof *x);
    else
        neck__krylov_fill(space, count, x);
    NECK_TRY(neck__orthonormalize(context, space->order, held, space->basis, count, x, NULL, space->small,
                                  space->reflectors));
    memset(space->coupling + space->width * space->capacity, 0, (size_t)(count * space->capacity) * sizeof *x);
    space->width += count;
    return NECK_OK;
}

/* Takes Q's share out of the image of the last `width` vectors of Q; it is their part of T. */
static neck_status project(neck__krylov *space, int64_t width, double *image)
{
    int64_t from = space->used - width, capacity = space->capacity;
    double *share = space->small;
    for (int pass = 0; pass < 2; pass++) {
        NECK_TRY(neck__gemm(0, 1, space->used, width, space->order, 1, space->basis, space->order, image, space->order,
                            0, share, width));
        NECK_TRY(neck__gemm(1, 0, width, space->order, space->used, -1, share, width, space->basis, space->order, 1,
                            image, space->order));
        for (int64_t i = 0; i < space->used; i++)
            for (int64_t j = 0; j < width; j++) {
                double *entry = space->t + i * capacity + from + j;
                *entry = share[i * width + j] + (pass ? *entry : 0);
            }
    }
    return NECK_OK;
}

/* The next pending block and its coupling, from what is left of the image. Near the end of the whole space fewer
 * vectors than width are left, and any orthonormal ones will do. */
static neck_status next_block(neck_context *context, neck__krylov *space, int64_t width, double *image)
{
    int64_t left = space->order - space->used, next = width < left ? width : left;
    double *r = space->small + space->used * width + 3 * width * width, *to = pending(space);
    space->width = next;
    memset(space->coupling, 0, (size_t)(space->widest * space->capacity) * sizeof *r);
    if (next == 0) return NECK_OK;
    if (next == width) {
        NECK_TRY(neck__orthonormalize(context, space->order, space->used, space->basis, width, image, r, space->small,
                                      space->reflectors));
        memcpy(to, image, (size_t)(width * space->order) * sizeof *to);
    } else {
        neck__krylov_fill(space, next, to);
        NECK_TRY(neck__orthonormalize(context, space->order, space->used, space->basis, next, to, NULL, space->small,
                                      space->reflectors));
        NECK_TRY(neck__gemm(0, 1, next, width, space->order, 1, to, space->order, image, space->order, 0, r, width));
    }
    for (int64_t i = 0; i < next; i++)
        memcpy(space->coupling + i * space->capacity + space->used - width, r + i * width, (size_t)width * sizeof *r);
    return NECK_OK;
}

static neck_status check_finite(const neck__krylov *space, int64_t width, const double *images)
{
    double sum = 0;
    for (int64_t i = 0; i < width * space->order; i++) sum += images[i] * 0.0;
    return sum == 0 ? NECK_OK : neck__fail(NECK_E_NONFINITE, "a product with the operator is not finite");
}

neck_status neck__krylov_grow(neck_context *context, neck__krylov *space)
{
    int64_t width = space->width;
    NECK_TRY(space->multiply(context, space->user, width, pending(space), space->block));
    NECK_TRY(check_finite(space, width, space->block));
    space->used += width;
    NECK_TRY(project(space, width, space->block));
    return next_block(context, space, width, space->block);
}

static void swap_rows(int64_t count, double *a, double *b)
{
    for (int64_t i = 0; i < count; i++) {
        double kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static double coupled(const neck__krylov *space, const double *y)
{
    double squares = 0;
    for (int64_t i = 0; i < space->width; i++) {
        double sum = 0;
        for (int64_t j = 0; j < space->used; j++) sum += space->coupling[i * space->capacity + j] * y[j];
        squares += sum * sum;
    }
    return sqrt(squares);
}

double neck__krylov_coupling(const neck__krylov *space)
{
    double squares = 0;
    for (int64_t i = 0; i < space->width; i++)
        for (int64_t j = 0; j < space->used; j++) {
            double entry = space->coupling[i * space->capacity + j];
            squares += entry * entry;
        }
    return sqrt(squares);
}

/* Eigenvectors (a row each, in place of the matrix) and values, decreasing. */
static neck_status eigen_decreasing(neck_context *context, int64_t n, double *matrix, double *values)
{
    NECK_TRY(neck__symmetric_eigen(context, n, matrix, values));
    for (int64_t i = 0; i < n / 2; i++) {
        swap_rows(n, matrix + i * n, matrix + (n - 1 - i) * n);
        swap_rows(1, values + i, values + n - 1 - i);
    }
    return NECK_OK;
}

neck_status neck__krylov_ritz(neck_context *context, neck__krylov *space)
{
    int64_t used = space->used;
    for (int64_t i = 0; i < used; i++)
        memcpy(space->ritz + i * used, space->t + i * space->capacity, (size_t)used * sizeof(double));
    NECK_TRY(eigen_decreasing(context, used, space->ritz, space->values));
    for (int64_t i = 0; i < used; i++) space->residuals[i] = coupled(space, space->ritz + i * used);
    return NECK_OK;
}

/* Columns of vectors at a time: what they become needs no others. */
enum { PANEL = 512 };

/* vectors (used of them) = by (keep x used) * vectors, keep <= used. */
static neck_status rotate(neck_context *context, int64_t order, int64_t used, int64_t keep, const double *by,
                          double *vectors)
{
    neck__allocator allocator = neck__allocator_of(context);
    double *panel = neck__alloc(&allocator, keep, PANEL * sizeof *panel, "Ritz vectors");
    if (!panel) return NECK_E_NOMEM;
    neck_status status = NECK_OK;
    for (int64_t first = 0; first < order && status == NECK_OK; first += PANEL) {
        int64_t count = order - first < PANEL ? order - first : PANEL;
        status = neck__gemm(0, 0, keep, count, used, 1, by, used, vectors + first, order, 0, panel, count);
        for (int64_t i = 0; i < keep && status == NECK_OK; i++)
            memcpy(vectors + i * order + first, panel + i * count, (size_t)count * sizeof *panel);
    }
    neck__release(&allocator, panel);
    return status;
}

neck_status neck__krylov_restart(neck_context *context, neck__krylov *space, int64_t keep)
{
    NECK_TRY(rotate(context, space->order, space->used, keep, space->ritz, space->basis));
    memmove(space->basis + keep * space->order, pending(space), (size_t)(space->width * space->order) * sizeof(double));
    for (int64_t i = 0; i < space->width; i++) {
        double *line = space->coupling + i * space->capacity, *kept = space->small;
        for (int64_t l = 0; l < keep; l++) {
            kept[l] = 0;
            for (int64_t j = 0; j < space->used; j++) kept[l] += line[j] * space->ritz[l * space->used + j];
        }
        memcpy(line, kept, (size_t)keep * sizeof *line);
    }
    for (int64_t i = 0; i < keep; i++) {
        memset(space->t + i * space->capacity, 0, (size_t)keep * sizeof(double));
        space->t[i * space->capacity + i] = space->values[i];
    }
    space->used = keep;
    return NECK_OK;
}

neck_status neck__krylov_measure(neck_context *context, neck__krylov *space, int64_t first, double *images)
{
    int64_t used = space->used, order = space->order, count = used - first;
    double *vectors = space->basis + first * order, *share = space->t;
    space->width = 0;
    if (count == 0) return NECK_OK;
    NECK_TRY(space->multiply(context, space->user, count, vectors, images));
    NECK_TRY(check_finite(space, count, images));
    NECK_TRY(neck__gemm(0, 1, count, used, order, 1, images, order, space->basis, order, 0, share, used));
    NECK_TRY(neck__gemm(0, 0, count, order, used, -1, share, used, space->basis, order, 1, images, order));
    for (int64_t i = 0; i < count; i++)
        memcpy(space->ritz + i * count, share + i * used + first, (size_t)count * sizeof *share);
    NECK_TRY(eigen_decreasing(context, count, space->ritz, space->values + first));
    NECK_TRY(rotate(context, order, count, count, space->ritz, vectors));
    NECK_TRY(rotate(context, order, count, count, space->ritz, images));
    for (int64_t i = 0; i < count; i++)
        space->residuals[first + i] = sqrt(neck__sum_squares(order, images + i * order));
    return NECK_OK;
}
