/* kernels/vector_avx512.h - eight doubles: what loops written over vectors are made of. */
#ifndef NECK_KERNELS_VECTOR_AVX512_H
#define NECK_KERNELS_VECTOR_AVX512_H

#include <immintrin.h>

typedef __m512d vec;
enum { LANES = 8 };
#define VEC TARGET static inline

VEC vec vec_load(const double *x) { return _mm512_loadu_pd(x); }
VEC void vec_store(double *x, vec v) { _mm512_storeu_pd(x, v); }
VEC vec vec_splat(double x) { return _mm512_set1_pd(x); }
VEC vec vec_add(vec a, vec b) { return _mm512_add_pd(a, b); }
VEC vec vec_mul(vec a, vec b) { return _mm512_mul_pd(a, b); }
VEC vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_pd(a, b, c); }     /* c + a b */
VEC vec vec_fnma(vec a, vec b, vec c) { return _mm512_fnmadd_pd(a, b, c); }   /* c - a b */
VEC double vec_sum(vec v) { return _mm512_reduce_add_pd(v); }
/* Lanes from first on; the others read as zero and are left as they are. */
VEC vec vec_load_from(int first, const double *x) { return _mm512_maskz_loadu_pd((__mmask8)(0xffu << first), x); }
VEC void vec_store_from(int first, double *x, vec v) { _mm512_mask_storeu_pd(x, (__mmask8)(0xffu << first), v); }

#endif
