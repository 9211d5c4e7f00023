/* spectrum/truncated.h - what the routes to the largest singular triplets share. B is the tall one of A and A^T, see
 * spectrum/normal.h; everything is of the scaled operator. */
#ifndef NECK_SPECTRUM_TRUNCATED_H
#define NECK_SPECTRUM_TRUNCATED_H

#include "softneck/truncated.h"
#include "spectrum/krylov.h"
#include "spectrum/normal.h"

/* What is asked for: the caller's options with their defaults filled in. */
typedef struct neck__request {
    int64_t k;
    int32_t method;
    double tolerance;
    int32_t rough; /* find vectors in single precision, where that is allowed */
    int64_t block, rough_block, basis;
    const double *start; /* start_count vectors of order, or NULL */
    int64_t start_count;
    int64_t oversampling, power_steps;
} neck__request;

/* What a route finds: orthonormal vectors and what B can do beyond them. */
typedef struct neck__subspace {
    int64_t count;   /* >= k */
    double *vectors; /* count x order, allocated by the route */
    double ceiling;  /* |B x| <= ceiling |x| for x orthogonal to all vectors, */
    int32_t rounded; /* but for the rounding of products with B^T B that it was found by */
    double missed_probability;
    int32_t method;
    int64_t block, restarts;
} neck__subspace;

neck_status neck__truncated_by_krylov(neck_context *context, neck__normal *normal, const neck__request *request,
                                      neck__subspace *out);
neck_status neck__truncated_by_gram(neck_context *context, neck__normal *normal, const neck__request *request,
                                    neck__subspace *out);
neck_status neck__truncated_by_range(neck_context *context, neck__normal *normal, const neck__request *request,
                                     neck__subspace *out);

/* Block Krylov with thick restart on any positive semidefinite matrix M of this order: the leading k vectors, with
 * ceiling a bound on sqrt(|M x|) instead of |B x|. trace: of M, negative when not known. noise: |M| times this is what
 * rounding leaves of a product. rough: the same products in single precision, NULL where there are none. */
typedef struct neck__leading {
    neck__multiply_fn multiply, rough;
    void *user;
    int64_t order;
    double trace, noise;
} neck__leading;
neck_status neck__leading_vectors(neck_context *context, const neck__leading *problem, const neck__request *request,
                                  neck__subspace *out);

/* Triplets from a subspace: count values, their vectors and bounds, still scaled. */
typedef struct neck__triplets {
    int64_t count;
    double *values, *residuals, *bounds; /* one allocation */
    double *shorter;                     /* count x order, orthonormal rows */
    double *longer;                      /* length x count, orthonormal columns */
} neck__triplets;

/* Rayleigh and Ritz with B itself, so that no value is known through its square; residuals of both sides measured. */
neck_status neck__triplets_of(neck_context *context, neck__normal *normal, const neck__subspace *subspace,
                              neck__triplets *out);
void neck__triplets_free(const neck__allocator *allocator, neck__triplets *triplets);

#endif
