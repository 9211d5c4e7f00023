/* tests/test_monitor_events.c - what is an event and what is none: made-up series, the paper's curves, a real run. */
#define _GNU_SOURCE
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "softneck.h"
#include "softneck/monitor.h"

#define ENTROPY "head.raw.singular_entropy"
#define ANISOTROPY "states.raw.anisotropy"

static neck_monitor *made(const neck_monitor_options *options)
{
    neck_monitor *monitor = NULL;
    ck_assert_msg(neck_monitor_create(NULL, options, &monitor) == NECK_OK, "%s", neck_last_error());
    return monitor;
}

static void feed(neck_monitor *monitor, const char *name, int64_t step, double value)
{
    ck_assert_msg(neck_monitor_value(monitor, step, name, value) == NECK_OK, "%s", neck_last_error());
}

static neck_monitor_event event_at(const neck_monitor *monitor, int64_t index)
{
    neck_monitor_event event = {.struct_size = sizeof event};
    ck_assert_msg(neck_monitor_event_at(monitor, index, &event) == NECK_OK, "%s", neck_last_error());
    return event;
}

static void assert_kinds(const neck_monitor *monitor, const int32_t *kinds, int64_t count)
{
    ck_assert_int_eq(neck_monitor_event_count(monitor), count);
    for (int64_t i = 0; i < count; i++) ck_assert_int_eq(event_at(monitor, i).kind, kinds[i]);
}

/* Uniform in [-1, 1). */
static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 4503599627370496.0 - 1;
}

/* ---- made-up series ------------------------------------------------------------------------------------------- */

