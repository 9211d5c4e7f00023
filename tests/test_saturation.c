/* tests/test_saturation.c - verdicts on real curves, on planted ones, and on what is hardly a curve. */
#include "saturation_support.h"

static series s;

static neck_saturation assess(const neck_saturation_options *options)
{
    neck_curve curve = curve_of(&s);
    neck_saturation found = {.struct_size = sizeof found};
    ck_assert_msg(neck_saturation_assess(NULL, &curve, options, &found) == NECK_OK, "%s", neck_last_error());
    return found;
}

/* minimum: where the eye sees it, steps; -1: it still improves. Seed 4 ends 0.47 nats above its best, where it was
 * before a twentieth of its run, after two blows: broken rather than saturated. */
static const struct {
    const char *file, *column;
    int64_t minimum;
    int32_t verdict;
} pythia[] = {
    {"train-loss.csv", "14m-seed1", 57000, NECK_VERDICT_SATURATED},
    {"train-loss.csv", "14m-seed2", 53000, NECK_VERDICT_SATURATED},
    {"train-loss.csv", "14m-seed3", 48000, NECK_VERDICT_SATURATED},
    {"train-loss.csv", "14m-seed4", 91000, NECK_VERDICT_DIVERGED},
    {"train-loss.csv", "70m", 50000, NECK_VERDICT_SATURATED},
    {"train-loss.csv", "410m", -1, NECK_VERDICT_IMPROVING},
    {"train-loss.csv", "410m-seed1", -1, NECK_VERDICT_IMPROVING},
    {"lambada-perplexity.csv", "70m", 53000, NECK_VERDICT_SATURATED},
    {"lambada-perplexity.csv", "160m", 63000, NECK_VERDICT_SATURATED},
    {"lambada-perplexity.csv", "410m", -1, NECK_VERDICT_IMPROVING},
    {"lambada-perplexity.csv", "1b-bf16", -1, NECK_VERDICT_IMPROVING},
    {"lambada-perplexity.csv", "1.4b", -1, NECK_VERDICT_IMPROVING},
    {"lambada-perplexity.csv", "2.8b", -1, NECK_VERDICT_IMPROVING},
    {"lambada-perplexity.csv", "6.9b", -1, NECK_VERDICT_IMPROVING},
    {"lambada-perplexity.csv", "12b", -1, NECK_VERDICT_IMPROVING},
};
enum { PYTHIA = sizeof pythia / sizeof *pythia };

START_TEST(pythia_is_judged_as_by_eye)
{
    char name[128];
    snprintf(name, sizeof name, "examples/data/pythia/%s", pythia[_i].file);
    read_column(name, pythia[_i].column, &s);
    for (int64_t i = 0; i < s.count && strstr(name, "perplexity"); i++) s.values[i] = log(s.values[i]);
    neck_saturation found = assess(NULL);
    ck_assert_int_eq(found.verdict, pythia[_i].verdict);
    if (pythia[_i].minimum < 0) {
        ck_assert_int_eq(found.onset_step, -1);
        return;
    }
    ck_assert_int_le(llabs(found.onset_step - pythia[_i].minimum), 10000);
    ck_assert_int_le(llabs(found.minimum_step - pythia[_i].minimum), 10000);
    ck_assert(found.onset_low <= found.onset_step && found.onset_step <= found.onset_high);
    ck_assert(0 < found.excess_low && found.excess_low < found.excess_nats && found.excess_nats < found.excess_high);
}
END_TEST

/* Falls as a power law to `turn`, then rises by `rise` over a tenth of the run. */
static void plant(int64_t count, double turn, double rise)
{
    s.count = count;
    for (int64_t i = 0; i < count; i++) {
        double t = (double)(i + 1) / (double)count;
        s.steps[i] = 100 * (i + 1);
        s.values[i] = 3 + 0.3 * pow(fmin(t, turn), -0.4) + rise * fmin(fmax((t - turn) / 0.1, 0), 1);
    }
}

START_TEST(a_planted_turn_is_found)
{
    uint64_t state = (uint64_t)_i + 1;
    plant(500, 0.5, 0.1);
    add_noise(&s, 0.005, 0.5, 1, &state);
    neck_saturation found = assess(NULL);
    ck_assert_int_eq(found.verdict, NECK_VERDICT_SATURATED);
    ck_assert_int_le(llabs(found.onset_step - 25000), 2000);
    ck_assert_double_eq_tol(found.excess_nats, 0.1, 0.02);
    ck_assert_double_eq_tol(found.minimum_level, 3 + 0.3 * pow(0.5, -0.4), 0.02);
}
END_TEST

