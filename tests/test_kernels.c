/* tests/test_kernels.c - every instruction set's table against plain C, whatever this CPU has. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
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

START_TEST(a_tile_is_a_product)
{
    const neck__kernels *kernels = tables[_i];
    int64_t strip = kernels->strip, group = kernels->group;
    ck_assert_int_eq(strip % group, 0);
    ck_assert_int_le(strip, NECK__LARGEST_STRIP);
    ck_assert_int_le(group, NECK__LARGEST_GROUP);
    for (int64_t depth = 0; depth <= 67; depth++) {
        void *a_memory, *b_memory; /* as long as a panel, not longer: over-reads show */
        ck_assert_int_eq(posix_memalign(&a_memory, 64, (size_t)((depth * strip + 1) * 8)), 0);
        ck_assert_int_eq(posix_memalign(&b_memory, 64, (size_t)((depth * strip + 1) * 8)), 0);
        double *a = a_memory, *b = b_memory;
        double c[NECK__LARGEST_GROUP * 40], expected[NECK__LARGEST_GROUP * 40];
        uint64_t seed = (uint64_t)depth;
        for (int64_t i = 0; i < depth * strip; i++)
            a[i] = (double)(next_bits(&seed) % 100), b[i] = (double)(next_bits(&seed) % 100);
        for (int64_t offset = 0; offset < strip; offset += group) {
            for (int64_t i = 0; i < group * 40; i++) c[i] = expected[i] = (double)i;
            kernels->tile(depth, a + offset, b, c, 40);
            for (int64_t m = 0; m < group; m++)
                for (int64_t n = 0; n < strip; n++)
                    for (int64_t k = 0; k < depth; k++)
                        expected[m * 40 + n] += a[k * strip + offset + m] * b[k * strip + n];
            ck_assert_mem_eq(c, expected, (size_t)(group * 40) * sizeof *c); /* integers: exact */
        }
        free(a);
        free(b);
    }
}
END_TEST

/* By the definition of the format, from the bits. */
static double half_by_definition(uint32_t bits, int exponent_bits, int fraction_bits)
{
    int bias = (1 << (exponent_bits - 1)) - 1, top = (1 << exponent_bits) - 1;
    int exponent = (int)(bits >> fraction_bits) & top;
    double fraction = (double)(bits & ((1u << fraction_bits) - 1)) / (1u << fraction_bits);
    double value = exponent == top ? (fraction == 0 ? INFINITY : NAN)
                   : exponent == 0 ? ldexp(fraction, 1 - bias)
                                   : ldexp(1 + fraction, exponent - bias);
    return bits >> 15 ? -value : value;
}

START_TEST(every_16_bit_number_widens_exactly)
{
    const neck__kernels *kernels = tables[_i];
    uint16_t *bits = malloc(65536 * sizeof *bits);
    double *out = malloc(65536 * sizeof *out);
    for (int i = 0; i < 65536; i++) bits[i] = (uint16_t)i;
    for (int type = 0; type < 2; type++) {
        kernels->widen[type ? NECK_BF16 : NECK_F16](bits, 65536, out);
        for (uint32_t i = 0; i < 65536; i++) {
            double expected = type ? half_by_definition(i, 8, 7) : half_by_definition(i, 5, 10);
            if (isnan(expected))
                ck_assert(isnan(out[i]));
            else
                ck_assert_mem_eq(&out[i], &expected, sizeof expected);
        }
    }
    free(bits);
    free(out);
}
END_TEST

START_TEST(all_lengths_and_alignments_widen)
{
    const neck__kernels *kernels = tables[_i];
    uint64_t seed = 9;
    double numbers[70], out[72];
    for (int i = 0; i < 70; i++) numbers[i] = (double)((int64_t)(next_bits(&seed) % 129) - 64) / 16;
    for (int32_t dtype = NECK_F32; dtype <= NECK_BF16; dtype++) {
        int64_t size = neck_dtype_size(dtype);
        char *packed = as_dtype(numbers, 70, dtype);
        for (int64_t shift = 0; shift < 4; shift++)
            for (int64_t count = 0; count <= 70; count++) {
                char *moved = malloc((size_t)(count * size + shift + 1)); /* exactly sized: over-reads show */
                memcpy(moved + shift, packed, (size_t)(count * size));
                out[count] = 12345;
                kernels->widen[dtype](moved + shift, count, out);
                for (int64_t i = 0; i < count; i++) ck_assert_double_eq(out[i], numbers[i]);
                ck_assert_double_eq(out[count], 12345);
                free(moved);
            }
        free(packed);
    }
}
END_TEST

START_TEST(sums_and_updates)
{
    const neck__kernels *kernels = tables[_i];
    double *x = exact_matrix(1, 200, 1), *y = exact_matrix(1, 200, 2), updated[201];
    for (int64_t count = 0; count <= 200; count++) {
        double expected = 0;
        for (int64_t i = 0; i < count; i++) expected += x[i] * x[i];
        ck_assert_double_eq(kernels->sum_squares(count, x), expected);
        memcpy(updated, y, sizeof(double) * 200);
        updated[count] = 12345;
        kernels->add_scaled(count, 0.5, x, updated);
        for (int64_t i = 0; i < count; i++) ck_assert_double_eq(updated[i], y[i] + 0.5 * x[i]);
        ck_assert_double_eq(updated[count], 12345);
    }
    double poison[3] = {1, NAN, 2}, endless[3] = {1, -INFINITY, 2};
    ck_assert(isnan(kernels->sum_squares(3, poison)));
    ck_assert(isinf(kernels->sum_squares(3, endless)));
    free(x);
    free(y);
}
END_TEST

/* The choice is made once a process, so each is made in a child of its own (Check forks). */
START_TEST(the_environment_chooses)
{
    setenv("SOFTNECK_ISA", tables[_i]->name, 1);
    ck_assert_str_eq(neck__kernels_get()->name, tables[_i]->name);
    ck_assert_ptr_nonnull(strstr(neck_build_info(), tables[_i]->name));
}
END_TEST

START_TEST(an_unknown_choice_is_the_best)
{
    setenv("SOFTNECK_ISA", "abacus", 1);
    ck_assert_str_eq(neck__kernels_get()->name, tables[table_count - 1]->name);
}
END_TEST

int main(void)
{
    find_tables();
    Suite *suite = suite_create("kernels");
    TCase *tests = tcase_create("kernels");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, a_tile_is_a_product, 0, table_count);
    tcase_add_loop_test(tests, every_16_bit_number_widens_exactly, 0, table_count);
    tcase_add_loop_test(tests, all_lengths_and_alignments_widen, 0, table_count);
    tcase_add_loop_test(tests, sums_and_updates, 0, table_count);
    SRunner *runner = srunner_create(suite);
    if (srunner_fork_status(runner) == CK_FORK) {
        tcase_add_loop_test(tests, the_environment_chooses, 0, table_count);
        tcase_add_test(tests, an_unknown_choice_is_the_best);
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
