/* softneck/density.h - the whole W-error curve and the singular entropy of an operator, from few products, with a band
 * that holds the truth: for matrices too big for their exact spectrum. */
#ifndef SOFTNECK_DENSITY_H
#define SOFTNECK_DENSITY_H

#include "metrics.h"
#include "operator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is known of all singular values together. Immutable once made, so it may be read from any thread. */
typedef struct neck_density neck_density;

/* A number and where it lies. The bands of everything that one density tells hold together, at its confidence: neither
 * a correction for reading many ranks is needed nor for choosing one after looking. */
typedef struct neck_band {
    double low, value, high;
} neck_band;

typedef struct neck_density_options {
    size_t struct_size;
    int32_t probes;  /* random vectors of the Lanczos part, 4 .. 65536; 0: 32, or as many as target_width takes */
    int32_t steps;   /* of Lanczos with each, 2 .. 1024; 0: until the quadrature's error is a fraction of the
                        sampling's, at most 200 */
    int32_t block;   /* vectors a product, 1 .. 1024; 0: 32. Does not change the result's distribution */
    int32_t deflate; /* largest values to find and take out first, at most; 0: those that 128 Krylov vectors find;
                        negative: none */
    double confidence;   /* of all bands together, 0 < c < 1; 0: 0.95 */
    double target_width; /* widest band of W-error that is asked for, over all ranks; 0: whatever the probes give. Not
                            reaching it is no error: see neck_density_report.width */
    int64_t max_products;   /* with single vectors, of A and A^T together; 0: no limit */
    const double *diagonal; /* cols numbers, the diagonal of A^T A (squared norms of columns) where the caller knows it:
                               makes the band of a matrix whose columns hardly overlap very narrow at hardly any cost;
                               NULL: not known */
    const double *known_values; /* singular values beside the operator's, known exactly (other parts of the same
                                   matrix); zeros count as values too */
    int64_t known_count;
} neck_density_options;

/* Where the band came from, or-ed. */
enum {
    NECK_DENSITY_COUPLING = 1, /* the diagonal, and how strongly columns are coupled */
    NECK_DENSITY_LANCZOS = 2   /* Lanczos quadrature with random vectors */
};

/* What neck_density_compute tells about its work. Errors are shares of |A|_F^2, largest over all thresholds. */
typedef struct neck_density_report {
    size_t struct_size;
    int32_t routes;   /* NECK_DENSITY_* */
    int32_t probes;   /* of the Lanczos part */
    int32_t steps;
    int32_t groups;   /* of columns, in the coupling part */
    int64_t deflated; /* largest values taken out */
    int64_t size;     /* singular values in all: min(rows, cols) + known_count */
    int64_t products; /* with single vectors, of A and A^T together */
    double confidence;
    double width;             /* of the widest band of W-error over all ranks */
    double frobenius_squared; /* with the known values; estimated when the operator does not know its own */
    double deflation_error;   /* bounds; the last is half a band */
    double quadrature_error;
    double sampling_error;
} neck_density_report;

/* neck_density_compute - works with products of A^T A alone: time about products x the cost of one, memory about
 *   8 cols (4 block + 2 x 128) bytes and two products. Reproducible from the context's seed, the same bits for any
 *   number of its threads (small dense eigenproblems go to LAPACK, as in spectrum.h). Progress: "density", in products.
 * Bands have room for the rounding of products, 32 (4 + sqrt(rows + cols)) 2^-52 of |A|_F^2: a W-error below some 1e-6
 * is one that may be 0.
 * Errors: NECK_E_ARGUMENT (options, an operator that is zero or below 1e-145, a diagonal that does not sum to |A|_F^2),
 * NECK_E_NONFINITE, NECK_E_CONVERGENCE (max_products is too few for anything), NECK_E_OVERFLOW, NECK_E_NOMEM,
 * NECK_E_CANCELLED. */
NECK_API neck_status neck_density_compute(neck_context *context, const neck_operator *op,
                                          const neck_density_options *options, neck_density **out);
NECK_API void neck_density_destroy(neck_density *density);

/* neck_density_describe - the report, filled up to report->struct_size. */
NECK_API neck_status neck_density_describe(const neck_density *density, neck_density_report *report);

/* neck_density_w_error - W-error(rank), as neck_w_error; 0 <= rank <= size.
 * neck_density_rank_for_w_error - the smallest rank whose W-error is at most w_error, 0 .. 1.
 * neck_density_count_above - how many singular values are greater than sigma >= 0.
 * neck_density_entropy - singular entropy, ln size - H(p), nats, as neck_singular_entropy.
 * neck_density_effective_rank - exp(H(p)): as neck_effective_rank with NECK_P_LINEAR, neck_matrix_entropy_rank with
 *   NECK_P_SQUARED.
 * NECK_P_LINEAR weighs small values more, so its band is much wider.
 * Errors: NECK_E_ARGUMENT. */
NECK_API neck_status neck_density_w_error(const neck_density *density, int64_t rank, neck_band *out);
NECK_API neck_status neck_density_rank_for_w_error(const neck_density *density, double w_error, neck_band *out);
NECK_API neck_status neck_density_count_above(const neck_density *density, double sigma, neck_band *out);
NECK_API neck_status neck_density_entropy(const neck_density *density, int32_t normalization, neck_band *out);
NECK_API neck_status neck_density_effective_rank(const neck_density *density, int32_t normalization, neck_band *out);

#ifdef __cplusplus
}
#endif
#endif
