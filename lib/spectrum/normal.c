/* spectrum/normal.c - products of B^T B; the scale that keeps their squares within double. */
#include "spectrum/normal.h"

#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/random.h"

enum { PIECE = 32 };

typedef struct transposing {
    int64_t rows, cols;
    const double *from;
    double scale, *to;
} transposing;

static void transpose_rows(void *data, int64_t task)
{
    const transposing *job = data;
    int64_t first = task * PIECE, last = first + PIECE < job->rows ? first + PIECE : job->rows;
    for (int64_t j = 0; j < job->cols; j++)
        for (int64_t i = first; i < last; i++) job->to[j * job->rows + i] = job->scale * job->from[i * job->cols + j];
}

static void transpose_columns(void *data, int64_t task)
{
    const transposing *job = data;
    int64_t first = task * PIECE, last = first + PIECE < job->cols ? first + PIECE : job->cols;
    for (int64_t j = first; j < last; j++)
        for (int64_t i = 0; i < job->rows; i++) job->to[j * job->rows + i] = job->scale * job->from[i * job->cols + j];
}

void neck__transpose(neck_context *context, int64_t rows, int64_t cols, const double *from, double scale, double *to)
{
    transposing job = {rows, cols, from, scale, to};
    int64_t longer = rows > cols ? rows : cols;
    neck__parallel(context, (longer + PIECE - 1) / PIECE, rows > cols ? transpose_rows : transpose_columns, &job);
}

static neck_status count_products(neck__normal *normal, int64_t count)
{
    if (normal->limit > 0 && normal->products + count > normal->limit)
        return neck__fail(NECK_E_CONVERGENCE, "not converged within max_products, %lld products with a vector",
                          (long long)normal->limit);
    normal->products += count;
    return NECK_OK;
}

/* A scale above one meets the vectors before the product, where it turns denormals into numbers with all their bits;
 * one below meets the result. */
static double scale_before(const neck__normal *normal) { return normal->scale > 1 ? normal->scale : 1; }
static double scale_after(const neck__normal *normal) { return normal->scale < 1 ? normal->scale : 1; }

static neck_status apply(neck_context *context, const neck__normal *normal, int backward, int64_t count,
                         const double *x, double *y)
{
    return neck_operator_apply(context, normal->op, backward != normal->flipped, count, x, y);
}

static void times(int64_t count, double scale, double *x)
{
    if (scale != 1)
        for (int64_t i = 0; i < count; i++) x[i] *= scale;
}

static double *room(const neck__normal *normal, int64_t rows, int64_t count)
{
    int64_t size;
    if (!neck__mul(rows, count, &size)) {
        neck__fail(NECK_E_NOMEM, "out of memory for %lld vectors of %lld numbers", (long long)count, (long long)rows);
        return NULL;
    }
    return neck__alloc(&normal->allocator, size, sizeof(double), "a block of vectors");
}

neck_status neck__normal_forward(neck_context *context, neck__normal *normal, int64_t count, const double *x, double *y)
{
    NECK_TRY(count_products(normal, count));
    double *columns = room(normal, normal->order, count);
    if (!columns) return NECK_E_NOMEM;
    neck__transpose(context, count, normal->order, x, scale_before(normal), columns);
    neck_status status = apply(context, normal, 0, count, columns, y);
    times(normal->length * count, scale_after(normal), y);
    neck__release(&normal->allocator, columns);
    return status;
}

neck_status neck__normal_backward(neck_context *context, neck__normal *normal, int64_t count, const double *y,
                                  double *x)
{
    NECK_TRY(count_products(normal, count));
    double before = scale_before(normal), *columns = room(normal, normal->order, count);
    double *scaled = columns && before != 1 ? room(normal, normal->length, count) : NULL;
    neck_status status = columns && (before == 1 || scaled) ? NECK_OK : NECK_E_NOMEM;
    for (int64_t i = 0; scaled && i < normal->length * count; i++) scaled[i] = before * y[i];
    if (status == NECK_OK) status = apply(context, normal, 1, count, scaled ? scaled : y, columns);
    if (status == NECK_OK) neck__transpose(context, normal->order, count, columns, scale_after(normal), x);
    neck__release(&normal->allocator, scaled);
    neck__release(&normal->allocator, columns);
    return status;
}

