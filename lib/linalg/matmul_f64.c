/* linalg/matmul_f64.c - double precision, in portable C: what finite differences and references are made of. */
#include <stdint.h>

#define REAL double
#define OF(name) name##_f64
#define LARGEST_GROUP 4
#define STRIP 16
#define GROUP LARGEST_GROUP
#define LARGEST (GROUP * STRIP)
#define TILE tile
#define NARROW STRIP /* there is none */
#define NARROW_TILE tile

static void tile(int64_t depth, const double *a, int64_t lda, int64_t step, const double *b, double *c, int64_t ldc, int accumulate)
{
    double sum[GROUP][STRIP];
    for (int m = 0; m < GROUP; m++)
        for (int n = 0; n < STRIP; n++) sum[m][n] = accumulate ? c[m * ldc + n] : 0;
    for (int64_t k = 0; k < depth; k++, a += step, b += STRIP)
        for (int m = 0; m < GROUP; m++)
            for (int n = 0; n < STRIP; n++) sum[m][n] += a[m * lda] * b[n];
    for (int m = 0; m < GROUP; m++)
        for (int n = 0; n < STRIP; n++) c[m * ldc + n] = sum[m][n];
}

#include "linalg/matmul_template.h"
