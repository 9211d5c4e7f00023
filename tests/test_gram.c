/* tests/test_gram.c - streaming second moments: exact against plain loops, all or nothing, mergeable, repeatable. */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"

static neck_gram *create(int64_t cols, const neck_gram_options *options)
{
    neck_gram *gram = NULL;
    ck_assert_int_eq(neck_gram_create(NULL, cols, options, &gram), NECK_OK);
    return gram;
}

static void push(neck_gram *gram, const void *data, int64_t rows, int64_t cols, int32_t dtype)
{
    neck_matrix view = {data, rows, cols, 0, dtype, 0};
    ck_assert_msg(neck_gram_push(NULL, gram, &view) == NECK_OK, "%s", neck_last_error());
}

/* Exact numbers have exact sums, so every route must give the same bits as plain loops. */
static void assert_exact(const neck_gram *gram, const double *a, int64_t rows, int64_t cols)
{
    ck_assert_int_eq(neck_gram_count(gram), rows);
    const double *data = neck_gram_data(gram), *sum = neck_gram_sum(gram);
    for (int64_t j = 0; j < cols; j++) {
        double expected = 0;
        for (int64_t i = 0; i < rows; i++) expected += a[i * cols + j];
        ck_assert_double_eq(sum[j], expected);
    }
    for (int64_t j = 0; j < cols; j++)
        for (int64_t k = 0; k < cols; k++) {
            double expected = 0;
            for (int64_t i = 0; i < rows; i++) expected += a[i * cols + j] * a[i * cols + k];
            ck_assert_double_eq(data[j * cols + k], expected);
        }
}

