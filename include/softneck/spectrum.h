/* softneck/spectrum.h - singular values with their error, and the thin SVD. */
#ifndef SOFTNECK_SPECTRUM_H
#define SOFTNECK_SPECTRUM_H

#include "gram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Singular values in decreasing order, what they belong to, how they were found and how wrong each can be.
 * Immutable once made, so it may be read from any thread. */
typedef struct neck_spectrum neck_spectrum;

/* How the values were found. */
enum {
    NECK_METHOD_AUTO = 0, /* option only: GRAM or QR, by cost and tolerance */
    NECK_METHOD_GRAM = 1,  /* eigenvalues of the double-precision Gram matrix of the smaller side */
    NECK_METHOD_QR = 2,    /* blocked Householder QR, then the singular values of R: backward stable */
    NECK_METHOD_GIVEN = 3, /* result only: values came from the caller */
    NECK_METHOD_KRYLOV = 4,     /* the largest values of an operator by block Lanczos (truncated.h) */
    NECK_METHOD_RANDOMIZED = 5, /* the same, approximate, from a random range (truncated.h) */
    NECK_METHOD_PARTS = 6       /* result only: an n-gram matrix, part by part (ngram.h) */
};

/* Which matrix is meant. softmax(W x) does not change when one vector is subtracted from all rows of W, so
 * claims about the rank of a head belong to a centred variant; the paper's figures use the raw one. */
enum {
    NECK_VARIANT_RAW = 0,
    NECK_VARIANT_CENTERED = 1,           /* minus the mean row */
    NECK_VARIANT_FREQUENCY_CENTERED = 2, /* minus the mean row weighted by row_weights (token frequency) */
    NECK_VARIANT_DROP_TOP = 3            /* without its largest singular component */
};

typedef struct neck_spectrum_options {
    size_t struct_size;
    int32_t method;            /* NECK_METHOD_AUTO, _GRAM or _QR */
    int32_t variant;           /* NECK_VARIANT_* */
    const double *row_weights; /* rows non-negative doubles; needed by FREQUENCY_CENTERED, else NULL */
    double tolerance;          /* AUTO: go on to QR when the relative error bound of a singular value above the
                                  numerical rank threshold of QR exceeds this; 0: the default, never */
} neck_spectrum_options;

/* neck_spectrum_compute - all min(rows, cols) singular values of a matrix of any shape.
 *
 * GRAM: the d x d Gram matrix of the smaller side d is formed in double precision straight from the stored dtype
 * (f32, f16 and bf16 products are exact), then its eigenvalues. Absolute error about eps*|W|_F^2/sigma: values
 * far above neck_spectrum_resolution are as good as double allows, values below it carry no information.
 * QR: error about (d + 45) eps sigma_1 for every value, five to ten times slower.
 * AUTO: QR where it is cheap anyway (small problems), else GRAM, then QR if tolerance asks for it.
 *
 * Peak extra memory: GRAM d^2*8 bytes, QR 4*d^2*8 bytes, plus at most 64 MB; the input is only read. F64 input far from
 * 1 is scaled by a power of two, so denormal and huge values are fine (their |W|_F^2 may still be 0 or INFINITY). A
 * zero matrix has all-zero values.
 * The context's number of threads does not show in the bits: all of GRAM runs on them from d = 384 on. LAPACK's part
 * (eigenvalues of smaller d x d matrices, all of QR) runs on the BLAS's own threads, whose number may.
 * Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE (row and column in the message), NECK_E_OVERFLOW, NECK_E_NOMEM,
 * NECK_E_CANCELLED, NECK_E_CONVERGENCE. Source: Sec. 4.2 of arXiv 2404.07647. */
NECK_API neck_status neck_spectrum_compute(neck_context *context, const neck_matrix *matrix,
                                           const neck_spectrum_options *options, neck_spectrum **out);

/* neck_gram_spectrum - singular values of the matrix of all rows pushed into gram, as they are (RAW: of x - shift)
 * or with their mean subtracted (CENTERED; the cancellation this costs is in the error bounds). There are
 * min(count, cols) of them. DROP_TOP works too; method, tolerance and row_weights must be 0 or GRAM.
 * Errors: as above; NECK_E_STATE when nothing was pushed or the gram is moments_only. */
NECK_API neck_status neck_gram_spectrum(neck_context *context, const neck_gram *gram,
                                        const neck_spectrum_options *options, neck_spectrum **out);

/* neck_spectrum_from_values - a spectrum from singular values computed elsewhere: count of them, finite, >= 0,
 * any order (they are sorted), of a rows x cols matrix, count <= min(rows, cols). frobenius_squared: |W|_F^2,
 * or negative to use the sum of squares (then count must be min(rows, cols)). error_bound: absolute, the same
 * for every value, >= 0. */
NECK_API neck_status neck_spectrum_from_values(neck_context *context, const double *values, int64_t count,
                                               int64_t rows, int64_t cols, double frobenius_squared,
                                               double error_bound, neck_spectrum **out);

/* neck_spectrum_from_estimates - the same of values that each have a bound of their own (error_bounds, count of them),
 *   found by method (NECK_METHOD_*): the i-th largest true value lies within the i-th bound of the i-th value.
 *   resolution: see below; frobenius_squared is needed. */
NECK_API neck_status neck_spectrum_from_estimates(neck_context *context, const double *values,
                                                  const double *error_bounds, int64_t count, int64_t rows, int64_t cols,
                                                  double frobenius_squared, double resolution, int32_t method,
                                                  neck_spectrum **out);
