/* tests/test_reflect.c - the loops of reflections, on every instruction set this CPU has, against plain sums and
 * explicit matrices. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "kernels/kernels.h"

enum { BAND = NECK__BAND, LD = 2 * BAND };

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

static double *integers(int64_t count, uint64_t seed)
{
    void *memory;
    ck_assert_int_eq(posix_memalign(&memory, 64, (size_t)(count + 1) * sizeof(double)), 0);
    double *x = memory;
    for (int64_t i = 0; i < count; i++) x[i] = (double)(next_bits(&seed) % 100) - 50;
    return x;
}

START_TEST(a_tile_takes_any_stride)
{
    const neck__kernels *kernels = tables[_i];
    int64_t strip = kernels->strip, group = kernels->group, ldc = strip + 5;
    ck_assert_int_eq(BAND % strip, 0);
    for (int64_t depth = 0; depth < 60; depth += 7)
        for (int layout = 0; layout < 4; layout++) {
            int transposed = layout & 1, accumulate = layout >> 1;
            int64_t lda = transposed ? 1 : depth + 3, step = transposed ? group + 2 : 1;
            double *a = integers((group + 2) * (depth + 3), 1), *b = integers(depth * strip, 2),
                *c = integers(group * ldc, 3);
            double *expected = integers(group * ldc, 3);
            for (int64_t m = 0; m < group; m++)
                for (int64_t n = 0; n < strip; n++) {
                    double sum = accumulate ? c[m * ldc + n] : 0;
                    for (int64_t k = 0; k < depth; k++) sum += a[m * lda + k * step] * b[k * strip + n];
                    expected[m * ldc + n] = sum;
                }
            kernels->reflect.tile(depth, a, lda, step, b, c, ldc, accumulate);
            /* Integers: exact; beside the tile nothing changes. */
            ck_assert_mem_eq(c, expected, (size_t)(group * ldc) * sizeof *c);
            free(a), free(b), free(c), free(expected);
        }
}
END_TEST

START_TEST(dots_and_differences_are_exact)
{
    const neck__reflect *loops = &tables[_i]->reflect;
    for (int64_t nx = 1; nx <= NECK__REFLECTIONS; nx++)
        for (int64_t ny = 0; ny <= 11; ny++)
            for (int64_t count = 0; count <= 40; count += 8) {
                int64_t line = count + 3;
                double *x = integers(nx * line, 4), *y = integers(ny * line, 5), *factors = integers(nx * ny, 6);
                double *expected = integers(ny * line, 5), dots[NECK__REFLECTIONS * 11];
                loops->dots(count, nx, x, line, ny, y, line, dots);
                for (int64_t i = 0; i < nx; i++)
                    for (int64_t j = 0; j < ny; j++) {
                        double sum = 0;
                        for (int64_t k = 0; k < count; k++) {
                            sum += x[i * line + k] * y[j * line + k];
                            expected[j * line + k] -= factors[i * ny + j] * x[i * line + k];
                        }
                        ck_assert_double_eq(dots[i * ny + j], sum);
                    }
                loops->subtract(count, nx, x, line, ny, y, line, factors);
                ck_assert_mem_eq(y, expected, (size_t)(ny * line) * sizeof *y);
                free(x), free(y), free(factors), free(expected);
            }
}
END_TEST

/* c = a b, BAND x BAND, column-major. */
static void multiply(const double *a, const double *b, double *c)
{
    memset(c, 0, BAND * BAND * sizeof *c);
    for (int j = 0; j < BAND; j++)
        for (int k = 0; k < BAND; k++)
            for (int i = 0; i < BAND; i++) c[j * BAND + i] += a[k * BAND + i] * b[j * BAND + k];
}

static void explicit_reflection(const double *v, double tau, double *h)
{
    for (int j = 0; j < BAND; j++)
        for (int i = 0; i < BAND; i++) h[j * BAND + i] = (i == j) - tau * v[i] * v[j];
}

START_TEST(a_reflection_leaves_one_number)
{
    const neck__reflect *loops = &tables[_i]->reflect;
    double *x = random_matrix(BAND, 1, 7), old[BAND], v[BAND], h[BAND * BAND], tau;
    for (int sign = -1; sign <= 1; sign++) {
        x[0] = sign * 0.3;
        memcpy(old, x, sizeof old);
        loops->start(x, v, &tau);
        ck_assert_double_eq(v[0], 1);
        explicit_reflection(v, tau, h);
        for (int i = 0; i < BAND; i++) {
            double sum = 0;
            for (int k = 0; k < BAND; k++) sum += h[k * BAND + i] * old[k];
            ck_assert_double_eq_tol(sum, x[i], 1e-14);
            ck_assert(i == 0 || x[i] == 0);
        }
        memcpy(x, old, sizeof old);
    }
    memset(x + 1, 0, (BAND - 1) * sizeof *x);
    x[0] = 0.3;
    loops->start(x, v, &tau);
    ck_assert(tau == 0 && x[0] == 0.3); /* nothing to do */
    free(x);
}
END_TEST

