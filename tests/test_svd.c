/* tests/test_svd.c - thin SVD: reconstruction, orthonormality, signs, tall and wide, rank deficient. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"

static const int64_t shapes[][2] = {{1, 1}, {7, 1}, {1, 7}, {5, 5}, {90, 31}, {31, 90}, {600, 20}, {1300, 33},
                                    {40, 2100}, {513, 257}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct triplets {
    int64_t rows, cols, k;
    double *u, *s, *vt, bound;
} triplets;

static triplets room_for(int64_t rows, int64_t cols)
{
    int64_t k = rows < cols ? rows : cols;
    return (triplets){rows, cols, k, malloc((size_t)(rows * k) * 8), malloc((size_t)k * 8),
                      malloc((size_t)(k * cols) * 8), -7};
}

static void release(triplets *t)
{
    free(t->u);
    free(t->s);
    free(t->vt);
}

static void assert_svd_of(const triplets *t, const double *a, double scale)
{
    double tolerance = 1e-14 * scale * (double)(t->k + 10);
    for (int64_t i = 0; i < t->rows; i++)
        for (int64_t j = 0; j < t->cols; j++) {
            double sum = 0;
            for (int64_t l = 0; l < t->k; l++) sum += t->u[i * t->k + l] * t->s[l] * t->vt[l * t->cols + j];
            ck_assert_double_eq_tol(sum, a[i * t->cols + j], tolerance);
        }
    for (int64_t l = 0; l < t->k; l++)
        for (int64_t m = 0; m <= l; m++) {
            double u = 0, v = 0;
            for (int64_t i = 0; i < t->rows; i++) u += t->u[i * t->k + l] * t->u[i * t->k + m];
            for (int64_t j = 0; j < t->cols; j++) v += t->vt[l * t->cols + j] * t->vt[m * t->cols + j];
            ck_assert_double_eq_tol(u, l == m, 1e-13);
            ck_assert_double_eq_tol(v, l == m, 1e-13);
        }
    for (int64_t l = 1; l < t->k; l++) ck_assert_double_le(t->s[l], t->s[l - 1]);
}

/* Full rank, then half of the values zero: the left vectors must stay orthonormal. */
START_TEST(factors_multiply_back)
{
    int64_t rows = shapes[_i % SHAPES][0], cols = shapes[_i % SHAPES][1], k = rows < cols ? rows : cols;
    int deficient = _i / SHAPES;
    double *values = calloc((size_t)k, sizeof *values);
    for (int64_t i = 0; i < k && !(deficient && i > k / 2); i++) values[i] = 3.0 / (double)(i + 1);
    double *a = constructed(rows, cols, values, (uint64_t)_i);
    neck_matrix view = {a, rows, cols, 0, NECK_F64, 0};
    triplets t = room_for(rows, cols);
    ck_assert_msg(neck_svd_compute(NULL, &view, NULL, t.u, t.s, t.vt, &t.bound) == NECK_OK, "%s", neck_last_error());
    assert_svd_of(&t, a, 3);
    for (int64_t i = 0; i < k; i++)
        ck_assert_double_le(fabs(t.s[i] - values[i]), t.bound + 3e-15 * sqrt((double)(rows + cols)));
    ck_assert_double_le(t.bound, 1e-10);
    for (int64_t i = 0; i < k; i++) { /* the sign rule */
        double largest = 0;
        for (int64_t j = 0; j < k; j++) {
            double entry = rows >= cols ? t.vt[i * cols + j] : t.u[j * k + i];
            if (fabs(entry) > fabs(largest)) largest = entry;
        }
        ck_assert_double_gt(largest, 0);
    }
    release(&t);
    free(values);
    free(a);
}
END_TEST

