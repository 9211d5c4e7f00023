/* mpi/team_operator.c - largest singular values, and the density of all, of rows spread over ranks. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mpi/stack.h"
#include "softneck-mpi/operator.h"

/* ---- the largest ------------------------------------------------------------------------------------------------ */

typedef struct triplets {
    int64_t k, cols;
    const neck_truncated_options *options;
    double *squares, *residuals, *bounds; /* k each, of A^T A; then of A */
    double *right;                        /* k x cols, NULL: not asked for */
    neck_truncated_report report;
} triplets;

/* Sums of the squared entries of a column and of a row, in whatever order ranks and threads add them. */
static double product_error(const neck__mpi_stack *stack, const triplets *t)
{
    double terms = (double)stack->rows + 2 * (double)stack->cols + stack->team->size, trace = stack->frobenius_squared;
    if (trace < 0) trace = (double)stack->cols * t->squares[0];
    return terms * (DBL_EPSILON / 2) * trace;
}

/* From eigenvalues to singular values: s = sqrt(l), and the lower end of [l - b, l + b] is the further one. */
static void take_roots(const neck__mpi_stack *stack, triplets *t)
{
    double error = product_error(stack, t);
    for (int64_t i = 0; i < t->k; i++) {
        double square = t->squares[i], delta = t->bounds[i] + error, value = sqrt(square);
        double below = square > delta ? delta / (value + sqrt(square - delta)) : value,
               above = sqrt(square + delta) - value;
        t->squares[i] = value;
        t->bounds[i] = fmax(below, above) + DBL_EPSILON * value;
        t->residuals[i] = value > 0 ? t->residuals[i] / value : 0;
    }
}

static neck_status find_triplets(neck__mpi_stack *stack, void *user)
{
    triplets *t = user;
    int64_t most = stack->rows < stack->cols ? stack->rows : stack->cols;
    if (t->k < 1 || t->k > most)
        return neck__mpi_fail(NECK_E_ARGUMENT,
                              "k is %lld: %lld x %lld rows of all ranks have 1 to %lld singular values",
                              (long long)t->k, (long long)stack->rows, (long long)stack->cols, (long long)most);
    neck_operator *square = NULL;
    NECK_TRY(
        neck_operator_callback(stack->context, stack->cols, stack->cols, neck__mpi_stack_apply, stack, -1, &square));
    neck_status status = neck_truncated_svd(stack->context, square, t->k, t->options, t->squares, NULL, t->right,
                                            t->residuals, t->bounds, &t->report);
    neck_operator_destroy(square);
    if (status == NECK_OK) take_roots(stack, t);
    t->report.products *= 2;
    t->report.frobenius_squared = stack->frobenius_squared;
    return status;
}

/* ---- what all ranks get ----------------------------------------------------------------------------------------- */

static neck_status check(int64_t k, const double *values, const neck_truncated_report *report)
{
    if (!values) return neck__mpi_fail(NECK_E_ARGUMENT, "values is NULL");
    if (k < 1 || k > INT32_MAX) return neck__mpi_fail(NECK_E_ARGUMENT, "k is %lld", (long long)k);
    if (report && report->struct_size < sizeof report->struct_size)
        return neck__mpi_fail(NECK_E_ARGUMENT, "neck_truncated_report.struct_size is not set");
    return NECK_OK;
}

