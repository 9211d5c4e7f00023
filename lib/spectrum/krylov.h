/* spectrum/krylov.h - a block Krylov space of a symmetric positive semidefinite matrix M known by products: grown block
 * by block with full orthogonalisation, cut back to Ritz vectors (thick restart), grown on from there. All vectors are
 * rows.
 *
 * Always M Q = Q T + P C: Q (used vectors) and P (width vectors, pending: the next block) orthonormal together, T = Q^T
 * M Q, so that the residual of a Ritz vector Q y is |C y| at no cost. Converged vectors stay in Q and are never
 * multiplied again: that is locking. */
#ifndef NECK_SPECTRUM_KRYLOV_H
#define NECK_SPECTRUM_KRYLOV_H

#include "core/memory.h"
#include "core/random.h"

/* y = M x, both count vectors. */
typedef neck_status (*neck__multiply_fn)(neck_context *context, void *user, int64_t count, const double *x, double *y);

typedef struct neck__krylov {
    neck__allocator allocator;
    neck__multiply_fn multiply;
    void *user;
    neck__random random;
    int64_t order, capacity, widest; /* at most capacity vectors in Q, widest in P */
    int64_t used, width;
    double *basis;    /* Q, then P */
    double *t;        /* capacity x capacity, upper triangle */
    double *coupling; /* C, widest x capacity */
    double *values;   /* of the last neck__krylov_ritz, decreasing, */
    double *residuals; /* |M x - value x|, */
    double *ritz;      /* and y, a row each, used x used */
    double *block;     /* scratch: widest vectors */
    double *small;     /* scratch: coefficients of a block and of its QR */
    double *reflectors; /* scratch: widest vectors */
} neck__krylov;

/* An empty space with room for capacity + widest <= order + widest vectors. */
neck_status neck__krylov_create(neck_context *context, int64_t order, int64_t capacity, int64_t widest, uint64_t stream,
                                neck__multiply_fn multiply, void *user, neck__krylov *out);
void neck__krylov_free(neck__krylov *space);

/* Puts count more vectors into the pending block, random ones where given is NULL. */
neck_status neck__krylov_inject(neck_context *context, neck__krylov *space, int64_t count, const double *given);

/* count vectors of random normal numbers. */
void neck__krylov_fill(neck__krylov *space, int64_t count, double *x);

/* Multiplies the pending block, takes it into Q and finds the next one. */
neck_status neck__krylov_grow(neck_context *context, neck__krylov *space);

/* Ritz values of Q, their vectors and residuals. */
neck_status neck__krylov_ritz(neck_context *context, neck__krylov *space);

/* The vectors of Q from first on become Ritz vectors as products with M itself show them, with values and residuals
 * (what M makes of them outside of Q), whatever Q was grown with. Nothing is pending afterwards, and T is known no
 * more. images: scratch, used - first vectors. */
neck_status neck__krylov_measure(neck_context *context, neck__krylov *space, int64_t first, double *images);

/* |M Q - Q T|, in the Frobenius norm. */
double neck__krylov_coupling(const neck__krylov *space);

/* Q becomes the first keep Ritz vectors of the last neck__krylov_ritz. */
neck_status neck__krylov_restart(neck_context *context, neck__krylov *space, int64_t keep);

/* Orthonormal count <= order vectors in place, orthogonal to the `used` orthonormal ones too; those that depend on
 * others are replaced by what is left of them after rounding, so that count remain. r (count x count, or NULL): x as
 * given = r^T x but for parts along the used. small: (used + 3 count) x count doubles; reflectors: count vectors. */
neck_status neck__orthonormalize(neck_context *context, int64_t order, int64_t used, const double *basis, int64_t count,
                                 double *x, double *r, double *small, double *reflectors);

#endif
