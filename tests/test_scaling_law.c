/* tests/test_scaling_law.c - the paper's law from its table, planted laws, scipy's fits, refusals. */
#include "saturation_support.h"

static const neck_scaling_law paper = {119.09, 0.246, 410.7, 0.28, 1.69};
enum { PAPER_FIT = NECK_SCALING_A | NECK_SCALING_ALPHA };

/* Rows of examples/data/pythia-scaling.csv of a source and checkpoint
 * (model,checkpoint,parameters,step,tokens,loss,source). */
static int64_t read_points(const char *source, const char *checkpoint, neck_scaling_point *out)
{
    char path[4096], line[512], *fields[16];
    under_root("examples/data/pythia-scaling.csv", path, sizeof path);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    int64_t count = 0;
    while (fgets(line, sizeof line, file)) {
        if (split_line(line, fields) != 7 || strcmp(fields[6], source) != 0 || strcmp(fields[1], checkpoint) != 0)
            continue;
        out[count++] = (neck_scaling_point){strtod(fields[2], NULL), strtod(fields[4], NULL), strtod(fields[5], NULL)};
    }
    fclose(file);
    return count;
}

static neck_scaling_fit fit(const neck_scaling_point *points, int64_t count, const neck_scaling_options *options)
{
    neck_scaling_fit found = {.struct_size = sizeof found};
    ck_assert_msg(neck_scaling_law_fit(NULL, points, count, options, &found) == NECK_OK, "%s", neck_last_error());
    return found;
}

START_TEST(the_papers_law_and_gaps_are_reproduced)
{
    neck_scaling_point points[16];
    int64_t count = read_points("law", "final", points);
    ck_assert_int_eq(count, 6);
    neck_scaling_options options = {.struct_size = sizeof options, .fitted = PAPER_FIT, .fixed = paper};
    options.fixed.a = options.fixed.alpha = 0;
    neck_scaling_fit found = fit(points, count, &options);
    ck_assert_double_eq_tol(found.law.a, 119.09, 0.005);
    ck_assert_double_eq_tol(found.law.alpha, 0.246, 0.0005);
    ck_assert_double_eq(found.law.b, 410.7);
    ck_assert_double_eq(found.low.e, 1.69);
    double mean;
    ck_assert_int_eq(read_points("figure", "final", points), 4);
    ck_assert_int_eq(neck_scaling_law_gaps(&found.law, points, 4, NULL, &mean), NECK_OK);
    ck_assert_double_eq_tol(mean, 0.080, 0.0005);
    ck_assert_int_eq(read_points("figure", "best", points), 4);
    double gaps[4];
    ck_assert_int_eq(neck_scaling_law_gaps(&found.law, points, 4, gaps, &mean), NECK_OK);
    ck_assert_double_eq_tol(mean, 0.041, 0.0005);
    ck_assert_double_eq_tol(gaps[3], 0.015, 0.0005);
}
END_TEST

START_TEST(fits_match_scipy)
{
    json_t *all = load_golden("tests/golden/saturation.json"), *cases = json_object_get(all, "scaling");
    ck_assert_uint_eq(json_array_size(cases), 2);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *golden = json_array_get(cases, i);
        double n[60], t[60], loss[60], law[5];
        int64_t count = read_numbers(golden, "n", n);
        read_numbers(golden, "t", t);
        read_numbers(golden, "loss", loss);
        read_numbers(golden, "law", law);
        neck_scaling_point points[60];
        for (int64_t k = 0; k < count; k++) points[k] = (neck_scaling_point){n[k], t[k], loss[k]};
        neck_scaling_options options = {.struct_size = sizeof options, .resamples = -1,
                                        .huber = read_number(golden, "huber")};
        neck_scaling_fit found = fit(points, count, &options);
        ck_assert_double_le(found.objective, read_number(golden, "objective") * (1 + 1e-6)); /* at least as good */
        const double ours[] = {found.law.a, found.law.alpha, found.law.b, found.law.beta, found.law.e};
        for (int k = 0; k < 5; k++)
            ck_assert_msg(fabs(ours[k] / law[k] - 1) < 2e-3, "%zu %d: %g, %g", i, k, ours[k], law[k]);
        ck_assert_int_ge(found.agreeing, found.starts / 4);
        ck_assert(isnan(found.low.a) && isnan(found.high.e));
    }
    json_decref(all);
}
END_TEST

static void plant(const neck_scaling_law *law, double noise, uint64_t *state, neck_scaling_point *points, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double n = pow(10, uniform_between(state, 7.5, 10.2)), t = n * pow(10, uniform_between(state, 0.5, 2.2));
        points[i] = (neck_scaling_point){n, t, neck_scaling_law_loss(law, n, t) * exp(noise * noise_number(state, 1))};
    }
}

