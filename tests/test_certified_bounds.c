/* Bounds that are printed hold, where rounding, underflow and cancellation are all there is. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"

static const int32_t methods[] = {NECK_METHOD_AUTO, NECK_METHOD_GRAM, NECK_METHOD_KRYLOV, NECK_METHOD_RANDOMIZED};
enum { METHODS = 4, MOST = 40 };

static neck_operator *dense(const double *a, int64_t rows, int64_t cols)
{
    neck_matrix view = {a, rows, cols, 0, NECK_F64, 0};
    neck_operator *op;
    ck_assert_msg(neck_operator_dense(NULL, &view, &op) == NECK_OK, "%s", neck_last_error());
    return op;
}

static void exact_values(const double *a, int64_t rows, int64_t cols, double *values)
{
    neck_matrix view = {a, rows, cols, 0, NECK_F64, 0};
    ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, NULL, values, NULL, NULL), NECK_OK);
}

/* truth: known to within doubt. */
static void assert_bounds(const neck_operator *op, int64_t k, int32_t method, double tolerance, const double *truth,
                          double doubt)
{
    neck_truncated_options options = {.struct_size = sizeof options, .method = method, .tolerance = tolerance};
    double values[MOST], bounds[MOST];
    ck_assert_msg(neck_truncated_svd(NULL, op, k, &options, values, NULL, NULL, NULL, bounds, NULL) == NECK_OK, "%s",
                  neck_last_error());
    for (int64_t i = 0; i < k; i++)
        ck_assert_msg(fabs(values[i] - truth[i]) <= bounds[i] + doubt,
                      "method %d, value %lld: %.17g, true %.17g, bound %g", method, (long long)i, values[i], truth[i],
                      bounds[i]);
}

/* ---- squares lose them ---- */

START_TEST(values_far_below_the_largest)
{
    enum { ROWS = 9, COLS = 6, K = 3, TRIALS = 60 };
    uint64_t state = 11;
    for (int trial = 0; trial < TRIALS; trial++) {
        double a[ROWS * COLS], row[COLS], truth[COLS], size = pow(10, 8 + trial % 4);
        for (int j = 0; j < COLS; j++) row[j] = size * next_number(&state);
        for (int i = 0; i < ROWS * COLS; i++) a[i] = row[i % COLS] + next_number(&state);
        neck_operator *op = dense(a, ROWS, COLS);
        exact_values(a, ROWS, COLS, truth);
        assert_bounds(op, K, methods[_i], trial % 2 ? 0.5 : 1e-3, truth, 1e-14 * truth[0]);
        neck_operator_destroy(op);
    }
}
END_TEST

/* The same numbers as integers and as denormals: their values differ by a power of two. */
START_TEST(denormals)
{
    enum { ROWS = 7, COLS = 5 };
    uint64_t state = 3;
    double a[ROWS * COLS], small[ROWS * COLS], truth[COLS], values[COLS], bounds[COLS], bound;
    for (int i = 0; i < ROWS * COLS; i++) {
        a[i] = floor(20 * next_number(&state));
        small[i] = a[i] * DBL_TRUE_MIN;
    }
    exact_values(a, ROWS, COLS, truth);
    neck_matrix view = {small, ROWS, COLS, 0, NECK_F64, 0};
    if (_i == METHODS) {
        ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, NULL, values, NULL, &bound), NECK_OK);
        for (int i = 0; i < COLS; i++) bounds[i] = bound;
    } else {
        neck_operator *op = dense(small, ROWS, COLS);
        neck_truncated_options options = {.struct_size = sizeof options, .method = methods[_i]};
        ck_assert_int_eq(neck_truncated_svd(NULL, op, COLS, &options, values, NULL, NULL, NULL, bounds, NULL), NECK_OK);
        neck_operator_destroy(op);
    }
    for (int i = 0; i < COLS; i++) /* in units of the least denormal, exactly */
        ck_assert_double_le(fabs(values[i] / DBL_TRUE_MIN - truth[i]), bounds[i] / DBL_TRUE_MIN + 1e-12);
}
END_TEST

