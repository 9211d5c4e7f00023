/* tests/test_spectrum.c - singular values against constructed ones; what must never hang or lie. */
#define _GNU_SOURCE
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "constructed.h"

static neck_matrix view_of(const void *data, int64_t rows, int64_t cols, int32_t dtype)
{
    return (neck_matrix){data, rows, cols, 0, dtype, 0};
}

static neck_spectrum *compute_as(const neck_matrix *view, int32_t method, int32_t variant)
{
    neck_spectrum_options options = {sizeof options, .method = method, .variant = variant};
    neck_spectrum *spectrum = NULL;
    ck_assert_msg(neck_spectrum_compute(NULL, view, &options, &spectrum) == NECK_OK, "%s", neck_last_error());
    return spectrum;
}

/* ---- constructed spectra ----------------------------------------------------------------------------------------- */

enum { GEOMETRIC, CLUSTERED, ZIPF, FLAT, SPIKED, RANK_ONE, STEPS, KINDS };

/* Values of size n, decreasing from 1. */
static void make_values(int kind, int64_t n, double *values)
{
    for (int64_t i = 0; i < n; i++) {
        double x = n > 1 ? (double)i / (double)(n - 1) : 0;
        switch (kind) {
        case GEOMETRIC: values[i] = pow(10, -12 * x); break;
        case CLUSTERED: values[i] = 1 - 1e-9 * (double)(i % 3) - (i < n / 2 ? 0 : 0.5); break;
        case ZIPF: values[i] = 1.0 / (double)(i + 1); break;
        case FLAT: values[i] = 1; break;
        case SPIKED: values[i] = i == 0 ? 1 : 1e-3; break;
        case RANK_ONE: values[i] = i == 0; break;
        default: values[i] = pow(10, -(double)(i * 4 / n)); break; /* repeated */
        }
    }
    for (int64_t i = 1; i < n; i++) /* CLUSTERED is not sorted as written */
        for (int64_t j = i; j > 0 && values[j] > values[j - 1]; j--) {
            double kept = values[j];
            values[j] = values[j - 1];
            values[j - 1] = kept;
        }
}

