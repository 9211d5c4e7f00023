/* What the tests of bottlenecks share: goldens of tests/golden/bottleneck.json, views, plain products. */
#ifndef TESTS_BOTTLENECK_SUPPORT_H
#define TESTS_BOTTLENECK_SUPPORT_H

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "constructed.h"

static inline json_t *golden_load(void)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/bottleneck.json", root ? root : ".");
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);
    ck_assert_msg(all != NULL, "%s:%d: %s", path, error.line, error.text);
    return all;
}

static inline double golden_number(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    ck_assert_msg(json_is_number(number), "the golden has no number %s", key);
    return json_number_value(number);
}

/* An array of numbers as doubles; free() it. */
static inline double *golden_numbers(const json_t *object, const char *key, int64_t *count)
{
    const json_t *array = json_object_get(object, key);
    ck_assert_msg(json_array_size(array) > 0, "the golden has no numbers %s", key);
    *count = (int64_t)json_array_size(array);
    double *numbers = malloc((size_t)*count * sizeof *numbers);
    for (int64_t i = 0; i < *count; i++) numbers[i] = json_number_value(json_array_get(array, (size_t)i));
    return numbers;
}

static inline int32_t *golden_targets(const json_t *object, int64_t *count)
{
    double *numbers = golden_numbers(object, "targets", count);
    int32_t *targets = malloc((size_t)*count * sizeof *targets);
    for (int64_t i = 0; i < *count; i++) targets[i] = (int32_t)numbers[i];
    free(numbers);
    return targets;
}

static inline neck_matrix view_of(const double *data, int64_t rows, int64_t cols)
{
    return (neck_matrix){data, rows, cols, 0, NECK_F64, 0};
}

/* The golden's head and states. */
typedef struct golden_head {
    json_t *all;
    int64_t width, vocabulary, count;
    double *weights, *states;
    int32_t *targets;
    neck_matrix weights_view, states_view;
} golden_head;

static inline golden_head golden_head_load(void)
{
    golden_head g = {.all = golden_load()};
    int64_t size;
    g.width = (int64_t)golden_number(g.all, "width");
    g.weights = golden_numbers(g.all, "weights", &size);
    g.vocabulary = size / g.width;
    g.states = golden_numbers(g.all, "states", &size);
    g.count = size / g.width;
    g.targets = golden_targets(g.all, &size);
    ck_assert_int_eq(size, g.count);
    g.weights_view = view_of(g.weights, g.vocabulary, g.width);
    g.states_view = view_of(g.states, g.count, g.width);
    return g;
}

static inline void golden_head_free(golden_head *g)
{
    free(g->weights);
    free(g->states);
    free(g->targets);
    json_decref(g->all);
}

/* c (m x n) = a (m x k) b (k x n), or a b^T with b n x k. */
static inline double *plain_product(int64_t m, int64_t n, int64_t k, const double *a, const double *b, int transpose)
{
    double *c = malloc((size_t)(m * n) * sizeof *c);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < k; l++) sum += a[i * k + l] * (transpose ? b[j * k + l] : b[l * n + j]);
            c[i * n + j] = sum;
        }
    return c;
}

static inline neck_truncation *truncation_of(const neck_matrix *weights, int32_t kind, int32_t centered,
                                             const neck_gram *moments)
{
    neck_truncate_options options = {.struct_size = sizeof options, .kind = kind, .centered = centered,
                                     .moments = moments};
    neck_truncation *truncation = NULL;
    ck_assert_msg(neck_truncation_create(NULL, weights, &options, &truncation) == NECK_OK, "%s", neck_last_error());
    return truncation;
}

static inline neck_gram *moments_of(const neck_matrix *states)
{
    neck_gram *gram = NULL;
    ck_assert_int_eq(neck_gram_create(NULL, states->cols, NULL, &gram), NECK_OK);
    ck_assert_msg(neck_gram_push(NULL, gram, states) == NECK_OK, "%s", neck_last_error());
    return gram;
}

static inline int run_suite(const char *name, void (*add)(TCase *), double timeout)
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, timeout);
    add(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

#endif
