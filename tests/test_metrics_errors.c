/* The error of a metric bounds what happens when singular values move within their bounds, and is not idle. */
#include <string.h>

#include "spectrum/spectrum_object.h"
#include "test_metrics_support.h"

#define COUNT 24
#define MOVES 1000

typedef struct base {
    const char *name;
    double (*value)(int i);
} base;

static double geometric(int i) { return pow(0.6, i); }
static double flat(int i) { return 1 + 0 * i; }
static double zipf(int i) { return 1.0 / (i + 1); }
static double spiked(int i) { return i == 0 ? 40 : 1 + 0.02 * i; }
static double clustered(int i) { return i < 4 ? 5 : i < 12 ? 2 : 1; }
static double deficient(int i) { return i < 16 ? 3 - 0.1 * i : 0; }

static const base bases[] = {{"geometric", geometric}, {"flat", flat},           {"zipf", zipf},
                             {"spiked", spiked},       {"clustered", clustered}, {"deficient", deficient}};
static const double bounds[] = {1e-12, 1e-8, 1e-4, 1e-2};

enum { BASES = sizeof bases / sizeof bases[0], BOUNDS = sizeof bounds / sizeof bounds[0] };

static void fill(const base *b, double *values)
{
    for (int i = 0; i < COUNT; i++) values[i] = b->value(i);
}

/* Either anywhere within the bounds or at a corner, whichever the dice say. */
static neck_spectrum *moved(const double *values, double bound, uint64_t *dice)
{
    double other[COUNT];
    int corner = uniform_next(dice) < 0.5;
    for (int i = 0; i < COUNT; i++) {
        double step = 2 * uniform_next(dice) - 1;
        if (corner) step = step < 0 ? -1 : 1;
        other[i] = fmax(0, values[i] + bound * step);
    }
    return spectrum_of(other, COUNT, 0);
}

/* Beyond the error: first order (only RankMe says so) and rounding. */
static double allowed(const neck_measure *measure)
{
    return measure->error * 1.001 + 1e-12 * (1 + fabs(measure->value));
}

/* Those that choose the values they look at: their errors hold for one choice. */
static int chooses(int64_t metric)
{
    const char *name = neck_metric_name(metric);
    return strncmp(name, "power_law", 9) == 0 || strcmp(name, "alpha_req") == 0;
}

START_TEST(errors_bound_every_move)
{
    const base *b = &bases[_i / BOUNDS];
    double values[COUNT], bound = bounds[_i % BOUNDS];
    fill(b, values);
    neck_spectrum *spectrum = spectrum_of(values, COUNT, bound);
    neck_measure claimed[64];
    neck_status status[64];
    int64_t count = neck_metric_count();
    ck_assert_int_le(count, 64);
    for (int64_t m = 0; m < count; m++) status[m] = neck_metric_evaluate(m, spectrum, &claimed[m]);
    uint64_t dice = (uint64_t)_i + 1;
    for (int move = 0; move < MOVES; move++) {
        neck_spectrum *other = moved(values, bound, &dice);
        for (int64_t m = 0; m < count; m++) {
            neck_measure now;
            if (chooses(m) || status[m] != NECK_OK || isinf(claimed[m].error)) continue;
            ck_assert_int_eq(neck_metric_evaluate(m, other, &now), NECK_OK);
            ck_assert_msg(fabs(now.value - claimed[m].value) <= allowed(&claimed[m]),
                          "%s of %s, bound %g: %.17g moved to %.17g, error %g", neck_metric_name(m), b->name, bound,
                          claimed[m].value, now.value, claimed[m].error);
        }
        neck_spectrum_destroy(other);
    }
    neck_spectrum_destroy(spectrum);
}
END_TEST

START_TEST(alpha_req_errors_bound_moves_of_the_same_range)
{
    const base *b = &bases[_i / BOUNDS];
    double values[COUNT], bound = bounds[_i % BOUNDS];
    fill(b, values);
    int64_t last = 0;
    while (last < COUNT && values[last] > bound) last++;
    neck_spectrum *spectrum = spectrum_of(values, COUNT, bound);
    neck_measure claimed, now;
    ck_assert_int_eq(neck_alpha_req(spectrum, last / 2, last, &claimed), NECK_OK);
    ck_assert_double_finite(claimed.error);
    uint64_t dice = (uint64_t)_i + 1;
    for (int move = 0; move < MOVES; move++) {
        neck_spectrum *other = moved(values, bound, &dice);
        ck_assert_int_eq(neck_alpha_req(other, last / 2, last, &now), NECK_OK);
        ck_assert_double_le(fabs(now.value - claimed.value), allowed(&claimed));
        neck_spectrum_destroy(other);
    }
    neck_spectrum_destroy(spectrum);
}
END_TEST

