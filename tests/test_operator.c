/* Operators of every kind against plain loops, and what they refuse. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "softneck/operator.h"
#include "softneck/spectrum.h"

enum { ROWS = 301, COLS = 77 };

static neck__random numbers;
static float entries[ROWS * COLS];
static neck_matrix view = {entries, ROWS, COLS, 0, NECK_F32, 0};

static void setup(void)
{
    numbers = neck__random_seeded(7, 1);
    for (int i = 0; i < ROWS * COLS; i++) entries[i] = (float)neck__random_normal(&numbers);
}

static double entry(int64_t i, int64_t j) { return entries[i * COLS + j]; }
static double shifted(int64_t i, int64_t j)
{
    double mean = 0, total = 0;
    for (int64_t k = 0; k < ROWS; k++) mean += (double)(k % 3) * entry(k, j), total += (double)(k % 3);
    return entry(i, j) - mean / total;
}

/* Largest error of op's products with count vectors, against a matrix given by its entries. */
static double worst(neck_context *context, const neck_operator *op, double (*at)(int64_t, int64_t), int transposed,
                    int64_t count)
{
    int64_t rows = neck_operator_rows(op), cols = neck_operator_cols(op), in = transposed ? rows : cols,
        out = transposed ? cols : rows;
    double *x = malloc((size_t)(in * count) * sizeof *x), *y = malloc((size_t)(out * count) * sizeof *y), most = 0;
    double *matrix = malloc((size_t)(rows * cols) * sizeof *matrix);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) matrix[i * cols + j] = at(i, j);
    for (int64_t i = 0; i < in * count; i++) x[i] = neck__random_normal(&numbers);
    ck_assert_int_eq(neck_operator_apply(context, op, transposed, count, x, y), NECK_OK);
    for (int64_t i = 0; i < out; i++)
        for (int64_t c = 0; c < count; c++) {
            double sum = 0;
            for (int64_t k = 0; k < in; k++)
                sum += (transposed ? matrix[k * cols + i] : matrix[i * cols + k]) * x[k * count + c];
            double error = fabs(sum - y[i * count + c]);
            most = error > most ? error : most;
        }
    free(x);
    free(y);
    free(matrix);
    return most;
}

START_TEST(dense_and_centred)
{
    neck_operator *op, *centred;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    double weights[ROWS], squares = 0, left = 0;
    for (int i = 0; i < ROWS; i++) weights[i] = i % 3;
    ck_assert_int_eq(neck_operator_centered(NULL, op, weights, &centred), NECK_OK);
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < COLS; j++) squares += entry(i, j) * entry(i, j);
    ck_assert_double_eq_tol(neck_operator_frobenius_squared(op), squares, 1e-9 * squares);
    for (int64_t j = 0; j < COLS; j++) {
        double base = shifted(0, j) - entry(0, j);
        for (int64_t i = 0; i < ROWS; i++) left += (entry(i, j) + base) * (entry(i, j) + base);
    }
    ck_assert_double_eq_tol(neck_operator_frobenius_squared(centred), left, 1e-9 * left);
    static const int64_t counts[] = {1, 3, 8, 24, 25, 61};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int transposed = 0; transposed < 2; transposed++) {
            ck_assert_double_lt(worst(NULL, op, entry, transposed, counts[c]), 1e-11);
            if (counts[c] <= 3) ck_assert_double_lt(worst(NULL, centred, shifted, transposed, counts[c]), 1e-11);
        }
    neck_operator_destroy(centred);
    neck_operator_destroy(op);
}
END_TEST

