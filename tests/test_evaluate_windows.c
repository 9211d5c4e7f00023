/* tests/test_evaluate_windows.c - windows and word counts against the programs whose conventions they follow, samples
 * against the whole. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/sample.h"
#include "evaluate/text.h"
#include "evaluate/windows.h"
#include "softneck.h"
#include "softneck/evaluate.h"

static json_t *golden;

static void setup(void)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/evaluate.json", root ? root : ".");
    golden = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(golden);
}

static void teardown(void)
{
    json_decref(golden);
}

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* ---- windows ---------------------------------------------------------------------------------------------------- */

static void compare_windows(const json_t *entry, const char *rule, int32_t reach_back)
{
    const json_t *expected = json_object_get(entry, rule);
    neck__windows windows = {number(entry, "tokens"), number(entry, "context"), number(entry, "stride"), reach_back};
    ck_assert_int_eq(neck__windows_count(&windows), (int64_t)json_array_size(expected));
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const json_t *row = json_array_get(expected, i);
        neck__window window = neck__windows_at(&windows, (int64_t)i);
        ck_assert_int_eq(window.begin, json_integer_value(json_array_get(row, 0)));
        ck_assert_int_eq(window.inputs, json_integer_value(json_array_get(row, 1)));
        ck_assert_int_eq(window.targets, json_integer_value(json_array_get(row, 2)));
    }
}

START_TEST(windows_are_those_of_the_perplexity_guide_and_of_the_harness)
{
    size_t i;
    json_t *entry;
    ck_assert_uint_gt(json_array_size(json_object_get(golden, "windows")), 50);
    json_array_foreach(json_object_get(golden, "windows"), i, entry) {
        compare_windows(entry, "guide", 0);
        compare_windows(entry, "harness", 1);
    }
}
END_TEST

START_TEST(every_token_but_the_first_is_predicted_once)
{
    for (int64_t context = 1; context <= 9; context++)
        for (int64_t stride = 1; stride <= context; stride++)
            for (int64_t tokens = 0; tokens <= 40; tokens++)
                for (int32_t back = 0; back < 2; back++) {
                    neck__windows windows = {tokens, context, stride, back};
                    int64_t predicted = 0;
                    for (int64_t i = 0; i < neck__windows_count(&windows); i++) {
                        neck__window window = neck__windows_at(&windows, i);
                        int64_t end = window.begin + window.inputs;
                        ck_assert_int_ge(window.begin, 0);
                        ck_assert_int_le(window.inputs, context);
                        ck_assert_int_ge(window.inputs, window.targets);
                        ck_assert_int_eq(end - window.targets, predicted);
                        predicted = end;
                        if (i == 0) continue;
                        ck_assert_int_ge(window.inputs - window.targets, context - stride);
                        if (back) ck_assert_int_eq(window.inputs, context);
                    }
                    ck_assert_int_eq(predicted, tokens > 1 ? tokens - 1 : 0);
                }
}
END_TEST

/* ---- words ------------------------------------------------------------------------------------------------------ */

START_TEST(words_and_ends_of_text_are_pythons)
{
    size_t i;
    json_t *entry;
    ck_assert_uint_gt(json_array_size(json_object_get(golden, "words")), 15);
    json_array_foreach(json_object_get(golden, "words"), i, entry) {
        const json_t *text = json_object_get(entry, "text");
        int64_t words = -1, size = (int64_t)json_string_length(text);
        ck_assert_int_eq(neck_text_words(json_string_value(text), size, &words), NECK_OK);
        ck_assert_msg(words == number(entry, "words"), "text %zu has %lld words", i, (long long)words);
        ck_assert_int_eq(neck__trimmed(json_string_value(text), size), number(entry, "kept"));
    }
}
END_TEST

