/* tests/test_spectrum_numbers.c - spectra as numbers, triangles of parts, what is known to a tolerance. */
#include <check.h>

#include "constructed.h"

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

static neck_spectrum *spectrum_of(int64_t rows, int64_t cols, int32_t method, int32_t variant)
{
    double *a = random_matrix(rows, cols, 11);
    neck_matrix view = {.data = a, .rows = rows, .cols = cols, .dtype = NECK_F64};
    neck_spectrum_options options = {.struct_size = sizeof options, .method = method, .variant = variant};
    neck_spectrum *spectrum = NULL;
    ck_assert_msg(neck_spectrum_compute(NULL, &view, &options, &spectrum) == NECK_OK, "%s", neck_last_error());
    free(a);
    return spectrum;
}

START_TEST(numbers_tell_all_of_a_spectrum)
{
    static const int32_t variants[] = {NECK_VARIANT_RAW, NECK_VARIANT_CENTERED, NECK_VARIANT_DROP_TOP};
    neck_spectrum *spectrum = spectrum_of(40, 9, _i % 2 ? NECK_METHOD_QR : NECK_METHOD_GRAM, variants[_i / 2]),
                  *back = NULL;
    int64_t length = neck_spectrum_numbers(spectrum), count = neck_spectrum_count(spectrum);
    ck_assert_int_eq(length, 8 + 2 * count);
    double *numbers = malloc((size_t)length * sizeof *numbers);
    ck_assert_int_eq(neck_spectrum_get(spectrum, numbers), NECK_OK);
    ck_assert_msg(neck_spectrum_from_numbers(NULL, numbers, length, &back) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_spectrum_count(back), count);
    ck_assert_int_eq(neck_spectrum_size(back), neck_spectrum_size(spectrum));
    ck_assert_int_eq(neck_spectrum_rows(back), 40);
    ck_assert_int_eq(neck_spectrum_cols(back), 9);
    ck_assert_int_eq(neck_spectrum_method(back), neck_spectrum_method(spectrum));
    ck_assert_int_eq(neck_spectrum_variant(back), neck_spectrum_variant(spectrum));
    ck_assert_double_eq(neck_spectrum_resolution(back), neck_spectrum_resolution(spectrum));
    ck_assert_double_eq(neck_spectrum_frobenius_squared(back), neck_spectrum_frobenius_squared(spectrum));
    ck_assert_mem_eq(neck_spectrum_values(back), neck_spectrum_values(spectrum), (size_t)count * sizeof(double));
    ck_assert_mem_eq(neck_spectrum_error_bounds(back), neck_spectrum_error_bounds(spectrum),
                     (size_t)count * sizeof(double));
    neck_spectrum_destroy(back);
    neck_spectrum_destroy(spectrum);
    free(numbers);
}
END_TEST

START_TEST(numbers_of_no_spectrum_are_refused)
{
    const double good[] = {2, 3, 4, 3, 6, 1e-9, NECK_METHOD_QR, NECK_VARIANT_RAW, 2, 1, 1e-9, 1e-9};
    const struct {
        int index;
        double value;
    } changes[] = {
        {0, 3},   {0, 0},   {0, 1.5}, {0, NAN},      {1, 1},   {1, 5}, {2, 2},      {2, -4},
        {3, 0.5}, {4, -1},  {4, NAN}, {5, -1},       {5, NAN}, {6, 0}, {6, 99},     {7, -1},
        {7, 9},   {8, 0.5}, {8, NAN}, {8, INFINITY}, {9, -1},  {9, 3}, {10, -1e-9}, {11, NAN},
    };
    enum { LENGTH = sizeof good / sizeof *good };
    double numbers[LENGTH];
    neck_spectrum *out = NULL;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        memcpy(numbers, good, sizeof good);
        numbers[changes[i].index] = changes[i].value;
        ck_assert_msg(neck_spectrum_from_numbers(NULL, numbers, LENGTH, &out) == NECK_E_ARGUMENT, "change %zu", i);
    }
    ck_assert_int_eq(neck_spectrum_from_numbers(NULL, good, LENGTH - 1, &out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_numbers(NULL, good, 3, &out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_numbers(NULL, NULL, LENGTH, &out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_get(NULL, numbers), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_numbers(NULL), 0);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(neck_spectrum_from_numbers(NULL, good, LENGTH, &out), NECK_OK);
    neck_spectrum_destroy(out);
}
END_TEST

/* ---- triangles -------------------------------------------------------------------------------------------------- */

enum { COLS = 12 };

static void put_triangle(const double *a, int64_t rows, const double *shift, double *r, double *bound)
{
    neck_matrix view = {.data = a, .rows = rows, .cols = COLS, .dtype = NECK_F64};
    ck_assert_msg(neck_qr_triangle(NULL, &view, shift, r, bound) == NECK_OK, "%s", neck_last_error());
}

/* Of rows that are more and fewer than columns, and of many chunks. */
START_TEST(triangles_of_parts_have_the_spectrum_of_the_whole)
{
    static const int64_t cuts[][2] = {{5, 700}, {12, 40}, {2000, 3}, {1, 1}};
    int64_t first = cuts[_i][0], rows = first + cuts[_i][1], count = rows < COLS ? rows : COLS;
    double values[COLS], shift[COLS], stacked[3 * COLS * COLS], bounds[3], largest = 1e3;
    for (int j = 0; j < COLS; j++) values[j] = largest * pow(10, -j), shift[j] = 0.25 * j;
    double *a = constructed(rows, COLS, values, 5);
    for (int64_t i = 0; i < rows * COLS; i++) a[i] += shift[i % COLS];
    put_triangle(a, first, shift, stacked, &bounds[0]);
    put_triangle(a + first * COLS, rows - first, shift, stacked + COLS * COLS, &bounds[1]);
    put_triangle(stacked, 2 * COLS, NULL, stacked + 2 * COLS * COLS, &bounds[2]);
    for (int64_t i = 1; i < COLS; i++)
        for (int64_t j = 0; j < i; j++) ck_assert_double_eq(stacked[(2 * COLS + i) * COLS + j], 0);
    neck_matrix view = {.data = stacked + 2 * COLS * COLS, .rows = COLS, .cols = COLS, .dtype = NECK_F64};
    neck_spectrum_options options = {.struct_size = sizeof options, .method = NECK_METHOD_QR};
    neck_spectrum *spectrum;
    ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &spectrum), NECK_OK);
    double made = 1e-14 * largest; /* by which constructed() itself errs, and the shift */
    for (int64_t i = 0; i < COLS; i++) {
        double bound = bounds[0] + bounds[1] + bounds[2] + neck_spectrum_error_bounds(spectrum)[i];
        ck_assert_double_eq_tol(neck_spectrum_values(spectrum)[i], i < count ? values[i] : 0, bound + made);
        ck_assert_double_lt(bound, 1e-10 * largest);
    }
    neck_spectrum_destroy(spectrum);
    free(a);
}
END_TEST