static const int64_t shapes[][2] = {{1, 1}, {9, 1}, {1, 9}, {2, 2}, {40, 40}, {400, 24}, {24, 400}, {700, 50},
                                    {1700, 30}, {60, 900}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* The construction itself errs by some roundings of the largest value. */
static double slack(int64_t rows, int64_t cols)
{
    return 1e-15 * sqrt((double)(rows + cols));
}

START_TEST(constructed_values_come_back_within_their_bounds)
{
    int kind = _i / SHAPES;
    int64_t rows = shapes[_i % SHAPES][0], cols = shapes[_i % SHAPES][1], n = rows < cols ? rows : cols;
    double *values = malloc((size_t)n * sizeof *values);
    make_values(kind, n, values);
    double *a = constructed(rows, cols, values, (uint64_t)_i), allowed = slack(rows, cols);
    neck_matrix view = view_of(a, rows, cols, NECK_F64);
    for (int32_t method = NECK_METHOD_GRAM; method <= NECK_METHOD_QR; method++) {
        neck_spectrum *spectrum = compute_as(&view, method, NECK_VARIANT_RAW);
        const double *found = neck_spectrum_values(spectrum), *bounds = neck_spectrum_error_bounds(spectrum);
        ck_assert_int_eq(neck_spectrum_count(spectrum), n);
        ck_assert_int_eq(neck_spectrum_size(spectrum), n);
        ck_assert_int_eq(neck_spectrum_rows(spectrum), rows);
        ck_assert_int_eq(neck_spectrum_cols(spectrum), cols);
        ck_assert_int_eq(neck_spectrum_method(spectrum), method);
        double squares = 0;
        for (int64_t i = 0; i < n; i++) {
            ck_assert_double_ge(found[i], 0);
            if (i > 0) ck_assert_double_le(found[i], found[i - 1]);
            ck_assert_double_le(fabs(found[i] - values[i]), bounds[i] + allowed);
            squares += values[i] * values[i];
        }
        ck_assert_double_eq_tol(neck_spectrum_frobenius_squared(spectrum), squares, 1e-13 * squares);
        double reach = method == NECK_METHOD_QR ? 0 : 1e-4; /* what the bounds must be worth */
        for (int64_t i = 0; i < n; i++)
            if (values[i] >= reach) {
                ck_assert_double_le(bounds[i], method == NECK_METHOD_QR ? 1e-11 : 1e-5 * values[i]);
                ck_assert_double_le(fabs(found[i] - values[i]),
                                    method == NECK_METHOD_QR ? 1e-14 * (double)(n + 10) : 1e-6 * values[i]);
            }
        neck_spectrum_destroy(spectrum);
    }
    free(a);
    free(values);
}
END_TEST

START_TEST(every_dtype_and_stride_gives_the_same)
{
    enum { ROWS = 300, COLS = 37, STRIDE = 41 };
    double *a = exact_matrix(ROWS, STRIDE, 3);
    double first[COLS];
    for (int32_t dtype = NECK_F32; dtype <= NECK_BF16; dtype++) {
        char *data = as_dtype(a, ROWS * STRIDE, dtype),
            *moved = malloc((size_t)(ROWS * STRIDE * neck_dtype_size(dtype)) + 1);
        memcpy(moved + 1, data, (size_t)(ROWS * STRIDE * neck_dtype_size(dtype))); /* no alignment is asked for */
        neck_matrix view = {moved + 1, ROWS, COLS, STRIDE, dtype, 0};
        neck_spectrum *spectrum = compute_as(&view, NECK_METHOD_GRAM, NECK_VARIANT_RAW);
        if (dtype == NECK_F32) memcpy(first, neck_spectrum_values(spectrum), sizeof first);
        ck_assert_mem_eq(first, neck_spectrum_values(spectrum), sizeof first);
        neck_spectrum_destroy(spectrum);
        free(data);
        free(moved);
    }
    free(a);
}
END_TEST

/* ---- edges ------------------------------------------------------------------------------------------------------- */

START_TEST(a_zero_matrix_is_all_zeros)
{
    double zeros[60] = {0};
    neck_matrix view = view_of(zeros, _i % 2 ? 20 : 3, _i % 2 ? 3 : 20, NECK_F64);
    for (int32_t method = NECK_METHOD_AUTO; method <= NECK_METHOD_QR; method++) {
        neck_spectrum *spectrum = compute_as(&view, method, NECK_VARIANT_RAW);
        for (int i = 0; i < 3; i++) {
            ck_assert_double_eq(neck_spectrum_values(spectrum)[i], 0);
            ck_assert_double_eq(neck_spectrum_error_bounds(spectrum)[i], 0);
        }
        ck_assert_double_eq(neck_spectrum_frobenius_squared(spectrum), 0);
        neck_spectrum_destroy(spectrum);
    }
}
END_TEST

/* Powers of two scale exactly, down to where numbers become denormal. */
START_TEST(tiny_and_huge_numbers_scale)
{
    enum { ROWS = 50, COLS = 6 };
    static const int exponents[] = {-1030, -1000, -700, -300, 300, 700, 1015};
    double *a = exact_matrix(ROWS, COLS, 5), scaled[ROWS * COLS];
    neck_matrix view = view_of(a, ROWS, COLS, NECK_F64), tiny = view_of(scaled, ROWS, COLS, NECK_F64);
    for (int i = 0; i < ROWS * COLS; i++) scaled[i] = ldexp(a[i], exponents[_i]);
    for (int32_t method = NECK_METHOD_GRAM; method <= NECK_METHOD_QR; method++) {
        neck_spectrum *spectrum = compute_as(&view, method, NECK_VARIANT_CENTERED);
        neck_spectrum *other = compute_as(&tiny, method, NECK_VARIANT_CENTERED);
        for (int i = 0; i < COLS; i++) {
            double expected = ldexp(neck_spectrum_values(spectrum)[i], exponents[_i]);
            double difference = fabs(neck_spectrum_values(other)[i] - expected);
            ck_assert_double_le(difference,
                                neck_spectrum_error_bounds(other)[i] + 1e-14 * expected + ROWS * DBL_TRUE_MIN);
            ck_assert_double_gt(neck_spectrum_values(other)[i], 0);
        }
        neck_spectrum_destroy(spectrum);
        neck_spectrum_destroy(other);
    }
    free(a);
}
END_TEST

START_TEST(values_beyond_double_are_an_error)
{
    double numbers[40];
    for (int i = 0; i < 40; i++) numbers[i] = 1.7e308;
    neck_matrix view = view_of(numbers, 20, 2, NECK_F64);
    neck_spectrum *spectrum = NULL;
    for (int32_t method = NECK_METHOD_AUTO; method <= NECK_METHOD_QR; method++) {
        neck_spectrum_options options = {sizeof options, .method = method};
        ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &spectrum), NECK_E_OVERFLOW);
        ck_assert_ptr_null(spectrum);
    }
}
END_TEST

