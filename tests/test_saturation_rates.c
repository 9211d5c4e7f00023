/* tests/test_saturation_rates.c - how often the verdict errs on simulated runs. SOFTNECK_RUNS runs of each kind, 60 by
 * default; docs/saturation.md has the table of 1000, which SOFTNECK_TABLE=1 prints. */
#include "runs.h"
#include "saturation_support.h"

typedef struct tally {
    const char *kind;
    int64_t runs, verdicts[5], significant, compared, onset_inside, near, excess_inside;
} tally;

enum { USUAL_RUNS = 60 };
static series s;

static int32_t asked(const char *name, int32_t otherwise)
{
    const char *given = getenv(name);
    return given ? (int32_t)strtol(given, NULL, 10) : otherwise;
}

/* Another seed each time: what is measured is not one seed's luck. */
static neck_saturation assess_by(int32_t simulations)
{
    static uint64_t seed;
    neck_context *context;
    neck_context_options given = {.struct_size = sizeof given, .threads = 1, .seed = ++seed};
    ck_assert_int_eq(neck_context_create(&given, &context), NECK_OK);
    neck_curve curve = curve_of(&s);
    neck_saturation_options options = {.struct_size = sizeof options, .simulations = asked("SOFTNECK_SIMULATIONS", simulations)};
    neck_saturation found = {.struct_size = sizeof found};
    ck_assert_msg(neck_saturation_assess(context, &curve, &options, &found) == NECK_OK, "%s", neck_last_error());
    neck_context_destroy(context);
    return found;
}

static neck_saturation assess(void)
{
    return assess_by(99);
}

static void count_verdict(tally *t, const neck_saturation *found)
{
    t->runs++;
    t->verdicts[found->verdict]++;
    t->significant += found->p_value <= 0.05;
}

static void report(const tally *t)
{
    if (!getenv("SOFTNECK_TABLE")) return;
    double n = 0.01 * (double)t->runs;
    printf("| %s | %lld |", t->kind, (long long)t->runs);
    for (int i = 0; i < 5; i++) printf(" %.1f |", (double)t->verdicts[i] / n);
    printf(" %.1f |", (double)t->significant / n);
    if (t->compared) {
        double called = 0.01 * (double)t->compared;
        printf(" onset within 5 %% of the run: %.1f, its interval covers: %.1f, that of the excess: %.1f", (double)t->near / called,
               (double)t->onset_inside / called, (double)t->excess_inside / called);
    }
    printf(" |\n");
    fflush(stdout);
}

static void lay_steps(uint64_t *state)
{
    static const int64_t counts[] = {15, 27, 60, 144, 572, 1500, 4000};
    s.count = counts[next_bits(state) % 7];
    int64_t every = 1 + (int64_t)(next_bits(state) % 500);
    for (int64_t i = 0; i < s.count; i++) s.steps[i] = every * (i + 1);
}

static double part(int64_t i)
{
    return (double)(i + 1) / (double)s.count;
}

static void add_any_noise(double largest, uint64_t *state)
{
    static const double any[] = {0, 0.5, 0.8, 0.95};
    double scale = largest * pow(10, uniform_between(state, -1.8, 0));
    add_noise(&s, scale, any[next_bits(state) % 4], (int)(next_bits(state) % 2), state);
}

/* A power law in the step, half of the time with a learning-rate cool-down in the last fifth; spikes and restarts. */
static void simulate_improving(uint64_t *state)
{
    lay_steps(state);
    double floor = uniform_between(state, 1.5, 3.5), height = uniform_between(state, 0.05, 0.5);
    double exponent = uniform_between(state, 0.25, 0.8),
        cooling = next_bits(state) % 2 ? uniform_between(state, 0.02, 0.1) : 0;
    for (int64_t i = 0; i < s.count; i++)
        s.values[i] = floor + height * pow(part(i), -exponent) - cooling * fmax((part(i) - 0.8) / 0.2, 0);
    add_any_noise(0.06, state);
    for (int64_t spikes = (int64_t)(next_bits(state) % 5); spikes > 0; spikes--)
        add_bump(&s, uniform_between(state, 0.05, 1), uniform_between(state, 0.001, 0.01), state);
    for (int64_t restarts = (int64_t)(next_bits(state) % 3); restarts > 0; restarts--)
        add_bump(&s, uniform_between(state, 0.01, 0.1), uniform_between(state, 0.01, 0.03), state);
}

