/* spectrum/density_top.c - the largest values and their vectors by block Lanczos with full orthogonalisation; those
 * whose residuals are small enough are taken out of the operator. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/random.h"
#include "linalg/lapack.h"
#include "spectrum/density_object.h"
#include "spectrum/operator.h"

/* What taking vectors out may change M by, in all: small beside any band that is worth having. */
#define ALLOWED 1e-4
/* In units of |A|_F^2: what is left of a vector below this is rounding. */
#define NOTHING 1e-12

enum { BLOCK = 16 };

typedef struct krylov {
    neck__density_work *work;
    int64_t n, room, size;      /* vectors there is room for, vectors there are */
    double *basis, *images;     /* n x room each: V and C V */
    double *next;               /* n x BLOCK, packed */
    double *small, *values;     /* room x room, room */
    double *gram;               /* BLOCK x BLOCK and its eigenvalues */
} krylov;

void neck__density_signs(const neck__density_work *work, int64_t stream, int64_t vector, int64_t count, int64_t stride,
                         double *out)
{
    neck__random random = neck__random_seeded(neck__context_seed(work->context), (uint64_t)(stream << 32 | vector));
    uint64_t bits = 0;
    for (int64_t i = 0; i < count; i++) {
        if (i % 64 == 0) bits = neck__random_bits(&random);
        out[i * stride] = bits >> (i % 64) & 1 ? 1 : -1;
    }
}

neck_status neck__density_apply(neck__density_work *work, int64_t count, const double *x, double *y)
{
    NECK_TRY(neck__operator_gram(work->context, work->op, count, x, y));
    double scale = 1 / work->unit;
    for (int64_t i = 0; i < work->n * count; i++) y[i] *= scale;
    NECK_TRY(neck__block_project(work->context, work->n, work->top, (neck__block){y, count, count}));
    work->products += 2 * count;
    return neck__progress(work->context, "density", "products", work->products, work->most);
}

static neck__block basis_of(const krylov *k)
{
    return (neck__block){k->basis, k->size, k->room};
}

/* Makes the packed block `next` of count columns orthonormal and adds it to the basis: by the eigenvectors of its Gram
 * matrix (Stathopoulos & Wu 2002), twice; directions of no length are left out. */
static neck_status append(krylov *k, int64_t count)
{
    neck_context *context = k->work->context;
    for (int pass = 0; pass < 2 && count > 0; pass++) {
        neck__block next = {k->next, count, count};
        NECK_TRY(neck__block_project(context, k->n, basis_of(k), next));
        NECK_TRY(neck__block_cross(context, k->n, next, next, k->gram));
        double *values = k->gram + BLOCK * BLOCK, turn[BLOCK * BLOCK], row[BLOCK];
        NECK_TRY(neck__symmetric_eigen(context, count, k->gram, values));
        int64_t kept = 0;
        for (int64_t i = count - 1; i >= 0 && kept + k->size < k->room; i--) {
            if (!(values[i] > NOTHING * NOTHING)) break;
            for (int64_t j = 0; j < count; j++) turn[j * BLOCK + kept] = k->gram[i * count + j] / sqrt(values[i]);
            kept++;
        }
        for (int64_t i = 0; i < k->n; i++) { /* in place: rows shrink */
            for (int64_t c = 0; c < kept; c++) {
                row[c] = 0;
                for (int64_t j = 0; j < count; j++) row[c] += k->next[i * count + j] * turn[j * BLOCK + c];
            }
            memcpy(k->next + i * kept, row, (size_t)kept * sizeof *row);
        }
        count = kept;
    }
    for (int64_t i = 0; i < k->n; i++)
        memcpy(k->basis + i * k->room + k->size, k->next + i * count, (size_t)count * sizeof *k->next);
    k->size += count;
    return NECK_OK;
}

/* Images of the vectors from first on: to their place, and to `next`, packed, for what comes after them. */
static neck_status multiply(krylov *k, int64_t first)
{
    int64_t count = k->size - first;
    double *x = neck__alloc(&k->work->allocator, k->n * count, sizeof *x, "Krylov vectors");
    if (!x) return NECK_E_NOMEM;
    for (int64_t i = 0; i < k->n; i++)
        memcpy(x + i * count, k->basis + i * k->room + first, (size_t)count * sizeof *x);
    neck_status status = neck__density_apply(k->work, count, x, k->next);
    neck__release(&k->work->allocator, x);
    NECK_TRY(status);
    for (int64_t i = 0; i < k->n; i++)
        memcpy(k->images + i * k->room + first, k->next + i * count, (size_t)count * sizeof *k->next);
    return NECK_OK;
}

static neck_status build(krylov *k)
{
    int64_t block = k->room < BLOCK ? k->room : BLOCK;
    for (int64_t j = 0; j < block; j++)
        neck__density_signs(k->work, NECK__STREAM_TOP, j, k->n, block, k->next + j);
    NECK_TRY(append(k, block));
    for (int64_t first = 0; first < k->size;) {
        int64_t end = k->size;
        NECK_TRY(multiply(k, first));
        if (end < k->room) NECK_TRY(append(k, end - first));
        first = end;
    }
    return NECK_OK;
}

/* Rayleigh and Ritz: rows of small become the coordinates of the Ritz vectors in the basis, values increasing. */
static neck_status ritz(krylov *k)
{
    neck__block images = {k->images, k->size, k->room};
    NECK_TRY(neck__block_cross(k->work->context, k->n, basis_of(k), images, k->small));
    for (int64_t i = 0; i < k->size; i++)
        for (int64_t j = 0; j < i; j++) {
            double *below = k->small + i * k->size + j, *above = k->small + j * k->size + i;
            *below = *above = (*below + *above) / 2;
        }
    return neck__symmetric_eigen(k->work->context, k->size, k->small, k->values);
}