static const int64_t shapes[][2] = {{1, 1},   {1, 50},  {3, 24},  {700, 7},    {257, 23},  {511, 25},
                                    {40, 97}, {260, 73}, {2, 145}, {3000, 48}, {1025, 12}, {1100, 129}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

START_TEST(products_are_exact)
{
    int64_t rows = shapes[_i][0], cols = shapes[_i][1];
    double *a = exact_matrix(rows, cols, (uint64_t)_i);
    for (int32_t dtype = NECK_F32; dtype <= NECK_BF16; dtype++) {
        void *data = as_dtype(a, rows * cols, dtype);
        neck_gram *gram = create(cols, NULL);
        push(gram, data, rows, cols, dtype);
        assert_exact(gram, a, rows, cols);
        neck_gram_destroy(gram);
        free(data);
    }
    free(a);
}
END_TEST

START_TEST(pieces_and_merges_give_the_whole)
{
    int64_t rows = shapes[_i][0], cols = shapes[_i][1], cut = rows / 3;
    double *a = exact_matrix(rows, cols, (uint64_t)_i);
    neck_gram *whole = create(cols, NULL), *first = create(cols, NULL), *second = create(cols, NULL);
    if (cut > 0) push(first, a, cut, cols, NECK_F64);
    for (int64_t i = cut; i < rows; i++) push(second, a + i * cols, 1, cols, NECK_F64);
    neck_gram_data(second); /* completes the lower triangle, which the merge must not count on */
    ck_assert_int_eq(neck_gram_merge(first, second), NECK_OK);
    assert_exact(first, a, rows, cols);
    push(whole, a, rows, cols, NECK_F64);
    for (int64_t j = 0; j < cols; j++)
        ck_assert_double_eq_tol(neck_gram_unit_sum(first)[j], neck_gram_unit_sum(whole)[j], 1e-12 * (double)rows);
    ck_assert_double_eq_tol(neck_gram_norm_sum(first), neck_gram_norm_sum(whole), 1e-12 * neck_gram_norm_sum(whole));
    neck_gram_destroy(whole);
    neck_gram_destroy(first);
    neck_gram_destroy(second);
    free(a);
}
END_TEST

START_TEST(a_shift_is_subtracted_first)
{
    enum { ROWS = 300, COLS = 31 };
    double *a = exact_matrix(ROWS, COLS, 5), *shift = exact_matrix(1, COLS, 6), shifted[ROWS * COLS], mean[COLS];
    for (int i = 0; i < ROWS * COLS; i++) shifted[i] = a[i] - shift[i % COLS];
    neck_gram_options options = {sizeof options, .shift = shift};
    neck_gram *gram = create(COLS, &options);
    push(gram, a, ROWS, COLS, NECK_F64);
    assert_exact(gram, shifted, ROWS, COLS);
    ck_assert_mem_eq(neck_gram_shift(gram), shift, COLS * sizeof *shift);
    ck_assert_int_eq(neck_gram_mean(gram, mean), NECK_OK);
    for (int j = 0; j < COLS; j++) {
        double sum = 0;
        for (int i = 0; i < ROWS; i++) sum += a[i * COLS + j];
        ck_assert_double_eq_tol(mean[j], sum / ROWS, 1e-13);
    }
    neck_gram_destroy(gram);
    free(a);
    free(shift);
}
END_TEST

START_TEST(moments_need_no_products)
{
    enum { ROWS = 5000, COLS = 11 };
    double *a = exact_matrix(ROWS, COLS, 7), norm_sum = 0, unit[COLS] = {0};
    memset(a + 3 * COLS, 0, COLS * sizeof *a);
    for (int i = 0; i < ROWS; i++) {
        double squares = 0;
        for (int j = 0; j < COLS; j++) squares += a[i * COLS + j] * a[i * COLS + j];
        if (squares == 0) continue;
        norm_sum += sqrt(squares);
        for (int j = 0; j < COLS; j++) unit[j] += a[i * COLS + j] / sqrt(squares);
    }
    neck_gram_options options = {sizeof options, .moments_only = 1};
    neck_gram *gram = create(COLS, &options), *full = create(COLS, NULL);
    push(gram, a, ROWS, COLS, NECK_F64);
    ck_assert_ptr_null(neck_gram_data(gram));
    ck_assert_int_eq(neck_gram_zero_rows(gram), 1);
    ck_assert_double_eq_tol(neck_gram_norm_sum(gram), norm_sum, 1e-12 * norm_sum);
    for (int j = 0; j < COLS; j++) ck_assert_double_eq_tol(neck_gram_unit_sum(gram)[j], unit[j], 1e-11);
    ck_assert_int_eq(neck_gram_merge(full, gram), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_count(full), 0);
    neck_spectrum *spectrum = NULL;
    ck_assert_int_eq(neck_gram_spectrum(NULL, gram, NULL, &spectrum), NECK_E_STATE);
    ck_assert_ptr_null(spectrum);
    neck_gram_destroy(gram);
    neck_gram_destroy(full);
    free(a);
}
END_TEST

typedef struct copy {
    int64_t count, zero_rows;
    double norm_sum, values[2 * 40 + 40 * 40];
} copy;

static copy copy_of(const neck_gram *gram)
{
    copy kept = {neck_gram_count(gram), neck_gram_zero_rows(gram), neck_gram_norm_sum(gram), {0}};
    int64_t cols = neck_gram_cols(gram);
    ck_assert_int_le(cols, 40);
    memcpy(kept.values, neck_gram_sum(gram), (size_t)cols * 8);
    memcpy(kept.values + cols, neck_gram_unit_sum(gram), (size_t)cols * 8);
    memcpy(kept.values + 2 * cols, neck_gram_data(gram), (size_t)(cols * cols) * 8);
    return kept;
}

START_TEST(bad_pushes_change_nothing)
{
    enum { ROWS = 3000, COLS = 33 };
    int64_t rows = _i ? ROWS : 40; /* undone from a second matrix, or checked before */
    double *a = exact_matrix(ROWS, COLS, 8);
    neck_gram *gram = create(COLS, NULL);
    push(gram, a, ROWS, COLS, NECK_F64);
    copy before = copy_of(gram);
    a[(rows - 1) * COLS + 5] = NAN;
    neck_matrix view = {a, rows, COLS, 0, NECK_F64, 0};
    ck_assert_int_eq(neck_gram_push(NULL, gram, &view), NECK_E_NONFINITE);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), ", 5)"));
    a[(rows - 1) * COLS + 5] = 1e200;
    ck_assert_int_eq(neck_gram_push(NULL, gram, &view), NECK_E_OVERFLOW);
    a[(rows - 1) * COLS + 5] = 1;
    view.cols = COLS - 1;
    ck_assert_int_eq(neck_gram_push(NULL, gram, &view), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_push(NULL, gram, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_push(NULL, NULL, &view), NECK_E_ARGUMENT);
    copy after = copy_of(gram);
    ck_assert_mem_eq(&before, &after, sizeof before);
    neck_gram_destroy(gram);
    free(a);
}
END_TEST

