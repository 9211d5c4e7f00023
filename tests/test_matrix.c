/* tests/test_matrix.c - views, finite check, widening, column means. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"

static neck_matrix view_of(const void *data, int64_t rows, int64_t cols, int32_t dtype)
{
    return (neck_matrix){data, rows, cols, 0, dtype, 0};
}

START_TEST(bad_views_are_refused)
{
    static const float data[6];
    const struct {
        neck_matrix view;
        neck_status status;
        const char *says;
    } wrong[] = {
        {{NULL, 2, 3, 0, NECK_F32, 0}, NECK_E_ARGUMENT, "NULL"},
        {{data, 0, 3, 0, NECK_F32, 0}, NECK_E_ARGUMENT, "0 x 3"},
        {{data, 2, -1, 0, NECK_F32, 0}, NECK_E_ARGUMENT, "2 x -1"},
        {{data, 2, 3, 2, NECK_F32, 0}, NECK_E_ARGUMENT, "row_stride 2"},
        {{data, 2, 3, -3, NECK_F32, 0}, NECK_E_ARGUMENT, "row_stride -3"},
        {{data, 2, 3, 0, NECK_I8, 0}, NECK_E_ARGUMENT, "I8"},
        {{data, 2, 3, 0, 99, 0}, NECK_E_ARGUMENT, "99"},
        {{data, 2, 3, 0, NECK_F32, 1}, NECK_E_ARGUMENT, "reserved"},
        {{data, INT64_MAX, 2, 0, NECK_F32, 0}, NECK_E_OVERFLOW, "larger than any memory"},
        {{data, INT64_MAX / 8, 1, 4, NECK_F32, 0}, NECK_E_OVERFLOW, "larger than any memory"},
    };
    double out[6];
    ck_assert_int_eq(neck_matrix_check_finite(NULL, &wrong[_i].view, NULL, NULL), wrong[_i].status);
    ck_assert_msg(strstr(neck_last_error(), wrong[_i].says), "%s", neck_last_error());
    ck_assert_int_eq(neck_matrix_to_f64(NULL, &wrong[_i].view, out), wrong[_i].status);
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &wrong[_i].view, NULL, out), wrong[_i].status);
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    float data[1] = {1};
    neck_matrix view = view_of(data, 1, 1, NECK_F32);
    ck_assert_int_eq(neck_matrix_check_finite(NULL, NULL, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_matrix_to_f64(NULL, &view, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &view, NULL, NULL), NECK_E_ARGUMENT);
}
END_TEST

/* The first in row-major order, wherever the threads found others. */
START_TEST(the_first_non_finite_element_is_named)
{
    enum { ROWS = 5000, COLS = 37 };
    static const int64_t places[][2] = {{0, 0}, {0, 36}, {1023, 5}, {1024, 0}, {4999, 36}, {2500, 17}};
    int32_t dtype = NECK_F32 + _i % 4;
    double *numbers = exact_matrix(ROWS, COLS, 1);
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
        double bad = p % 3 == 0 ? NAN : p % 3 == 1 ? INFINITY : -INFINITY;
        int64_t at = places[p][0] * COLS + places[p][1];
        double kept = numbers[at];
        numbers[at] = bad;
        void *data = as_dtype(numbers, ROWS * COLS, dtype);
        if (dtype == NECK_F16) ((uint16_t *)data)[at] = (uint16_t)(isnan(bad) ? 0x7e01 : 0x7c00);
        neck_matrix view = view_of(data, ROWS, COLS, dtype);
        int64_t row = -7, col = -7;
        ck_assert_int_eq(neck_matrix_check_finite(NULL, &view, &row, &col), NECK_E_NONFINITE);
        ck_assert_int_eq(row, places[p][0]);
        ck_assert_int_eq(col, places[p][1]);
        char expected[64];
        snprintf(expected, sizeof expected, "(%lld, %lld)", (long long)row, (long long)col);
        ck_assert_ptr_nonnull(strstr(neck_last_error(), expected));
        free(data);
        numbers[at] = kept;
    }
    void *data = as_dtype(numbers, ROWS * COLS, dtype);
    neck_matrix view = view_of(data, ROWS, COLS, dtype);
    int64_t row = -7, col = -7;
    ck_assert_int_eq(neck_matrix_check_finite(NULL, &view, &row, &col), NECK_OK);
    ck_assert_int_eq(row, -7);
    free(data);
    free(numbers);
}
END_TEST

