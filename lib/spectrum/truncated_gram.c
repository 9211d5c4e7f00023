/* spectrum/truncated_gram.c - the leading eigenvectors of B^T B formed in full: exact, and the fastest way while its
 * order is small. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "linalg/blas.h"
#include "linalg/cross.h"
#include "linalg/lapack.h"
#include "spectrum/truncated.h"

typedef struct cross {
    int64_t order;
    double *data;  /* symmetric, in full */
    double trace;
    double error;  /* of its spectral norm */
} cross;

static neck_status from_view(neck_context *context, const neck__normal *normal, const neck_matrix *view, cross *c)
{
    neck__source source = {*view, normal->flipped, NULL, normal->scale, 0};
    NECK_TRY(neck__cross(context, &source, c->data, c->order, &c->trace));
    c->error = neck__cross_chain(&source) * (DBL_EPSILON / 2) * c->trace;
    neck__mirror(context, c->order, c->data, c->order);
    return NECK_OK;
}

/* Columns of the unit matrix at a time. */
enum { UNITS = 48 };

static neck_status from_products(neck_context *context, neck__normal *normal, cross *c)
{
    int64_t n = c->order;
    double *units = neck__calloc(&normal->allocator, UNITS, n * (int64_t)sizeof *units, "unit vectors");
    if (!units) return NECK_E_NOMEM;
    neck_status status = NECK_OK;
    for (int64_t first = 0; first < n && status == NECK_OK; first += UNITS) {
        int64_t count = n - first < UNITS ? n - first : UNITS;
        for (int64_t i = 0; i < count; i++) units[i * n + first + i] = 1;
        status = neck__normal_both(context, normal, count, units, c->data + first * n);
        for (int64_t i = 0; i < count; i++) units[i * n + first + i] = 0;
        if (status == NECK_OK) status = neck__progress(context, "gram", "columns", first + count, n);
    }
    neck__release(&normal->allocator, units);
    if (status != NECK_OK) return status;
    neck__mirror(context, n, c->data, n);
    for (int64_t i = 0; i < n; i++) c->trace += c->data[i * n + i];
    if (!isfinite(c->trace)) return neck__fail(NECK_E_NONFINITE, "a product with the operator is not finite");
    double root = sqrt(c->trace); /* both products round */
    c->error = (double)(normal->order + normal->length) * DBL_EPSILON * fmax(root, normal->magnitude) * root;
    return NECK_OK;
}

static neck_status by_eigenvectors(neck_context *context, cross *c, int64_t k, neck__subspace *out)
{
    int64_t n = c->order;
    neck__allocator allocator = neck__allocator_of(context);
    double *values = neck__alloc(&allocator, n, sizeof *values, "eigenvalues");
    double *vectors = values ? neck__alloc(&allocator, k, n * (int64_t)sizeof *vectors, "singular vectors") : NULL;
    neck_status status = vectors ? neck__symmetric_eigen(context, n, c->data, values) : NECK_E_NOMEM;
    if (status == NECK_OK) {
        double error = c->error + (double)n * DBL_EPSILON * fmax(values[n - 1], 0);
        for (int64_t i = 0; i < k; i++) memcpy(vectors + i * n, c->data + (n - 1 - i) * n, (size_t)n * sizeof *vectors);
        *out = (neck__subspace){.count = k, .vectors = vectors, .method = NECK_METHOD_GRAM};
        out->ceiling = k < n ? sqrt(fmax(values[n - 1 - k], 0) + error) : 0;
        vectors = NULL;
    }
    neck__release(&allocator, vectors);
    neck__release(&allocator, values);
    return status;
}

static neck_status multiply(neck_context *context, void *user, int64_t count, const double *x, double *y)
{
    (void)context;
    const cross *c = user;
    return neck__gemm(0, 0, count, c->order, c->order, 1, x, c->order, c->data, c->order, 0, y, c->order);
}

/* All eigenvectors cost far more than a few when there are many. */
static neck_status by_iteration(neck_context *context, cross *c, const neck__request *request, neck__subspace *out)
{
    double noise = DBL_EPSILON * (4 + sqrt((double)c->order));
    neck__leading problem = {multiply, NULL, c, c->order, c->trace, noise};
    NECK_TRY(neck__leading_vectors(context, &problem, request, out));
    out->method = NECK_METHOD_GRAM;
    out->rounded = 0;
    out->ceiling = sqrt(out->ceiling * out->ceiling + c->error + (double)c->order * (DBL_EPSILON / 2) * c->trace);
    return NECK_OK;
}

enum { FEW = 400, SHARE = 4 };

neck_status neck__truncated_by_gram(neck_context *context, neck__normal *normal, const neck__request *request,
                                    neck__subspace *out)
{
    const neck_matrix *view = neck__operator_matrix(normal->op);
    cross c = {.order = normal->order};
    c.data = neck__calloc(&normal->allocator, c.order, c.order * (int64_t)sizeof(double), "a Gram matrix");
    if (!c.data) return NECK_E_NOMEM;
    neck_status status = view ? from_view(context, normal, view, &c) : from_products(context, normal, &c);
    if (status == NECK_OK)
        status = c.order <= FEW || request->k > c.order / SHARE ? by_eigenvectors(context, &c, request->k, out)
                                                                : by_iteration(context, &c, request, out);
    neck__release(&normal->allocator, c.data);
    return status;
}