START_TEST(bits_do_not_depend_on_threads)
{
    enum { COUNT = 5 };
    double x[ROWS * COUNT], first[ROWS * COUNT], y[ROWS * COUNT];
    for (int i = 0; i < ROWS * COUNT; i++) x[i] = neck__random_normal(&numbers);
    for (int transposed = 0; transposed < 2; transposed++)
        for (int32_t threads = 1; threads <= 4; threads++) {
            neck_context_options options = {.struct_size = sizeof options, .threads = threads};
            neck_context *context;
            neck_operator *op;
            ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
            ck_assert_int_eq(neck_operator_dense(context, &view, &op), NECK_OK);
            ck_assert_int_eq(neck_operator_apply(context, op, transposed, COUNT, x, y), NECK_OK);
            size_t bytes = (transposed ? COLS : ROWS) * COUNT * sizeof *y;
            if (threads == 1) memcpy(first, y, bytes);
            ck_assert_mem_eq(first, y, bytes);
            neck_operator_destroy(op);
            neck_context_destroy(context);
        }
}
END_TEST

static double three(int64_t i, int64_t j)
{
    static const double full[3][4] = {{0, 5, 0, -1}, {0, 0, 0, 0}, {2.5, 0, 0, 3}};
    return full[i][j];
}
static double gram_entry(int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < 4; k++) sum += three(i, k) * three(j, k);
    return sum;
}
static double three_turned(int64_t i, int64_t j) { return three(j, i); }

START_TEST(sparse_and_product)
{
    static const int64_t starts[] = {0, 3, 3, 5};
    static const int32_t columns[] = {1, 3, 1, 0, 3}, rows_of[] = {2, 0, 0, 2};
    static const double values[] = {2, -1, 3, 2.5, 3}, turned_values[] = {2.5, 5, -1, 3};
    static const int64_t turned_starts[] = {0, 1, 2, 2, 4};
    neck_operator *op, *turned, *both;
    ck_assert_int_eq(neck_operator_sparse(NULL, 3, 4, starts, columns, values, &op), NECK_OK);
    ck_assert_int_eq(neck_operator_sparse(NULL, 4, 3, turned_starts, rows_of, turned_values, &turned), NECK_OK);
    ck_assert_int_eq(neck_operator_product(NULL, op, turned, &both), NECK_OK);
    ck_assert_double_eq_tol(neck_operator_frobenius_squared(op), 25 + 1 + 6.25 + 9, 1e-14);
    for (int transposed = 0; transposed < 2; transposed++)
        for (int64_t count = 1; count < 20; count += 6) {
            ck_assert_double_lt(worst(NULL, op, three, transposed, count), 1e-13);
            ck_assert_double_lt(worst(NULL, turned, three_turned, transposed, count), 1e-13);
            ck_assert_double_lt(worst(NULL, both, gram_entry, transposed, count), 1e-12);
        }
    neck_operator *none = NULL;
    ck_assert_int_eq(neck_operator_product(NULL, op, op, &none), NECK_E_ARGUMENT);
    ck_assert_ptr_null(none);
    neck_operator_destroy(both);
    neck_operator_destroy(turned);
    neck_operator_destroy(op);
}
END_TEST

static int32_t given(void *user, int32_t transposed, int64_t count, const double *x, double *y)
{
    (void)transposed;
    int mode = *(int *)user;
    for (int64_t i = 0; i < 2 * count; i++) y[i] = mode == 1 ? NAN : 2 * x[i];
    return mode == 2;
}
static double twice(int64_t i, int64_t j) { return i == j ? 2 : 0; }

START_TEST(callbacks)
{
    int mode = 0;
    neck_operator *op;
    ck_assert_int_eq(neck_operator_callback(NULL, 2, 2, given, &mode, -1, &op), NECK_OK);
    ck_assert_double_lt(neck_operator_frobenius_squared(op), 0);
    ck_assert_double_lt(worst(NULL, op, twice, 0, 3), 1e-15);
    double x[2] = {1, 2}, y[2];
    mode = 1;
    ck_assert_int_eq(neck_operator_apply(NULL, op, 0, 1, x, y), NECK_E_NONFINITE);
    mode = 2;
    ck_assert_int_eq(neck_operator_apply(NULL, op, 0, 1, x, y), NECK_E_CANCELLED);
    ck_assert_int_eq(neck_operator_apply(NULL, op, 0, 0, x, y), NECK_E_ARGUMENT);
    neck_operator_destroy(op);
}
END_TEST

