/* softneck/operator.h - matrices known by their products with blocks of vectors: dense, mapped, sparse, factored,
 * centred, or whatever a callback computes. What truncated and stochastic spectra work on. */
#ifndef SOFTNECK_OPERATOR_H
#define SOFTNECK_OPERATOR_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A rows x cols matrix A. Holds views of what it was made from (which must outlive it), never copies, unless said
 * otherwise. Immutable once made. Thread rule: any number of threads may use one, but for callbacks, which are called
 * by one thread at a time, the caller's. */
typedef struct neck_operator neck_operator;

/* y = A x (transposed 0) or y = A^T x (transposed 1) for a block of count vectors, both row-major with the vectors as
 * columns (numpy's C order): x has cols (transposed: rows) rows of count doubles, y rows (transposed: cols) rows of
 * count doubles. x and y do not overlap; x is finite; y holds anything on entry. Both products must be of the same
 * matrix every time. Return 0, or anything else to stop: the library's call then fails with NECK_E_CANCELLED. */
typedef int32_t (*neck_operator_fn)(void *user, int32_t transposed, int64_t count, const double *x, double *y);

/* neck_operator_dense - a view of any dtype; products accumulate in double. Checked for NaN and infinity here, in one
 *   pass that also finds |A|_F^2.
 * neck_operator_sparse - compressed sparse rows: row i holds the columns columns[starts[i]] up to, but without,
 *   columns[starts[i + 1]], each 0 .. cols - 1, with the values at the same places (doubles; NULL: all 1). A column
 *   that occurs twice in a row counts as the sum. starts: rows + 1 numbers, starts[0] = 0, not decreasing. All is
 *   checked here. A transposed copy is kept.
 * neck_operator_product - first times second: first->cols = second->rows. Both must outlive it. Its |A|_F^2 is not
 *   known.
 * neck_operator_centered - A minus 1 mean^T, its mean row taken away without forming anything: what softmax cannot see
 *   of a head. row_weights: rows non-negative doubles (token frequencies) or NULL for the plain mean. Copies nothing of
 *   A, which must outlive it. |A|_F^2 of a dense matrix is summed anew; of another operator it is a difference, and not
 *   known where that cancels.
 * neck_operator_callback - frobenius_squared: |A|_F^2 when the caller knows it, negative when not (W-error needs it).
 * Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE, NECK_E_OVERFLOW (also when |A|_F^2 exceeds 1e300), NECK_E_NOMEM,
 * NECK_E_CANCELLED. */
NECK_API neck_status neck_operator_dense(neck_context *context, const neck_matrix *matrix, neck_operator **out);
NECK_API neck_status neck_operator_sparse(neck_context *context, int64_t rows, int64_t cols, const int64_t *starts,
                                          const int32_t *columns, const double *values, neck_operator **out);
NECK_API neck_status neck_operator_product(neck_context *context, const neck_operator *first,
                                           const neck_operator *second, neck_operator **out);
NECK_API neck_status neck_operator_centered(neck_context *context, const neck_operator *source,
                                            const double *row_weights, neck_operator **out);
NECK_API neck_status neck_operator_callback(neck_context *context, int64_t rows, int64_t cols, neck_operator_fn apply,
                                            void *user, double frobenius_squared, neck_operator **out);
/* neck_operator_normal - an operator known by products of A^T A alone, as where A's rows are spread over machines:
 *   apply is called with transposed 0, x and y cols x count. For what needs no more than that: neck_density_compute,
 *   neck_operator_apply_normal. Everything else refuses it (NECK_E_ARGUMENT). Errors: as above. */
NECK_API neck_status neck_operator_normal(neck_context *context, int64_t rows, int64_t cols, neck_operator_fn apply,
                                          void *user, double frobenius_squared, neck_operator **out);
NECK_API void neck_operator_destroy(neck_operator *op);

/* frobenius_squared: |A|_F^2, negative when it is not known. */
NECK_API int64_t neck_operator_rows(const neck_operator *op);
NECK_API int64_t neck_operator_cols(const neck_operator *op);
NECK_API double neck_operator_frobenius_squared(const neck_operator *op);

/* neck_operator_apply - y = A x or A^T x, shapes as in neck_operator_fn, count >= 1. On the context's threads; its bits
 * do not depend on how many. y may be half written after an error (NECK_E_CANCELLED, NECK_E_NOMEM, NECK_E_NONFINITE
 * from a callback's product). */
NECK_API neck_status neck_operator_apply(neck_context *context, const neck_operator *op, int32_t transposed,
                                         int64_t count, const double *x, double *y);

/* neck_operator_apply_normal - y = A^T A x, both cols x count: in one pass over A where its kind has a way, else by
 * both products, with memory for rows x count doubles. Errors and bits as above. */
NECK_API neck_status neck_operator_apply_normal(neck_context *context, const neck_operator *op, int64_t count,
                                                const double *x, double *y);

#ifdef __cplusplus
}
#endif
#endif
