/* tests/test_tridiagonal.c - eigenvalues of tridiagonal matrices against formulas and LAPACK's dsterf. */
#include <check.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "linalg/tridiagonal.h"

static double *solve(neck_context *context, int64_t n, const double *diagonal, const double *beside)
{
    double *values = malloc((size_t)n * sizeof *values);
    ck_assert_int_eq(neck__tridiagonal_eigenvalues(context, n, diagonal, beside, values), NECK_OK);
    return values;
}

static double distance(int64_t n, const double *a, const double *b)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++) worst = fmax(worst, fabs(a[i] - b[i]));
    return worst;
}

static double largest(int64_t n, const double *values) { return fmax(fabs(values[0]), fabs(values[n - 1])); }

/* 2 and -1: a few roundings from the formula, however large n is. */
START_TEST(a_formula)
{
    static const int64_t orders[] = {1, 2, 3, 31, 32, 33, 500, 3001};
    int64_t n = orders[_i];
    double *diagonal = calloc((size_t)n, 8), *beside = calloc((size_t)n, 8), *expected = calloc((size_t)n, 8);
    for (int64_t i = 0; i < n; i++) {
        double s = sin((double)(i + 1) * 1.57079632679489661923 / (double)(n + 1));
        diagonal[i] = 2, beside[i] = -1, expected[i] = 4 * s * s;
    }
    double *values = solve(NULL, n, diagonal, beside);
    ck_assert_double_le(distance(n, values, expected), 8 * DBL_EPSILON * 4);
    free(diagonal), free(beside), free(expected), free(values);
}
END_TEST

typedef void (*make_fn)(int64_t n, double *diagonal, double *beside);

static void random_numbers(int64_t n, double *diagonal, double *beside)
{
    uint64_t seed = (uint64_t)n;
    for (int64_t i = 0; i < n; i++) diagonal[i] = next_number(&seed), beside[i] = next_number(&seed);
}

static void equal(int64_t n, double *diagonal, double *beside)
{
    for (int64_t i = 0; i < n; i++) diagonal[i] = -3, beside[i] = 0;
}

static void zero(int64_t n, double *diagonal, double *beside)
{
    for (int64_t i = 0; i < n; i++) diagonal[i] = beside[i] = 0;
}

/* Blocks that are alike: every eigenvalue many times. */
static void repeated(int64_t n, double *diagonal, double *beside)
{
    for (int64_t i = 0; i < n; i++) diagonal[i] = (double)(i % 5), beside[i] = i % 5 == 4 ? 0 : 1;
}

static void nearly_repeated(int64_t n, double *diagonal, double *beside)
{
    for (int64_t i = 0; i < n; i++) diagonal[i] = (double)(i % 5), beside[i] = i % 5 == 4 ? 1e-9 : 1;
}

static void wilkinson(int64_t n, double *diagonal, double *beside)
{
    for (int64_t i = 0; i < n; i++) diagonal[i] = fabs((double)i - 0.5 * (double)(n - 1)), beside[i] = 1;
}

static void graded(int64_t n, double *diagonal, double *beside)
{
    for (int64_t i = 0; i < n; i++) diagonal[i] = pow(0.9, (double)i), beside[i] = 0.3 * diagonal[i];
}

/* Numbers whose squares leave the range of double at the small end. */
static void minute(int64_t n, double *diagonal, double *beside)
{
    random_numbers(n, diagonal, beside);
    for (int64_t i = 0; i < n; i++) diagonal[i] *= i == 0 ? 1 : 1e-160, beside[i] *= 1e-170;
}

static void huge(int64_t n, double *diagonal, double *beside)
{
    random_numbers(n, diagonal, beside);
    for (int64_t i = 0; i < n; i++) diagonal[i] *= 1e100, beside[i] *= 1e100;
}

static const make_fn makers[] = {random_numbers, equal, zero, repeated, nearly_repeated, wilkinson, graded, minute,
                                 huge};
enum { MAKERS = sizeof makers / sizeof *makers };

START_TEST(lapack_agrees)
{
    static const int64_t orders[] = {1, 2, 5, 21, 32, 64, 65, 300, 1000};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        int64_t n = orders[i];
        double *diagonal = calloc((size_t)n, 8), *beside = calloc((size_t)n, 8);
        makers[_i](n, diagonal, beside);
        double *values = solve(NULL, n, diagonal, beside);
        ck_assert_int_eq(LAPACKE_dsterf_work((lapack_int)n, diagonal, beside), 0);
        ck_assert_double_le(distance(n, values, diagonal), (8 + (double)n) * DBL_EPSILON * largest(n, diagonal));
        int64_t falling = 0;
        for (int64_t k = 1; k < n; k++) falling += !(values[k] >= values[k - 1]);
        ck_assert_int_eq(falling, 0);
        free(diagonal), free(beside), free(values);
    }
}
END_TEST

START_TEST(threads_do_not_show)
{
    const int64_t n = 700;
    double *diagonal = calloc((size_t)n, 8), *beside = calloc((size_t)n, 8), *first = NULL;
    random_numbers(n, diagonal, beside);
    for (int32_t threads = 1; threads < 5; threads++) {
        neck_context *context;
        neck_context_options options = {.struct_size = sizeof options, .threads = threads};
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        double *values = solve(context, n, diagonal, beside);
        if (first) ck_assert_mem_eq(values, first, (size_t)n * sizeof *values);
        if (!first) first = values;
        else free(values);
        neck_context_destroy(context);
    }
    free(diagonal), free(beside), free(first);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tridiagonal");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, a_formula, 0, 8);
    tcase_add_loop_test(all, lapack_agrees, 0, MAKERS);
    tcase_add_test(all, threads_do_not_show);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