START_TEST(non_finite_input_is_named_at_once)
{
    enum { ROWS = 900, COLS = 70 };
    int32_t dtype = NECK_F32 + _i % 4;
    int wide = _i / 4;
    double *a = exact_matrix(ROWS, COLS, 6);
    void *data = as_dtype(a, ROWS * COLS, dtype);
    int64_t rows = wide ? COLS : ROWS, cols = wide ? ROWS : COLS, at = 777 * COLS + 13;
    if (dtype == NECK_F64) ((double *)data)[at] = INFINITY;
    if (dtype == NECK_F32) ((float *)data)[at] = NAN;
    if (dtype == NECK_F16) ((uint16_t *)data)[at] = 0xfc00;
    if (dtype == NECK_BF16) ((uint16_t *)data)[at] = 0x7fc0;
    neck_matrix view = view_of(data, rows, cols, dtype);
    char expected[64];
    snprintf(expected, sizeof expected, "(%lld, %lld)", (long long)(at / cols), (long long)(at % cols));
    for (int32_t method = NECK_METHOD_AUTO; method <= NECK_METHOD_QR; method++)
        for (int32_t variant = NECK_VARIANT_RAW; variant <= NECK_VARIANT_CENTERED; variant++) {
            neck_spectrum_options options = {sizeof options, .method = method, .variant = variant};
            neck_spectrum *spectrum = NULL;
            ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &spectrum), NECK_E_NONFINITE);
            ck_assert_msg(strstr(neck_last_error(), expected) != NULL, "%s lacks %s", neck_last_error(), expected);
            ck_assert_ptr_null(spectrum);
        }
    double s[COLS] = {-7};
    ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, NULL, s, NULL, NULL), NECK_E_NONFINITE);
    ck_assert_double_eq(s[0], -7);
    free(a);
    free(data);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* takes minutes there */
/* More than 2^31 elements: untouched pages of anonymous memory read as zero and cost nothing. */
START_TEST(sizes_beyond_32_bits)
{
    const int64_t cols = 16, rows = ((int64_t)1 << 27) + 1000, bytes = rows * cols * 2;
    uint16_t *data = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                          0);
    if (data == MAP_FAILED) return; /* an address space limit, as under some checkers */
    ck_assert_int_gt(rows * cols, (int64_t)1 << 31);
    for (int64_t j = 0; j < cols; j++) data[(rows - 1 - 3 * j) * cols + j] = 0x3f80; /* 1.0 in bf16, in the last rows */
    data[5 * cols + 2] = 0x4000;                                                    /* 2.0 in an early one */
    neck_matrix view = view_of(data, rows, cols, NECK_BF16);
    neck_spectrum *spectrum = compute_as(&view, NECK_METHOD_GRAM, NECK_VARIANT_RAW);
    ck_assert_double_eq_tol(neck_spectrum_values(spectrum)[0], sqrt(5), 1e-14);
    for (int64_t j = 1; j < cols; j++) ck_assert_double_eq_tol(neck_spectrum_values(spectrum)[j], 1, 1e-14);
    ck_assert_double_eq(neck_spectrum_frobenius_squared(spectrum), 4 + (double)cols);
    neck_spectrum_destroy(spectrum);
    munmap(data, (size_t)bytes);
}
END_TEST
#endif

/* ---- methods ----------------------------------------------------------------------------------------------------- */