/* Memory for what is found: vectors, too, when any rank asks for them. */
static neck_status prepare(neck_mpi_team *team, const neck_operator *own, int64_t k, int with_vectors, triplets *t)
{
    const char *const names[] = {"k"};
    int64_t any = with_vectors, least;
    NECK_TRY(neck__mpi_same(team, "the singular values", names, &k, 1));
    NECK_TRY(neck_mpi_sum_integers(team, &any, 1));
    NECK_TRY(neck__mpi_least(team, own ? -neck_operator_cols(own) : 0, &least));
    t->k = k;
    t->cols = -least;
    t->squares = calloc((size_t)k, 3 * sizeof *t->squares);
    t->residuals = t->squares + k;
    t->bounds = t->residuals + k;
    t->right = any ? malloc((size_t)k * (size_t)t->cols * sizeof *t->right + 1) : NULL;
    neck_status status = NECK_OK;
    if (!t->squares || (any && !t->right))
        status = neck__mpi_fail(NECK_E_NOMEM, "out of memory for %lld singular values and vectors", (long long)k);
    return neck_mpi_agree(team, status);
}

static neck_status share(neck_mpi_team *team, triplets *t)
{
    const int64_t size = (int64_t)sizeof(double);
    NECK_TRY(neck_mpi_broadcast(team, t->squares, 3 * t->k * size, 0));
    NECK_TRY(neck_mpi_broadcast(team, &t->report, (int64_t)sizeof t->report, 0));
    return t->right ? neck_mpi_broadcast(team, t->right, t->k * t->cols * size, 0) : NECK_OK;
}

static neck_status release(const neck_mpi_team *team, triplets *t, neck_status status)
{
    neck__mpi_free(team, t->squares);
    neck__mpi_free(team, t->right);
    return status;
}

neck_status neck_mpi_truncated_svd(neck_context *context, neck_mpi_team *team, const neck_operator *own, int64_t k,
                                   const neck_truncated_options *options, double *values, double *right,
                                   double *residuals, double *error_bounds, neck_truncated_report *report)
{
    NECK_TRY(neck__mpi_usable(team));
    NECK_TRY(neck_mpi_agree(team, check(k, values, report)));
    triplets t = {.options = options, .report = {.struct_size = sizeof t.report}};
    neck__mpi_stack stack;
    neck_status status = prepare(team, own, k, right != NULL, &t);
    if (status == NECK_OK) status = neck__mpi_stack_run(context, team, own, find_triplets, &t, &stack);
    if (status == NECK_OK) status = share(team, &t);
    if (status != NECK_OK) return release(team, &t, status);
    size_t bytes = (size_t)k * sizeof *values;
    memcpy(values, t.squares, bytes);
    if (right) memcpy(right, t.right, bytes * (size_t)t.cols);
    if (residuals) memcpy(residuals, t.residuals, bytes);
    if (error_bounds) memcpy(error_bounds, t.bounds, bytes);
    if (report) {
        t.report.struct_size = report->struct_size;
        memcpy(report, &t.report, report->struct_size < sizeof t.report ? report->struct_size : sizeof t.report);
    }
    return release(team, &t, NECK_OK);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

typedef struct estimate {
    const neck_density_options *options;
    neck_density *density;
} estimate;

static neck_status find_density(neck__mpi_stack *stack, void *user)
{
    estimate *wanted = user;
    neck_operator *normal = NULL;
    NECK_TRY(neck_operator_normal(stack->context, stack->rows > 0 ? stack->rows : 1, stack->cols, neck__mpi_stack_apply,
                                  stack, stack->frobenius_squared, &normal));
    neck_status status = neck_density_compute(stack->context, normal, wanted->options, &wanted->density);
    neck_operator_destroy(normal);
    return status;
}

neck_status neck_mpi_density(neck_context *context, neck_mpi_team *team, const neck_operator *own,
                             const neck_density_options *options, neck_density **out)
{
    neck__mpi_stack stack;
    NECK_TRY(neck__mpi_usable(team));
    NECK_TRY(neck_mpi_agree(team, out ? NECK_OK : neck__mpi_fail(NECK_E_ARGUMENT, "out is NULL")));
    estimate wanted = {.options = options};
    neck_status status = neck__mpi_stack_run(context, team, own, find_density, &wanted, &stack);
    if (status == NECK_OK)
        *out = wanted.density;
    else
        neck_density_destroy(wanted.density);
    return status;
}
