/* kernels/vector_avx512.h - eight doubles or sixteen floats: what loops written over vectors are made of. */
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
VEC vec vec_div(vec a, vec b) { return _mm512_div_pd(a, b); }
VEC vec vec_sub(vec a, vec b) { return _mm512_sub_pd(a, b); }
/* count + 1 where v < 0 */
VEC vec vec_count_negative(vec v, vec count)
{
    return _mm512_mask_add_pd(count, _mm512_cmp_pd_mask(v, _mm512_setzero_pd(), _CMP_LT_OQ), count, _mm512_set1_pd(1));
}
/* -tiny where |v| < tiny, else v */
VEC vec vec_away_from_zero(vec v, vec tiny)
{
    __mmask8 small = _mm512_cmp_pd_mask(_mm512_abs_pd(v), tiny, _CMP_LT_OQ);
    return _mm512_mask_sub_pd(v, small, _mm512_setzero_pd(), tiny);
}
VEC vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_pd(a, b, c); }     /* c + a b */
VEC vec vec_fnma(vec a, vec b, vec c) { return _mm512_fnmadd_pd(a, b, c); }   /* c - a b */
VEC double vec_sum(vec v) { return _mm512_reduce_add_pd(v); }
/* Lanes from first on; the others read as zero and are left as they are. */
VEC vec vec_load_from(int first, const double *x) { return _mm512_maskz_loadu_pd((__mmask8)(0xffu << first), x); }
VEC void vec_store_from(int first, double *x, vec v) { _mm512_mask_storeu_pd(x, (__mmask8)(0xffu << first), v); }

typedef __m512 vecf;
enum { FLOATS = 16 };

VEC vecf vecf_load(const float *x) { return _mm512_loadu_ps(x); }
VEC void vecf_store(float *x, vecf v) { _mm512_storeu_ps(x, v); }
VEC vecf vecf_splat(float x) { return _mm512_set1_ps(x); }
VEC vecf vecf_fma(vecf a, vecf b, vecf c) { return _mm512_fmadd_ps(a, b, c); }

#endif
