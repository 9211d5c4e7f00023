/* tests/test_gram_numbers.c - grams as numbers that add up. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "softneck.h"

enum { ROWS = 60, COLS = 7 };
static double rows[ROWS * COLS];

static neck_gram *gram_of(int first, int count, const neck_gram_options *options)
{
    neck_gram *gram;
    neck_matrix matrix = {.data = rows + first * COLS, .rows = count, .cols = COLS, .dtype = NECK_F64};
    ck_assert_int_eq(neck_gram_create(NULL, COLS, options, &gram), NECK_OK);
    if (count) ck_assert_int_eq(neck_gram_push(NULL, gram, &matrix), NECK_OK);
    return gram;
}

static void make_rows(void)
{
    for (int i = 0; i < ROWS * COLS; i++) rows[i] = i / COLS == 5 ? 0 : sin(1.7 * i) * (1 + i % 5);
}

static double *numbers_of(const neck_gram *gram)
{
    double *numbers = malloc((size_t)neck_gram_size(gram) * sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    ck_assert_int_eq(neck_gram_get(gram, numbers), NECK_OK);
    return numbers;
}

static void expect_alike(const neck_gram *a, const neck_gram *b)
{
    ck_assert_int_eq(neck_gram_count(a), neck_gram_count(b));
    ck_assert_int_eq(neck_gram_zero_rows(a), neck_gram_zero_rows(b));
    ck_assert_double_eq(neck_gram_norm_sum(a), neck_gram_norm_sum(b));
    for (int j = 0; j < COLS; j++) {
        ck_assert_double_eq(neck_gram_sum(a)[j], neck_gram_sum(b)[j]);
        ck_assert_double_eq(neck_gram_unit_sum(a)[j], neck_gram_unit_sum(b)[j]);
    }
    for (int i = 0; neck_gram_data(a) && i < COLS * COLS; i++)
        ck_assert_double_eq(neck_gram_data(a)[i], neck_gram_data(b)[i]);
}

START_TEST(what_is_set_is_what_was_got)
{
    const double shift[COLS] = {1, -2, 3};
    const neck_gram_options options = {.struct_size = sizeof options, .shift = _i & 1 ? shift : NULL,
                                       .moments_only = _i >> 1};
    neck_gram *gram = gram_of(0, ROWS, &options), *copy = gram_of(3, 9, &options);
    double *numbers = numbers_of(gram);
    ck_assert_int_eq(neck_gram_size(gram), 5 + 2 * COLS + (_i >> 1 ? 0 : COLS * (COLS + 1) / 2));
    ck_assert_int_eq(neck_gram_set(copy, numbers), NECK_OK);
    expect_alike(gram, copy);
    free(numbers);
    neck_gram_destroy(gram);
    neck_gram_destroy(copy);
}
END_TEST

START_TEST(adding_numbers_is_merging)
{
    neck_gram *first = gram_of(0, 25, NULL), *second = gram_of(25, ROWS - 25, NULL), *sum = gram_of(0, 0, NULL);
    double *a = numbers_of(first), *b = numbers_of(second);
    for (int64_t i = 0; i < neck_gram_size(first); i++) a[i] += b[i];
    ck_assert_int_eq(neck_gram_set(sum, a), NECK_OK);
    ck_assert_int_eq(neck_gram_merge(first, second), NECK_OK);
    expect_alike(first, sum);
    neck_spectrum *from_merge, *from_sum;
    ck_assert_int_eq(neck_gram_spectrum(NULL, first, NULL, &from_merge), NECK_OK);
    ck_assert_int_eq(neck_gram_spectrum(NULL, sum, NULL, &from_sum), NECK_OK);
    for (int i = 0; i < COLS; i++) {
        ck_assert_double_eq(neck_spectrum_values(from_merge)[i], neck_spectrum_values(from_sum)[i]);
        ck_assert(neck_spectrum_error_bounds(from_sum)[i] >= 0);
    }
    neck_spectrum_destroy(from_merge);
    neck_spectrum_destroy(from_sum);
    free(a);
    free(b);
    neck_gram_destroy(first);
    neck_gram_destroy(second);
    neck_gram_destroy(sum);
}
END_TEST

START_TEST(what_no_gram_holds_is_refused)
{
    static const struct {
        int place;
        double number;
        neck_status status;
    } cases[] = {{0, -1, NECK_E_OVERFLOW}, {0, 1.5, NECK_E_OVERFLOW},  {1, 0x1p54, NECK_E_OVERFLOW},
                 {2, -1, NECK_E_ARGUMENT}, {3, NAN, NECK_E_NONFINITE}, {4, -1, NECK_E_ARGUMENT},
                 {9, INFINITY, NECK_E_NONFINITE}};
    neck_gram *gram = gram_of(0, ROWS, NULL), *before = gram_of(0, ROWS, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double *numbers = numbers_of(gram);
        numbers[cases[i].place] = cases[i].number;
        ck_assert_int_eq(neck_gram_set(gram, numbers), cases[i].status);
        expect_alike(gram, before);
        free(numbers);
    }
    ck_assert_int_eq(neck_gram_set(gram, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_get(NULL, rows), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_size(NULL), 0);
    neck_gram_destroy(gram);
    neck_gram_destroy(before);
}
END_TEST

START_TEST(a_message_can_be_set)
{
    ck_assert_int_eq(neck_error_set(NECK_E_IO, "line one\nline two"), NECK_E_IO);
    ck_assert_str_eq(neck_last_error(), "line one?line two");
    ck_assert_int_eq(neck_error_set(-99, NULL), -99);
    ck_assert_str_eq(neck_last_error(), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gram_numbers");
    TCase *cases = tcase_create("numbers");
    tcase_add_checked_fixture(cases, make_rows, NULL);
    tcase_add_loop_test(cases, what_is_set_is_what_was_got, 0, 4);
    tcase_add_test(cases, adding_numbers_is_merging);
    tcase_add_test(cases, what_no_gram_holds_is_refused);
    tcase_add_test(cases, a_message_can_be_set);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