START_TEST(a_gram_of_numbers_whose_squares_vanish)
{
    enum { ROWS = 8, COLS = 3 };
    double a[ROWS * COLS];
    for (int i = 0; i < ROWS * COLS; i++) a[i] = (i % 5 + 1) * 1e-170;
    neck_matrix view = {a, ROWS, COLS, 0, NECK_F64, 0};
    neck_gram *gram;
    neck_spectrum *spectrum;
    double truth[COLS];
    exact_values(a, ROWS, COLS, truth);
    ck_assert_int_eq(neck_gram_create(NULL, COLS, NULL, &gram), NECK_OK);
    ck_assert_int_eq(neck_gram_push(NULL, gram, &view), NECK_OK);
    ck_assert_int_eq(neck_gram_spectrum(NULL, gram, NULL, &spectrum), NECK_OK);
    for (int i = 0; i < COLS; i++)
        ck_assert_double_le(fabs(neck_spectrum_values(spectrum)[i] - truth[i]),
                            neck_spectrum_error_bounds(spectrum)[i]);
    neck_spectrum_destroy(spectrum);
    neck_gram_destroy(gram);
}
END_TEST

/* Singular values within 1e-13 of each other, from sixty digits: LAPACK takes what couples them for nothing. */
START_TEST(values_almost_equal)
{
    enum { ROWS = 9, COLS = 3 };
    static const double truth[] = {0.999999999999987535850, 0.999999999999972671972, 0.999999999999955484353};
    static const double a[ROWS * COLS] = {
        0x1.9124cc5d90e07p-3, -0x1.ff70849ae421cp-4, 0x1.49da40799322ap-3,
        0x1.052c7744e8786p-2, 0x1.1c03ce308226bp-2, -0x1.0c779272d9400p-2,
        -0x1.a312189b4bcf0p-3, 0x1.8bb3222819bfcp-3, -0x1.080507dea7388p-2,
        0x1.ffadd89caf0b1p-3, -0x1.244264aeb9705p-3, 0x1.2e3499876c56bp-2,
        0x1.69f7442289156p-3, 0x1.82d97dbe0af81p-3, 0x1.b1787a1d9728dp-4,
        -0x1.68e93cbb86691p-1, 0x1.42569df27a21ap-4, 0x1.e0a2969906596p-2,
        0x1.a078c6b2b463ap-3, 0x1.7eecabc2c8412p-3, -0x1.52121bf73cdabp-2,
        -0x1.b07462ecdec1cp-3, 0x1.8c186c6fef7ebp-1, -0x1.8e23f6f1be68ap-4,
        -0x1.b04b2be1786acp-2, -0x1.abb52a8b3b7cep-2, -0x1.448b1815ac67cp-1,
    };
    neck_matrix view = {a, ROWS, COLS, 0, NECK_F64, 0};
    neck_spectrum_options options = {.struct_size = sizeof options, .method = NECK_METHOD_QR};
    neck_spectrum *spectrum;
    ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &spectrum), NECK_OK);
    for (int i = 0; i < COLS; i++)
        ck_assert_double_le(fabs(neck_spectrum_values(spectrum)[i] - truth[i]),
                            neck_spectrum_error_bounds(spectrum)[i] + 2e-16);
    neck_spectrum_destroy(spectrum);
}
END_TEST

