/* tests/test_random.c - random numbers: the published sequence, moments and tails, streams that differ, shuffles. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/random.h"

/* The first outputs of SplitMix64 from state 1234567, as its authors' program prints them. */
START_TEST(bits_are_the_published_ones)
{
    neck__random random = {1234567};
    static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                        4593380528125082431u, 16408922859458223821u};
    for (int i = 0; i < 5; i++) ck_assert_uint_eq(neck__random_bits(&random), expected[i]);
}
END_TEST

/* Six standard errors of each moment. */
START_TEST(normals_have_their_moments)
{
    enum { N = 1000000 };
    neck__random random = neck__random_seeded(7, (uint64_t)_i);
    double sum[5] = {0};
    int beyond = 0;
    for (int i = 0; i < N; i++) {
        double x = neck__random_normal(&random), power = 1;
        for (int k = 0; k < 5; k++, power *= x) sum[k] += power;
        beyond += fabs(x) > 3;
    }
    double error = 6 / sqrt(N);
    ck_assert_double_le(fabs(sum[1] / N), error);
    ck_assert_double_le(fabs(sum[2] / N - 1), error * sqrt(2));
    ck_assert_double_le(fabs(sum[3] / N), error * sqrt(15));
    ck_assert_double_le(fabs(sum[4] / N - 3), error * sqrt(96));
    ck_assert_double_le(fabs((double)beyond / N - 0.0026998), error * sqrt(0.0027));
}
END_TEST

START_TEST(uniforms_stay_inside)
{
    neck__random random = neck__random_seeded(0, 0);
    double least = 1, most = 0, sum = 0;
    for (int i = 0; i < 100000; i++) {
        double x = neck__random_uniform(&random);
        least = x < least ? x : least;
        most = x > most ? x : most;
        sum += x;
    }
    ck_assert(least > 0 && least < 1e-3 && most < 1 && most > 0.999);
    ck_assert_double_le(fabs(sum / 1e5 - 0.5), 6 * sqrt(1 / 12.0 / 1e5));
}
END_TEST

START_TEST(seeds_and_streams_differ)
{
    neck__random same = neck__random_seeded(1, 2), again = neck__random_seeded(1, 2);
    neck__random stream = neck__random_seeded(1, 3), seed = neck__random_seeded(2, 2);
    uint64_t first = neck__random_bits(&same);
    ck_assert_uint_eq(first, neck__random_bits(&again));
    ck_assert_uint_ne(first, neck__random_bits(&stream));
    ck_assert_uint_ne(first, neck__random_bits(&seed));
}
END_TEST

/* Chi-squared of 12 bins, 11 degrees of freedom: above 45 once in 200,000. */
START_TEST(numbers_below_a_bound_are_equally_likely)
{
    neck__random random = neck__random_seeded(3, 0);
    int64_t counts[12] = {0};
    for (int i = 0; i < 120000; i++) counts[neck__random_below(&random, 12)]++;
    double chi = 0;
    for (int i = 0; i < 12; i++) chi += (double)((counts[i] - 10000) * (counts[i] - 10000)) / 10000;
    ck_assert_double_lt(chi, 45);
    ck_assert_int_eq(neck__random_below(&random, 1), 0);
}
END_TEST

/* Each of the six orders of three things comes as often. 5 degrees of freedom: above 33 once in 250,000. */
START_TEST(a_shuffle_gives_every_order)
{
    neck__random random = neck__random_seeded(4, 0);
    int64_t counts[27] = {0};
    double chi = 0;
    for (int i = 0; i < 60000; i++) {
        int64_t items[] = {0, 1, 2};
        neck__random_shuffle(&random, 3, items);
        counts[items[0] * 9 + items[1] * 3 + items[2]]++;
    }
    static const int orders[] = {5, 7, 11, 15, 19, 21};
    for (int i = 0; i < 6; i++) {
        double off = (double)counts[orders[i]] - 10000;
        chi += off * off / 10000;
    }
    ck_assert_double_lt(chi, 33);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random");
    TCase *tests = tcase_create("random");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, bits_are_the_published_ones);
    tcase_add_loop_test(tests, normals_have_their_moments, 0, 3);
    tcase_add_test(tests, uniforms_stay_inside);
    tcase_add_test(tests, seeds_and_streams_differ);
    tcase_add_test(tests, numbers_below_a_bound_are_equally_likely);
    tcase_add_test(tests, a_shuffle_gives_every_order);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