START_TEST(a_tolerance_asks_for_qr_only_when_needed)
{
    enum { ROWS = 3000, COLS = 200 }; /* too much work for AUTO to take QR at once */
    double values[COLS];
    for (int kind = GEOMETRIC; kind <= SPIKED; kind++) {
        make_values(kind, COLS, values);
        double *a = constructed(ROWS, COLS, values, 7);
        neck_matrix view = view_of(a, ROWS, COLS, NECK_F64);
        neck_spectrum_options options = {sizeof options, .tolerance = 1e-6};
        neck_spectrum *fast = compute_as(&view, NECK_METHOD_AUTO, NECK_VARIANT_RAW), *fine = NULL;
        ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &fine), NECK_OK);
        ck_assert_int_eq(neck_spectrum_method(fast), NECK_METHOD_GRAM);
        ck_assert_int_eq(neck_spectrum_method(fine), kind == GEOMETRIC ? NECK_METHOD_QR : NECK_METHOD_GRAM);
        neck_spectrum_destroy(fast);
        neck_spectrum_destroy(fine);
        free(a);
    }
}
END_TEST

START_TEST(small_problems_get_qr_at_once)
{
    double *a = random_matrix(512, 64, 8);
    neck_matrix view = view_of(a, 512, 64, NECK_F64);
    neck_spectrum *spectrum = compute_as(&view, NECK_METHOD_AUTO, NECK_VARIANT_RAW);
    ck_assert_int_eq(neck_spectrum_method(spectrum), NECK_METHOD_QR);
    neck_spectrum_destroy(spectrum);
    free(a);
}
END_TEST

START_TEST(threads_and_repeats_give_the_same_bits)
{
    enum { ROWS = 2500, COLS = 90 };
    double *a = random_matrix(ROWS, COLS, 9), first[COLS];
    neck_matrix view = view_of(a, ROWS, COLS, NECK_F64);
    for (int32_t threads = 1; threads <= 6; threads++) {
        neck_context_options options = {sizeof options, .threads = threads > 3 ? threads - 3 : threads};
        neck_context *context;
        neck_spectrum_options method = {sizeof method, .method = NECK_METHOD_GRAM, .variant = NECK_VARIANT_CENTERED};
        neck_spectrum *spectrum;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        ck_assert_int_eq(neck_spectrum_compute(context, &view, &method, &spectrum), NECK_OK);
        if (threads == 1) memcpy(first, neck_spectrum_values(spectrum), sizeof first);
        ck_assert_mem_eq(first, neck_spectrum_values(spectrum), sizeof first);
        neck_spectrum_destroy(spectrum);
        neck_context_destroy(context);
    }
    free(a);
}
END_TEST

static int32_t cancel_at(void *user, const neck_progress *progress)
{
    (void)progress;
    return --*(int *)user < 0;
}

START_TEST(cancelling_anywhere_leaves_nothing)
{
    double *a = random_matrix(5000, 20, 10);
    neck_matrix view = view_of(a, 5000, 20, NECK_F64);
    int left, cancelled = 0;
    neck_context_options options = {sizeof options, .progress = cancel_at, .progress_user = &left};
    neck_context *context;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    neck_spectrum_options method = {sizeof method, .method = _i ? NECK_METHOD_QR : NECK_METHOD_GRAM,
                                    .variant = NECK_VARIANT_CENTERED};
    for (int calls = 0;; calls++, cancelled++) {
        neck_spectrum *spectrum = NULL;
        left = calls;
        neck_status status = neck_spectrum_compute(context, &view, &method, &spectrum);
        neck_spectrum_destroy(spectrum);
        if (status == NECK_OK) break;
        ck_assert_int_eq(status, NECK_E_CANCELLED);
        ck_assert_ptr_null(spectrum);
    }
    ck_assert_int_ge(cancelled, 8);
    neck_context_destroy(context);
    free(a);
}
END_TEST

/* ---- variants ---------------------------------------------------------------------------------------------------- */

static void assert_same_values(const neck_spectrum *spectrum, const neck_spectrum *expected, double tolerance)
{
    ck_assert_int_eq(neck_spectrum_count(spectrum), neck_spectrum_count(expected));
    for (int64_t i = 0; i < neck_spectrum_count(spectrum); i++)
        ck_assert_double_eq_tol(neck_spectrum_values(spectrum)[i], neck_spectrum_values(expected)[i], tolerance);
    ck_assert_double_eq_tol(neck_spectrum_frobenius_squared(spectrum), neck_spectrum_frobenius_squared(expected),
                            tolerance * neck_spectrum_frobenius_squared(expected));
}