static int32_t cancel_at(void *user, const neck_progress *progress)
{
    (void)progress;
    return --*(int *)user < 0;
}

START_TEST(a_cancelled_push_changes_nothing)
{
    enum { ROWS = 9000, COLS = 40 };
    double *a = exact_matrix(ROWS, COLS, 9);
    neck_gram *gram = create(COLS, NULL);
    push(gram, a, 100, COLS, NECK_F64);
    copy before = copy_of(gram);
    int left, cancelled = 0;
    neck_context_options options = {sizeof options, .threads = 2, .progress = cancel_at, .progress_user = &left};
    neck_context *context;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    neck_matrix view = {a, ROWS, COLS, 0, NECK_F64, 0};
    for (int calls = 0;; calls++, cancelled++) {
        left = calls;
        neck_status status = neck_gram_push(context, gram, &view);
        if (status == NECK_OK) break;
        ck_assert_int_eq(status, NECK_E_CANCELLED);
        copy after = copy_of(gram);
        ck_assert_mem_eq(&before, &after, sizeof before);
    }
    ck_assert_int_ge(cancelled, 10);
    ck_assert_int_eq(neck_gram_count(gram), 100 + ROWS);
    neck_context_destroy(context);
    neck_gram_destroy(gram);
    free(a);
}
END_TEST

START_TEST(the_number_of_threads_does_not_show)
{
    enum { ROWS = 4000, COLS = 150 };
    double *a = random_matrix(ROWS, COLS, 10), first[COLS * COLS + 2 * COLS];
    for (int32_t threads = 1; threads <= 5; threads++) {
        neck_context_options options = {sizeof options, .threads = threads};
        neck_context *context;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        neck_gram *gram = create(COLS, NULL);
        neck_matrix view = {a, ROWS, COLS, 0, NECK_F64, 0};
        ck_assert_int_eq(neck_gram_push(context, gram, &view), NECK_OK);
        double *now = threads == 1 ? first : malloc(sizeof first);
        memcpy(now, neck_gram_data(gram), COLS * COLS * 8);
        memcpy(now + COLS * COLS, neck_gram_sum(gram), COLS * 8);
        memcpy(now + COLS * COLS + COLS, neck_gram_unit_sum(gram), COLS * 8);
        ck_assert_mem_eq(now, first, sizeof first);
        if (threads > 1) free(now);
        neck_gram_destroy(gram);
        neck_context_destroy(context);
    }
    free(a);
}
END_TEST

START_TEST(merging_commutes_to_the_bit)
{
    enum { ROWS = 200, COLS = 40 };
    double *a = random_matrix(ROWS, COLS, 11), *b = random_matrix(ROWS, COLS, 12);
    neck_gram *left[2] = {create(COLS, NULL), create(COLS, NULL)}, *right[2] = {create(COLS, NULL), create(COLS, NULL)};
    for (int i = 0; i < 2; i++) {
        push(left[i], a, ROWS, COLS, NECK_F64);
        push(right[i], b, ROWS, COLS, NECK_F64);
    }
    ck_assert_int_eq(neck_gram_merge(left[0], right[0]), NECK_OK);
    ck_assert_int_eq(neck_gram_merge(right[1], left[1]), NECK_OK);
    copy one = copy_of(left[0]), other = copy_of(right[1]);
    ck_assert_mem_eq(&one, &other, sizeof one);
    for (int i = 0; i < 2; i++) {
        neck_gram_destroy(left[i]);
        neck_gram_destroy(right[i]);
    }
    free(a);
    free(b);
}
END_TEST

