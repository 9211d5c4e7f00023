/* tests/test_unimodal.c - regressions against scipy's, levels of a curve by hand. */
#include "saturation_support.h"
#include "study/unimodal.h"

START_TEST(regressions_match_scipy)
{
    json_t *all = load_golden("tests/golden/saturation.json"), *cases = json_object_get(all, "unimodal");
    ck_assert_uint_eq(json_array_size(cases), 30);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *golden = json_array_get(cases, i);
        double values[120], weights[120], fit[120];
        int64_t count = read_numbers(golden, "values", values);
        read_numbers(golden, "weights", weights);
        read_numbers(golden, "fit", fit);
        neck__unimodal found;
        neck__unimodal_fit(count, values, weights, &found);
        ck_assert_double_eq_tol(found.lessened, read_number(golden, "lessened"), 1e-10);
        ck_assert_int_eq(found.split, (int64_t)read_number(golden, "split"));
        for (int64_t k = 0; k < count; k++) ck_assert_double_eq_tol(found.fit[k], fit[k], 1e-12);
    }
    json_decref(all);
}
END_TEST

START_TEST(levels_are_medians_of_equal_stretches)
{
    static int64_t steps[3000];
    static double values[3000], errors[3000];
    for (int i = 0; i < 3000; i++) {
        steps[i] = 10 * (i + 1);
        values[i] = i % 5 == 0 ? 1000 : i; /* one in five is an outlier */
        errors[i] = 2;
    }
    neck_curve curve = {steps, values, errors, 3000};
    neck__levels levels;
    ck_assert_int_eq(neck__levels_make(NULL, &curve, 1, &levels), NECK_OK);
    ck_assert_int_eq(levels.count, 120);
    ck_assert_int_eq(levels.points, 3000);
    for (int64_t b = 1; b < 118; b++) {
        ck_assert_double_eq_tol(levels.steps[b + 1] - levels.steps[b], levels.width, 10);
        ck_assert_double_eq_tol(levels.values[b], levels.steps[b] / 10, 8); /* counted from step 10 */
        ck_assert_double_eq_tol(levels.errors[b], 2 / sqrt(25.2) * 1.2533, 0.06);
    }
}
END_TEST

START_TEST(order_repetition_and_gaps_are_sorted_out)
{
    const int64_t steps[] = {30, 10, 20, 20, 40, 50, 10};
    const double values[] = {3, 1, 7, 2, NAN, 1e101, 1};
    neck_curve curve = {steps, values, NULL, 7};
    neck__levels levels;
    ck_assert_int_eq(neck__levels_make(NULL, &curve, -1, &levels), NECK_OK);
    ck_assert_int_eq(levels.count, 3);
    ck_assert_int_eq(levels.repeated, 2);
    ck_assert_int_eq(levels.not_finite, 2);
    ck_assert_int_eq(levels.trailing, 2);
    ck_assert_int_eq(levels.last_step, 30);
    for (int i = 0; i < 3; i++) ck_assert_double_eq(levels.values[i], -(i + 1));
}
END_TEST

/* A thousand checkpoints at the start do not make the later ones one block. */
START_TEST(blocks_follow_the_steps_not_the_points)
{
    static int64_t steps[1020];
    static double values[1020];
    for (int i = 0; i < 1020; i++) steps[i] = i < 1000 ? i : (i - 999) * 1000;
    neck_curve curve = {steps, values, NULL, 1020};
    neck__levels levels;
    ck_assert_int_eq(neck__levels_make(NULL, &curve, 1, &levels), NECK_OK);
    ck_assert_double_eq_tol(levels.width, 1000, 1e-9);
    ck_assert_int_eq(levels.count, 21);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unimodal");
    TCase *tests = tcase_create("unimodal");
    tcase_add_test(tests, regressions_match_scipy);
    tcase_add_test(tests, levels_are_medians_of_equal_stretches);
    tcase_add_test(tests, order_repetition_and_gaps_are_sorted_out);
    tcase_add_test(tests, blocks_follow_the_steps_not_the_points);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
