/* tests/test_density_quadrature.c - Gauss quadrature from Lanczos coefficients and what it may be wrong by. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "constructed.h"
#include "spectrum/density_object.h"

/* Gauss-Legendre on [0, 1], nodes and weights as in Abramowitz & Stegun, table 25.4, moved from [-1, 1]. */
START_TEST(legendre)
{
    enum { STEPS = 5 };
    static const double node[] = {-0.906179845938664, -0.538469310105683, 0, 0.538469310105683, 0.906179845938664};
    static const double weight[] = {0.236926885056189, 0.478628670499366, 0.568888888888889, 0.478628670499366,
                                    0.236926885056189};
    double alpha[STEPS], beta[STEPS], nodes[STEPS], weights[STEPS], work[2 * STEPS];
    for (int k = 0; k < STEPS; k++) {
        alpha[k] = 0.5;
        beta[k] = 0.5 * (k + 1) / sqrt(4.0 * (k + 1) * (k + 1) - 1);
    }
    neck__gauss(STEPS, alpha, beta, 3, nodes, weights, work);
    for (int k = 0; k < STEPS; k++) {
        ck_assert_double_eq_tol(nodes[k], (node[k] + 1) / 2, 1e-14);
        ck_assert_double_eq_tol(weights[k], 3 * weight[k] / 2, 1e-14);
    }
}
END_TEST

/* Coefficients of a distribution of given places and masses: Lanczos on its diagonal, fully orthogonalised. Returns the
 * length. */
static int64_t coefficients(int64_t n, const double *places, const double *masses, int64_t steps, double *alpha,
                            double *beta)
{
    double *vectors = calloc((size_t)((steps + 1) * n), sizeof *vectors), all = 0;
    for (int64_t i = 0; i < n; i++) all += masses[i];
    for (int64_t i = 0; i < n; i++) vectors[i] = sqrt(masses[i] / all);
    int64_t k = 0;
    for (double left = 1; k < steps && left > 1e-9; k++) {
        double *now = vectors + k * n, *next = now + n, squares = 0;
        alpha[k] = 0;
        for (int64_t i = 0; i < n; i++) {
            next[i] = places[i] * now[i];
            alpha[k] += now[i] * next[i];
        }
        for (int pass = 0; pass < 2; pass++)
            for (int64_t j = 0; j <= k; j++) {
                double part = 0;
                for (int64_t i = 0; i < n; i++) part += vectors[j * n + i] * next[i];
                for (int64_t i = 0; i < n; i++) next[i] -= part * vectors[j * n + i];
            }
        for (int64_t i = 0; i < n; i++) squares += next[i] * next[i];
        beta[k] = left = sqrt(squares);
        for (int64_t i = 0; i < n; i++) next[i] /= left > 0 ? left : 1;
    }
    free(vectors);
    return k;
}

/* 300 distributions: the truth lies within the bracket at every t, and the bracket closes as steps are added. */
START_TEST(bracket_holds_the_truth)
{
    enum { PLACES = 60, MOST = 24 };
    uint64_t state = 11;
    double widest_first = 0, widest_last = 0;
    for (int run = 0; run < 300; run++) {
        double places[PLACES], masses[PLACES], all = 0, alpha[MOST], beta[MOST], nodes[MOST], weights[MOST],
            work[2 * MOST];
        for (int i = 0; i < PLACES; i++) {
            double x = (next_number(&state) + 1) / 2;
            places[i] = run % 3 == 0 ? x : run % 3 == 1 ? 1.0 / (i + 1) : exp(-8 * x);
            masses[i] = run % 2 ? 1 : x * x;
            all += masses[i];
        }
        for (int64_t steps = 2; steps <= MOST; steps += 11) {
            double over[MOST], under[MOST];
            int64_t length = coefficients(PLACES, places, masses, steps, alpha, beta);
            if (length < steps) continue;
            neck__gauss(steps, alpha, beta, all, nodes, weights, work);
            neck__gauss_bracket(steps, alpha, beta, all, nodes, weights, over, under);
            for (double t = 1e-4; t < 1.2; t *= 1.01) {
                double truth = 0, gauss = 0;
                for (int i = 0; i < PLACES; i++) truth += masses[i] * fmin(places[i], t);
                for (int64_t i = 0; i < steps; i++) gauss += weights[i] * fmin(nodes[i], t);
                double less = neck__gauss_over(steps, alpha, beta, all, nodes, over, t);
                double more = neck__gauss_under(steps, nodes, under, t, t);
                ck_assert_msg(gauss - less - 1e-9 <= truth && truth <= gauss + more + 1e-9,
                              "run %d, %d steps, t %g: %g not in %g - %g .. + %g", run, (int)steps, t, truth, gauss,
                              less, more);
                if (steps == 2) widest_first = fmax(widest_first, (less + more) / all);
                if (steps == 24) widest_last = fmax(widest_last, (less + more) / all);
            }
        }
    }
    ck_assert_msg(widest_last < widest_first / 10, "%g with 2 steps, %g with 24", widest_first, widest_last);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("density_quadrature");
    TCase *tests = tcase_create("density_quadrature");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, legendre);
    tcase_add_test(tests, bracket_holds_the_truth);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