START_TEST(scores_saturate_downward)
{
    uint64_t state = 5;
    plant(300, 0.5, 0.1);
    add_noise(&s, 0.003, 0, 0, &state);
    neck_saturation loss = assess(NULL);
    for (int64_t i = 0; i < s.count; i++) s.values[i] = -s.values[i];
    neck_saturation score =
        assess(&(neck_saturation_options){.struct_size = sizeof(neck_saturation_options), .higher_is_better = 1});
    ck_assert_int_eq(score.verdict, NECK_VERDICT_SATURATED);
    ck_assert_int_eq(score.onset_step, loss.onset_step);
    ck_assert_double_eq(score.excess_nats, loss.excess_nats);
    ck_assert_double_eq(score.minimum_level, -loss.minimum_level);
}
END_TEST

START_TEST(order_and_repetition_change_nothing)
{
    uint64_t state = 6;
    plant(300, 0.4, 0.1);
    add_noise(&s, 0.003, 0, 0, &state);
    neck_saturation straight = assess(NULL);
    for (int64_t i = 0; i < 150; i++) {
        int64_t step = s.steps[i];
        double value = s.values[i];
        s.steps[i] = s.steps[299 - i];
        s.values[i] = s.values[299 - i];
        s.steps[299 - i] = step;
        s.values[299 - i] = value;
    }
    /* A first run that went wrong from step 20,000 on and was resumed: its entries come first. */
    memmove(s.steps + 50, s.steps, 300 * sizeof *s.steps);
    memmove(s.values + 50, s.values, 300 * sizeof *s.values);
    for (int64_t i = 0; i < 50; i++) {
        s.steps[i] = 20000 + 100 * i;
        s.values[i] = 99;
    }
    s.count = 350;
    neck_saturation mixed = assess(NULL);
    ck_assert_int_eq(mixed.repeated, 50);
    mixed.repeated = 0;
    ck_assert_mem_eq(&mixed, &straight, sizeof mixed);
}
END_TEST

START_TEST(divergence_is_no_saturation)
{
    uint64_t state = 7;
    plant(300, 0.7, 4);
    add_noise(&s, 0.01, 0, 0, &state);
    neck_saturation found = assess(NULL);
    ck_assert_int_eq(found.verdict, NECK_VERDICT_DIVERGED);
    ck_assert_int_eq(found.reason, NECK_REASON_FAR_ABOVE);
    ck_assert_int_le(llabs(found.onset_step - 21000), 1000);
    plant(300, 1, 0);
    add_noise(&s, 0.01, 0, 0, &state);
    for (int64_t i = 280; i < 300; i++) s.values[i] = i % 2 ? NAN : INFINITY;
    found = assess(NULL);
    ck_assert_int_eq(found.verdict, NECK_VERDICT_DIVERGED);
    ck_assert_int_eq(found.reason, NECK_REASON_NOT_FINITE);
    ck_assert_int_eq(found.onset_step, 28000);
    ck_assert_int_eq(found.not_finite, 20);
    ck_assert(isnan(found.excess_nats));
}
END_TEST

/* Falls by 0.2 after its first twentieth; what is left of it, in shares, decides. */
START_TEST(a_broken_run_is_told_from_one_that_gets_worse)
{
    static const struct {
        double rise, length; /* of the run */
        int32_t verdict;
    } cases[] = {{0.5, 0.02, NECK_VERDICT_DIVERGED},   /* all lost at a blow */
                 {0.5, 0.5, NECK_VERDICT_SATURATED},   /* as much, but little by little: overfitting, say */
                 {0.15, 0.02, NECK_VERDICT_SATURATED}, /* a blow, but most of what it learned stays */};
    uint64_t state = 13;
    plant(500, 0.5, 0);
    for (int i = 0; i < 500; i++) {
        double t = (double)(i + 1) / 500;
        s.values[i] = 3 - 0.2 * fmin(t, 0.5) / 0.5 + cases[_i].rise * fmin(fmax((t - 0.5) / cases[_i].length, 0), 1);
    }
    add_noise(&s, 0.005, 0.5, 0, &state);
    neck_saturation found = assess(NULL);
    ck_assert_int_eq(found.verdict, cases[_i].verdict);
    ck_assert_int_eq(found.reason, found.verdict == NECK_VERDICT_DIVERGED ? NECK_REASON_BROKEN : NECK_REASON_NONE);
    ck_assert_int_le(llabs(found.onset_step - 25000), 4000);
}
END_TEST

