/* study/eigen.c - dsyevd, turned around. */
#include "study/eigen.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "linalg/gram.h"
#include "linalg/lapack.h"

static void swap(int64_t count, double *x, double *y)
{
    for (int64_t i = 0; i < count; i++) {
        double kept = x[i];
        x[i] = y[i];
        y[i] = kept;
    }
}

neck_status neck__eigen_decreasing(neck_context *context, int64_t n, double *a, double *values)
{
    NECK_TRY(neck__symmetric_eigen(context, n, a, values));
    for (int64_t i = 0, j = n - 1; i < j; i++, j--) {
        swap(1, values + i, values + j);
        swap(n, a + i * n, a + j * n);
    }
    for (int64_t i = 0; i < n; i++) values[i] = fmax(values[i], 0);
    return NECK_OK;
}

neck_status neck__gram_eigen(neck_context *context, const neck_gram *gram, double *values, double *vectors,
                             int64_t *rank)
{
    int64_t n = gram->cols;
    memcpy(vectors, gram->data, (size_t)(n * n) * sizeof *vectors);
    NECK_TRY(neck__eigen_decreasing(context, n, vectors, values));
    double noise = DBL_EPSILON * ((double)n * values[0] + sqrt(gram->chain) * gram->square_sum);
    for (*rank = 0; *rank < n && values[*rank] > noise;) ++*rank;
    return NECK_OK;
}