START_TEST(huge_numbers_are_finite)
{
    double numbers[4] = {1.7e308, -1.7e308, 5e-324, 0};
    neck_matrix view = view_of(numbers, 2, 2, NECK_F64);
    ck_assert_int_eq(neck_matrix_check_finite(NULL, &view, NULL, NULL), NECK_OK);
}
END_TEST

START_TEST(strided_rows_widen)
{
    enum { ROWS = 70, COLS = 9, STRIDE = 13 };
    double *numbers = exact_matrix(ROWS, STRIDE, 3), out[ROWS * COLS];
    for (int32_t dtype = NECK_F32; dtype <= NECK_BF16; dtype++) {
        void *data = as_dtype(numbers, ROWS * STRIDE, dtype);
        neck_matrix view = {data, ROWS, COLS, STRIDE, dtype, 0};
        ck_assert_int_eq(neck_matrix_to_f64(NULL, &view, out), NECK_OK);
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < COLS; j++) ck_assert_double_eq(out[i * COLS + j], numbers[i * STRIDE + j]);
        free(data);
    }
    free(numbers);
}
END_TEST

START_TEST(means_with_and_without_weights)
{
    enum { ROWS = 40000, COLS = 5 }; /* more rows than one wave of partial sums */
    double *numbers = exact_matrix(ROWS, COLS, 4), *weights = malloc(ROWS * sizeof *weights);
    double plain[COLS] = {0}, weighted[COLS] = {0}, total = 0, out[COLS];
    for (int i = 0; i < ROWS; i++) {
        weights[i] = i % 7;
        total += weights[i];
        for (int j = 0; j < COLS; j++) {
            plain[j] += numbers[i * COLS + j];
            weighted[j] += weights[i] * numbers[i * COLS + j];
        }
    }
    neck_matrix view = view_of(numbers, ROWS, COLS, NECK_F64);
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &view, NULL, out), NECK_OK);
    for (int j = 0; j < COLS; j++) ck_assert_double_eq(out[j], plain[j] / ROWS); /* exact sums */
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &view, weights, out), NECK_OK);
    for (int j = 0; j < COLS; j++) ck_assert_double_eq(out[j], weighted[j] / total);
    free(numbers);
    free(weights);
}
END_TEST

START_TEST(bad_weights_and_sums)
{
    double numbers[4] = {1, 2, 3, 4}, out[2] = {-7, -7};
    neck_matrix view = view_of(numbers, 2, 2, NECK_F64);
    const double zero[2] = {0, 0}, negative[2] = {1, -1}, poison[2] = {1, NAN};
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &view, zero, out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &view, negative, out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &view, poison, out), NECK_E_NONFINITE);
    numbers[3] = INFINITY;
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &view, NULL, out), NECK_E_NONFINITE);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "(1, 1)"));
    numbers[3] = numbers[1] = 1.7e308;
    ck_assert_int_eq(neck_matrix_column_mean(NULL, &view, NULL, out), NECK_E_OVERFLOW);
    ck_assert_double_eq(out[0], -7);
    ck_assert_double_eq(out[1], -7);
}
END_TEST

START_TEST(dtypes_have_sizes_and_names)
{
    ck_assert_int_eq(neck_dtype_size(NECK_BF16), 2);
    ck_assert_int_eq(neck_dtype_size(NECK_C64), 8);
    ck_assert_int_eq(neck_dtype_size(0), 0);
    ck_assert_str_eq(neck_dtype_name(NECK_F8_E4M3), "F8_E4M3");
    ck_assert_str_eq(neck_dtype_name(-3), "?");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matrix");
    TCase *tests = tcase_create("matrix");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, bad_views_are_refused, 0, 10);
    tcase_add_test(tests, null_arguments_are_refused);
    tcase_add_loop_test(tests, the_first_non_finite_element_is_named, 0, 4);
    tcase_add_test(tests, huge_numbers_are_finite);
    tcase_add_test(tests, strided_rows_widen);
    tcase_add_test(tests, means_with_and_without_weights);
    tcase_add_test(tests, bad_weights_and_sums);
    tcase_add_test(tests, dtypes_have_sizes_and_names);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