/* What a callback of A^T A must give is what both products of A do. */
static int32_t square_of(void *user, int32_t transposed, int64_t count, const double *x, double *y)
{
    return transposed != 0 || neck_operator_apply_normal(NULL, user, count, x, y) != NECK_OK;
}

START_TEST(normal_products)
{
    enum { COUNT = 3 };
    static double x[COLS * COUNT], ax[ROWS * COUNT], both[COLS * COUNT], at_once[COLS * COUNT];
    neck_operator *dense, *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &dense), NECK_OK);
    ck_assert_int_eq(neck_operator_normal(NULL, ROWS, COLS, square_of, dense, -1, &op), NECK_OK);
    for (int i = 0; i < COLS * COUNT; i++) x[i] = neck__random_normal(&numbers);
    ck_assert_int_eq(neck_operator_apply(NULL, dense, 0, COUNT, x, ax), NECK_OK);
    ck_assert_int_eq(neck_operator_apply(NULL, dense, 1, COUNT, ax, both), NECK_OK);
    ck_assert_int_eq(neck_operator_apply_normal(NULL, op, COUNT, x, at_once), NECK_OK);
    for (int i = 0; i < COLS * COUNT; i++) ck_assert_double_eq_tol(at_once[i], both[i], 1e-10);
    ck_assert_int_eq(neck_operator_apply(NULL, op, 0, COUNT, x, ax), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "A^T A alone"));
    ck_assert_int_eq(neck_operator_apply_normal(NULL, op, 0, x, at_once), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_operator_apply_normal(NULL, NULL, 1, x, at_once), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_operator_normal(NULL, 0, COLS, square_of, dense, -1, &op), NECK_E_ARGUMENT);
    neck_operator_destroy(op);
    neck_operator_destroy(dense);
}
END_TEST

START_TEST(refusals)
{
    neck_operator *op = NULL;
    static const int64_t starts[] = {0, 1}, falling[] = {0, -1}, late[] = {1, 1};
    static const int32_t columns[] = {3}, inside[] = {0};
    static const double bad[] = {NAN};
    ck_assert_int_eq(neck_operator_sparse(NULL, 1, 3, starts, columns, NULL, &op), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_operator_sparse(NULL, 1, 3, falling, inside, NULL, &op), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_operator_sparse(NULL, 1, 3, late, inside, NULL, &op), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_operator_sparse(NULL, 1, 3, starts, inside, bad, &op), NECK_E_NONFINITE);
    ck_assert_int_eq(neck_operator_sparse(NULL, 0, 3, starts, inside, NULL, &op), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_operator_callback(NULL, 1, 1, NULL, NULL, 0, &op), NECK_E_ARGUMENT);
    entries[5] = INFINITY;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_E_NONFINITE);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "element (0, 5)"));
    entries[5] = 1;
    double weights[ROWS] = {0};
    neck_operator *dense;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &dense), NECK_OK);
    ck_assert_int_eq(neck_operator_centered(NULL, dense, weights, &op), NECK_E_ARGUMENT);
    weights[3] = -1;
    ck_assert_int_eq(neck_operator_centered(NULL, dense, weights, &op), NECK_E_ARGUMENT);
    neck_operator_destroy(dense);
    ck_assert_ptr_null(op);
    neck_operator_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("operator");
    TCase *tests = tcase_create("operator");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, dense_and_centred);
    tcase_add_test(tests, bits_do_not_depend_on_threads);
    tcase_add_test(tests, sparse_and_product);
    tcase_add_test(tests, callbacks);
    tcase_add_test(tests, normal_products);
    tcase_add_test(tests, refusals);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