START_TEST(triangles_refuse_and_fail_as_everything_does)
{
    double a[2 * COLS], r[COLS * COLS], untouched[COLS * COLS], shift[COLS] = {0}, bound = -7;
    neck_matrix view = {.data = a, .rows = 2, .cols = COLS, .dtype = NECK_F64};
    for (int i = 0; i < 2 * COLS; i++) a[i] = i;
    for (int i = 0; i < COLS * COLS; i++) r[i] = untouched[i] = -i;
    shift[3] = NAN;
    ck_assert_int_eq(neck_qr_triangle(NULL, &view, shift, r, &bound), NECK_E_NONFINITE);
    a[COLS + 2] = INFINITY;
    ck_assert_int_eq(neck_qr_triangle(NULL, &view, NULL, r, &bound), NECK_E_NONFINITE);
    ck_assert_int_eq(neck_qr_triangle(NULL, &view, NULL, NULL, &bound), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_qr_triangle(NULL, NULL, NULL, r, &bound), NECK_E_ARGUMENT);
    ck_assert_mem_eq(r, untouched, sizeof r);
    ck_assert_double_eq(bound, -7);
    a[COLS + 2] = 0x1p1000; /* squares of this leave the range of double */
    ck_assert_int_eq(neck_qr_triangle(NULL, &view, NULL, r, NULL), NECK_OK);
    ck_assert_double_eq(r[COLS + 2], 0x1p1000);
}
END_TEST

/* ---- tolerance -------------------------------------------------------------------------------------------------- */

START_TEST(a_tolerance_asks_for_what_auto_gives)
{
    double values[COLS] = {0};
    for (int j = 0; j < COLS; j++) values[j] = pow(10, -j);
    double *a = constructed(200, COLS, values, 3);
    neck_matrix view = {.data = a, .rows = 200, .cols = COLS, .dtype = NECK_F64};
    neck_spectrum_options options = {.struct_size = sizeof options, .method = NECK_METHOD_GRAM};
    neck_spectrum *coarse, *fine;
    ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &coarse), NECK_OK);
    options.method = NECK_METHOD_QR;
    ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &fine), NECK_OK);
    ck_assert_int_eq(neck_spectrum_within(coarse, 1e-5), 0);
    ck_assert_int_eq(neck_spectrum_within(fine, 1e-1), 1);
    ck_assert_int_eq(neck_spectrum_within(fine, 1e-16), 0);
    ck_assert_int_eq(neck_method_for(200, COLS), NECK_METHOD_QR);
    ck_assert_int_eq(neck_method_for(COLS, 200), NECK_METHOD_QR);
    ck_assert_int_eq(neck_method_for(50000, 4096), NECK_METHOD_GRAM);
    ck_assert_int_eq(neck_method_for(4096, 50000), NECK_METHOD_GRAM);
    neck_spectrum_destroy(coarse);
    neck_spectrum_destroy(fine);
    free(a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spectrum numbers");
    TCase *tests = tcase_create("spectrum numbers");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, numbers_tell_all_of_a_spectrum, 0, 6);
    tcase_add_test(tests, numbers_of_no_spectrum_are_refused);
    tcase_add_loop_test(tests, triangles_of_parts_have_the_spectrum_of_the_whole, 0, 4);
    tcase_add_test(tests, triangles_refuse_and_fail_as_everything_does);
    tcase_add_test(tests, a_tolerance_asks_for_what_auto_gives);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
