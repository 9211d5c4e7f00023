/* tests/test_evaluation_parts.c - documents shared out, and what was found of them added up, against one evaluation
 * of all. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softneck.h"

static neck_model *model;

static void setup(void)
{
    char path[4096];
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/examples/data/stories260K/stories260K.bin", root ? root : ".");
    ck_assert_msg(neck_model_open(NULL, path, NULL, &model) == NECK_OK, "%s", neck_last_error());
}

static void teardown(void)
{
    neck_model_destroy(model);
}

enum { DOCUMENTS = 5, LONGEST = 150 };
static const int64_t lengths[DOCUMENTS] = {LONGEST, 1, 17, 2, 70};

static void document(int index, int32_t ids[LONGEST])
{
    for (int64_t i = 0; i < LONGEST; i++) ids[i] = (int32_t)((i * 37 + index * 101 + i * i % 19) % 500);
}

static neck_evaluation *create(int reach_back, int64_t stride)
{
    neck_evaluation_options options = {.struct_size = sizeof options,
                                       .context_length = 16,
                                       .stride = stride,
                                       .batch_tokens = 48,
                                       .sample_rows = 40,
                                       .watch_layers = 1,
                                       .reach_back = reach_back};
    neck_evaluation *evaluation = NULL;
    ck_assert_msg(neck_evaluation_create(NULL, model, &options, &evaluation) == NECK_OK, "%s", neck_last_error());
    return evaluation;
}

/* Whose of `ranks` a batch is: all get some, of some documents none. */
static int64_t begin_of(int64_t batches, int rank, int ranks)
{
    return batches * rank / ranks;
}

static void push_share(neck_evaluation *evaluation, int rank, int ranks)
{
    int32_t ids[LONGEST];
    for (int d = 0; d < DOCUMENTS; d++) {
        int64_t batches = neck_evaluation_batches(evaluation, lengths[d]), first = begin_of(batches, rank, ranks);
        document(d, ids);
        neck_status status = neck_evaluation_push_part(NULL, evaluation, ids, lengths[d], 1000 + d, 10 + d, first,
                                                       begin_of(batches, rank + 1, ranks) - first);
        ck_assert_msg(status == NECK_OK, "%s", neck_last_error());
    }
}

static void add_up(neck_evaluation *const *parts, int ranks, neck_evaluation *into)
{
    for (int64_t part = 0; part < neck_evaluation_parts(into); part++) {
        int64_t size = neck_evaluation_size(into, part);
        double *sums = calloc((size_t)size, sizeof *sums), *numbers = malloc((size_t)size * sizeof *numbers);
        for (int r = 0; r < ranks; r++) {
            ck_assert_int_eq(neck_evaluation_get(parts[r], part, numbers), NECK_OK);
            for (int64_t i = 0; i < size; i++) sums[i] += numbers[i];
        }
        ck_assert_msg(neck_evaluation_set(into, part, sums) == NECK_OK, "%s", neck_last_error());
        free(numbers);
        free(sums);
    }
}

static void assert_same(neck_evaluation *a, neck_evaluation *b)
{
    neck_text_loss x = {.struct_size = sizeof x}, y = {.struct_size = sizeof y};
    ck_assert_int_eq(neck_evaluation_loss(a, &x), NECK_OK);
    ck_assert_int_eq(neck_evaluation_loss(b, &y), NECK_OK);
    ck_assert_int_eq(x.documents, y.documents);
    ck_assert_int_eq(x.tokens, y.tokens);
    ck_assert_int_eq(x.correct, y.correct);
    ck_assert_double_eq_tol(x.bytes, y.bytes, 1e-9);
    ck_assert_double_eq_tol(x.words, y.words, 1e-9);
    ck_assert_double_eq_tol(x.loss, y.loss, 1e-13 * y.loss);
    ck_assert_double_eq_tol(x.standard_error, y.standard_error, 1e-12);
    for (int64_t layer = 0; layer < neck_evaluation_layers(a); layer++) {
        neck_measure p, q;
        double p_error, q_error;
        const neck_gram *g = neck_evaluation_gram(a, layer), *h = neck_evaluation_gram(b, layer);
        ck_assert_int_eq(neck_gram_count(g), neck_gram_count(h));
        for (int64_t j = 0; j < neck_gram_cols(g); j++)
            ck_assert_double_eq_tol(neck_gram_sum(g)[j], neck_gram_sum(h)[j], 1e-12 * neck_gram_norm_sum(h));
        ck_assert_int_eq(neck_evaluation_centered_anisotropy(NULL, a, layer, &p, &p_error), NECK_OK);
        ck_assert_int_eq(neck_evaluation_centered_anisotropy(NULL, b, layer, &q, &q_error), NECK_OK);
        ck_assert_double_eq_tol(p.value, q.value, 1e-13); /* the mean may differ by rounding, the sample may not */
        ck_assert_double_eq_tol(p_error, q_error, 1e-13);
        ck_assert_double_gt(q_error, 0);
    }
}