START_TEST(blocks_are_reflected)
{
    const neck__reflect *loops = &tables[_i]->reflect;
    double *x = random_matrix(BAND, 1, 8), v[BAND], next[BAND], tau, next_tau;
    static double h[BAND * BAND], n[BAND * BAND], full[BAND * BAND], half[BAND * BAND], whole[BAND * BAND];
    double *block = random_matrix(BAND, LD, 9), *old = malloc(BAND * LD * sizeof *old);
    loops->start(x, v, &tau);
    explicit_reflection(v, tau, h);
    memcpy(old, block, BAND * LD * sizeof *old);
    for (int j = 0; j < BAND; j++)
        for (int i = 0; i < BAND; i++) full[j * BAND + i] = i >= j ? block[j * LD + i] : block[i * LD + j];
    multiply(h, full, half);
    multiply(half, h, whole);
    loops->diagonal(block, LD, v, tau);
    for (int j = 0; j < BAND; j++)
        for (int i = 0; i < LD; i++) {
            if (i >= j && i < BAND)
                ck_assert_double_eq_tol(block[j * LD + i], whole[j * BAND + i], 1e-13);
            else
                ck_assert_double_eq(block[j * LD + i], old[j * LD + i]);
        }
    memcpy(block, old, BAND * LD * sizeof *old);
    loops->below(block, LD, v, tau, next, &next_tau);
    explicit_reflection(next, next_tau, n);
    for (int j = 0; j < BAND; j++) memcpy(full + j * BAND, old + j * LD, BAND * sizeof *full);
    multiply(full, h, half);
    multiply(n, half, whole);
    for (int j = 0; j < BAND; j++)
        for (int i = 0; i < LD; i++) {
            if (i < BAND)
                ck_assert_double_eq_tol(block[j * LD + i], whole[j * BAND + i], 1e-13);
            else
                ck_assert_double_eq(block[j * LD + i], old[j * LD + i]);
            ck_assert(j > 0 || i == 0 || i >= BAND || block[i] == 0);
        }
    free(x), free(block), free(old);
}
END_TEST

/* 2 on the diagonal and -1 beside it: eigenvalues 2 - 2 cos(k pi / (n + 1)). */
static double known(int64_t k,
                    int64_t n) { return 2 - 2 * cos((double)(k + 1) * 3.14159265358979323846 / (double)(n + 1)); }

START_TEST(eigenvalues_below_points_are_counted)
{
    const neck__reflect *loops = &tables[_i]->reflect;
    double diagonal[100], squares[100], x[NECK__POINTS], count[NECK__POINTS], slope[NECK__POINTS];
    for (int i = 0; i < 100; i++) diagonal[i] = 2, squares[i] = 1;
    for (int64_t n = 1; n <= 100; n += 33) {
        uint64_t seed = (uint64_t)n;
        for (int i = 0; i < NECK__POINTS; i++) x[i] = 2 + 2.2 * next_number(&seed);
        loops->sturm(n, diagonal, squares, 1e-300, x, count, slope);
        for (int i = 0; i < NECK__POINTS; i++) {
            double below = 0, sum = 0, terms = 0;
            for (int64_t k = 0; k < n; k++) {
                below += known(k, n) < x[i];
                sum += 1 / (x[i] - known(k, n));
                terms += fabs(1 / (x[i] - known(k, n)));
            }
            ck_assert_double_eq(count[i], below);
            ck_assert_double_eq_tol(slope[i], sum, 1e-9 * terms);
        }
    }
}
END_TEST

/* A zero among the pivots: x is an eigenvalue of the leading part. */
START_TEST(a_vanishing_pivot_is_stepped_over)
{
    const double diagonal[] = {1, 1, 1}, squares[] = {1, 1}; /* eigenvalues 1 - sqrt 2, 1, 1 + sqrt 2 */
    double x[NECK__POINTS], count[NECK__POINTS], slope[NECK__POINTS];
    for (int i = 0; i < NECK__POINTS; i++) x[i] = i % 2 ? 1 + 1e-8 : 1 - 1e-8;
    x[0] = 1; /* itself one: either count is right */
    tables[_i]->reflect.sturm(3, diagonal, squares, 1e-300, x, count, slope);
    ck_assert(count[0] == 1 || count[0] == 2);
    for (int i = 1; i < NECK__POINTS; i++) ck_assert_double_eq(count[i], 1 + i % 2);
}
END_TEST

int main(void)
{
    find_tables();
    Suite *suite = suite_create("reflect");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, a_tile_takes_any_stride, 0, table_count);
    tcase_add_loop_test(all, dots_and_differences_are_exact, 0, table_count);
    tcase_add_loop_test(all, a_reflection_leaves_one_number, 0, table_count);
    tcase_add_loop_test(all, blocks_are_reflected, 0, table_count);
    tcase_add_loop_test(all, eigenvalues_below_points_are_counted, 0, table_count);
    tcase_add_loop_test(all, a_vanishing_pivot_is_stepped_over, 0, table_count);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