START_TEST(power_law_errors_bound_moves_that_keep_the_tail)
{
    const base *b = &bases[_i / BOUNDS];
    double values[COUNT], bound = bounds[_i % BOUNDS];
    fill(b, values);
    neck_spectrum *spectrum = spectrum_of(values, COUNT, bound);
    neck_power_law claimed = {.struct_size = sizeof claimed};
    if (neck_power_law_tail(spectrum, &claimed) == NECK_OK) {
        uint64_t dice = (uint64_t)_i + 1;
        for (int move = 0; move < MOVES; move++) {
            neck_spectrum *other = moved(values, bound, &dice);
            neck_power_law now = {.struct_size = sizeof now};
            neck_status status = neck_power_law_tail(other, &now);
            neck_spectrum_destroy(other);
            if (status != NECK_OK || now.tail_count != claimed.tail_count) continue;
            neck_measure alpha = {claimed.alpha, claimed.alpha_error}, ks = {claimed.ks_distance, claimed.ks_error};
            ck_assert_double_le(fabs(now.alpha - claimed.alpha), allowed(&alpha));
            ck_assert_double_le(fabs(now.ks_distance - claimed.ks_distance), allowed(&ks));
        }
    }
    neck_spectrum_destroy(spectrum);
}
END_TEST

/* Moving every value the way that moves the metric most attains a good part of the error. */
static void assert_attained(int64_t metric, const double *values, double bound)
{
    neck_spectrum *spectrum = spectrum_of(values, COUNT, bound);
    neck_measure claimed, now;
    double aimed[COUNT], farthest = 0;
    ck_assert_int_eq(neck_metric_evaluate(metric, spectrum, &claimed), NECK_OK);
    neck_spectrum_destroy(spectrum);
    for (int i = 0; i < COUNT; i++) {
        double single[COUNT];
        memcpy(single, values, sizeof single);
        single[i] += bound;
        spectrum = spectrum_of(single, COUNT, 0);
        ck_assert_int_eq(neck_metric_evaluate(metric, spectrum, &now), NECK_OK);
        neck_spectrum_destroy(spectrum);
        aimed[i] = now.value >= claimed.value ? bound : -bound;
    }
    for (int direction = -1; direction <= 1; direction += 2) {
        double corner[COUNT];
        for (int i = 0; i < COUNT; i++) corner[i] = values[i] + direction * aimed[i];
        spectrum = spectrum_of(corner, COUNT, 0);
        ck_assert_int_eq(neck_metric_evaluate(metric, spectrum, &now), NECK_OK);
        neck_spectrum_destroy(spectrum);
        farthest = fmax(farthest, fabs(now.value - claimed.value));
    }
    ck_assert_msg(farthest >= 0.5 * claimed.error, "%s: error %g, but no move goes farther than %g",
                  neck_metric_name(metric), claimed.error, farthest);
}

START_TEST(errors_are_attained)
{
    double values[COUNT];
    fill(&bases[2], values);
    for (int64_t m = 0; m < neck_metric_count(); m++)
        if (strcmp(neck_metric_name(m), "power_law_ks") != 0) assert_attained(m, values, 1e-7);
}
END_TEST

/* All the doubt in one value, where sums over squared doubts count; flat, where derivatives vanish. */
START_TEST(one_uncertain_value)
{
    double values[COUNT];
    fill(&bases[1], values);
    neck_spectrum *spectrum = spectrum_of(values, COUNT, 0);
    spectrum->bounds[0] = 0.1;
    values[0] += 0.1;
    neck_spectrum *other = spectrum_of(values, COUNT, 0);
    for (int64_t m = 0; m < neck_metric_count(); m++) {
        neck_measure claimed, now;
        if (chooses(m)) continue;
        ck_assert_int_eq(neck_metric_evaluate(m, spectrum, &claimed), NECK_OK);
        ck_assert_int_eq(neck_metric_evaluate(m, other, &now), NECK_OK);
        ck_assert_msg(fabs(now.value - claimed.value) <= allowed(&claimed), "%s moved from %.17g to %.17g, error %g",
                      neck_metric_name(m), claimed.value, now.value, claimed.error);
    }
    neck_spectrum_destroy(other);
    neck_spectrum_destroy(spectrum);
}
END_TEST

START_TEST(values_that_may_be_zero)
{
    double values[] = {2, 1, 1e-3};
    neck_spectrum *spectrum = spectrum_of(values, 3, 1e-2);
    ck_assert_double_infinite(evaluate("condition_number", spectrum).error);
    neck_measure measure;
    ck_assert_int_eq(neck_alpha_req(spectrum, 1, 3, &measure), NECK_OK);
    ck_assert_double_infinite(measure.error);
    ck_assert_int_eq(neck_alpha_req(spectrum, 0, 0, &measure), NECK_OK); /* stops before it */
    ck_assert_double_finite(measure.error);
    ck_assert_int_eq(neck_numerical_rank(spectrum, 1e-3, &measure), NECK_OK);
    ck_assert(measure.value == 2 && measure.error == 1);
    neck_spectrum_destroy(spectrum);
}
END_TEST

int main(void)
{
    TCase *errors = tcase_create("errors");
    tcase_add_loop_test(errors, errors_bound_every_move, 0, BASES * BOUNDS);
    tcase_add_loop_test(errors, alpha_req_errors_bound_moves_of_the_same_range, 0, BASES * BOUNDS);
    tcase_add_loop_test(errors, power_law_errors_bound_moves_that_keep_the_tail, 0, BASES * BOUNDS);
    tcase_add_test(errors, errors_are_attained);
    tcase_add_test(errors, one_uncertain_value);
    tcase_add_test(errors, values_that_may_be_zero);
    return run_cases("metrics_errors", &errors, 1);
}
