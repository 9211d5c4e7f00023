/* kernels/vector_generic.h - two doubles or four floats, in the compiler's own vectors: what loops written over vectors
 * are made of. */
#ifndef NECK_KERNELS_VECTOR_GENERIC_H
#define NECK_KERNELS_VECTOR_GENERIC_H

#include <string.h>

typedef double vec __attribute__((vector_size(16)));
enum { LANES = 2 };
#define VEC TARGET static inline

VEC vec vec_load(const double *x)
{
    vec v;
    memcpy(&v, x, sizeof v);
    return v;
}
VEC void vec_store(double *x, vec v) { memcpy(x, &v, sizeof v); }
VEC vec vec_splat(double x) { return (vec){x, x}; }
VEC vec vec_add(vec a, vec b) { return a + b; }
VEC vec vec_mul(vec a, vec b) { return a * b; }
VEC vec vec_div(vec a, vec b) { return a / b; }
VEC vec vec_sub(vec a, vec b) { return a - b; }
/* count + 1 where v < 0 */
VEC vec vec_count_negative(vec v, vec count) { return (vec){count[0] + (v[0] < 0), count[1] + (v[1] < 0)}; }
/* -tiny where |v| < tiny, else v */
VEC vec vec_away_from_zero(vec v, vec tiny)
{
    for (int i = 0; i < LANES; i++)
        if (v[i] < tiny[i] && v[i] > -tiny[i]) v[i] = -tiny[i];
    return v;
}
VEC vec vec_fma(vec a, vec b, vec c) { return c + a * b; }
VEC vec vec_fnma(vec a, vec b, vec c) { return c - a * b; }
VEC double vec_sum(vec v) { return v[0] + v[1]; }

/* Lanes from first on; the others read as zero and are left as they are. */
VEC vec vec_load_from(int first, const double *x)
{
    return (vec){first > 0 ? 0 : x[0], first > 1 ? 0 : x[1]};
}
VEC void vec_store_from(int first, double *x, vec v)
{
    for (int i = first; i < LANES; i++) x[i] = v[i];
}

typedef float vecf __attribute__((vector_size(16)));
enum { FLOATS = 4 };

VEC vecf vecf_load(const float *x)
{
    vecf v;
    memcpy(&v, x, sizeof v);
    return v;
}
VEC void vecf_store(float *x, vecf v) { memcpy(x, &v, sizeof v); }
VEC vecf vecf_splat(float x) { return (vecf){x, x, x, x}; }
VEC vecf vecf_fma(vecf a, vecf b, vecf c) { return c + a * b; }

#endif