START_TEST(shares_add_up_to_the_evaluation_of_all)
{
    enum { MOST = 7 };
    int ranks = 1 + _i % MOST, reach_back = _i / MOST % 2;
    int64_t stride = _i / MOST < 2 ? 16 : 5;
    neck_evaluation *whole = create(reach_back, stride), *parts[MOST];
    int32_t ids[LONGEST];
    for (int d = 0; d < DOCUMENTS; d++) {
        document(d, ids);
        ck_assert_int_eq(neck_evaluation_push_tokens(NULL, whole, ids, lengths[d], 1000 + d, 10 + d), NECK_OK);
    }
    for (int r = 0; r < ranks; r++) {
        parts[r] = create(reach_back, stride);
        push_share(parts[r], r, ranks);
    }
    add_up(parts, ranks, parts[ranks - 1]);
    assert_same(parts[ranks - 1], whole);
    for (int r = 0; r < ranks; r++) neck_evaluation_destroy(parts[r]);
    neck_evaluation_destroy(whole);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    int32_t ids[LONGEST];
    neck_evaluation *evaluation = create(0, 16);
    document(0, ids);
    int64_t batches = neck_evaluation_batches(evaluation, 100), size = neck_evaluation_size(evaluation, 1);
    double *numbers = calloc((size_t)size, sizeof *numbers), sums[7];
    ck_assert_int_eq(batches, 3); /* six windows of 16 by threes, then one of 3 */
    ck_assert_int_eq(neck_evaluation_batches(evaluation, 1), 0);
    ck_assert_int_eq(neck_evaluation_push_part(NULL, evaluation, ids, 100, 0, 0, batches, 1), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_push_part(NULL, evaluation, ids, 100, 0, 0, -1, 1), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_push_part(NULL, evaluation, ids, 100, 0, 0, 0, INT64_MAX), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_push_part(NULL, evaluation, ids, 100, 0, 0, 1, INT64_MAX), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_push_part(NULL, evaluation, ids, 100, 0, 0, 0, 1), NECK_OK);
    ck_assert_int_eq(neck_evaluation_size(evaluation, -1), 0);
    ck_assert_int_eq(neck_evaluation_size(evaluation, neck_evaluation_parts(evaluation)), 0);
    ck_assert_int_eq(neck_evaluation_get(evaluation, neck_evaluation_parts(evaluation), numbers), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_get(evaluation, 1, numbers), NECK_OK);
    ck_assert_double_eq(numbers[0], 48); /* 51 were left out */
    ck_assert_int_eq(neck_evaluation_set(evaluation, 1, numbers), NECK_E_STATE);
    numbers[0] = 99;
    numbers[size - 1] = NAN;
    ck_assert_int_eq(neck_evaluation_set(evaluation, 1, numbers), NECK_E_NONFINITE);
    numbers[size - 1] = 1e39; /* samples are kept in single precision */
    ck_assert_int_eq(neck_evaluation_set(evaluation, 1, numbers), NECK_E_NONFINITE);
    numbers[size - 1] = 0;
    ck_assert_msg(neck_evaluation_set(evaluation, 1, numbers) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_evaluation_get(evaluation, 0, sums), NECK_OK);
    ck_assert_double_eq(sums[1], 48);
    sums[1] = 48.5;
    ck_assert_int_eq(neck_evaluation_set(evaluation, 0, sums), NECK_E_OVERFLOW);
    sums[1] = 48;
    sums[5] = INFINITY;
    ck_assert_int_eq(neck_evaluation_set(evaluation, 0, sums), NECK_E_NONFINITE);
    ck_assert_int_eq(neck_evaluation_set(NULL, 0, sums), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_parts(NULL), 0);
    ck_assert_int_eq(neck_evaluation_batches(NULL, 100), 0);
    free(numbers);
    neck_evaluation_destroy(evaluation);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("evaluation parts");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, shares_add_up_to_the_evaluation_of_all, 0, 21);
    tcase_add_test(tcase, what_does_not_fit_is_refused);
    Suite *suite = suite_create("evaluation parts");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