/* A row taken from itself, or thirteen alike, leaves nothing but the rounding of their mean. */
START_TEST(nothing_but_the_mean)
{
    enum { ROWS = 13, COLS = 9 };
    double a[ROWS * COLS], weights[ROWS], values[COLS], bound;
    uint64_t state = 8;
    for (int trial = 0; trial < 200; trial++) {
        int64_t rows = trial % 2 ? ROWS : 1, size = rows < COLS ? rows : COLS;
        for (int j = 0; j < COLS; j++) a[j] = next_number(&state);
        for (int i = 0; i < ROWS * COLS; i++) a[i] = a[i % COLS];
        for (int i = 0; i < ROWS; i++) weights[i] = 1.1 + next_number(&state);
        neck_matrix view = {a, rows, COLS, 0, NECK_F64, 0};
        for (int32_t variant = NECK_VARIANT_CENTERED; variant <= NECK_VARIANT_FREQUENCY_CENTERED; variant++) {
            const double *given = variant == NECK_VARIANT_FREQUENCY_CENTERED ? weights : NULL;
            neck_svd_options thin = {.struct_size = sizeof thin, .variant = variant, .row_weights = given};
            ck_assert_int_eq(neck_svd_compute(NULL, &view, &thin, NULL, values, NULL, &bound), NECK_OK);
            ck_assert_double_le(values[0], bound);
            for (int32_t method = NECK_METHOD_GRAM; method <= NECK_METHOD_QR; method++) {
                neck_spectrum_options options = {.struct_size = sizeof options, .method = method, .variant = variant,
                                                 .row_weights = given};
                neck_spectrum *spectrum;
                ck_assert_int_eq(neck_spectrum_compute(NULL, &view, &options, &spectrum), NECK_OK);
                for (int64_t i = 0; i < size; i++)
                    ck_assert_double_le(neck_spectrum_values(spectrum)[i], neck_spectrum_error_bounds(spectrum)[i]);
                neck_spectrum_destroy(spectrum);
            }
        }
    }
}
END_TEST

/* ---- operators made of others ---- */

START_TEST(rows_almost_alike_centred)
{
    enum { ROWS = 12, COLS = 5, K = 4 };
    uint64_t state = 5;
    double a[ROWS * COLS], noise[ROWS * COLS], truth[COLS], squares = 0, size = 1e6;
    for (int i = 0; i < ROWS * COLS; i++) noise[i] = next_number(&state);
    for (int j = 0; j < COLS; j++) { /* columns that sum to zero, of numbers that add to the size exactly */
        double sum = 0;
        for (int i = 0; i + 1 < ROWS; i++) sum += noise[i * COLS + j] = round(noise[i * COLS + j] * 0x1p20) * 0x1p-20;
        noise[(ROWS - 1) * COLS + j] = -sum;
    }
    for (int i = 0; i < ROWS * COLS; i++) {
        a[i] = size * (1 + i % COLS) + noise[i];
        squares += noise[i] * noise[i];
    }
    exact_values(noise, ROWS, COLS, truth);
    neck_operator *source = dense(a, ROWS, COLS), *op;
    ck_assert_int_eq(neck_operator_centered(NULL, source, NULL, &op), NECK_OK);
    ck_assert_double_eq_tol(neck_operator_frobenius_squared(op), squares, 1e-7 * squares);
    assert_bounds(op, K, methods[_i], 1e-10, truth, 1e-14);
    neck_operator_destroy(op);
    neck_operator_destroy(source);
}
END_TEST

/* What is left of |A|_F^2 is rounding, and no entries are there to look at. */
START_TEST(a_norm_that_cancelled_is_not_known)
{
    enum { ROWS = 6, COLS = 4 };
    int64_t starts[ROWS + 1];
    int32_t columns[ROWS * COLS];
    double values[ROWS * COLS];
    neck_operator *source, *op;
    for (int i = 0; i <= ROWS; i++) starts[i] = i * COLS;
    for (int i = 0; i < ROWS * COLS; i++) {
        columns[i] = i % COLS;
        values[i] = 1e6 * (1 + i % COLS) + 1e-3 * (i * i % 7);
    }
    ck_assert_int_eq(neck_operator_sparse(NULL, ROWS, COLS, starts, columns, values, &source), NECK_OK);
    ck_assert_int_eq(neck_operator_centered(NULL, source, NULL, &op), NECK_OK);
    ck_assert_double_lt(neck_operator_frobenius_squared(op), 0);
    neck_operator_destroy(op);
    neck_operator_destroy(source);
}
END_TEST