START_TEST(broken_utf8_is_no_white_space_and_is_not_read_past)
{
    static const struct {
        const char *text;
        int64_t words;
    } cases[] = {{"a\xc2", 1}, {"a\xe2\x80", 1}, {"a\xff b", 2}, {"a\xc2\x20z", 2}, {"a\xe3\x80\x20z", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t words, size = (int64_t)strlen(cases[i].text);
        char *exact = malloc((size_t)size); /* without the NUL, for AddressSanitizer */
        memcpy(exact, cases[i].text, (size_t)size);
        ck_assert_int_eq(neck_text_words(exact, size, &words), NECK_OK);
        ck_assert_int_eq(words, cases[i].words);
        free(exact);
    }
    int64_t words = 7;
    ck_assert_int_eq(neck_text_words(NULL, 1, &words), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_text_words("a", -1, &words), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_text_words("a", 1, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(words, 7);
}
END_TEST

/* ---- samples ---------------------------------------------------------------------------------------------------- */

enum { COLS = 3, ROWS = 4000 };

/* Rows that share a direction, more so the later they are: an unfair sample would show. */
static void fill(float *rows)
{
    uint32_t state = 1;
    for (int i = 0; i < ROWS * COLS; i++) {
        state = state * 1664525u + 1013904223u;
        rows[i] = (float)(state >> 8) / (1 << 24) - 0.5f + (i % COLS == 0 ? (float)i / (ROWS * COLS) : 0);
    }
}

static neck_measure sampled(const float *rows, int64_t capacity, uint64_t seed, const double *center, double *error)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    neck__sample sample = {.rows = NULL};
    neck_measure out;
    ck_assert_int_eq(neck__sample_init(&allocator, capacity, COLS, seed, &sample), NECK_OK);
    for (int64_t i = 0; i < ROWS; i += 500) neck__sample_push(&sample, rows + i * COLS, 500, COLS);
    ck_assert_int_eq(sample.seen, ROWS);
    ck_assert_int_eq(neck__sample_anisotropy(&sample, center, &out, error), NECK_OK);
    neck__sample_free(&sample);
    return out;
}

START_TEST(a_sample_of_everything_is_exact_and_a_smaller_one_knows_its_error)
{
    static float rows[ROWS * COLS];
    double mean[COLS], error;
    neck_measure truth;
    fill(rows);
    neck_matrix matrix = {rows, ROWS, COLS, 0, NECK_F32, 0};
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &matrix, NULL, mean), NECK_OK);
    ck_assert_int_eq(neck_matrix_anisotropy(NULL, &matrix, 1, &truth), NECK_OK);
    neck_measure exact = sampled(rows, ROWS, 0, mean, &error);
    ck_assert_double_eq_tol(exact.value, truth.value, 1e-14);
    ck_assert_double_eq(error, 0);
    double zero[COLS] = {0};
    neck_gram *gram;
    ck_assert_int_eq(neck_gram_create(NULL, COLS, NULL, &gram), NECK_OK);
    ck_assert_int_eq(neck_gram_push(NULL, gram, &matrix), NECK_OK);
    ck_assert_int_eq(neck_anisotropy(gram, &truth), NECK_OK);
    neck_gram_destroy(gram);
    double squared = 0, predicted = 0, worst = 0;
    enum { SEEDS = 100 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double deviation = sampled(rows, 400, seed, zero, &error).value - truth.value;
        squared += deviation * deviation / SEEDS;
        predicted += error * error / SEEDS;
        worst = fmax(worst, fabs(deviation) / error);
    }
    ck_assert_double_gt(squared / predicted, 0.7);
    ck_assert_double_lt(squared / predicted, 1.4);
    ck_assert_double_lt(worst, 4);
}
END_TEST

START_TEST(rows_without_direction_are_left_out)
{
    const float rows[3 * COLS] = {1, 2, 3, 1, 2, 3, 4, 5, 6};
    const double center[COLS] = {1, 2, 3};
    neck__allocator allocator = neck__allocator_of(NULL);
    neck__sample sample = {.rows = NULL};
    neck_measure out = {7, 7};
    double error = 7;
    ck_assert_int_eq(neck__sample_init(&allocator, 8, COLS, 0, &sample), NECK_OK);
    neck__sample_push(&sample, rows, 3, COLS);
    ck_assert_int_eq(neck__sample_anisotropy(&sample, center, &out, &error), NECK_E_STATE);
    ck_assert_double_eq(out.value, 7);
    neck__sample_push(&sample, rows + 2 * COLS, 1, COLS);
    ck_assert_int_eq(neck__sample_anisotropy(&sample, center, &out, &error), NECK_OK);
    ck_assert_double_eq_tol(out.value, 1, 1e-15);
    neck__sample_free(&sample);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("evaluate_windows");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, windows_are_those_of_the_perplexity_guide_and_of_the_harness);
    tcase_add_test(tcase, every_token_but_the_first_is_predicted_once);
    tcase_add_test(tcase, words_and_ends_of_text_are_pythons);
    tcase_add_test(tcase, broken_utf8_is_no_white_space_and_is_not_read_past);
    tcase_add_test(tcase, a_sample_of_everything_is_exact_and_a_smaller_one_knows_its_error);
    tcase_add_test(tcase, rows_without_direction_are_left_out);
    Suite *suite = suite_create("evaluate_windows");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
