/* tests/test_frequency.c - components against token frequency: numpy and scipy, planted heads, refusals. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>

#include "constructed.h"
#include "softneck/frequency.h"

static double *numbers_of(const json_t *array, int64_t *count)
{
    *count = (int64_t)json_array_size(array);
    ck_assert(*count > 0);
    double *numbers = malloc((size_t)*count * sizeof *numbers);
    for (int64_t i = 0; i < *count; i++) numbers[i] = json_number_value(json_array_get(array, (size_t)i));
    return numbers;
}

static double member(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

START_TEST(components_are_those_of_numpy_and_scipy)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/frequency.json", root ? root : ".");
    json_t *all = json_load_file(path, 0, NULL), *one;
    ck_assert_msg(all != NULL, "no %s", path);
    int64_t size, vocabulary, width = (int64_t)member(all, "width"), tokens;
    double *rows = numbers_of(json_object_get(all, "weights"), &size);
    double *counts = numbers_of(json_object_get(all, "counts"), &vocabulary);
    neck_matrix weights = {rows, vocabulary, width, 0, NECK_F64, 0};
    size_t index;
    json_array_foreach(json_object_get(all, "cases"), index, one)
    {
        neck_frequency_component got[5];
        neck_frequency_options options = {.struct_size = sizeof options, .smoothing = member(one, "smoothing")};
        ck_assert(neck_variant_find(json_string_value(json_object_get(one, "variant")), &options.variant) == NECK_OK);
        ck_assert_msg(neck_frequency_measure(NULL, &weights, counts, &options, 5, got, &tokens) == NECK_OK, "%s",
                      neck_last_error());
        ck_assert_int_eq(tokens, (int64_t)member(one, "tokens"));
        for (size_t k = 0; k < 5; k++) {
            int64_t five;
            double *want = numbers_of(json_array_get(json_object_get(one, "components"), k), &five);
            ck_assert_double_eq_tol(got[k].singular_value, want[0], 1e-12 * want[0]);
            ck_assert_double_eq_tol(got[k].energy, want[1], 1e-13);
            ck_assert_double_eq_tol(got[k].pearson, want[2], 1e-11);
            ck_assert_double_eq_tol(got[k].spearman, want[3], 1e-11);
            ck_assert_double_eq_tol(got[k].explained, want[4], 1e-11);
            free(want);
        }
    }
    ck_assert_int_eq(index, 6);
    free(rows);
    free(counts);
    json_decref(all);
}
END_TEST

START_TEST(a_planted_component_is_found)
{
    /* Row v is log count v times a direction, plus little: the first component is frequency, the others are not. */
    enum { V = 400, D = 6 };
    float rows[V * D];
    double counts[V];
    uint64_t state = 1;
    for (int v = 0; v < V; v++) {
        counts[v] = floor(4000.0 / (v + 1));
        for (int k = 0; k < D; k++)
            rows[v * D + k] = (float)(log(counts[v]) * (k + 1) + 0.05 * next_number(&state));
    }
    neck_matrix weights = {rows, V, D, 0, NECK_F32, 0};
    for (int32_t variant = NECK_VARIANT_RAW; variant <= NECK_VARIANT_FREQUENCY_CENTERED; variant++) {
        neck_frequency_options options = {.struct_size = sizeof options, .variant = variant};
        neck_frequency_component got[D];
        ck_assert(neck_frequency_measure(NULL, &weights, counts, &options, D, got, NULL) == NECK_OK);
        ck_assert(got[0].pearson > 0.9999 && got[0].spearman > 0.99 && got[0].energy > 0.99);
        for (int k = 1; k < D; k++) ck_assert(got[k].pearson < 0.3 && got[k].explained >= got[k - 1].explained);
    }
}
END_TEST

START_TEST(what_does_not_vary_is_not_correlated)
{
    double rows[12] = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, counts[6] = {1, 2, 3, 4, 5, 6},
        same[6] = {2, 2, 2, 2, 2, 2};
    double spread[12] = {1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0};
    neck_matrix flat = {rows, 6, 2, 0, NECK_F64, 0}, one = {spread, 6, 2, 0, NECK_F64, 0};
    neck_frequency_component got[2];
    ck_assert(neck_frequency_measure(NULL, &flat, counts, NULL, 2, got, NULL) == NECK_OK);
    for (int k = 0; k < 2; k++) ck_assert(got[k].pearson == 0 && got[k].spearman == 0 && got[k].explained == 0);
    ck_assert(neck_frequency_measure(NULL, &one, same, NULL, 2, got, NULL) == NECK_OK);
    ck_assert(got[0].pearson == 0 && got[0].energy == 1);
    ck_assert(neck_frequency_measure(NULL, &one, counts, NULL, 2, got, NULL) == NECK_OK);
    ck_assert(got[0].spearman > 1 - 1e-12 && got[1].pearson == 0); /* beyond the rank */
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    double rows[12] = {1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1}, counts[6] = {1, 2, 3, 4, 5, 6}, few[6] = {1, 0, 0, 0, 0, 2};
    double negative[6] = {1, 2, -1, 4, 5, 6};
    neck_matrix weights = {rows, 6, 2, 0, NECK_F64, 0};
    neck_frequency_component got[2] = {{.pearson = 7}};
    neck_frequency_options drop = {.struct_size = sizeof drop, .variant = NECK_VARIANT_DROP_TOP};
    neck_frequency_options less = {.struct_size = sizeof less, .smoothing = -1};
    ck_assert_int_eq(neck_frequency_measure(NULL, &weights, NULL, NULL, 1, got, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_frequency_measure(NULL, &weights, counts, NULL, 3, got, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_frequency_measure(NULL, &weights, counts, NULL, 0, got, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_frequency_measure(NULL, &weights, counts, &drop, 1, got, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_frequency_measure(NULL, &weights, counts, &less, 1, got, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_frequency_measure(NULL, &weights, negative, NULL, 1, got, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_frequency_measure(NULL, &weights, few, NULL, 1, got, NULL), NECK_E_ARGUMENT);
    rows[3] = NAN;
    ck_assert_int_eq(neck_frequency_measure(NULL, &weights, counts, NULL, 1, got, NULL), NECK_E_NONFINITE);
    ck_assert(got[0].pearson == 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frequency");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, components_are_those_of_numpy_and_scipy);
    tcase_add_test(tests, a_planted_component_is_found);
    tcase_add_test(tests, what_does_not_vary_is_not_correlated);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