START_TEST(single_nans_are_left_out)
{
    uint64_t state = 8;
    plant(300, 1, 0);
    add_noise(&s, 0.01, 0, 0, &state);
    s.values[17] = s.values[140] = s.values[299] = NAN;
    neck_saturation found = assess(NULL);
    ck_assert_int_eq(found.verdict, NECK_VERDICT_IMPROVING);
    ck_assert_int_eq(found.not_finite, 3);
    ck_assert_int_eq(found.points, 297);
}
END_TEST

START_TEST(a_rise_at_the_end_is_too_recent)
{
    uint64_t state = 9;
    plant(500, 0.94, 0.3);
    add_noise(&s, 0.003, 0, 0, &state);
    neck_saturation found = assess(NULL);
    ck_assert_int_eq(found.verdict, NECK_VERDICT_UNCLEAR);
    ck_assert_int_eq(found.reason, NECK_REASON_RECENT_RISE);
    ck_assert_int_eq(found.onset_step, -1);
}
END_TEST

/* Turned, and a cool-down brings it back to its best: what lasted long is saturation, what did not may have been a
 * bump. */
START_TEST(a_rise_made_good_is_told_from_a_bump)
{
    static const int back[] = {400, 300};
    uint64_t state = 10;
    plant(500, 0.4, 0.1);
    for (int i = back[_i]; i < 500; i++) s.values[i] = s.values[199] + 0.1 * fmax(1 - (double)(i - back[_i]) / 40, 0);
    add_noise(&s, 0.003, 0, 0, &state);
    neck_saturation found = assess(NULL);
    ck_assert_int_eq(found.reason, NECK_REASON_RECOVERED);
    ck_assert_int_eq(found.verdict, _i ? NECK_VERDICT_UNCLEAR : NECK_VERDICT_SATURATED);
    ck_assert_double_lt(fabs(found.excess_nats), 0.01);
    if (_i) return;
    ck_assert_double_gt(found.peak_excess, 0.08);
    ck_assert_int_le(llabs(found.onset_step - 20000), 1500);
    ck_assert_int_le(llabs(found.minimum_step - 20000), 1500);
}
END_TEST

START_TEST(what_no_longer_moves_is_a_plateau)
{
    uint64_t state = 11;
    plant(500, 0.3, 0);
    add_noise(&s, 0.003, 0, 0, &state);
    ck_assert_int_eq(assess(NULL).verdict, NECK_VERDICT_PLATEAU);
    add_noise(&s, 0.2, 0, 0, &state);
    neck_saturation noisy = assess(NULL);
    ck_assert_int_eq(noisy.verdict, NECK_VERDICT_UNCLEAR);
    ck_assert_int_eq(noisy.reason, NECK_REASON_NOISE);
}
END_TEST

/* Errors that the points come with are noise, even where none shows. */
START_TEST(standard_errors_are_believed)
{
    static double errors[LONGEST];
    plant(100, 0.5, 0.03);
    for (int i = 0; i < 100; i++) errors[i] = 0.5;
    ck_assert_int_eq(assess(NULL).verdict, NECK_VERDICT_SATURATED);
    neck_curve curve = {s.steps, s.values, errors, s.count};
    neck_saturation found = {.struct_size = sizeof found};
    ck_assert_int_eq(neck_saturation_assess(NULL, &curve, NULL, &found), NECK_OK);
    ck_assert_int_eq(found.verdict, NECK_VERDICT_UNCLEAR);
    ck_assert_double_ge(found.noise, 0.5);
}
END_TEST

START_TEST(few_points_get_no_verdict)
{
    plant(7, 0.5, 1);
    for (s.count = 1; s.count <= 7; s.count++) {
        neck_saturation found = assess(NULL);
        ck_assert_int_eq(found.verdict, NECK_VERDICT_UNCLEAR);
        ck_assert_int_eq(found.reason, NECK_REASON_FEW_POINTS);
        ck_assert(isnan(found.p_value) && found.onset_step == -1 && found.points == s.count);
    }
    s.count = 2;
    s.values[0] = s.values[1] = NAN;
    ck_assert_int_eq(assess(NULL).reason, NECK_REASON_FEW_POINTS);
}
END_TEST