START_TEST(improving_runs_are_not_called_saturated)
{
    tally t = {.kind = "improving"};
    uint64_t state = 1000;
    for (int64_t i = runs_of(USUAL_RUNS); i > 0; i--) {
        simulate_improving(&state);
        neck_saturation found = assess();
        count_verdict(&t, &found);
    }
    report(&t);
    ck_assert_int_le(t.verdicts[NECK_VERDICT_SATURATED] + t.verdicts[NECK_VERDICT_DIVERGED], t.runs / 20);
    ck_assert_int_ge(t.verdicts[NECK_VERDICT_IMPROVING], t.runs * 3 / 4);
}
END_TEST

static const int64_t lengths[] = {4, 8, 10, 12, 15, 16, 20, 27, 40, 60, 120};
static const double correlations[] = {0, 0.5, 0.8, 0.9};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void print_shares(const char *what, double which, const int64_t *found, int64_t runs)
{
    if (!getenv("SOFTNECK_TABLE")) return;
    printf("| %s %g |", what, which);
    for (int i = 0; i < LENGTHS; i++) printf(" %.1f |", 100 * (double)found[i] / (double)runs);
    printf("\n");
    fflush(stdout);
}

/* Falls for half of the run, then rises over a fifth of it; in standard deviations of the noise. */
static void lay_valley(int64_t count, double fall, double rise)
{
    s.count = count;
    for (int64_t i = 0; i < count; i++) {
        double t = (double)(i + 1) / (double)count;
        s.steps[i] = 100 * (i + 1);
        s.values[i] = 3 + 0.05 * (fall * fmax(0.5 - t, 0) / 0.5 + rise * fmin(fmax((t - 0.5) / 0.2, 0), 1));
    }
}

/* The least favourable runs: nothing but noise, of levels that are 0 to 0.9 correlated, of every length. */
START_TEST(flat_runs_are_called_saturated_as_often_as_stated)
{
    int64_t found[LENGTHS] = {0}, all = 0, runs = runs_of(USUAL_RUNS) / 3 + 1;
    uint64_t state = 2000;
    for (int length = 0; length < LENGTHS; length++) {
        for (int64_t i = 0; i < runs; i++) {
            lay_valley(lengths[length], 0, 0);
            add_noise(&s, 0.05, correlations[_i], (int)(i % 2), &state);
            int32_t verdict = assess_by(199).verdict;
            found[length] += verdict == NECK_VERDICT_SATURATED || verdict == NECK_VERDICT_DIVERGED;
        }
        all += found[length];
    }
    print_shares("flat, correlated", correlations[_i], found, runs);
    ck_assert_double_le((double)all, 0.05 * (double)(LENGTHS * runs));
    for (int i = 0; i < LENGTHS; i++)
        ck_assert_double_le((double)found[i], 0.05 * (double)runs + 3 * sqrt(0.05 * (double)runs));
}
END_TEST

/* What the test finds, by the height of the rise in standard deviations of the noise. */
START_TEST(turns_are_found_the_more_the_higher_they_rise)
{
    static const double rises[] = {3, 5, 8, 12, 20};
    int64_t found[LENGTHS] = {0}, runs = runs_of(USUAL_RUNS) / 10 + 1;
    double correlation = correlations[_i / 5], rise = rises[_i % 5];
    uint64_t state = 2500;
    for (int length = 0; length < LENGTHS; length++)
        for (int64_t i = 0; i < runs; i++) {
            lay_valley(lengths[length], 60, rise);
            add_noise(&s, 0.05, correlation, 0, &state);
            found[length] += assess().verdict >= NECK_VERDICT_SATURATED;
        }
    if (_i % 5 == 0 && getenv("SOFTNECK_TABLE")) printf("correlated %g:\n", correlation);
    print_shares("rise", rise, found, runs);
    ck_assert_int_ge(found[LENGTHS - 1], rise >= 12 ? runs * 9 / 10 : 0);
}
END_TEST

