/* tests/test_co_occurrence.c - onsets and lags of planted turns and of the paper's curves, correlations against
 * scipy's. */
#include "runs.h"
#include "saturation_support.h"
#include "study/rank_correlation.h"

static series first, second;

static neck_co_occurrence measure_skipping(double first_excess, double second_excess, int32_t skip_start)
{
    neck_curve a = curve_of(&first), b = curve_of(&second);
    neck_co_occurrence_options options = {.struct_size = sizeof options, .first_minimum_excess = first_excess,
                                          .second_minimum_excess = second_excess, .skip_start = skip_start};
    neck_co_occurrence found = {.struct_size = sizeof found};
    ck_assert_msg(neck_co_occurrence_measure(NULL, &a, &b, &options, &found) == NECK_OK, "%s", neck_last_error());
    return found;
}

static neck_co_occurrence measure(double first_excess, double second_excess)
{
    return measure_skipping(first_excess, second_excess, 0);
}

/* Falls to a turn, then rises; steps of `every`. */
static void plant(series *s, int64_t count, int64_t every, double turn, double rise, uint64_t *state)
{
    s->count = count;
    for (int64_t i = 0; i < count; i++) {
        double t = (double)(i + 1) / (double)count;
        s->steps[i] = every * (i + 1);
        s->values[i] = 1 + 0.3 * pow(fmin(t, turn), -0.4) + rise * fmin(fmax((t - turn) / 0.1, 0), 1);
    }
    add_noise(s, 0.003, 0.3, 0, state);
}

START_TEST(ranks_correlate_as_in_scipy)
{
    json_t *all = load_golden("tests/golden/saturation.json"), *cases = json_object_get(all, "spearman");
    ck_assert_uint_eq(json_array_size(cases), 9);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *golden = json_array_get(cases, i);
        double x[100], y[100], room[400];
        int64_t count = read_numbers(golden, "x", x);
        read_numbers(golden, "y", y);
        ck_assert_double_eq_tol(neck__spearman(count, x, y, room), read_number(golden, "spearman"), 1e-13);
        for (int64_t k = 0; k < count; k++) y[k] = 3;
        ck_assert(isnan(neck__spearman(count, x, y, room)));
    }
    json_decref(all);
}
END_TEST

/* Independent AR(1) series: an interval that takes pairs for independent would exclude 0 far more often. */
START_TEST(correlation_intervals_allow_for_the_order)
{
    uint64_t state = 4;
    int covered = 0;
    for (int round = 0; round < 60; round++) {
        first.count = second.count = 120;
        memset(first.values, 0, sizeof first.values);
        memset(second.values, 0, sizeof second.values);
        add_noise(&first, 1, 0.7, 0, &state);
        add_noise(&second, 1, 0.7, 0, &state);
        neck__rank_interval found;
        ck_assert_int_eq(neck__spearman_interval(NULL, 120, first.values, second.values, 10, 299, 0.95, &found),
                         NECK_OK);
        ck_assert(found.low <= found.value && found.value <= found.high);
        covered += found.low <= 0 && 0 <= found.high;
    }
    ck_assert_int_ge(covered, 50);
}
END_TEST

/* Of few pairs that depend on each other, in the wide and in the order: percentiles alone cover 84 %. */
START_TEST(correlation_intervals_of_few_pairs_cover)
{
    uint64_t state = 14;
    int covered = 0;
    double truth = 6 / 3.141592653589793 * asin(0.5 / 2); /* Spearman's, of a normal pair whose correlation is 0.5 */
    for (int round = 0; round < 200; round++) {
        first.count = second.count = 15;
        memset(first.values, 0, sizeof first.values);
        memset(second.values, 0, sizeof second.values);
        add_noise(&first, 1, 0.5, 0, &state);
        add_noise(&second, 1, 0.5, 0, &state);
        for (int i = 0; i < 15; i++) second.values[i] = 0.5 * first.values[i] + sqrt(0.75) * second.values[i];
        neck__rank_interval found;
        ck_assert_int_eq(neck__spearman_interval(NULL, 15, first.values, second.values, 5, 199, 0.95, &found), NECK_OK);
        covered += found.low <= truth && truth <= found.high;
    }
    ck_assert_int_ge(covered, 184);
}
END_TEST

START_TEST(a_planted_lag_is_found)
{
    uint64_t state = 5;
    plant(&first, 500, 100, 0.5, 0.2, &state);
    plant(&second, 100, 500, 0.6, 0.8, &state);
    neck_co_occurrence found = measure(0, 0.3);
    ck_assert_int_le(llabs(found.first_onset - 25000), 1500);
    ck_assert_int_le(llabs(found.second_onset - 30000), 1500);
    ck_assert_double_eq(found.lag, (double)(found.second_onset - found.first_onset));
    ck_assert(found.lag_low <= 5000 && 5000 <= found.lag_high && found.lag_high - found.lag_low < 10000);
    ck_assert_int_eq(found.common, 100);
    ck_assert(found.correlation_low <= found.correlation && found.correlation <= found.correlation_high);
    ck_assert(found.change_low <= found.change_correlation && found.change_correlation <= found.change_high);
}
END_TEST