START_TEST(noiseless_and_extreme_curves_are_fine)
{
    plant(200, 1, 0);
    ck_assert_int_eq(assess(NULL).verdict, NECK_VERDICT_IMPROVING);
    for (int i = 0; i < 200; i++) s.values[i] = 2;
    ck_assert_int_eq(assess(NULL).verdict, NECK_VERDICT_PLATEAU);
    for (int i = 0; i < 200; i++) {
        s.steps[i] = INT64_MAX - 199 + i;
        s.values[i] = (i % 2 ? 1 : -1) * 1e99;
    }
    neck_saturation found = assess(NULL);
    ck_assert_int_eq(found.verdict, NECK_VERDICT_UNCLEAR);
    ck_assert(isfinite(found.excess_low) && isfinite(found.gain_high));
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bits)
{
    uint64_t state = 12;
    plant(300, 0.6, 0.05);
    add_noise(&s, 0.01, 0.5, 1, &state);
    neck_saturation one = assess(NULL), two = assess(NULL);
    ck_assert_mem_eq(&one, &two, sizeof one);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    plant(20, 0.5, 0.1);
    neck_curve curve = curve_of(&s);
    neck_saturation out, before;
    memset(&out, 0x5a, sizeof out);
    out.struct_size = sizeof out;
    before = out;
    const struct {
        neck_curve curve;
        neck_saturation_options options;
        const char *says;
    } cases[] = {
        {{NULL, s.values, NULL, 20}, {0}, "NULL"},
        {{s.steps, s.values, NULL, 0}, {0}, "0 points"},
        {{(int64_t[]){5, -1}, s.values, NULL, 2}, {0}, "steps[1] is -1"},
        {curve, {.simulations = 5}, "simulations is 5"},
        {curve, {.minimum_excess = NAN}, "minimum_excess"},
        {curve, {.minimum_excess = 2}, "divergence_excess is 1"},
        {curve, {.significance = 0.7}, "significance is 0.7"},
        {curve, {.confidence = 1}, "confidence is 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        neck_saturation_options options = cases[i].options;
        options.struct_size = sizeof options;
        ck_assert_int_eq(neck_saturation_assess(NULL, &cases[i].curve, &options, &out), NECK_E_ARGUMENT);
        ck_assert_msg(strstr(neck_last_error(), cases[i].says) != NULL, "%zu: %s", i, neck_last_error());
        ck_assert_mem_eq(&out, &before, sizeof out);
    }
    ck_assert_int_eq(neck_saturation_assess(NULL, &curve, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_str_eq(neck_verdict_name(NECK_VERDICT_DIVERGED), "diverged");
    ck_assert_str_eq(neck_verdict_name(99), "?");
    ck_assert_str_eq(neck_verdict_reason_text(NECK_REASON_NONE), "");
    ck_assert_str_eq(neck_verdict_reason_text(-1), "?");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("saturation");
    TCase *tests = tcase_create("saturation");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, pythia_is_judged_as_by_eye, 0, PYTHIA);
    tcase_add_loop_test(tests, a_planted_turn_is_found, 0, 5);
    tcase_add_test(tests, scores_saturate_downward);
    tcase_add_test(tests, order_and_repetition_change_nothing);
    tcase_add_test(tests, divergence_is_no_saturation);
    tcase_add_loop_test(tests, a_broken_run_is_told_from_one_that_gets_worse, 0, 3);
    tcase_add_test(tests, single_nans_are_left_out);
    tcase_add_test(tests, a_rise_at_the_end_is_too_recent);
    tcase_add_loop_test(tests, a_rise_made_good_is_told_from_a_bump, 0, 2);
    tcase_add_test(tests, what_no_longer_moves_is_a_plateau);
    tcase_add_test(tests, standard_errors_are_believed);
    tcase_add_test(tests, few_points_get_no_verdict);
    tcase_add_test(tests, noiseless_and_extreme_curves_are_fine);
    tcase_add_test(tests, the_same_seed_gives_the_same_bits);
    tcase_add_test(tests, bad_input_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