/* Falls, then rises at once, over a tenth of the run, or slowly to its end. */
static double simulate_turn(double rise, uint64_t *state)
{
    lay_steps(state);
    double turn = uniform_between(state, 0.25, 0.8), over[] = {1e-9, 0.1, 1 - turn},
        length = over[next_bits(state) % 3];
    for (int64_t i = 0; i < s.count; i++)
        s.values[i] = 3 + 0.3 * pow(fmin(part(i), turn), -0.4) + rise * fmin(fmax((part(i) - turn) / length, 0), 1);
    return turn;
}

/* Other shapes and other noise, by which the intervals' margin was chosen: an exponential or straight fall, a
 * parabola's or a square root's rise; noise that is a moving average, two-sided exponential, wider toward the end, or a
 * slow wave; steps that lie apart as they like. */
static double simulate_other_turn(double rise, uint64_t *state)
{
    s.count = 20 + (int64_t)(next_bits(state) % 900);
    double turn = uniform_between(state, 0.25, 0.8), step = 0;
    int straight = (int)(next_bits(state) % 2);
    double power = next_bits(state) % 2 ? 2 : 0.5, fall = uniform_between(state, 0.2, 1);
    for (int64_t i = 0; i < s.count; i++) s.steps[i] = (int64_t)(step += uniform_between(state, 20, 180));
    for (int64_t i = 0; i < s.count; i++) {
        double t = (double)s.steps[i] / step, before = fmin(t / turn, 1), since = fmax(t - turn, 0) / (1 - turn);
        s.values[i] = 2 + fall * (straight ? 1 - before : exp(-4 * before)) + rise * pow(since, power);
    }
    return turn;
}

static void add_other_noise(double largest, uint64_t *state)
{
    double scale = largest * pow(10, uniform_between(state, -1.5, 0)), fresh[6] = {0};
    double wave = uniform_between(state, 0, 0.7), length = uniform_between(state, 5, 40);
    double wider = uniform_between(state, 0, 2);
    int64_t reach = 1 + (int64_t)(next_bits(state) % 6);
    for (int64_t i = 0; i < s.count; i++) {
        double sum = 0, size = uniform_between(state, 0x1p-53, 1);
        fresh[i % 6] = (next_bits(state) % 2 ? 1 : -1) * log(size);
        for (int64_t k = 0; k < reach; k++) sum += fresh[(i + 6 - k) % 6] / sqrt(2.0 * (double)reach);
        s.values[i] += scale * (1 + wider * (double)i / (double)s.count) * (sum + wave * sin((double)i / length));
    }
}

/* Shapes and noise that no choice was made by: a cosine's fall and one of four rises (logistic, straight with a
 * plateau, two jumps, a jump that half decays), noise of two time scales, steps at the powers of 1.03 or equal ones. */
static double simulate_held_out_turn(double rise, uint64_t *state)
{
    s.count = 30 + (int64_t)(next_bits(state) % 400);
    double turn = uniform_between(state, 0.3, 0.75), fall = uniform_between(state, 0.3, 0.8);
    int64_t kind = (int64_t)(next_bits(state) % 4), late = (int64_t)(next_bits(state) % 2);
    for (int64_t i = 0; i < s.count; i++) {
        double t = late ? pow(1.03, (double)(i - s.count + 1)) : (double)(i + 1) / (double)s.count;
        s.steps[i] = llround(1e6 * t) + i;
    }
    for (int64_t i = 0; i < s.count; i++) {
        double t = (double)s.steps[i] / (double)s.steps[s.count - 1], since = (t - turn) / (1 - turn), up[4];
        up[0] = 1 / (1 + exp(-15 * (since - 0.3)));
        up[1] = fmin(since / 0.4, 1);
        up[2] = since < 0.4 ? 0.5 : 1;
        up[3] = 0.5 + 0.5 * exp(-6 * since);
        double down = 0.5 * (1 + cos(3.141592653589793 * fmin(t / turn, 1)));
        s.values[i] = 2 + fall * down + (since > 0 ? rise * up[kind] : 0);
    }
    return turn;
}

