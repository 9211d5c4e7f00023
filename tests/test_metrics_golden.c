/* Every metric of the table against independent references on the same singular values. */
#include "test_metrics_support.h"

#define RELATIVE 1e-9

static json_t *spectra;

static void setup(void) { spectra = golden_load("spectra"); }
static void teardown(void) { json_decref(spectra); }

static neck_spectrum *golden_spectrum(const json_t *entry)
{
    int64_t count, rows = (int64_t)golden_number(entry, "rows");
    double *values = golden_numbers(json_object_get(entry, "values"), &count);
    neck_spectrum *spectrum = NULL;
    ck_assert_int_eq(neck_spectrum_from_values(NULL, values, count, rows, count, -1, 0, &spectrum), NECK_OK);
    free(values);
    return spectrum;
}

/* A reference of null: the metric is undefined there, or infinite. */
static void assert_undefined(const char *metric, const neck_spectrum *spectrum)
{
    int64_t index = -1;
    neck_measure measure = {7, 8};
    ck_assert_int_eq(neck_metric_find(metric, &index), NECK_OK);
    neck_status status = neck_metric_evaluate(index, spectrum, &measure);
    if (status == NECK_OK) {
        ck_assert_double_infinite(measure.value);
        ck_assert_double_infinite(measure.error);
    } else {
        ck_assert_int_eq(status, NECK_E_ARGUMENT);
        ck_assert(measure.value == 7 && measure.error == 8);
    }
}

START_TEST(metrics_match_their_references)
{
    const char *name, *metric;
    json_t *entry, *expected;
    int64_t compared = 0;
    json_object_foreach(spectra, name, entry) {
        neck_spectrum *spectrum = golden_spectrum(entry);
        json_object_foreach(json_object_get(entry, "expected"), metric, expected) {
            char what[128];
            snprintf(what, sizeof what, "%s of %s", metric, name);
            if (json_is_null(expected)) {
                assert_undefined(metric, spectrum);
                continue;
            }
            neck_measure measure = evaluate(metric, spectrum);
            assert_close(measure.value, json_number_value(expected), RELATIVE, what);
            ck_assert_msg(measure.error == 0, "%s: exact values give an error of %g", what, measure.error);
            compared++;
        }
        neck_spectrum_destroy(spectrum);
    }
    ck_assert_int_gt(compared, 13 * 20);
}
END_TEST

START_TEST(every_metric_has_a_reference)
{
    json_t *expected = json_object_get(json_object_get(spectra, "stories260K"), "expected");
    for (int64_t i = 0; i < neck_metric_count(); i++)
        ck_assert_msg(json_is_number(json_object_get(expected, neck_metric_name(i))), "%s", neck_metric_name(i));
    ck_assert_int_eq((int64_t)json_object_size(expected), neck_metric_count());
}
END_TEST

START_TEST(power_law_tail_matches_the_powerlaw_package)
{
    const char *name;
    json_t *entry;
    int fitted = 0;
    json_object_foreach(spectra, name, entry) {
        json_t *expected = json_object_get(entry, "power_law");
        if (!expected) continue;
        neck_spectrum *spectrum = golden_spectrum(entry);
        neck_power_law law = {.struct_size = sizeof law};
        ck_assert_int_eq(neck_power_law_tail(spectrum, &law), NECK_OK);
        assert_close(law.alpha, golden_number(expected, "alpha"), RELATIVE, name);
        assert_close(law.ks_distance, golden_number(expected, "ks_distance"), RELATIVE, name);
        assert_close(law.standard_error, golden_number(expected, "standard_error"), RELATIVE, name);
        assert_close(law.xmin / golden_number(expected, "xmin"), 1, RELATIVE, name);
        ck_assert_int_eq(law.tail_count, (int64_t)golden_number(expected, "tail_count"));
        neck_spectrum_destroy(spectrum);
        fitted++;
    }
    ck_assert_int_ge(fitted, 10);
}
END_TEST

int main(void)
{
    TCase *golden = tcase_create("golden");
    tcase_add_checked_fixture(golden, setup, teardown);
    tcase_add_test(golden, metrics_match_their_references);
    tcase_add_test(golden, every_metric_has_a_reference);
    tcase_add_test(golden, power_law_tail_matches_the_powerlaw_package);
    return run_cases("metrics_golden", &golden, 1);
}