NECK_API void neck_spectrum_destroy(neck_spectrum *spectrum);

/* Read access; pointers are borrowed and live as long as the spectrum.
 *   values            count doubles, decreasing, >= 0
 *   error_bounds      count doubles: |true - value| <= bound, absolute
 *   count             how many are known
 *   rows, cols        of the matrix                 size   how many there are in all: min(rows, cols), one less
 *                                                          for DROP_TOP
 *   frobenius_squared |W|_F^2 of the variant, from the entries, not from the values
 *   method            NECK_METHOD_GRAM, _QR or _GIVEN
 *   variant           NECK_VARIANT_*
 *   resolution        values below this carry no information (their error bound is as large as they are) */
NECK_API const double *neck_spectrum_values(const neck_spectrum *spectrum);
NECK_API const double *neck_spectrum_error_bounds(const neck_spectrum *spectrum);
NECK_API int64_t neck_spectrum_count(const neck_spectrum *spectrum);
NECK_API int64_t neck_spectrum_size(const neck_spectrum *spectrum);
NECK_API int64_t neck_spectrum_rows(const neck_spectrum *spectrum);
NECK_API int64_t neck_spectrum_cols(const neck_spectrum *spectrum);
NECK_API double neck_spectrum_frobenius_squared(const neck_spectrum *spectrum);
NECK_API double neck_spectrum_resolution(const neck_spectrum *spectrum);
NECK_API int32_t neck_spectrum_method(const neck_spectrum *spectrum);
NECK_API int32_t neck_spectrum_variant(const neck_spectrum *spectrum);

/* neck_spectrum_within - 1 when every value above the numerical rank threshold of QR, max(rows, cols) * 2^-52 * the
 * largest, is known to within tolerance, relative; else 0. What neck_spectrum_options.tolerance asks of GRAM.
 * neck_method_for - the method that AUTO begins with for a matrix of that shape. */
NECK_API int32_t neck_spectrum_within(const neck_spectrum *spectrum, double tolerance);
NECK_API int32_t neck_method_for(int64_t rows, int64_t cols);

/* A spectrum as numbers, to be stored or sent: 8 + 2 count of them, in this order: count, size, rows, cols,
 * frobenius_squared, resolution, method, variant; the values; their error bounds.
 * neck_spectrum_numbers - how many there are.
 * neck_spectrum_get     - writes them to numbers.
 * neck_spectrum_from_numbers - the spectrum that length such numbers tell of, the same bit for bit.
 *   Errors: NECK_E_ARGUMENT (numbers that are no spectrum's), NECK_E_NOMEM. */
NECK_API int64_t neck_spectrum_numbers(const neck_spectrum *spectrum);
NECK_API neck_status neck_spectrum_get(const neck_spectrum *spectrum, double *numbers);
NECK_API neck_status neck_spectrum_from_numbers(neck_context *context, const double *numbers, int64_t length,
                                                neck_spectrum **out);

/* neck_method_name, neck_variant_name - "gram", "qr", "given", ...; "raw", "centered", "frequency_centered",
 * "drop_top". Static strings, "?" for unknown numbers.
 * neck_variant_find - the number for such a name; NECK_E_NOT_FOUND otherwise. */
NECK_API const char *neck_method_name(int32_t method);
NECK_API const char *neck_variant_name(int32_t variant);
NECK_API neck_status neck_variant_find(const char *name, int32_t *variant);

typedef struct neck_svd_options {
    size_t struct_size;
    int32_t variant; /* RAW, CENTERED or FREQUENCY_CENTERED */
    int32_t reserved;
    const double *row_weights; /* as in neck_spectrum_options */
} neck_svd_options;

/* neck_svd_compute - thin SVD W = U diag(s) Vt, k = min(rows, cols), by blocked Householder QR and the SVD of R.
 *   u   rows x k doubles, row-major, orthonormal columns; may be NULL
 *   s   k doubles, decreasing; required
 *   vt  k x cols doubles, row-major, orthonormal rows (Vt, not V); may be NULL
 *   error_bound  absolute bound on the error of each s; may be NULL
 * Signs: in each singular vector of the shorter side (rows of Vt for a tall matrix, columns of U for a wide one) the
 * entry of largest magnitude is positive.
 * Memory: about 5*d^2 doubles, plus 2*rows*cols doubles when the vectors of the longer side are wanted. Errors as
 * neck_spectrum_compute. */
NECK_API neck_status neck_svd_compute(neck_context *context, const neck_matrix *matrix,
                                      const neck_svd_options *options, double *u, double *s, double *vt,
                                      double *error_bound);

/* neck_qr_triangle - R of the QR factorisation of Y, the rows of matrix minus shift: all that the singular values and
 * right singular vectors of many rows depend on. The triangles of parts of a matrix, one on top of the other, have the
 * triangle of the whole.
 *   shift        cols finite doubles, or NULL for none
 *   r            cols x cols doubles, row-major; upper triangular with zeros below. Of fewer rows than columns it is Y
 *                itself, above rows of zeros
 *   error_bound  absolute, of each singular value of r as one of Y; may be NULL
 * By blocked Householder QR: backward stable. Memory: about 2 cols^2 doubles, plus at most 64 MB.
 * Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE, NECK_E_OVERFLOW, NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_qr_triangle(neck_context *context, const neck_matrix *matrix, const double *shift, double *r,
                                      double *error_bound);

#ifdef __cplusplus
}
#endif
#endif