START_TEST(centring_subtracts_the_mean_row)
{
    int64_t rows = _i ? 30 : 800, cols = _i ? 800 : 30;
    double *a = random_matrix(rows, cols, 11), *weights = malloc((size_t)rows * sizeof *weights);
    double *shifted[2] = {malloc((size_t)(rows * cols) * 8), malloc((size_t)(rows * cols) * 8)}, total = 0;
    for (int64_t i = 0; i < rows; i++) total += weights[i] = (double)(i % 5);
    for (int64_t j = 0; j < cols; j++) {
        double mean = 0, weighted = 0;
        for (int64_t i = 0; i < rows; i++) a[i * cols + j] += 3; /* a large common row, as anisotropic heads have */
        for (int64_t i = 0; i < rows; i++) mean += a[i * cols + j] / (double)rows;
        for (int64_t i = 0; i < rows; i++) weighted += weights[i] * a[i * cols + j] / total;
        for (int64_t i = 0; i < rows; i++) {
            shifted[0][i * cols + j] = a[i * cols + j] - mean;
            shifted[1][i * cols + j] = a[i * cols + j] - weighted;
        }
    }
    neck_matrix view = view_of(a, rows, cols, NECK_F64);
    for (int i = 0; i < 2; i++) {
        neck_matrix other = view_of(shifted[i], rows, cols, NECK_F64);
        for (int32_t method = NECK_METHOD_GRAM; method <= NECK_METHOD_QR; method++) {
            neck_spectrum_options options = {sizeof options, .method = method,
                                             .variant = i ? NECK_VARIANT_FREQUENCY_CENTERED : NECK_VARIANT_CENTERED,
                                             .row_weights = i ? weights : NULL};
            neck_spectrum *spectrum = NULL, *expected = compute_as(&other, NECK_METHOD_QR, NECK_VARIANT_RAW);
            ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &spectrum), NECK_OK);
            ck_assert_int_eq(neck_spectrum_variant(spectrum), options.variant);
            /* A wide centred matrix has a zero singular value, which squares know to 1e-8 only. */
            assert_same_values(spectrum, expected, method == NECK_METHOD_QR ? 1e-12 : rows < cols ? 1e-6 : 1e-11);
            neck_spectrum_destroy(spectrum);
            neck_spectrum_destroy(expected);
        }
        free(shifted[i]);
    }
    free(weights);
    free(a);
}
END_TEST

START_TEST(dropping_the_top_leaves_the_rest)
{
    double values[20];
    make_values(SPIKED, 20, values);
    double *a = constructed(100, 20, values, 12);
    neck_matrix view = view_of(a, 100, 20, NECK_F64), lone = view_of(a, 100, 1, NECK_F64);
    neck_spectrum *spectrum = compute_as(&view, NECK_METHOD_GRAM, NECK_VARIANT_DROP_TOP), *none = NULL;
    ck_assert_int_eq(neck_spectrum_count(spectrum), 19);
    ck_assert_int_eq(neck_spectrum_size(spectrum), 19);
    for (int i = 0; i < 19; i++) ck_assert_double_eq_tol(neck_spectrum_values(spectrum)[i], 1e-3, 1e-9);
    ck_assert_double_eq_tol(neck_spectrum_frobenius_squared(spectrum), 19e-6, 1e-12);
    neck_spectrum_options options = {sizeof options, .variant = NECK_VARIANT_DROP_TOP};
    lone.row_stride = 20;
    ck_assert_int_eq(neck_spectrum_compute(NULL, &lone, &options, &none), NECK_E_ARGUMENT);
    ck_assert_ptr_null(none);
    neck_spectrum_destroy(spectrum);
    free(a);
}
END_TEST