START_TEST(flatten_then_spike_is_told_with_its_onset)
{
    /* A start that is flat, a rise from it, the fall, the bottom at 6, the blow-up after 8, and back. */
    static const double values[] = {0.02, 0.6, 0.9, 0.85, 0.7, 0.5, 0.3, 0.35, 0.38, 0.6, 0.85, 1.5, 3.0, 3.1, 0.39,
                                    0.38};
    neck_monitor *monitor = made(NULL);
    for (int64_t i = 0; i < 16; i++) feed(monitor, ENTROPY, 10 * i, values[i]);
    assert_kinds(monitor, (const int32_t[]){NECK_EVENT_FLATTEN, NECK_EVENT_SPIKE, NECK_EVENT_SPIKE_END}, 3);
    neck_monitor_event flatten = event_at(monitor, 0), spike = event_at(monitor, 1), end = event_at(monitor, 2);
    ck_assert_int_eq(flatten.step, 50); /* 0.7 and 0.5 are 0.1 below 0.9 */
    ck_assert_int_eq(flatten.onset_step, 20);
    ck_assert_double_eq(flatten.onset_value, 0.9);
    ck_assert_int_eq(spike.step, 110); /* 0.85 and 1.5 are 0.5 above 0.3 */
    ck_assert_double_eq(spike.value, 1.5);
    ck_assert_int_eq(spike.onset_step, 80);
    ck_assert_double_eq(spike.onset_value, 0.38);
    ck_assert_int_eq(spike.extreme_step, 60);
    ck_assert_double_eq(spike.extreme_value, 0.3);
    ck_assert_int_eq(end.step, 150);
    ck_assert_int_eq(end.onset_step, 140);
    ck_assert_double_eq(end.extreme_value, 0.3);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(a_rise_from_a_random_start_is_no_spike)
{
    neck_monitor *fresh = made(NULL),
        *late = made(&(neck_monitor_options){sizeof(neck_monitor_options), .under_way = 1});
    for (int64_t i = 0; i < 30; i++) {
        double value = i < 10 ? 0.02 : 1.2;
        feed(fresh, ENTROPY, i, value);
        feed(late, ENTROPY, i, value);
    }
    ck_assert_int_eq(neck_monitor_event_count(fresh), 0);
    assert_kinds(late, (const int32_t[]){NECK_EVENT_SPIKE}, 1);
    ck_assert_int_eq(event_at(late, 0).onset_step, 9);
    neck_monitor_destroy(fresh);
    neck_monitor_destroy(late);
}
END_TEST

START_TEST(hysteresis_tells_a_spike_once)
{
    neck_monitor *monitor = made(&(neck_monitor_options){sizeof(neck_monitor_options), .under_way = 1});
    /* Around the threshold for long, never back near the bottom. */
    for (int64_t i = 0; i < 400; i++) feed(monitor, ENTROPY, i, i < 10 ? 0.2 : i / 5 % 2 ? 0.75 : 0.5);
    assert_kinds(monitor, (const int32_t[]){NECK_EVENT_SPIKE}, 1);
    /* Back, and once more. */
    for (int64_t i = 400; i < 420; i++) feed(monitor, ENTROPY, i, i < 410 ? 0.25 : 2);
    assert_kinds(monitor, (const int32_t[]){NECK_EVENT_SPIKE, NECK_EVENT_SPIKE_END, NECK_EVENT_SPIKE}, 3);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(outliers_are_no_events)
{
    neck_monitor *monitor = made(&(neck_monitor_options){sizeof(neck_monitor_options), .under_way = 1});
    for (int64_t i = 0; i < 100; i++) feed(monitor, ENTROPY, i, i % 10 == 9 ? 5 : 0.3);
    ck_assert_int_eq(neck_monitor_event_count(monitor), 0);
    neck_monitor_destroy(monitor);
    monitor = made(&(neck_monitor_options){sizeof(neck_monitor_options), .under_way = 1, .patience = 1});
    for (int64_t i = 0; i < 21; i++) feed(monitor, ENTROPY, i, i % 10 == 9 ? 5 : 0.3);
    ck_assert_int_eq(neck_monitor_event_count(monitor), 4); /* two spikes, two ends */
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(noise_and_drift_are_no_spikes)
{
    neck_monitor *monitor = made(NULL);
    uint64_t state = 7;
    for (int64_t i = 0; i < 20000; i++) feed(monitor, ENTROPY, i, 0.5 + 0.04 * noise(&state));
    ck_assert_int_eq(neck_monitor_event_count(monitor), 0);
    neck_monitor_destroy(monitor);
    /* Down by 0.25, up by 0.13 as slowly as 410M, with noise: it flattens, no more. */
    monitor = made(NULL);
    for (int64_t i = 0; i < 20000; i++) {
        double x = (double)i / 20000, value = x < 0.5 ? 0.69 - 0.5 * x : 0.44 + 0.26 * (x - 0.5);
        feed(monitor, ENTROPY, i, value + 0.02 * noise(&state));
    }
    assert_kinds(monitor, (const int32_t[]){NECK_EVENT_FLATTEN}, 1);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(anisotropy_jumps_by_its_own_thresholds)
{
    neck_monitor *monitor = made(NULL);
    for (int64_t i = 0; i < 60; i++) {
        /* Early cone, spread, a rise by 0.25, the jump. */
        double value = i < 10 ? 0.9 : i < 30 ? 0.25 : i < 40 ? 0.5 : 0.97;
        feed(monitor, ANISOTROPY, i, value);
        feed(monitor, "states.centered.anisotropy", i, value); /* not watched */
    }
    assert_kinds(monitor, (const int32_t[]){NECK_EVENT_SPREAD, NECK_EVENT_JUMP}, 2);
    ck_assert_int_eq(event_at(monitor, 1).onset_step, 29);
    ck_assert_int_eq(event_at(monitor, 1).step, 41);
    ck_assert_str_eq(neck_monitor_event_name(event_at(monitor, 1).kind), "jump");
    ck_assert_str_eq(neck_monitor_event_name(99), "?");
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(thresholds_can_be_set)
{
    neck_monitor_options options = {sizeof options, .flatten_fall = 1, .spike_rise = 3, .spike_release = 2,
                                    .patience = 1};
    neck_monitor *monitor = made(&options);
    static const double values[] = {5, 4.1, 3.9, 3, 4.9, 5.9, 6.1};
    for (int64_t i = 0; i < 7; i++) feed(monitor, ENTROPY, i, values[i]);
    assert_kinds(monitor, (const int32_t[]){NECK_EVENT_FLATTEN, NECK_EVENT_SPIKE}, 2);
    ck_assert_int_eq(event_at(monitor, 0).step, 2);
    ck_assert_int_eq(event_at(monitor, 1).step, 6);
    ck_assert_int_eq(event_at(monitor, 1).onset_step, 4);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(a_restart_from_an_earlier_step_finds_the_same_events)
{
    neck_monitor *monitor = made(NULL);
    double values[100];
    for (int64_t i = 0; i < 100; i++) values[i] = i < 50 ? 1 - 0.015 * (double)i : 0.3 + 0.1 * (double)(i - 50);
    for (int64_t i = 0; i < 100; i++) feed(monitor, ENTROPY, i, values[i]);
    neck_monitor_event before = event_at(monitor, 1);
    for (int64_t back = 99; back >= -1; back -= 10) {
        ck_assert_int_eq(neck_monitor_rewind(monitor, back), NECK_OK);
        ck_assert_int_eq(neck_monitor_series_length(monitor, 0), back + 1);
        ck_assert_int_eq(neck_monitor_series_count(monitor), back >= 0);
        for (int64_t i = back + 1; i < 100; i++) feed(monitor, ENTROPY, i, values[i]);
        assert_kinds(monitor, (const int32_t[]){NECK_EVENT_FLATTEN, NECK_EVENT_SPIKE}, 2);
        neck_monitor_event after = event_at(monitor, 1);
        ck_assert_mem_eq(&before, &after, sizeof before);
    }
    neck_monitor_destroy(monitor);
}
END_TEST

/* ---- the paper's curves ------------------------------------------------------------------------------------------ */

static void under_root(const char *name, char *path, size_t size)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    snprintf(path, size, "%s/%s", root ? root : ".", name);
}

/* Where the table of readings in the figure has the onsets, in thousands of steps; 0: none. */
static const struct {
    const char *model;
    int64_t minimum, onset_first, onset_last, certain;
} expected[] = {{"14M", 40, 40, 46, 62}, {"31M", 66, 69, 74, 78}, {"70M", 67, 68, 75, 86}, {"160M", 50, 85, 91, 97},
                {"410M", 0, 0, 0, 0},    {"1B", 0, 0, 0, 0},       {"1.4B", 0, 0, 0, 0}};

START_TEST(the_papers_models_spike_or_not)
{
    char path[512];
    under_root("tests/golden/fig5.json", path, sizeof path);
    json_t *golden = json_load_file(path, 0, NULL), *models = json_object_get(golden, "models"), *value;
    ck_assert_int_eq((int)json_array_size(models), 7);
    for (size_t m = 0; m < 7; m++) {
        json_t *model = json_array_get(models, m);
        neck_monitor *monitor = made(NULL);
        size_t i;
        ck_assert_str_eq(json_string_value(json_object_get(model, "model")), expected[m].model);
        json_array_foreach(json_object_get(model, "entropy"), i, value)
            feed(monitor, ENTROPY, 1000 * ((int64_t)i + 1), json_number_value(value));
        ck_assert_int_eq((int)i, 143);
        ck_assert_int_eq(event_at(monitor, 0).kind, NECK_EVENT_FLATTEN); /* all seven do */
        ck_assert_msg(neck_monitor_event_count(monitor) == (expected[m].onset_first ? 2 : 1), "%s: %lld events",
                      expected[m].model, (long long)neck_monitor_event_count(monitor));
        if (expected[m].onset_first) {
            neck_monitor_event spike = event_at(monitor, 1);
            ck_assert_int_eq(spike.kind, NECK_EVENT_SPIKE);
            ck_assert_int_le(llabs(spike.extreme_step - 1000 * expected[m].minimum), 1500);
            ck_assert_int_ge(spike.onset_step, 1000 * expected[m].onset_first);
            ck_assert_int_le(spike.onset_step, 1000 * expected[m].onset_last);
            ck_assert_int_gt(spike.step, spike.onset_step);
            ck_assert_int_le(spike.step, 1000 * expected[m].certain);
        }
        neck_monitor_destroy(monitor);
    }
    json_decref(golden);
}
END_TEST

/* ---- a real run -------------------------------------------------------------------------------------------------- */

START_TEST(a_small_model_without_saturation_has_no_events)
{
    char path[512];
    under_root("examples/data/hybridstories", path, sizeof path);
    neck_series *files = NULL;
    neck_monitor_options options = {sizeof options, .vocabulary = 2048, .hidden_size = 32};
    neck_monitor *monitor = made(&options);
    ck_assert_msg(neck_series_open(NULL, path, &files) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_series_count(files), 10);
    for (int64_t i = 0; i < 10; i++) {
        neck_checkpoint *checkpoint = NULL;
        neck_matrix head;
        int64_t index;
        int32_t how;
        ck_assert_int_eq(neck_checkpoint_open(NULL, neck_series_path(files, i), NULL, &checkpoint), NECK_OK);
        ck_assert_int_eq(neck_checkpoint_head(checkpoint, &index, &how), NECK_OK);
        ck_assert_int_eq(neck_checkpoint_matrix(NULL, checkpoint, index, &head), NECK_OK);
        ck_assert_msg(neck_monitor_head(NULL, monitor, neck_series_step(files, i), &head) == NECK_OK, "%s",
                      neck_last_error());
        neck_checkpoint_destroy(checkpoint);
    }
    int64_t entropy = -1;
    ck_assert_int_eq(neck_monitor_series_find(monitor, "head.centered.singular_entropy", &entropy), NECK_OK);
    ck_assert_int_eq(neck_monitor_series_length(monitor, entropy), 10);
    for (int64_t i = 0; i < 10; i++) {
        ck_assert_int_eq(neck_monitor_series_steps(monitor, entropy)[i], 2000 * (i + 1));
        ck_assert_double_eq_tol(neck_monitor_series_values(monitor, entropy)[i], 0.0325, 0.001);
    }
    ck_assert_int_eq(neck_monitor_event_count(monitor), 0);
    neck_monitor_destroy(monitor);
    neck_series_destroy(files);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor_events");
    TCase *tests = tcase_create("events");
    tcase_add_test(tests, flatten_then_spike_is_told_with_its_onset);
    tcase_add_test(tests, a_rise_from_a_random_start_is_no_spike);
    tcase_add_test(tests, hysteresis_tells_a_spike_once);
    tcase_add_test(tests, outliers_are_no_events);
    tcase_add_test(tests, noise_and_drift_are_no_spikes);
    tcase_add_test(tests, anisotropy_jumps_by_its_own_thresholds);
    tcase_add_test(tests, thresholds_can_be_set);
    tcase_add_test(tests, a_restart_from_an_earlier_step_finds_the_same_events);
    tcase_add_test(tests, the_papers_models_spike_or_not);
    tcase_add_test(tests, a_small_model_without_saturation_has_no_events);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