START_TEST(different_grams_do_not_merge)
{
    const double shift[3] = {1, 2, 3}, none[3] = {0, 0, 0};
    neck_gram_options shifted = {sizeof shifted, .shift = shift}, zeros = {sizeof zeros, .shift = none};
    neck_gram *plain = create(3, NULL), *wide = create(4, NULL), *moved = create(3, &shifted),
        *zero = create(3, &zeros);
    ck_assert_int_eq(neck_gram_merge(plain, wide), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_merge(plain, moved), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "shift"));
    ck_assert_int_eq(neck_gram_merge(plain, zero), NECK_OK);
    ck_assert_int_eq(neck_gram_merge(NULL, zero), NECK_E_ARGUMENT);
    neck_gram_destroy(plain);
    neck_gram_destroy(wide);
    neck_gram_destroy(moved);
    neck_gram_destroy(zero);
}
END_TEST

START_TEST(bad_creations_are_refused)
{
    const double poison[2] = {1, INFINITY};
    neck_gram_options bad_shift = {sizeof bad_shift, .shift = poison}, reserved = {sizeof reserved, .reserved = 1};
    neck_gram *gram = (neck_gram *)&bad_shift;
    ck_assert_int_eq(neck_gram_create(NULL, 2, &bad_shift, &gram), NECK_E_NONFINITE);
    ck_assert_int_eq(neck_gram_create(NULL, 2, &reserved, &gram), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_create(NULL, 0, NULL, &gram), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_create(NULL, 2, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_create(NULL, INT64_MAX / 2, NULL, &gram), NECK_E_OVERFLOW);
    ck_assert_int_eq(neck_gram_create(NULL, 1 << 30, NULL, &gram), NECK_E_NOMEM);
    ck_assert_ptr_eq(gram, (neck_gram *)&bad_shift);
    neck_gram *empty = create(2, NULL);
    double mean[2] = {-7, -7};
    ck_assert_int_eq(neck_gram_mean(empty, mean), NECK_E_STATE);
    ck_assert_double_eq(mean[0], -7);
    neck_gram_destroy(empty);
    neck_gram_destroy(NULL);
}
END_TEST

static void *read_data(void *gram)
{
    return (void *)(uintptr_t)neck_gram_data(gram);
}

START_TEST(readers_may_run_side_by_side)
{
    enum { ROWS = 60, COLS = 300, READERS = 6 };
    double *a = exact_matrix(ROWS, COLS, 13);
    neck_gram *gram = create(COLS, NULL);
    for (int round = 0; round < 20; round++) {
        push(gram, a, ROWS, COLS, NECK_F64);
        pthread_t readers[READERS];
        for (int i = 0; i < READERS; i++) pthread_create(&readers[i], NULL, read_data, gram);
        for (int i = 0; i < READERS; i++) {
            void *seen;
            pthread_join(readers[i], &seen);
            const double *data = seen;
            ck_assert_double_eq(data[(COLS - 1) * COLS], data[COLS - 1]);
        }
    }
    neck_gram_destroy(gram);
    free(a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gram");
    TCase *tests = tcase_create("gram");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, products_are_exact, 0, SHAPES);
    tcase_add_loop_test(tests, pieces_and_merges_give_the_whole, 0, SHAPES);
    tcase_add_test(tests, a_shift_is_subtracted_first);
    tcase_add_test(tests, moments_need_no_products);
    tcase_add_loop_test(tests, bad_pushes_change_nothing, 0, 2);
    tcase_add_test(tests, a_cancelled_push_changes_nothing);
    tcase_add_test(tests, the_number_of_threads_does_not_show);
    tcase_add_test(tests, merging_commutes_to_the_bit);
    tcase_add_test(tests, different_grams_do_not_merge);
    tcase_add_test(tests, bad_creations_are_refused);
    tcase_add_test(tests, readers_may_run_side_by_side);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