START_TEST(unwanted_outputs_may_be_left_out)
{
    double *a = random_matrix(700, 30, 1);
    for (int wide = 0; wide < 2; wide++) {
        int64_t rows = wide ? 30 : 700, cols = wide ? 700 : 30;
        neck_matrix view = {a, rows, cols, 0, NECK_F64, 0};
        triplets all = room_for(rows, cols), some = room_for(rows, cols);
        ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, all.u, all.s, all.vt, NULL), NECK_OK);
        ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, some.u, some.s, NULL, NULL), NECK_OK);
        ck_assert_mem_eq(all.u, some.u, (size_t)(rows * 30) * 8);
        ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, NULL, some.s, some.vt, NULL), NECK_OK);
        ck_assert_mem_eq(all.vt, some.vt, (size_t)(30 * cols) * 8);
        ck_assert_mem_eq(all.s, some.s, 30 * 8);
        ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, NULL, NULL, NULL, NULL), NECK_E_ARGUMENT);
        release(&all);
        release(&some);
    }
    free(a);
}
END_TEST

START_TEST(centred_factors_are_of_the_centred_matrix)
{
    enum { ROWS = 90, COLS = 8 };
    double *a = random_matrix(ROWS, COLS, 2), centred[ROWS * COLS];
    for (int j = 0; j < COLS; j++) {
        double mean = 0;
        for (int i = 0; i < ROWS; i++) mean += a[i * COLS + j] / ROWS;
        for (int i = 0; i < ROWS; i++) centred[i * COLS + j] = a[i * COLS + j] - mean;
    }
    neck_matrix view = {a, ROWS, COLS, 0, NECK_F64, 0};
    neck_svd_options options = {sizeof options, .variant = NECK_VARIANT_CENTERED},
        dropped = {sizeof dropped, .variant = NECK_VARIANT_DROP_TOP};
    triplets t = room_for(ROWS, COLS);
    ck_assert_int_eq(neck_svd_compute(NULL, &view, &options, t.u, t.s, t.vt, NULL), NECK_OK);
    assert_svd_of(&t, centred, t.s[0]);
    ck_assert_int_eq(neck_svd_compute(NULL, &view, &dropped, t.u, t.s, t.vt, NULL), NECK_E_ARGUMENT);
    release(&t);
    free(a);
}
END_TEST

static int32_t cancel_at(void *user, const neck_progress *progress)
{
    (void)progress;
    return --*(int *)user < 0;
}

START_TEST(cancelling_leaves_the_arrays_alone)
{
    enum { ROWS = 3000, COLS = 12 };
    double *a = random_matrix(ROWS, COLS, 3), *untouched = malloc(ROWS * COLS * 8);
    neck_matrix view = {a, ROWS, COLS, 0, NECK_F64, 0};
    triplets t = room_for(ROWS, COLS);
    memset(untouched, 0x5a, ROWS * COLS * 8);
    int left, cancelled = 0;
    neck_context_options options = {sizeof options, .progress = cancel_at, .progress_user = &left};
    neck_context *context;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    for (int calls = 0;; calls++, cancelled++) {
        memset(t.u, 0x5a, ROWS * COLS * 8);
        memset(t.s, 0x5a, COLS * 8);
        memset(t.vt, 0x5a, COLS * COLS * 8);
        left = calls;
        neck_status status = neck_svd_compute(context, &view, NULL, t.u, t.s, t.vt, &t.bound);
        if (status == NECK_OK) break;
        ck_assert_int_eq(status, NECK_E_CANCELLED);
        ck_assert_mem_eq(t.u, untouched, ROWS * COLS * 8);
        ck_assert_mem_eq(t.s, untouched, COLS * 8);
        ck_assert_mem_eq(t.vt, untouched, COLS * COLS * 8);
        ck_assert_double_eq(t.bound, -7);
    }
    ck_assert_int_ge(cancelled, 8);
    neck_context_destroy(context);
    release(&t);
    free(untouched);
    free(a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("svd");
    TCase *tests = tcase_create("svd");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, factors_multiply_back, 0, 2 * SHAPES);
    tcase_add_test(tests, unwanted_outputs_may_be_left_out);
    tcase_add_test(tests, centred_factors_are_of_the_centred_matrix);
    tcase_add_test(tests, cancelling_leaves_the_arrays_alone);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
