/* softneck/matrix.h - borrowed row-major views of matrices in memory or in mapped files. */
#ifndef SOFTNECK_MATRIX_H
#define SOFTNECK_MATRIX_H

#include "context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Element types: number, bytes of one element, name. A matrix view holds one of the four floating types; the others
 * describe tensors in checkpoints. Those of size 0 are GGUF's quantised types: blocks of 32 (names without K) or 256
 * elements that share scales, which neck_checkpoint_matrix decodes to F32. Numbers are fixed. */
#define NECK_DTYPE_LIST(X)      \
    X(F32, 1, 4, "F32")         \
    X(F64, 2, 8, "F64")         \
    X(F16, 3, 2, "F16")         \
    X(BF16, 4, 2, "BF16")       \
    X(I8, 5, 1, "I8")           \
    X(U8, 6, 1, "U8")           \
    X(I16, 7, 2, "I16")         \
    X(U16, 8, 2, "U16")         \
    X(I32, 9, 4, "I32")         \
    X(U32, 10, 4, "U32")        \
    X(I64, 11, 8, "I64")        \
    X(U64, 12, 8, "U64")        \
    X(BOOL, 13, 1, "BOOL")      \
    X(F8_E4M3, 14, 1, "F8_E4M3") \
    X(F8_E5M2, 15, 1, "F8_E5M2") \
    X(C64, 16, 8, "C64")        \
    X(Q4_0, 17, 0, "Q4_0")      \
    X(Q4_1, 18, 0, "Q4_1")      \
    X(Q5_0, 19, 0, "Q5_0")      \
    X(Q5_1, 20, 0, "Q5_1")      \
    X(Q8_0, 21, 0, "Q8_0")      \
    X(Q2_K, 22, 0, "Q2_K")      \
    X(Q3_K, 23, 0, "Q3_K")      \
    X(Q4_K, 24, 0, "Q4_K")      \
    X(Q5_K, 25, 0, "Q5_K")      \
    X(Q6_K, 26, 0, "Q6_K")

enum {
#define NECK_DTYPE_ENTRY(name, number, size, text) NECK_##name = number,
    NECK_DTYPE_LIST(NECK_DTYPE_ENTRY)
#undef NECK_DTYPE_ENTRY
};

/* neck_dtype_size - bytes of one element, 0 for a quantised or an unknown dtype.
 * neck_dtype_name - e.g. "BF16"; "?" for an unknown dtype. Static strings. */
NECK_API int64_t neck_dtype_size(int32_t dtype);
NECK_API const char *neck_dtype_name(int32_t dtype);

/* A view: never copies, never frees; whoever owns data must outlive every use of the view. Row-major:
 * element (i, j) is data[i * row_stride + j], counted in elements. data needs no alignment (safetensors files
 * do not give any). The layout of this struct is frozen. */
typedef struct neck_matrix {
    const void *data;
    int64_t rows;       /* >= 1 */
    int64_t cols;       /* >= 1 */
    int64_t row_stride; /* in elements, >= cols; 0 means cols (rows are packed) */
    int32_t dtype;      /* NECK_F32, NECK_F64, NECK_F16 or NECK_BF16 */
    int32_t reserved;   /* must be 0 */
} neck_matrix;

/* neck_matrix_check_finite - NECK_OK when no element is NaN or infinite. Otherwise NECK_E_NONFINITE, the message
 * names the first such element in row-major order, and *row, *col (each may be NULL) are set to it: the one
 * exception to "outputs are untouched on failure". Every computation makes this check itself. */
NECK_API neck_status neck_matrix_check_finite(neck_context *context, const neck_matrix *matrix, int64_t *row,
                                              int64_t *col);

/* neck_matrix_to_f64 - copies the matrix, converted exactly, into out: rows*cols doubles, row-major, packed.
 * Errors: NECK_E_ARGUMENT for a bad view or NULL out. NaN and infinity are copied. */
NECK_API neck_status neck_matrix_to_f64(neck_context *context, const neck_matrix *matrix, double *out);

/* neck_matrix_column_mean - out[j] = sum_i w_i x_ij / sum_i w_i, cols doubles, double accumulation. weights: rows
 * non-negative finite doubles with a positive sum (e.g. token counts), or NULL for the plain mean. Sums go over 1024
 * rows at a time, then over those sums: out[j] is within 2 (min(rows, 1024) + rows / 1024) + 5 roundings (2^-53) of
 * sum_i w_i |x_ij| / sum_i w_i.
 * Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE, NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_matrix_column_mean(neck_context *context, const neck_matrix *matrix,
                                             const double *weights, double *out);

#ifdef __cplusplus
}
#endif
#endif