/* [A A] [B; C - B] = A C, with C so small that most of it is rounding of what cancels. */
START_TEST(products_that_cancel)
{
    enum { ROWS = 6, INNER = 8, COLS = 11, K = 5, TRIALS = 20 };
    uint64_t state = 9;
    for (int trial = 0; trial < TRIALS; trial++) {
        double a[ROWS * 2 * INNER], b[2 * INNER * COLS], whole[ROWS * COLS] = {0}, truth[ROWS];
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < INNER; j++)
                a[i * 2 * INNER + j] = a[i * 2 * INNER + INNER + j] = next_number(&state) * pow(10, -j);
        for (int i = 0; i < INNER * COLS; i++) {
            double c = round(next_number(&state) * 0x1p10) * 0x1p-40;
            b[i] = round(next_number(&state) * 0x1p10) * 0x1p-10;
            b[INNER * COLS + i] = c - b[i]; /* exact */
            for (int l = 0; l < ROWS; l++) whole[l * COLS + i % COLS] += a[l * 2 * INNER + i / COLS] * c;
        }
        neck_operator *first = dense(a, ROWS, 2 * INNER), *second = dense(b, 2 * INNER, COLS), *op;
        ck_assert_int_eq(neck_operator_product(NULL, first, second, &op), NECK_OK);
        exact_values(whole, ROWS, COLS, truth);
        assert_bounds(op, K, methods[_i], 1e-10, truth, 1e-14 * truth[0]);
        neck_operator_destroy(op);
        neck_operator_destroy(second);
        neck_operator_destroy(first);
    }
}
END_TEST

static int32_t twice(void *user, int32_t transposed, int64_t count, const double *x, double *y)
{
    (void)transposed;
    for (int64_t i = 0; i < *(int64_t *)user * count; i++) y[i] = 2 * x[i];
    return 0;
}

START_TEST(a_norm_that_is_a_lie)
{
    int64_t order = 30;
    double values[3];
    neck_operator *op;
    neck_truncated_options options = {.struct_size = sizeof options, .method = methods[_i]};
    ck_assert_int_eq(neck_operator_callback(NULL, order, order, twice, &order, 11, &op), NECK_OK);
    ck_assert_int_eq(neck_truncated_svd(NULL, op, 3, &options, values, NULL, NULL, NULL, NULL, NULL), NECK_E_ARGUMENT);
    neck_operator_destroy(op);
}
END_TEST

/* ---- densities ---- */

/* One value, equal values, and values that squares lose: what is left beside the largest is rounding. */
START_TEST(densities_of_little)
{
    enum { ROWS = 9, COLS = 12 };
    static const double steps[] = {0, 1, 1e-9};
    uint64_t state = 6;
    double size = _i == 0 ? 1 : ROWS, values[ROWS], *a;
    for (int i = 0; i < ROWS; i++) values[i] = pow(steps[_i], i);
    a = constructed(ROWS, COLS, values, 3);
    if (_i == 0)
        for (int j = 0; j < COLS; j++) a[j] = next_number(&state);
    neck_operator *op = dense(a, (int64_t)size, COLS);
    double truth = _i == 2 ? log(size) : 0; /* H(p) of one value beside which the rest are nothing is 0 */
    for (int32_t deflate = -1; deflate <= 0; deflate++) {
        neck_density_options options = {.struct_size = sizeof options, .deflate = deflate};
        neck_density *density;
        neck_band band;
        ck_assert_msg(neck_density_compute(NULL, op, &options, &density) == NECK_OK, "%s", neck_last_error());
        for (int32_t normalization = NECK_P_SQUARED; normalization <= NECK_P_LINEAR; normalization++) {
            ck_assert_int_eq(neck_density_entropy(density, normalization, &band), NECK_OK);
            ck_assert_double_ge(band.low, 0);
            ck_assert_double_le(band.low, truth + 1e-12);
            ck_assert_double_ge(band.high, truth - 1e-6);
        }
        ck_assert_int_eq(neck_density_w_error(density, 1, &band), NECK_OK);
        ck_assert_double_le(band.low, _i == 1 ? sqrt(8.0 / 9) : 0);
        ck_assert_double_ge(band.high, _i == 1 ? sqrt(8.0 / 9) : 0);
        neck_density_destroy(density);
    }
    neck_operator_destroy(op);
    for (int i = 0; i < ROWS * COLS; i++) a[i] *= 1e-156; /* squares are denormals */
    op = dense(a, (int64_t)size, COLS);
    neck_density *none = NULL;
    ck_assert_int_eq(neck_density_compute(NULL, op, NULL, &none), NECK_E_ARGUMENT);
    ck_assert_ptr_null(none);
    neck_operator_destroy(op);
    free(a);
}
END_TEST