START_TEST(no_turn_no_lag)
{
    uint64_t state = 6;
    plant(&first, 300, 100, 0.5, 0.2, &state);
    plant(&second, 300, 100, 1, 0, &state);
    neck_co_occurrence found = measure(0, 0);
    ck_assert_int_gt(found.first_onset, 0);
    ck_assert_int_eq(found.second_onset, -1);
    ck_assert(isnan(found.lag) && isnan(found.lag_low) && isfinite(found.correlation));
    for (int64_t i = 0; i < 300; i++) second.steps[i] += 1000000; /* no step in common */
    found = measure(0, 0);
    ck_assert_int_eq(found.common, 0);
    ck_assert(isnan(found.correlation));
}
END_TEST

/* A head's: it starts flat, rises to 1.5 after a fifth of the run, flattens again to 0.7 and, at `turn`, spikes by
 * `rise`. */
static void plant_head(series *s, int64_t count, double turn, double rise, uint64_t *state)
{
    s->count = count;
    for (int64_t i = 0; i < count; i++) {
        double t = (double)(i + 1) / (double)count, since = fmax(t - turn, 0);
        s->steps[i] = 100 * (i + 1);
        s->values[i] = t < 0.2 ? 0.1 : 1.5 - 0.8 * fmin((t - 0.2) / 0.2, 1) + rise * fmin(since / 0.1, 1);
    }
    add_noise(s, 0.02, 0.5, 0, state);
}

START_TEST(a_spike_is_found_behind_the_rise_from_the_start)
{
    if (is_slow_build() && _i > 0) return;
    uint64_t state = (uint64_t)_i + 8;
    plant(&first, 500, 100, 0.5, 0.2, &state);
    plant_head(&second, 500, 0.4 + 0.1 * _i, 0.8, &state);
    neck_co_occurrence found = measure_skipping(0, 0.5, 2);
    int64_t onset = 20000 + 5000 * _i, start = 10000;
    ck_assert_int_le(llabs(found.second_onset - onset), 1500);
    ck_assert(found.second_low <= onset && onset <= found.second_high && found.second_high - found.second_low < 10000);
    ck_assert_int_lt(measure(0, 0.5).second_onset, start + 1000); /* which is what it is for */
    plant_head(&second, 500, 0.5, 0, &state);
    ck_assert_int_lt(measure_skipping(0, 0.5, 2).second_onset, start + 1000); /* nothing but the start: that is said */
    first = second;
    plant_head(&first, 500, 0.5, 0.8, &state);
    ck_assert_int_gt(measure_skipping(0.5, 0.5, 1).first_onset, 23000);
}
END_TEST

/* Onsets of the blow-up in Fig. 5 of the paper as read by eye, of 14M after its passing rebound at 45,000; within
 * 10,000 steps. None from 410M on. */
START_TEST(singular_entropy_turns_where_the_paper_says)
{
    if (is_slow_build() && _i > 0) return;
    static const int64_t onsets[] = {55000, 73000, 74000, 89000, -1, -1, -1};
    json_t *all = load_golden("tests/golden/fig5.json"), *models = json_object_get(all, "models");
    ck_assert_uint_eq(json_array_size(models), 7);
    for (size_t i = 0; i < 7; i++) {
        first.count = read_numbers(json_array_get(models, i), "entropy", first.values);
        for (int64_t k = 0; k < first.count; k++) first.steps[k] = 1000 * (k + 1);
        second = first;
        neck_co_occurrence found = measure_skipping(0.5, 0.5, _i ? 3 : 0);
        if (onsets[i] < 0)
            ck_assert_int_eq(found.first_onset, -1);
        else
            ck_assert_msg(llabs(found.first_onset - onsets[i]) <= 10000, "%zu: %lld", i, (long long)found.first_onset);
        ck_assert_double_eq_tol(found.correlation, 1, 1e-12);
    }
    json_decref(all);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    uint64_t state = 7;
    plant(&first, 50, 100, 0.5, 0.2, &state);
    neck_curve good = curve_of(&first), bad = {NULL, NULL, NULL, 3};
    neck_co_occurrence out = {.struct_size = sizeof out, .lag = 42};
    ck_assert_int_eq(neck_co_occurrence_measure(NULL, &good, &bad, NULL, &out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_co_occurrence_measure(NULL, NULL, &good, NULL, &out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_co_occurrence_measure(NULL, &good, &good, NULL, NULL), NECK_E_ARGUMENT);
    neck_co_occurrence_options options = {.struct_size = sizeof options, .resamples = 5};
    ck_assert_int_eq(neck_co_occurrence_measure(NULL, &good, &good, &options, &out), NECK_E_ARGUMENT);
    ck_assert_double_eq(out.lag, 42);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("co_occurrence");
    TCase *tests = tcase_create("co_occurrence");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, ranks_correlate_as_in_scipy);
    tcase_add_test(tests, correlation_intervals_allow_for_the_order);
    tcase_add_test(tests, correlation_intervals_of_few_pairs_cover);
    tcase_add_test(tests, a_planted_lag_is_found);
    tcase_add_test(tests, no_turn_no_lag);
    tcase_add_loop_test(tests, a_spike_is_found_behind_the_rise_from_the_start, 0, 4);
    tcase_add_loop_test(tests, singular_entropy_turns_where_the_paper_says, 0, 2);
    tcase_add_test(tests, bad_input_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