/* The count leading Ritz vectors to q, what C makes of them, less theta q, to r; n x count each, zeroed. */
static void rotate(const krylov *k, int64_t count, double *turn, double *q, double *r)
{
    for (int64_t i = 0; i < k->size; i++)
        for (int64_t j = 0; j < count; j++) turn[i * count + j] = k->small[(k->size - 1 - j) * k->size + i];
    neck__block_add(k->work->context, k->n, basis_of(k), turn, (neck__block){q, count, count});
    neck__block_add(k->work->context, k->n, (neck__block){k->images, k->size, k->room}, turn,
                    (neck__block){r, count, count});
    for (int64_t i = 0; i < k->n; i++)
        for (int64_t j = 0; j < count; j++) r[i * count + j] -= k->values[k->size - 1 - j] * q[i * count + j];
}

/* Of count Ritz vectors, how many lead with residuals that together are small. */
static int64_t converged(neck__density_work *work, int64_t count, const double *r)
{
    double sum = 0;
    memset(work->residuals, 0, (size_t)count * sizeof(double));
    for (int64_t i = 0; i < work->n; i++)
        for (int64_t j = 0; j < count; j++) work->residuals[j] += r[i * count + j] * r[i * count + j];
    for (int64_t j = 0; j < count; j++) {
        work->residuals[j] = sqrt(work->residuals[j]);
        sum += work->residuals[j];
        if (sum > ALLOWED || work->top_values[j] <= NOTHING) return j;
    }
    return count;
}

/* The diagonal of A^T A - C is that of Q T Q^T + R Q^T + Q R^T. */
static void take_out(neck__density_work *work, int64_t count, int64_t kept, const double *q, const double *r)
{
    work->top.count = kept;
    work->top.stride = kept;
    for (int64_t i = 0; i < work->n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < kept; j++) {
            double x = q[i * count + j];
            sum += x * (work->top_values[j] * x + 2 * r[i * count + j]);
            work->top.data[i * kept + j] = x;
        }
        work->top_diagonal[i] = sum;
    }
}

static neck_status find(krylov *k, int64_t count)
{
    neck__density_work *work = k->work;
    NECK_TRY(build(k));
    NECK_TRY(ritz(k));
    if (count > k->size) count = k->size;
    for (int64_t j = 0; j < count; j++) work->top_values[j] = fmax(0, k->values[k->size - 1 - j]);
    double *q = neck__calloc(&work->allocator, work->n * count, 2 * sizeof *q, "Ritz vectors");
    double *turn = q ? neck__alloc(&work->allocator, k->size * count, sizeof *turn, "their coordinates") : NULL;
    if (turn) {
        double *r = q + work->n * count;
        rotate(k, count, turn, q, r);
        take_out(work, count, converged(work, count, r), q, r);
    }
    neck__release(&work->allocator, turn);
    neck__release(&work->allocator, q);
    return turn ? NECK_OK : NECK_E_NOMEM;
}

neck_status neck__density_top(neck__density_work *work, int64_t count, int64_t basis)
{
    if (basis > work->n) basis = work->n;
    if (count > basis) count = basis;
    if (basis < 1 || count < 1) return NECK_OK;
    krylov k = {.work = work, .n = work->n, .room = basis};
    neck_status status = NECK_E_NOMEM;
    double *vectors = neck__alloc(&work->allocator, work->n, (2 * basis + BLOCK) * (int64_t)sizeof(double),
                                  "Krylov vectors");
    int64_t small = basis * basis + basis + BLOCK * (BLOCK + 1);
    k.small = vectors ? neck__alloc(&work->allocator, small, sizeof(double), "a projection") : NULL;
    work->top.data = k.small ? neck__alloc(&work->allocator, work->n * count, sizeof(double), "Ritz vectors") : NULL;
    double *numbers = work->top.data ? neck__alloc(&work->allocator, work->n + 2 * count, sizeof *numbers,
                                                   "Ritz values") : NULL;
    if (numbers) {
        work->top_diagonal = numbers;
        work->top_values = numbers + work->n;
        work->residuals = work->top_values + count;
        k.basis = vectors;
        k.images = vectors + work->n * basis;
        k.next = k.images + work->n * basis;
        k.values = k.small + basis * basis;
        k.gram = k.values + basis;
        status = find(&k, count);
    }
    neck__release(&work->allocator, k.small);
    neck__release(&work->allocator, vectors);
    return status;
}

void neck__density_forget(neck__density_work *work)
{
    neck__release(&work->allocator, work->top.data);
    neck__release(&work->allocator, work->top_diagonal);
}

/* With E = (1 - Q Q^T) A^T A Q, of columns r: pinching lowers sum (lambda - t)_+ by at most the sum of the singular
 * values of E. Where the values taken out lie above t by g, Schur's complement gives |E|_F^2 / g. */
double neck__density_pinching(const neck__density_work *work, double t)
{
    if (work->top.count == 0) return 0;
    double sum = 0, squares = 0, gap = work->top_values[work->top.count - 1] - t;
    for (int64_t j = 0; j < work->top.count; j++) {
        sum += work->residuals[j];
        squares += work->residuals[j] * work->residuals[j];
    }
    return gap > 0 ? fmin(sum, squares / gap) : sum;
}