/* ---- options as large as can be ---- */

START_TEST(options_without_measure)
{
    enum { ROWS = 1500, COLS = 400, K = 4 };
    double *a = random_matrix(ROWS, COLS, 2), start = 0, *truth = calloc(COLS, sizeof *truth), values[K];
    neck_operator *op = dense(a, ROWS, COLS);
    exact_values(a, ROWS, COLS, truth);
    const neck_truncated_options options[] = {
        {.struct_size = sizeof *options, .method = NECK_METHOD_KRYLOV, .tolerance = 1e-5, .block = INT32_MAX},
        {.struct_size = sizeof *options, .method = NECK_METHOD_KRYLOV, .basis = INT64_MAX},
        {.struct_size = sizeof *options, .method = NECK_METHOD_RANDOMIZED, .oversampling = INT64_MAX},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        ck_assert_msg(neck_truncated_svd(NULL, op, K, &options[i], values, NULL, NULL, NULL, NULL, NULL) == NECK_OK,
                      "%zu: %s", i, neck_last_error());
        for (int j = 0; j < K; j++) ck_assert_double_eq_tol(values[j], truth[j], 1e-4 * truth[0]);
    }
    neck_truncated_options many = {.struct_size = sizeof many, .start = &start, .start_count = INT64_MAX / 2};
    ck_assert_int_eq(neck_truncated_svd(NULL, op, K, &many, values, NULL, NULL, NULL, NULL, NULL), NECK_E_OVERFLOW);
    neck_operator_destroy(op);
    free(truth);
    free(a);
}
END_TEST

/* ---- triangles ---- */

START_TEST(triangles_beyond_double)
{
    enum { ROWS = 200, COLS = 2 };
    double a[ROWS * COLS], r[COLS * COLS] = {1, 2, 3, 4}, bound = 5;
    neck_matrix view = {a, ROWS, COLS, 0, NECK_F64, 0};
    for (int i = 0; i < ROWS * COLS; i++) a[i] = 1e308;
    ck_assert_int_eq(neck_qr_triangle(NULL, &view, NULL, r, &bound), NECK_E_OVERFLOW);
    ck_assert_double_eq(r[0], 1);
    ck_assert_double_eq(bound, 5);
    double shift[COLS] = {-1e308, 0}, kept[COLS] = {1e300, 1e-300};
    neck_matrix one = {a, 1, COLS, 0, NECK_F64, 0};
    ck_assert_int_eq(neck_qr_triangle(NULL, &one, shift, r, &bound), NECK_E_OVERFLOW);
    ck_assert_double_eq(r[0], 1);
    one.data = kept; /* fewer rows than columns are what they were, to the last bit */
    ck_assert_int_eq(neck_qr_triangle(NULL, &one, NULL, r, &bound), NECK_OK);
    ck_assert_double_eq(r[0], 1e300);
    ck_assert_double_eq(r[1], 1e-300);
    ck_assert_double_eq(bound, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("certified bounds");
    TCase *cases = tcase_create("certified bounds");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, values_far_below_the_largest, 0, METHODS);
    tcase_add_loop_test(cases, denormals, 0, METHODS + 1);
    tcase_add_test(cases, a_gram_of_numbers_whose_squares_vanish);
    tcase_add_test(cases, values_almost_equal);
    tcase_add_test(cases, nothing_but_the_mean);
    tcase_add_loop_test(cases, rows_almost_alike_centred, 0, METHODS);
    tcase_add_test(cases, a_norm_that_cancelled_is_not_known);
    tcase_add_loop_test(cases, products_that_cancel, 0, METHODS);
    tcase_add_loop_test(cases, a_norm_that_is_a_lie, 0, METHODS);
    tcase_add_loop_test(cases, densities_of_little, 0, 3);
    tcase_add_test(cases, options_without_measure);
    tcase_add_test(cases, triangles_beyond_double);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
