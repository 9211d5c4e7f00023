/* softneck/truncated.h - the largest singular triplets of an operator, each with the error it may have. */
#ifndef SOFTNECK_TRUNCATED_H
#define SOFTNECK_TRUNCATED_H

#include "operator.h"
#include "spectrum.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct neck_truncated_options {
    size_t struct_size;
    int32_t method;     /* NECK_METHOD_AUTO: by cost; NECK_METHOD_GRAM; NECK_METHOD_KRYLOV; NECK_METHOD_RANDOMIZED (approximate,
                           never chosen by AUTO) */
    int32_t block;      /* KRYLOV: vectors a product, 0: chosen. Values of higher multiplicity than this are found too */
    double tolerance;   /* stop when every residual is at most this times the largest value; 0: 1e-10 */
    int64_t basis;      /* KRYLOV: vectors kept at most before a restart, 0: chosen */
    int64_t max_products; /* products with single vectors (of A and A^T together), 0: no limit. Then NECK_E_CONVERGENCE */
    const double *start; /* cols x start_count, row-major: guesses of right singular vectors; NULL: random from the context's seed */
    int64_t start_count;
    int64_t oversampling; /* RANDOMIZED: columns beyond k, 0: 10 */
    int64_t power_steps;  /* RANDOMIZED: 0: 2; negative: none */
} neck_truncated_options;

/* What neck_truncated_svd tells about its work. */
typedef struct neck_truncated_report {
    size_t struct_size;
    int32_t method;    /* the one taken */
    int32_t block;
    int64_t products;  /* with single vectors, A and A^T together */
    int64_t restarts;
    double missed_probability; /* at most this is the chance that a value larger than the last bound says was overlooked (over the
                                  random start); 0 when that is excluded */
    double frobenius_squared;  /* of the operator, negative when not known */
} neck_truncated_report;

/* neck_truncated_svd - the k largest singular values of an operator, with their vectors.
 *   values        k doubles, decreasing; required
 *   left          rows x k doubles, row-major, orthonormal columns; may be NULL
 *   right         k x cols doubles, row-major, orthonormal rows; may be NULL
 *   residuals     k doubles, sqrt((|A v - s u|^2 + |A^T u - s v|^2) / 2), measured; may be NULL
 *   error_bounds  k doubles, |s_i - sigma_i| <= bound for the i-th largest singular value; may be NULL
 *   report        filled up to report->struct_size; may be NULL */
NECK_API neck_status neck_truncated_svd(neck_context *context, const neck_operator *op, int64_t k,
                                        const neck_truncated_options *options, double *values, double *left, double *right,
                                        double *residuals, double *error_bounds, neck_truncated_report *report);

#ifdef __cplusplus
}
#endif
#endif
