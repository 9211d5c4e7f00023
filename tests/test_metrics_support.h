/* What the tests of the metrics share: goldens from tests/golden/metrics.json and spectra made in one call. */
#ifndef TEST_METRICS_SUPPORT_H
#define TEST_METRICS_SUPPORT_H

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "softneck.h"

static inline json_t *golden_load(const char *part)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/metrics.json", root ? root : ".");
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);
    ck_assert_msg(all != NULL, "%s:%d: %s", path, error.line, error.text);
    json_t *wanted = json_incref(json_object_get(all, part));
    ck_assert_ptr_nonnull(wanted);
    json_decref(all);
    return wanted;
}

static inline double golden_number(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    ck_assert_msg(json_is_number(number), "the golden has no number %s", key);
    return json_number_value(number);
}

/* A JSON array of numbers as doubles; free() it. */
static inline double *golden_numbers(const json_t *array, int64_t *count)
{
    *count = (int64_t)json_array_size(array);
    ck_assert(*count > 0);
    double *numbers = malloc((size_t)*count * sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    for (int64_t i = 0; i < *count; i++) numbers[i] = json_number_value(json_array_get(array, (size_t)i));
    return numbers;
}

/* All singular values of an n x n matrix. */
static inline neck_spectrum *spectrum_of(const double *values, int64_t n, double bound)
{
    neck_spectrum *spectrum = NULL;
    ck_assert_int_eq(neck_spectrum_from_values(NULL, values, n, n, n, -1, bound, &spectrum), NECK_OK);
    return spectrum;
}

static inline neck_measure evaluate(const char *name, const neck_spectrum *spectrum)
{
    int64_t index = -1;
    neck_measure measure = {NAN, NAN};
    ck_assert_int_eq(neck_metric_find(name, &index), NECK_OK);
    ck_assert_msg(neck_metric_evaluate(index, spectrum, &measure) == NECK_OK, "%s: %s", name, neck_last_error());
    return measure;
}

static inline void assert_close(double actual, double expected, double relative, const char *what)
{
    double tolerance = relative * fabs(expected) + 1e-13;
    ck_assert_msg(fabs(actual - expected) <= tolerance, "%s: %.17g instead of %.17g", what, actual, expected);
}

/* Numbers in [0, 1) that are the same everywhere. */
static inline double uniform_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static inline double gaussian_next(uint64_t *state)
{
    double radius = sqrt(-2 * log(1 - uniform_next(state)));
    return radius * cos(6.283185307179586 * uniform_next(state));
}

static inline int run_cases(const char *name, TCase *const *cases, int count)
{
    Suite *suite = suite_create(name);
    for (int i = 0; i < count; i++) {
        tcase_set_timeout(cases[i], 60);
        suite_add_tcase(suite, cases[i]);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