START_TEST(a_gram_has_the_spectrum_of_its_rows)
{
    enum { COLS = 25 };
    int64_t rows = _i ? 10 : 2000; /* fewer rows than columns too */
    double *a = random_matrix(rows, COLS, 13);
    for (int64_t i = 0; i < rows * COLS; i++) a[i] += 0.5;
    neck_matrix view = view_of(a, rows, COLS, NECK_F64);
    neck_gram *gram;
    ck_assert_int_eq(neck_gram_create(NULL, COLS, NULL, &gram), NECK_OK);
    ck_assert_int_eq(neck_gram_push(NULL, gram, &view), NECK_OK);
    for (int32_t variant = NECK_VARIANT_RAW; variant <= NECK_VARIANT_DROP_TOP; variant++) {
        neck_spectrum_options options = {sizeof options, .variant = variant};
        neck_spectrum *spectrum = NULL;
        if (variant == NECK_VARIANT_FREQUENCY_CENTERED) {
            ck_assert_int_eq(neck_gram_spectrum(NULL, gram, &options, &spectrum), NECK_E_ARGUMENT);
            continue;
        }
        ck_assert_int_eq(neck_gram_spectrum(NULL, gram, &options, &spectrum), NECK_OK);
        neck_spectrum *expected = compute_as(&view, NECK_METHOD_QR, variant);
        ck_assert_int_eq(neck_spectrum_count(spectrum), neck_spectrum_count(expected));
        for (int64_t i = 0; i < neck_spectrum_count(spectrum); i++) {
            double difference = fabs(neck_spectrum_values(spectrum)[i] - neck_spectrum_values(expected)[i]);
            ck_assert_double_le(difference,
                                neck_spectrum_error_bounds(spectrum)[i] + neck_spectrum_error_bounds(expected)[i]);
            ck_assert_double_le(difference, 1e-5);
        }
        neck_spectrum_destroy(spectrum);
        neck_spectrum_destroy(expected);
    }
    neck_gram_destroy(gram);
    free(a);
}
END_TEST

/* ---- arguments --------------------------------------------------------------------------------------------------- */

START_TEST(bad_options_are_refused)
{
    double a[6] = {1, 2, 3, 4, 5, 6}, weights[3] = {1, 1, 1};
    neck_matrix view = view_of(a, 3, 2, NECK_F64);
    const neck_spectrum_options wrong[] = {
        {sizeof *wrong, .method = NECK_METHOD_GIVEN}, {sizeof *wrong, .method = -1},
        {sizeof *wrong, .variant = 4},                {sizeof *wrong, .variant = -1},
        {sizeof *wrong, .row_weights = weights},      {sizeof *wrong, .variant = NECK_VARIANT_FREQUENCY_CENTERED},
        {sizeof *wrong, .tolerance = -1},             {sizeof *wrong, .tolerance = NAN},
        {sizeof *wrong, .tolerance = INFINITY},       {sizeof *wrong, .tolerance = 1, .method = NECK_METHOD_GRAM},
        {3, .method = NECK_METHOD_QR},                {0, .method = NECK_METHOD_QR},
    };
    neck_spectrum *spectrum = NULL;
    ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &wrong[_i], &spectrum), NECK_E_ARGUMENT);
    ck_assert_ptr_null(spectrum);
    ck_assert_int_eq(neck_spectrum_compute(NULL, NULL, NULL, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_compute(NULL, &view, NULL, NULL), NECK_E_ARGUMENT);
}
END_TEST

