/* spectrum/orthonormal.c - a block of vectors orthonormal to itself and to a basis: Gram-Schmidt against the basis,
 * Householder QR within, both twice. QR, not the Gram matrix of the block: directions that have almost converged must
 * keep their digits. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "linalg/blas.h"
#include "linalg/lapack.h"
#include "spectrum/krylov.h"

/* x = r^T q, the q in x's place: columns of LAPACK are our vectors. scratch: 2 count. */
static neck_status factor(neck_context *context, int64_t order, int64_t count, double *x, double *r, double *tau,
                          double *reflectors)
{
    memcpy(reflectors, x, (size_t)(order * count) * sizeof *x);
    NECK_TRY(neck__qr_factor(context, order, count, reflectors, order, tau));
    memset(x, 0, (size_t)(order * count) * sizeof *x);
    for (int64_t j = 0; j < count; j++) {
        x[j * order + j] = 1;
        for (int64_t i = 0; i < count; i++) r[i * count + j] = i <= j ? reflectors[j * order + i] : 0;
    }
    return neck__qr_apply(context, order, count, count, reflectors, order, tau, x, order);
}

/* r = second * r, both upper triangular: row i needs rows from i on only. */
static void compose(int64_t count, const double *second, double *r)
{
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) {
            double sum = 0;
            for (int64_t l = i; l <= j; l++) sum += second[i * count + l] * r[l * count + j];
            r[i * count + j] = sum;
        }
}

static neck_status project(int64_t order, int64_t used, const double *basis, int64_t count, double *x, double *small)
{
    if (used == 0) return NECK_OK;
    NECK_TRY(neck__gemm(0, 1, used, count, order, 1, basis, order, x, order, 0, small, count));
    return neck__gemm(1, 0, count, order, used, -1, small, count, basis, order, 1, x, order);
}

/* A direction that all but vanished was rounding, or zero: numbers at random take its place, of which x as given has
 * nothing. */
#define VANISHED 1e-10
enum { ROUNDS = 8, STREAM = 3 };

static void replace_vanished(int64_t order, int64_t count, const double *again, neck__random *random, double *x,
                             double *r)
{
    for (int64_t j = 0; j < count; j++) {
        if (fabs(again[j * count + j]) > VANISHED) continue;
        for (int64_t i = 0; i < order; i++) x[j * order + i] = neck__random_normal(random);
        memset(r + j * count, 0, (size_t)count * sizeof *r);
    }
}

/* What a round left of each unit vector, the least of them: a pass that cancelled much leaves rounding behind, so
 * another follows. */
static double least_left(int64_t count, const double *r)
{
    double least = INFINITY;
    for (int64_t i = 0; i < count; i++) least = fmin(least, fabs(r[i * count + i]));
    return least;
}

neck_status neck__orthonormalize(neck_context *context, int64_t order, int64_t used, const double *basis, int64_t count,
                                 double *x, double *r, double *small, double *reflectors)
{
    double *first = small + used * count, *again = first + count * count, *tau = again + count * count;
    neck__random random = neck__random_seeded((uint64_t)used, STREAM);
    NECK_TRY(project(order, used, basis, count, x, small));
    NECK_TRY(factor(context, order, count, x, first, tau, reflectors));
    double left = 0;
    for (int round = 1; round < ROUNDS && left < 0.5; round++) {
        NECK_TRY(project(order, used, basis, count, x, small));
        NECK_TRY(factor(context, order, count, x, again, tau, reflectors));
        compose(count, again, first);
        left = least_left(count, again);
        if (left <= VANISHED) replace_vanished(order, count, again, &random, x, first);
    }
    if (r) memcpy(r, first, (size_t)(count * count) * sizeof *r);
    return NECK_OK;
}
