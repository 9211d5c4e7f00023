/* spectrum/solve.c - eigenvalues of the Gram matrix, or singular values of R; what either can be wrong by. */
#include "spectrum/solve.h"

#include <float.h>
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "linalg/cross.h"
#include "linalg/lapack.h"
#include "spectrum/tsqr.h"

/* Unit roundoff of double. */
#define ROUNDOFF (DBL_EPSILON / 2)

/* When squares are known to within delta, sigma lies in [sqrt(square - delta), sqrt(square + delta)]; the lower end is
 * the further one. (a - b) / (sqrt a + sqrt b) does not cancel. */
static double bound_from_square(double square, double delta)
{
    double below = square - delta;
    if (below <= 0) return fmax(sqrt(square), sqrt(square + delta) - sqrt(square));
    return delta / (sqrt(square) + sqrt(below)) + 2 * ROUNDOFF * sqrt(square);
}

neck_status neck__solve_eigen(neck_context *context, int64_t n, double *c, double delta, int64_t count,
                              neck__solution *solution)
{
    neck__allocator allocator = neck__allocator_of(context);
    double *squares = neck__alloc(&allocator, n, sizeof(double), "eigenvalues");
    if (!squares) return NECK_E_NOMEM;
    neck_status status = neck__symmetric_eigenvalues(context, n, c, n, squares);
    if (status == NECK_OK) {
        /* The eigensolver's backward error p(n)*eps*|C|, with LAPACK's customary p(n) = n; two stages keep to less. */
        delta += (double)n * DBL_EPSILON * fmax(squares[n - 1], 0);
        for (int64_t i = 0; i < count; i++) {
            double square = fmax(squares[n - 1 - i], 0);
            solution->values[i] = sqrt(square);
            solution->bounds[i] = bound_from_square(square, delta);
        }
        solution->resolution = sqrt(delta);
    }
    neck__release(&allocator, squares);
    return status;
}

neck_status neck__solve_by_gram(neck_context *context, const neck__source *source, neck__solution *solution)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t n = neck__source_order(source), size;
    if (!neck__mul(n, n, &size))
        return neck__fail(NECK_E_OVERFLOW, "a Gram matrix of order %lld is too large", (long long)n);
    double *c = neck__calloc(&allocator, size, sizeof(double), "a Gram matrix");
    if (!c) return NECK_E_NOMEM;
    double trace = 0;
    neck_status status = neck__cross(context, source, c, n, &trace);
    double delta = neck__cross_chain(source) * ROUNDOFF * trace;
    if (status == NECK_OK) status = neck__solve_eigen(context, n, c, delta, n, solution);
    if (status == NECK_OK) solution->frobenius_squared = trace;
    neck__release(&allocator, c);
    return status;
}

neck_status neck__solve_by_qr(neck_context *context, const neck__source *source, neck__solution *solution)
{
    neck__tsqr tsqr;
    NECK_TRY(neck__tsqr_factor(context, source, 0, &tsqr));
    neck__release(&tsqr.allocator, tsqr.reflectors); /* memory for the SVD of R */
    tsqr.reflectors = NULL;
    int64_t n = tsqr.order;
    neck_status status = neck__singular_values(context, n, tsqr.r, solution->values);
    if (status == NECK_OK) {
        double bound = neck__tsqr_chain(&tsqr) * ROUNDOFF * sqrt(tsqr.frobenius_squared) +
                       neck__singular_values_error(n) * solution->values[0];
        for (int64_t i = 0; i < n; i++) solution->bounds[i] = bound;
        solution->resolution = bound;
        solution->frobenius_squared = tsqr.frobenius_squared;
    }
    neck__tsqr_free(&tsqr);
    return status;
}
