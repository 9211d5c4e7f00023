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
    int32_t block;      /* KRYLOV: vectors a product, 0: 8, or 16 in single precision. Values of higher multiplicity than this are
                           found too */
    double tolerance;   /* below 1: stop when every residual is at most this times the largest value; 0: 1e-10 */
    int64_t basis;      /* KRYLOV: vectors kept at most before a restart, raised to what is needed; 0: 4 k + 16 block */
    int64_t max_products; /* products with single vectors (of A and A^T together), 0: no limit. Then NECK_E_CONVERGENCE */
    const double *start; /* cols x start_count, row-major: guesses of right singular vectors, of which the first k + 8 are used; NULL:
                            random from the context's seed */
    int64_t start_count;
    int64_t oversampling; /* RANDOMIZED: columns beyond k, 0: 10 */
    int64_t power_steps;  /* RANDOMIZED: 0: 2; negative: none */
} neck_truncated_options;

/* What neck_truncated_svd tells about its work. */
typedef struct neck_truncated_report {
    size_t struct_size;
    int32_t method;    /* the one taken */
    int32_t block;
    int64_t products;  /* with single vectors, A and A^T together; forming the Gram matrix of a dense operator counts none */
    int64_t restarts;
    double missed_probability; /* at most this is the chance, over random vectors drawn here, that an error bound does not hold
                                  because a value was overlooked; 0 when that is excluded */
    double frobenius_squared;  /* of the operator, negative when not known */
} neck_truncated_report;

/* neck_truncated_svd - the k largest singular values of an operator, 1 <= k <= min(rows, cols), with their vectors.
 * neck_operator_dense makes the operator of a matrix.
 *   values        k doubles, decreasing; required
 *   left          rows x k doubles, row-major, orthonormal columns; may be NULL
 *   right         k x cols doubles, row-major, orthonormal rows; may be NULL
 *   residuals     k doubles, sqrt((|A v - s u|^2 + |A^T u - s v|^2) / 2), measured; may be NULL
 *   error_bounds  k doubles, |s_i - sigma_i| <= bound for the i-th largest singular value; may be NULL
 *   report        filled up to report->struct_size; may be NULL
 * Signs: in each vector of the shorter side the entry of largest magnitude is positive.
 *
 * GRAM: B^T B of the shorter side is formed, B the tall one of A and A^T, and its leading eigenvectors are found;
 * KRYLOV: block Lanczos on B^T B with full orthogonalisation and thick restart, which never forms it; RANDOMIZED: a
 * random range with power steps. For tolerances from 1e-6 up KRYLOV finds the vectors of a dense operator by products in
 * single precision, and begins anew in double should they miss the tolerance; whatever error_bounds rest on is from
 * products in double. All end with the same step: values, vectors and residuals come from products of the vectors with A
 * and A^T themselves, so values are not known through their squares. AUTO forms the Gram matrix where that is cheaper
 * (up to 8 (5 k + 100) columns of the shorter side of a dense operator, 5 k + 100 of another, 8192 of any) and goes on
 * to KRYLOV when it cannot resolve the last value.
 *
 * What error_bounds rest on, with V the k right vectors, R = A^T U - V S, e = |R|, and g = |A (1 - V V^T)|:
 *   from below: s_i <= sigma_i (Cauchy);
 *   from above: sigma_i <= max(s_i, g) + 2 e^2 / (h + sqrt(h^2 + 4 e^2)), h = max(0, s_i - g) (Li & Li 2005), and in
 *   any case sigma_i^2 <= s_i^2 + g^2 + e^2;
 *   g, the largest value that could have been overlooked: GRAM: from the next eigenvalue and the rounding of the Gram
 *   matrix (KRYLOV's way where only leading eigenvectors of it are found); else from |A|_F^2 less the squares found,
 *   where that is small enough; else from a search that starts from fresh random vectors in the complement of V, by the
 *   theorem of Kuczynski & Wozniakowski (1992), which overlooks something with a probability of at most
 *   missed_probability (1e-10 a search). When values lie so close behind the k-th that the search cannot tell them from
 *   it, bounds of the last values are larger than residuals suggest. Added to all: the rounding of sums in any order,
 *   (rows + cols) 2^-53 |A|_F. Products of callbacks, and of operators made of others, are taken to be as exact as
 *   that.
 * Values below their own rounding are returned as 0. A residual can stay above the tolerance, and the call still
 * succeeds, where rounding allows no better: values below about 1e-6 of the largest at the default tolerance.
 *
 * Memory, in doubles: KRYLOV (basis + 3 (block + 56)) times the shorter side, 2 k times the longer; GRAM the square of
 * the shorter side twice. Bits do not depend on the context's number of threads, but small dense problems go to LAPACK,
 * as in spectrum.h. Progress: "singular triplets", "search"; cancelling leaves the outputs untouched.
 * Errors: NECK_E_ARGUMENT (also when the two products of a callback are seen not to be of one matrix),
 * NECK_E_NONFINITE, NECK_E_OVERFLOW, NECK_E_NOMEM, NECK_E_CANCELLED, NECK_E_CONVERGENCE. */
NECK_API neck_status neck_truncated_svd(neck_context *context, const neck_operator *op, int64_t k,
                                        const neck_truncated_options *options, double *values, double *left,
                                        double *right, double *residuals, double *error_bounds,
                                        neck_truncated_report *report);

/* neck_truncated_spectrum - the k largest values with their bounds as a spectrum, for metrics that need no more than
 * those and |A|_F^2 (W-error at d <= k). Destroy it with neck_spectrum_destroy.
 * Errors: as above; NECK_E_ARGUMENT when the operator's Frobenius norm is not known. */
NECK_API neck_status neck_truncated_spectrum(neck_context *context, const neck_operator *op, int64_t k,
                                             const neck_truncated_options *options, neck_spectrum **out);

#ifdef __cplusplus
}
#endif
#endif