static void add_held_out_noise(double largest, uint64_t *state)
{
    double scale = largest * pow(10, uniform_between(state, -1.5, 0)), slow = uniform_between(state, 0, 0.95);
    add_noise(&s, 0.8 * scale, 0, (int)(next_bits(state) % 2), state);
    add_noise(&s, 0.6 * scale, slow, 0, state);
}

typedef struct turning {
    const char *kind;
    double (*curve)(double rise, uint64_t *state);
    void (*noise)(double largest, uint64_t *state);
    int least_found; /* per cent */
} turning;

START_TEST(turns_are_found)
{
    static const turning kinds[] = {{"turning", simulate_turn, add_any_noise, 80},
                                    {"turning, other shapes and noise", simulate_other_turn, add_other_noise, 80},
                                    {"turning, held out", simulate_held_out_turn, add_held_out_noise, 80}};
    tally t = {.kind = kinds[_i].kind};
    uint64_t state = 3000;
    for (int64_t i = runs_of(USUAL_RUNS); i > 0; i--) {
        double turn = kinds[_i].curve(uniform_between(&state, 0.04, 0.3), &state);
        neck_saturation truth = assess(); /* without noise */
        kinds[_i].noise(0.01, &state);
        neck_saturation found = assess();
        count_verdict(&t, &found);
        if (found.verdict != NECK_VERDICT_SATURATED) continue;
        if (truth.onset_step < 0) continue; /* a curve without noise that comes down for certain after its rise */
        t.compared++;
        double last = (double)s.steps[s.count - 1];
        t.near += fabs((double)found.onset_step - (_i ? (double)truth.onset_step : turn * last)) <= 0.05 * last;
        t.onset_inside += found.onset_low <= truth.onset_step && truth.onset_step <= found.onset_high;
        t.excess_inside += found.excess_low <= truth.excess_nats && truth.excess_nats <= found.excess_high;
    }
    report(&t);
    ck_assert_int_ge(t.verdicts[NECK_VERDICT_SATURATED], t.runs * kinds[_i].least_found / 100);
    ck_assert_int_ge(t.onset_inside, t.compared * 88 / 100);
    ck_assert_int_ge(t.excess_inside, t.compared * 85 / 100);
}
END_TEST

START_TEST(explosions_are_called_diverged)
{
    tally t = {.kind = "diverging"};
    uint64_t state = 4000;
    for (int64_t i = runs_of(USUAL_RUNS); i > 0; i--) {
        simulate_turn(uniform_between(&state, 1.5, 6), &state);
        add_any_noise(0.01, &state);
        neck_saturation found = assess();
        count_verdict(&t, &found);
    }
    report(&t);
    ck_assert_int_ge(t.verdicts[NECK_VERDICT_DIVERGED], t.runs * 95 / 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("saturation_rates");
    TCase *tests = tcase_create("saturation_rates");
    tcase_set_timeout(tests, 60 + 2 * (double)runs_of(USUAL_RUNS));
    tcase_add_test(tests, improving_runs_are_not_called_saturated);
    tcase_add_loop_test(tests, flat_runs_are_called_saturated_as_often_as_stated, 0, 4);
    tcase_add_loop_test(tests, turns_are_found_the_more_the_higher_they_rise, 0, 15);
    tcase_add_loop_test(tests, turns_are_found, 0, 3);
    tcase_add_test(tests, explosions_are_called_diverged);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
