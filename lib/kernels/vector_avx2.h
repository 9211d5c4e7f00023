/* kernels/vector_avx2.h - four doubles or eight floats: what loops written over vectors are made of. */
#ifndef NECK_KERNELS_VECTOR_AVX2_H
#define NECK_KERNELS_VECTOR_AVX2_H

#include <immintrin.h>

typedef __m256d vec;
enum { LANES = 4 };
#define VEC TARGET static inline

VEC vec vec_load(const double *x) { return _mm256_loadu_pd(x); }
VEC void vec_store(double *x, vec v) { _mm256_storeu_pd(x, v); }
VEC vec vec_splat(double x) { return _mm256_set1_pd(x); }
VEC vec vec_add(vec a, vec b) { return _mm256_add_pd(a, b); }
VEC vec vec_mul(vec a, vec b) { return _mm256_mul_pd(a, b); }
VEC vec vec_div(vec a, vec b) { return _mm256_div_pd(a, b); }
VEC vec vec_sub(vec a, vec b) { return _mm256_sub_pd(a, b); }
/* count + 1 where v < 0 */
VEC vec vec_count_negative(vec v, vec count)
{
    return _mm256_add_pd(count, _mm256_and_pd(_mm256_cmp_pd(v, _mm256_setzero_pd(), _CMP_LT_OQ), _mm256_set1_pd(1)));
}
/* -tiny where |v| < tiny, else v */
VEC vec vec_away_from_zero(vec v, vec tiny)
{
    vec sign = _mm256_set1_pd(-0.0), small = _mm256_cmp_pd(_mm256_andnot_pd(sign, v), tiny, _CMP_LT_OQ);
    return _mm256_blendv_pd(v, _mm256_or_pd(sign, tiny), small);
}
VEC vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_pd(a, b, c); }   /* c + a b */
VEC vec vec_fnma(vec a, vec b, vec c) { return _mm256_fnmadd_pd(a, b, c); } /* c - a b */

VEC double vec_sum(vec v)
{
    double lanes[LANES];
    vec_store(lanes, v);
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

/* Lanes from first on; the others read as zero and are left as they are. */
VEC __m256i vec_mask_from(int first)
{
    return _mm256_cmpgt_epi64(_mm256_setr_epi64x(1, 2, 3, 4), _mm256_set1_epi64x(first));
}
VEC vec vec_load_from(int first, const double *x) { return _mm256_maskload_pd(x, vec_mask_from(first)); }
VEC void vec_store_from(int first, double *x, vec v) { _mm256_maskstore_pd(x, vec_mask_from(first), v); }

typedef __m256 vecf;
enum { FLOATS = 8 };

VEC vecf vecf_load(const float *x) { return _mm256_loadu_ps(x); }
VEC void vecf_store(float *x, vecf v) { _mm256_storeu_ps(x, v); }
VEC vecf vecf_splat(float x) { return _mm256_set1_ps(x); }
VEC vecf vecf_fma(vecf a, vecf b, vecf c) { return _mm256_fmadd_ps(a, b, c); }

#endif