START_TEST(given_values_are_sorted_and_checked)
{
    const double values[4] = {1, 4, 2, 3}, poison[2] = {1, NAN}, negative[2] = {1, -1};
    neck_spectrum *spectrum = NULL;
    ck_assert_int_eq(neck_spectrum_from_values(NULL, values, 4, 9, 4, -1, 1e-9, &spectrum), NECK_OK);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(neck_spectrum_values(spectrum)[i], 4 - i);
    ck_assert_double_eq(neck_spectrum_frobenius_squared(spectrum), 30);
    ck_assert_int_eq(neck_spectrum_method(spectrum), NECK_METHOD_GIVEN);
    neck_spectrum_destroy(spectrum);
    spectrum = NULL;
    ck_assert_int_eq(neck_spectrum_from_values(NULL, values, 4, 9, 3, -1, 0, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_values(NULL, values, 3, 9, 4, -1, 0, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_values(NULL, poison, 2, 9, 2, -1, 0, &spectrum), NECK_E_NONFINITE);
    ck_assert_int_eq(neck_spectrum_from_values(NULL, negative, 2, 9, 2, -1, 0, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_values(NULL, values, 4, 9, 4, -1, -1, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_values(NULL, values, 4, 9, 4, NAN, 0, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_values(NULL, values, 0, 9, 4, 1, 0, &spectrum), NECK_E_ARGUMENT);
    ck_assert_ptr_null(spectrum);
}
END_TEST

/* Bounds are of places: the i-th largest of values that lie in these intervals is within the i-th bound. */
START_TEST(estimates_keep_their_bounds)
{
    const double values[3] = {2, 5, 4}, bounds[3] = {0.25, 2, 0.5}, wrong[3] = {0, -1, 0};
    neck_spectrum *spectrum = NULL;
    ck_assert_int_eq(neck_spectrum_from_estimates(NULL, values, bounds, 3, 9, 4, 50, 0.125, NECK_METHOD_PARTS,
                                                  &spectrum),
                     NECK_OK);
    const double sorted[3] = {5, 4, 2}, low[3] = {3.5, 3, 1.75}, high[3] = {7, 4.5, 2.25}; /* ends, each sorted */
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq(neck_spectrum_values(spectrum)[i], sorted[i]);
        ck_assert_double_eq(neck_spectrum_error_bounds(spectrum)[i], fmax(high[i] - sorted[i], sorted[i] - low[i]));
    }
    ck_assert_int_eq(neck_spectrum_method(spectrum), NECK_METHOD_PARTS);
    ck_assert_double_eq(neck_spectrum_resolution(spectrum), 0.125);
    ck_assert_int_eq(neck_spectrum_size(spectrum), 4);
    neck_spectrum_destroy(spectrum);
    spectrum = NULL;
    ck_assert_int_eq(neck_spectrum_from_estimates(NULL, values, wrong, 3, 9, 4, 50, 0, 6, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_estimates(NULL, values, NULL, 3, 9, 4, 50, 0, 6, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_estimates(NULL, values, bounds, 3, 9, 4, -1, 0, 6, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_spectrum_from_estimates(NULL, values, bounds, 3, 9, 4, 50, 0, 7, &spectrum), NECK_E_ARGUMENT);
    ck_assert_ptr_null(spectrum);
}
END_TEST

START_TEST(names_of_methods_and_variants)
{
    int32_t variant = -7;
    ck_assert_str_eq(neck_method_name(NECK_METHOD_QR), "qr");
    ck_assert_str_eq(neck_method_name(9), "?");
    for (int32_t i = 0; i <= NECK_VARIANT_DROP_TOP; i++) {
        ck_assert_int_eq(neck_variant_find(neck_variant_name(i), &variant), NECK_OK);
        ck_assert_int_eq(variant, i);
    }
    ck_assert_int_eq(neck_variant_find("centred", &variant), NECK_E_NOT_FOUND);
    ck_assert_int_eq(variant, NECK_VARIANT_DROP_TOP);
    ck_assert_str_eq(neck_variant_name(-1), "?");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spectrum");
    TCase *tests = tcase_create("spectrum");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, constructed_values_come_back_within_their_bounds, 0, KINDS * SHAPES);
    tcase_add_test(tests, every_dtype_and_stride_gives_the_same);
    tcase_add_loop_test(tests, a_zero_matrix_is_all_zeros, 0, 2);
    tcase_add_loop_test(tests, tiny_and_huge_numbers_scale, 0, 7);
    tcase_add_test(tests, values_beyond_double_are_an_error);
    tcase_add_loop_test(tests, non_finite_input_is_named_at_once, 0, 8);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(tests, sizes_beyond_32_bits);
#endif
    tcase_add_test(tests, a_tolerance_asks_for_qr_only_when_needed);
    tcase_add_test(tests, small_problems_get_qr_at_once);
    tcase_add_test(tests, threads_and_repeats_give_the_same_bits);
    tcase_add_loop_test(tests, cancelling_anywhere_leaves_nothing, 0, 2);
    tcase_add_loop_test(tests, centring_subtracts_the_mean_row, 0, 2);
    tcase_add_test(tests, dropping_the_top_leaves_the_rest);
    tcase_add_loop_test(tests, a_gram_has_the_spectrum_of_its_rows, 0, 2);
    tcase_add_loop_test(tests, bad_options_are_refused, 0, 12);
    tcase_add_test(tests, given_values_are_sorted_and_checked);
    tcase_add_test(tests, estimates_keep_their_bounds);
    tcase_add_test(tests, names_of_methods_and_variants);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
