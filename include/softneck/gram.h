/* softneck/gram.h - streaming second moments of rows: the one accumulator that LM heads, hidden states and
 * gradients are all pushed into. Spectra and geometry come from it without keeping the rows. */
#ifndef SOFTNECK_GRAM_H
#define SOFTNECK_GRAM_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Holds, for the rows x of everything pushed, with y = x - shift (shift is 0 unless given):
 *   n, sum y, sum y/|y|, sum |y|, and the cols x cols Gram matrix sum y y^T, all in double precision.
 * A row with y = 0, or so small that |y|^2 is 0 in double, counts in n and adds nothing else. Memory: cols^2 * 8
 * bytes, twice that during a push of many rows.
 *
 * Exactness: products of f32, f16 and bf16 numbers are exact in double; sums are ordered by row, so the same
 * pushes give the same bits whatever the number of threads (on one kernel level, see neck_build_info).
 * Thread rule: one call at a time on one gram; const calls may run side by side. */
typedef struct neck_gram neck_gram;

typedef struct neck_gram_options {
    size_t struct_size;
    const double *shift;  /* cols finite doubles subtracted from every row first, copied; NULL: zeros */
    int32_t moments_only; /* non-zero: keep no Gram matrix, O(cols) memory and O(rows cols) time;
                             enough for anisotropy and norms */
    int32_t reserved;     /* must be 0 */
} neck_gram_options;

/* neck_gram_create - an empty accumulator of rows of cols numbers.
 * Errors: NECK_E_ARGUMENT (cols < 1, bad options), NECK_E_NONFINITE (shift), NECK_E_OVERFLOW, NECK_E_NOMEM. */
NECK_API neck_status neck_gram_create(neck_context *context, int64_t cols, const neck_gram_options *options,
                                      neck_gram **out);
NECK_API void neck_gram_destroy(neck_gram *gram);

/* neck_gram_push - adds all rows of a matrix with gram's number of columns. All or nothing: after any error the
 * gram is as before the call.
 * Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE (names row and column), NECK_E_OVERFLOW (squares beyond the range
 * of double: scale the data), NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_gram_push(neck_context *context, neck_gram *gram, const neck_matrix *matrix);

/* neck_gram_merge - adds what other holds to gram; other is unchanged. Both need the same cols, the same shift
 * and both or neither moments_only. Merging is commutative to the last bit for two grams. */
NECK_API neck_status neck_gram_merge(neck_gram *gram, const neck_gram *other);

/* A gram as numbers that add up: whoever adds those of several grams (of the same cols, shift and moments_only), number
 * by number, has merged them, in whatever process they are.
 * neck_gram_size - how many: cols (cols + 1) / 2 + 2 cols + 5, without the first part when moments_only.
 * neck_gram_get  - writes them to numbers: count, zero_rows, roundings behind a sum, norm_sum, the sum of |y|^2; sum;
 *   unit_sum; the upper triangle of data, row by row.
 * neck_gram_set  - the gram becomes what numbers say; cols, shift and moments_only stay. Counts are exact up to 2^53.
 *   Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE (a number), NECK_E_OVERFLOW (a count that is no whole number of rows);
 *   the gram is then as before. */
NECK_API int64_t neck_gram_size(const neck_gram *gram);
NECK_API neck_status neck_gram_get(const neck_gram *gram, double *numbers);
NECK_API neck_status neck_gram_set(neck_gram *gram, const double *numbers);

/* Read access. Pointers are borrowed and valid until the next push, merge or destroy.
 *   count    rows pushed                       cols      as created
 *   sum      cols doubles, sum y               unit_sum  cols doubles, sum y/|y|
 *   norm_sum sum |y|                           zero_rows rows with y = 0
 *   shift    cols doubles, or NULL when none   data      cols*cols doubles, sum y y^T, row-major, symmetric;
 *                                                        NULL when moments_only */
NECK_API int64_t neck_gram_count(const neck_gram *gram);
NECK_API int64_t neck_gram_cols(const neck_gram *gram);
NECK_API int64_t neck_gram_zero_rows(const neck_gram *gram);
NECK_API double neck_gram_norm_sum(const neck_gram *gram);
NECK_API const double *neck_gram_sum(const neck_gram *gram);
NECK_API const double *neck_gram_unit_sum(const neck_gram *gram);
NECK_API const double *neck_gram_shift(const neck_gram *gram);
NECK_API const double *neck_gram_data(const neck_gram *gram);

/* neck_gram_mean - out[j] = mean of column j of the rows as pushed (shift added back), cols doubles.
 * Errors: NECK_E_STATE when nothing was pushed. */
NECK_API neck_status neck_gram_mean(const neck_gram *gram, double *out);

/* neck_gram_save / neck_gram_load - to and from a safetensors file (tensors gram, sum, unit_sum, shift in F64;
 * the rest as metadata), bit for bit. The file appears whole or not at all.
 * Errors: NECK_E_IO, NECK_E_FORMAT (not a gram file), NECK_E_NONFINITE, NECK_E_NOMEM. */
NECK_API neck_status neck_gram_save(neck_context *context, const neck_gram *gram, const char *path);
NECK_API neck_status neck_gram_load(neck_context *context, const char *path, neck_gram **out);

#ifdef __cplusplus
}
#endif
#endif
