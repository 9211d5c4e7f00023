/* tests/test_loops_f32.c - the elementwise loops of models against the C library in double, on every table this CPU
 * can run. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format_support.h"
#include "kernels/kernels.h"

static const neck__kernels *tables[3];
static int table_count;

static void find_tables(void)
{
    tables[table_count++] = &neck__kernels_generic;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables[table_count++] = &neck__kernels_avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        tables[table_count++] = &neck__kernels_avx512;
#endif
}

static double activation(int kind, double x)
{
    switch (kind) {
    case NECK__GELU: return 0.5 * x * erfc(-x * sqrt(0.5));
    case NECK__GELU_TANH: return x / (1 + exp(-2 * sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case NECK__RELU: return x < 0 ? 0 : x;
    case NECK__SOFTPLUS: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    case NECK__SIGMOID: return 1 / (1 + exp(-x));
    default: return x / (1 + exp(-x));
    }
}

/* Relative errors are small down to where gelu's tail vanishes; there the rounding of exp's argument shows. */
START_TEST(activations_are_those_of_libm)
{
    enum { COUNT = 40003 };
    const neck__kernels *kernels = tables[_i / NECK__ACTIVATIONS];
    int kind = _i % NECK__ACTIVATIONS;
    float *x = malloc(COUNT * sizeof *x);
    for (int i = 0; i < COUNT; i++) x[i] = (float)(i - COUNT / 2) / 1000.0f;
    kernels->activate_f32[kind](COUNT, x);
    for (int i = 0; i < COUNT; i++) {
        double at = (double)((float)(i - COUNT / 2) / 1000.0f), expected = activation(kind, at);
        double allowed = (2e-6 + 2e-7 * at * at) * fabs(expected) + 1e-36;
        ck_assert_msg(fabs((double)x[i] - expected) <= allowed, "%s, activation %d of %g: %g, not %g", kernels->name,
                      kind, at, (double)x[i], expected);
    }
    free(x);
}
END_TEST

/* Counts around the sixteen lanes: exactly count numbers are written, whatever lies behind them. */
START_TEST(every_count_is_handled)
{
    const neck__kernels *kernels = tables[_i];
    for (int64_t count = 1; count <= 50; count++) {
        float x[64], y[64];
        double sum = 0, squares = 0, expected_sum = 0, expected_squares = 0, exps = 0;
        for (int i = 0; i < 64; i++) x[i] = i < count ? (float)((i * 37 % 23) - 11) * 0.3f : 1000.0f;
        float most = x[0];
        for (int64_t i = 0; i < count; i++) {
            most = x[i] > most ? x[i] : most;
            exps += exp((double)x[i] - 1.5);
            expected_sum += (double)x[i] - 0.7;
            expected_squares += ((double)x[i] - 0.7) * ((double)x[i] - 0.7);
        }
        ck_assert_float_eq(kernels->max_f32(count, x), most);
        kernels->moments_f32(count, x, 0.7, &sum, &squares);
        ck_assert_double_eq_tol(sum, expected_sum, 1e-12);
        ck_assert_double_eq_tol(squares, expected_squares, 1e-11);
        memcpy(y, x, sizeof y);
        ck_assert_double_eq_tol(kernels->exp_sum_f32(count, 1.5f, y), exps, 1e-6 * exps);
        for (int64_t i = 0; i < count; i++)
            ck_assert_double_eq_tol((double)y[i], exp((double)x[i] - 1.5), 3e-7 * exp((double)x[i] - 1.5));
        for (int64_t i = count; i < 64; i++) ck_assert_float_eq(y[i], 1000.0f);
        memcpy(y, x, sizeof y);
        kernels->soft_cap_f32(count, 2.5f, y);
        for (int64_t i = 0; i < count; i++)
            ck_assert_double_eq_tol((double)y[i], 2.5 * tanh((double)x[i] / 2.5), 1e-6);
        for (int64_t i = count; i < 64; i++) ck_assert_float_eq(y[i], 1000.0f);
        for (int kind = 0; kind < NECK__ACTIVATIONS; kind++) {
            memcpy(y, x, sizeof y);
            kernels->activate_f32[kind](count, y);
            for (int64_t i = count; i < 64; i++) ck_assert_float_eq(y[i], 1000.0f);
        }
    }
}
END_TEST

/* Large, small and broken numbers: exp is cut, NaN stays, nothing finite becomes infinite. */
START_TEST(extremes_are_harmless)
{
    const neck__kernels *kernels = tables[_i];
    float x[] = {-INFINITY, -1e30f, -100, -87, 0, 3e4f, NAN, -0.0f};
    float y[8];
    memcpy(y, x, sizeof y);
    kernels->exp_sum_f32(8, 0, y);
    for (int i = 0; i < 4; i++) ck_assert_double_eq_tol((double)y[i], 1.6458e-38, 1e-41);
    ck_assert_float_eq(y[4], 1);
    ck_assert(isfinite(y[5]) && y[5] > 1e38f);
    ck_assert(isnan(y[6]));
    for (int kind = 0; kind < NECK__ACTIVATIONS; kind++) {
        memcpy(y, x, sizeof y);
        kernels->activate_f32[kind](8, y);
        ck_assert_double_eq_tol((double)y[2], 0, 1e-30);
        ck_assert_float_eq(y[4], (float)activation(kind, 0));
        ck_assert_float_eq(y[5], kind == NECK__SIGMOID ? 1 : 3e4f);
        ck_assert(isnan(y[6]));
    }
    float z[] = {1e30f, -1e30f, NAN};
    kernels->soft_cap_f32(3, 50, z);
    ck_assert_float_eq(z[0], 50);
    ck_assert_float_eq(z[1], -50);
    ck_assert(isnan(z[2]));
}
END_TEST

int main(void)
{
    find_tables();
    TCase *tcase = tcase_create("loops_f32");
    tcase_add_loop_test(tcase, activations_are_those_of_libm, 0, table_count * NECK__ACTIVATIONS);
    tcase_add_loop_test(tcase, every_count_is_handled, 0, table_count);
    tcase_add_loop_test(tcase, extremes_are_harmless, 0, table_count);
    return run_suite("loops_f32", tcase);
}
