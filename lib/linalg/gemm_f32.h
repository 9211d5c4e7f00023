/* linalg/gemm_f32.h - single-precision products with a matrix that is packed once and used many times: the weights of a
 * model. On our own threads; the same bits for any number of them. */
#ifndef NECK_LINALG_GEMM_F32_H
#define NECK_LINALG_GEMM_F32_H

#include "softneck/matrix.h"

/* W (N x K, "out x in") as strips of columns of W^T, in f32. */
typedef struct neck__packed neck__packed;

/* Packs w, any float dtype. transposed: w is stored K x N. The view is not needed afterwards. NECK_E_NONFINITE is not
 * checked here. */
neck_status neck__gemm_pack(neck_context *context, const neck_matrix *w, int32_t transposed, neck__packed **out);
void neck__packed_destroy(neck__packed *packed);
int64_t neck__packed_outputs(const neck__packed *packed); /* N */
int64_t neck__packed_inputs(const neck__packed *packed);  /* K */

/* C (m x N, leading dimension ldc) = [C if accumulate] + A (m x K, leading dimension lda) W^T. */
void neck__gemm_f32(neck_context *context, int64_t m, const float *a, int64_t lda, const neck__packed *w,
                    int32_t accumulate, float *c, int64_t ldc);

#endif