/* One pass over A where its kind can do both products at once. */
static neck_status both_at_once(neck_context *context, neck__normal *normal, int32_t rough, int64_t count,
                                const double *x, double *z)
{
    const neck_operator *op = normal->op;
    NECK_TRY(count_products(normal, 2 * count));
    double *columns = room(normal, normal->order, 2 * count), *image = columns + normal->order * count;
    if (!columns) return NECK_E_NOMEM;
    neck__transpose(context, count, normal->order, x, 1, columns);
    neck_status status = rough ? op->kind->rough(context, op, normal->flipped, count, columns, image)
                               : neck__operator_gram(context, op, count, columns, image);
    if (status == NECK_OK) neck__transpose(context, normal->order, count, image, 1, z);
    neck__release(&normal->allocator, columns);
    return status;
}

neck_status neck__normal_both(neck_context *context, neck__normal *normal, int64_t count, const double *x, double *z)
{
    if (normal->op->kind->gram && !normal->flipped && normal->scale == 1)
        return both_at_once(context, normal, 0, count, x, z);
    double *images = room(normal, normal->length, count);
    if (!images) return NECK_E_NOMEM;
    neck_status status = neck__normal_forward(context, normal, count, x, images);
    if (status == NECK_OK) status = neck__normal_backward(context, normal, count, images, z);
    neck__release(&normal->allocator, images);
    return status;
}

/* Squares of single precision's largest sums, with room, and of what its smallest entries must stay far above. */
#define ROUGH_LEAST 1e-20
#define ROUGH_MOST 1e20

int neck__normal_has_rough(const neck__normal *normal)
{
    return normal->op->kind->rough && normal->scale == 1 && normal->frobenius_squared > ROUGH_LEAST &&
        normal->frobenius_squared < ROUGH_MOST;
}

neck_status neck__normal_rough(neck_context *context, neck__normal *normal, int64_t count, const double *x, double *z)
{
    return both_at_once(context, normal, 1, count, x, z);
}

/* |B x| for one random x, itself scaled by 2^exponent. */
static neck_status probe(neck_context *context, neck__normal *normal, int exponent, double *size)
{
    double *x = room(normal, normal->order + normal->length, 1), *y = x + normal->order;
    if (!x) return NECK_E_NOMEM;
    neck__random random = neck__random_seeded(neck__context_seed(context), 0);
    for (int64_t i = 0; i < normal->order; i++) x[i] = ldexp(neck__random_normal(&random), exponent);
    normal->products++;
    neck_status status = apply(context, normal, 0, 1, x, y);
    *size = 0;
    for (int64_t i = 0; i < normal->length && status == NECK_OK; i++) *size = fmax(*size, fabs(y[i]));
    neck__release(&normal->allocator, x);
    return status;
}

/* Sizes between these have squares, and sums of many, that double holds without loss. */
#define SMALLEST 1e-100
#define LARGEST 1e100
enum { PROBE = 500, MOST = 1000 };

/* Probing makes the vector small first, for no product may overflow, then large. */
static neck_status choose_scale(neck_context *context, neck__normal *normal)
{
    double known = normal->frobenius_squared, size;
    normal->scale = 1;
    if (known > SMALLEST * SMALLEST && known < LARGEST * LARGEST) return NECK_OK;
    int exponent = -PROBE, found;
    NECK_TRY(probe(context, normal, exponent, &size));
    if (size < 1e-280) NECK_TRY(probe(context, normal, exponent = PROBE, &size));
    if (size == 0) return NECK_OK;
    frexp(size, &found);
    found -= exponent;
    if (fabs(found * 0.30103) < 100) return NECK_OK;
    normal->scale = ldexp(1, found < -MOST ? MOST : -found);
    /* What it was worth as a double may have lost its bits. */
    normal->frobenius_squared = -1;
    return NECK_OK;
}

neck_status neck__normal_open(neck_context *context, const neck_operator *op, int64_t limit, neck__normal *out)
{
    int flipped = op->rows < op->cols;
    neck__normal normal = {.allocator = neck__allocator_of(context), .op = op, .flipped = flipped, .limit = limit,
                           .frobenius_squared = op->frobenius_squared};
    normal.order = flipped ? op->rows : op->cols;
    normal.length = flipped ? op->cols : op->rows;
    NECK_TRY(choose_scale(context, &normal));
    normal.magnitude = op->magnitude < 0 ? -1 : op->magnitude * normal.scale;
    *out = normal;
    return NECK_OK;
}
