/* Sparse products against plain loops, for every width of a block: tiles narrow towards its end. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "linalg/sparse.h"

enum { ROWS = 700, COLS = 23, MOST = 45, ENTRIES = ROWS * 8 };

static int64_t starts[ROWS + 1];
static int32_t columns[ENTRIES];
static double values[ENTRIES];
static double x[ROWS * MOST], y[ROWS * MOST], expected[ROWS * MOST];

/* Rows of 0 to 7 entries; columns may repeat. */
static neck__sparse make(int with_values)
{
    uint64_t state = 5;
    for (int i = 0; i < ROWS; i++) {
        starts[i + 1] = starts[i] + (int64_t)(next_bits(&state) % 8);
        for (int64_t e = starts[i]; e < starts[i + 1]; e++) {
            columns[e] = (int32_t)(next_bits(&state) % COLS);
            values[e] = next_number(&state);
        }
    }
    for (int64_t i = 0; i < ROWS * MOST; i++) x[i] = next_number(&state);
    return (neck__sparse){ROWS, starts, columns, with_values ? values : NULL};
}

static void multiply(const neck__sparse *s, int64_t count, const double *from, double *to)
{
    memset(to, 0, (size_t)(s->rows * count) * sizeof *to);
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t e = s->starts[i]; e < s->starts[i + 1]; e++)
            for (int64_t c = 0; c < count; c++)
                to[i * count + c] += (s->values ? s->values[e] : 1) * from[s->columns[e] * count + c];
}

static void check_close(int64_t count, const double *got)
{
    int64_t wrong = 0; /* one assertion for all numbers: each of Check's costs microseconds */
    while (wrong < count && fabs(got[wrong] - expected[wrong]) <= 1e-14 * (1 + 100 * fabs(expected[wrong]))) wrong++;
    ck_assert_msg(wrong == count, "number %lld is %g, not %g", (long long)wrong, got[wrong], expected[wrong]);
}

START_TEST(products)
{
    neck__sparse s = make(_i);
    for (int64_t count = 1; count <= MOST; count++) {
        multiply(&s, count, x, expected);
        for (int64_t i = 0; i < ROWS * count; i++) y[i] = NAN; /* nothing of it may stay */
        neck__sparse_apply(NULL, &s, count, x, y);
        check_close(ROWS * count, y);
    }
}
END_TEST

START_TEST(grams)
{
    neck__sparse s = make(_i), turned = {COLS, NULL, NULL, NULL};
    static int64_t turned_starts[COLS + 1];
    static int32_t rows[ENTRIES];
    static double turned_values[ENTRIES], between[ROWS * MOST];
    neck__sparse_transpose(&s, COLS, turned_starts, rows, s.values ? turned_values : NULL);
    turned = (neck__sparse){COLS, turned_starts, rows, s.values ? turned_values : NULL};
    for (int64_t count = 1; count <= MOST; count++) {
        multiply(&s, count, x, between);
        multiply(&turned, count, between, expected);
        for (int64_t i = 0; i < COLS * count; i++) {
            y[i] = (double)(i % 7);
            expected[i] += y[i];
        }
        ck_assert_int_eq(neck__sparse_add_gram(NULL, &s, COLS, count, x, y), NECK_OK);
        check_close(COLS * count, y);
    }
}
END_TEST

START_TEST(bits_do_not_depend_on_threads)
{
    neck__sparse s = make(1);
    static double gram[COLS * MOST], alone[ROWS * MOST], gram_alone[COLS * MOST];
    for (int32_t threads = 1; threads <= 4; threads++) {
        neck_context_options options = {sizeof options, .threads = threads};
        neck_context *context;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        memset(gram, 0, sizeof gram);
        neck__sparse_apply(context, &s, MOST, x, y);
        ck_assert_int_eq(neck__sparse_add_gram(context, &s, COLS, MOST, x, gram), NECK_OK);
        neck_context_destroy(context);
        if (threads == 1) {
            memcpy(alone, y, sizeof alone);
            memcpy(gram_alone, gram, sizeof gram);
        }
        ck_assert_int_eq(memcmp(alone, y, sizeof alone), 0);
        ck_assert_int_eq(memcmp(gram_alone, gram, sizeof gram), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sparse");
    TCase *tests = tcase_create("sparse");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, products, 0, 2);
    tcase_add_loop_test(tests, grams, 0, 2);
    tcase_add_test(tests, bits_do_not_depend_on_threads);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