START_TEST(planted_laws_are_recovered)
{
    const neck_scaling_law law = {406.4, 0.34, 410.7, 0.28, 1.69};
    neck_scaling_point points[60];
    uint64_t state = 1;
    plant(&law, 0, &state, points, 60);
    neck_scaling_fit exact = fit(points, 60, NULL);
    ck_assert_double_eq_tol(exact.law.a / law.a, 1, 1e-5);
    ck_assert_double_eq_tol(exact.law.beta, law.beta, 1e-6);
    ck_assert_double_eq_tol(exact.law.e, law.e, 1e-6);
    int covered[5] = {0};
    enum { ROUNDS = 20 };
    for (int round = 0; round < ROUNDS; round++) {
        plant(&law, 0.004, &state, points, 60);
        neck_scaling_fit found =
            fit(points, 60, &(neck_scaling_options){.struct_size = sizeof(neck_scaling_options), .resamples = 99});
        covered[0] += found.low.a <= law.a && law.a <= found.high.a;
        covered[1] += found.low.alpha <= law.alpha && law.alpha <= found.high.alpha;
        covered[2] += found.low.b <= law.b && law.b <= found.high.b;
        covered[3] += found.low.beta <= law.beta && law.beta <= found.high.beta;
        covered[4] += found.low.e <= law.e && law.e <= found.high.e;
    }
    for (int k = 0; k < 5; k++)
        ck_assert_msg(covered[k] >= ROUNDS * 16 / 20, "constant %d: %d of %d", k, covered[k], ROUNDS);
}
END_TEST

START_TEST(outliers_hardly_count)
{
    const neck_scaling_law law = {406.4, 0.34, 410.7, 0.28, 1.69};
    neck_scaling_point points[60];
    uint64_t state = 3;
    plant(&law, 0.001, &state, points, 60);
    for (int i = 0; i < 5; i++) points[i].loss *= 1.5;
    neck_scaling_fit found = fit(points, 60,
                                 &(neck_scaling_options){.struct_size = sizeof(neck_scaling_options), .resamples = -1});
    ck_assert_double_eq_tol(found.law.alpha, law.alpha, 0.02);
    ck_assert_double_eq_tol(found.law.e, law.e, 0.05);
}
END_TEST

START_TEST(what_cannot_be_fitted_is_refused)
{
    neck_scaling_point points[16], same[6];
    read_points("law", "final", points);
    for (int i = 0; i < 6; i++) same[i] = points[0];
    neck_scaling_fit out, before;
    memset(&out, 0x5a, sizeof out);
    out.struct_size = sizeof out;
    before = out;
    const struct {
        const neck_scaling_point *points;
        int64_t count;
        neck_scaling_options options;
        neck_status status;
        const char *says;
    } cases[] = {
        {NULL, 6, {0}, NECK_E_ARGUMENT, "NULL"},
        {points, 4, {0}, NECK_E_ARGUMENT, "4 points do not determine 5"},
        {points, 6, {0}, NECK_E_CONVERGENCE, "tell the constants apart"}, /* all of one length */
        {same, 6, {.fitted = PAPER_FIT, .fixed = paper}, NECK_E_CONVERGENCE, "tell the constants apart"},
        {points, 6, {.fitted = PAPER_FIT}, NECK_E_ARGUMENT, "must be positive where they are not fitted"},
        {points, 6, {.fitted = 64}, NECK_E_ARGUMENT, "fitted is 64"},
        {points, 6, {.resamples = -2}, NECK_E_ARGUMENT, "resamples"},
        {points, 6, {.huber = -1}, NECK_E_ARGUMENT, "huber"},
        {points, 6, {.confidence = 2}, NECK_E_ARGUMENT, "confidence"},
        {(neck_scaling_point[]){{1e6, 1e9, NAN}}, 1, {0}, NECK_E_ARGUMENT, "points[0]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        neck_scaling_options options = cases[i].options;
        options.struct_size = sizeof options;
        ck_assert_int_eq(neck_scaling_law_fit(NULL, cases[i].points, cases[i].count, &options, &out), cases[i].status);
        ck_assert_msg(strstr(neck_last_error(), cases[i].says) != NULL, "%zu: %s", i, neck_last_error());
        ck_assert_mem_eq(&out, &before, sizeof out);
    }
    ck_assert_int_eq(neck_scaling_law_gaps(NULL, points, 1, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert(isnan(neck_scaling_law_loss(&paper, -1, 1)) && isnan(neck_scaling_law_loss(NULL, 1, 1)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scaling_law");
    TCase *tests = tcase_create("scaling_law");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_papers_law_and_gaps_are_reproduced);
    tcase_add_test(tests, fits_match_scipy);
    tcase_add_test(tests, planted_laws_are_recovered);
    tcase_add_test(tests, outliers_hardly_count);
    tcase_add_test(tests, what_cannot_be_fitted_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
