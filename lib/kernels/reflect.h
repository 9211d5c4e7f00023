/* kernels/reflect.h - the loops behind a symmetric matrix's way to tridiagonal form by Householder reflections
 * H = 1 - tau v v^T, v_0 = 1, and from there to its eigenvalues: one table an instruction set. */
#ifndef NECK_KERNELS_REFLECT_H
#define NECK_KERNELS_REFLECT_H

#include <stdint.h>

/* Width of the band in between, and length of the reflections that chase it: a multiple of every strip and vector. */
#define NECK__BAND 48

/* Reflections applied together within a panel. */
#define NECK__REFLECTIONS 8

/* Points a call of sturm takes. */
#define NECK__POINTS 32

typedef struct neck__reflect {
    /* c[m * ldc + n] = (accumulate ? c : 0) + sum over k < depth of a[m * lda + k * step] * b[k * strip + n], m <
     * group, n < strip: a is any strided matrix as it lies, b a packed strip; each element is summed over k in
     * order. */
    void (*tile)(int64_t depth, const double *a, int64_t lda, int64_t step, const double *b, double *c, int64_t ldc,
                 int accumulate);

    /* Over rows of count numbers, a multiple of 8, nx <= NECK__REFLECTIONS rows of x and ny of y:
     * dots[i * ny + j] = x_i . y_j;   y_j -= sum over i of factors[i * ny + j] x_i. */
    void (*dots)(int64_t count, int64_t nx, const double *x, int64_t ldx, int64_t ny, const double *y, int64_t ldy,
                 double *dots);
    void (*subtract)(int64_t count, int64_t nx, const double *x, int64_t ldx, int64_t ny, double *y, int64_t ldy,
                     const double *factors);

    /* Blocks of NECK__BAND rows and columns, element (i, j) at block[j * ld + i].
     * start: the reflection that takes x to a multiple of the first unit vector; x becomes it.
     * diagonal: block = H block H, block symmetric, of which only i >= j is read and written.
     * below: block = N block H, with N the reflection that takes the first column of block H to a multiple of the first
     * unit vector: next and *next_tau. */
    void (*start)(double *x, double *v, double *tau);
    void (*diagonal)(double *block, int64_t ld, const double *v, double tau);
    void (*below)(double *block, int64_t ld, const double *v, double tau, double *next, double *next_tau);

    /* For NECK__POINTS numbers x, of the tridiagonal matrix with this diagonal and these squares beside it (n and
     * n - 1): how many eigenvalues are less than x, and slope, the sum of 1 / (x - eigenvalue), which rounding may
     * spoil (infinite, NaN, or wrong) close to eigenvalues of its leading parts. Pivots below tiny count as -tiny. */
    void (*sturm)(int64_t n, const double *diagonal, const double *squares, double tiny, const double *x, double *count,
                  double *slope);
} neck__reflect;

#endif
