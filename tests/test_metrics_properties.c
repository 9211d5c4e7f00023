/* What must hold for every spectrum: identities, invariances, edges, refusals, and the table of names. */
#include <string.h>

#include "test_metrics_support.h"

static neck_measure measure;

#define OK(call) ck_assert_msg((call) == NECK_OK, "%s", neck_last_error())

static void assert_refused(neck_status actual, neck_status expected, const char *message_part)
{
    ck_assert_int_eq(actual, expected);
    ck_assert_msg(strstr(neck_last_error(), message_part) != NULL, "\"%s\" in: %s", message_part, neck_last_error());
}

static neck_spectrum *random_spectrum(int64_t n, uint64_t seed)
{
    double *values = malloc((size_t)n * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int64_t i = 0; i < n; i++) values[i] = exp(3 * gaussian_next(&seed));
    neck_spectrum *spectrum = spectrum_of(values, n, 0);
    free(values);
    return spectrum;
}

/* The largest values of spectrum, with |W|_F^2 standing for the rest. */
static neck_spectrum *truncated(const neck_spectrum *spectrum, int64_t count)
{
    neck_spectrum *top = NULL;
    int64_t n = neck_spectrum_size(spectrum);
    OK(neck_spectrum_from_values(NULL, neck_spectrum_values(spectrum), count, n, n,
                                 neck_spectrum_frobenius_squared(spectrum), 0, &top));
    return top;
}

START_TEST(identities_between_metrics)
{
    int64_t n = 1 + 7 * _i;
    neck_spectrum *spectrum = random_spectrum(n, (uint64_t)_i);
    double entropy = evaluate("singular_entropy", spectrum).value;
    double linear = evaluate("singular_entropy_linear", spectrum).value;
    assert_close(evaluate("matrix_entropy_rank", spectrum).value, (double)n * exp(-entropy), 1e-12, "n exp(-KL)");
    assert_close(evaluate("effective_rank", spectrum).value, (double)n * exp(-linear), 1e-12, "n exp(-KL), linear");
    ck_assert(entropy >= 0 && entropy <= log((double)n) + 1e-12);
    ck_assert(linear >= 0 && linear <= entropy + 1e-12); /* squaring concentrates */
    double share = evaluate("top_component_share", spectrum).value;
    assert_close(evaluate("stable_rank", spectrum).value * share, 1, 1e-14, "stable rank times top share");
    OK(neck_w_error(spectrum, 1, &measure));
    assert_close(measure.value * measure.value + share, 1, 1e-14, "W-error(1)^2 + top share");
    OK(neck_gini(spectrum, NECK_P_SQUARED, &measure));
    assert_close(evaluate("early_enrichment", spectrum).value, measure.value, 1e-14, "EEE is the Gini of sigma^2");
    OK(neck_rankme(spectrum, 1e-300, &measure));
    assert_close(measure.value, evaluate("effective_rank", spectrum).value, 1e-12, "RankMe without its epsilon");
    neck_spectrum_destroy(spectrum);
}
END_TEST

START_TEST(scale_changes_norms_only)
{
    static const double scales[] = {0x1p-900, 1e-30, 3, 0x1p+900};
    const double n = 40;
    neck_spectrum *spectrum = random_spectrum((int64_t)n, 5);
    double values[40];
    for (int i = 0; i < 40; i++) values[i] = neck_spectrum_values(spectrum)[i] * scales[_i];
    neck_spectrum *scaled = spectrum_of(values, 40, 0);
    for (int64_t m = 0; m < neck_metric_count(); m++) {
        const char *name = neck_metric_name(m);
        double before = evaluate(name, spectrum).value, after = evaluate(name, scaled).value;
        int is_norm = strcmp(neck_metric_unit(m), "units of W") == 0;
        assert_close(is_norm ? after / scales[_i] : after, before, 1e-12, name);
    }
    neck_spectrum_destroy(scaled);
    neck_spectrum_destroy(spectrum);
}
END_TEST

START_TEST(flat_spectrum_has_full_rank)
{
    double values[37];
    for (int i = 0; i < 37; i++) values[i] = 0.1;
    neck_spectrum *spectrum = spectrum_of(values, 37, 0);
    static const char *const ranks[] = {"effective_rank", "matrix_entropy_rank", "stable_rank", "participation_ratio",
                                        "numerical_rank"};
    for (int i = 0; i < 5; i++) assert_close(evaluate(ranks[i], spectrum).value, 37, 1e-14, ranks[i]);
    ck_assert_double_lt(evaluate("singular_entropy", spectrum).value, 1e-30);
    ck_assert(evaluate("gini", spectrum).value == 0 && evaluate("early_enrichment", spectrum).value == 0);
    assert_close(evaluate("hoyer", spectrum).value, 0, 0, "hoyer");
    assert_refused(neck_power_law_tail(spectrum, &(neck_power_law){.struct_size = sizeof(neck_power_law)}),
                   NECK_E_ARGUMENT, "the same");
    neck_spectrum_destroy(spectrum);
}
END_TEST

/* KL of (1 + e, 1, ..., 1) squared is (n-1)/(2 n^2) (2e)^2 to leading order: far below the rounding of ln n - H. */
START_TEST(nearly_flat_entropy_keeps_its_digits)
{
    enum { N = 1000 };
    double values[N], e = 1e-6;
    for (int i = 0; i < N; i++) values[i] = i == 0 ? 1 + e : 1;
    neck_spectrum *spectrum = spectrum_of(values, N, 0);
    double expected = (N - 1.0) / (2.0 * N * N) * 4 * e * e;
    ck_assert_double_le(fabs(evaluate("singular_entropy", spectrum).value / expected - 1), 1e-5);
    neck_spectrum_destroy(spectrum);
}
END_TEST

/* sigma_i = 2^-i: W-error(d) = 2^-d sqrt((1 - 4^(d-n)) / (1 - 4^-n)), exact long after 1 - (1 - x) would be 0. */
START_TEST(w_error_does_not_cancel)
{
    enum { N = 60 };
    double values[N];
    for (int i = 0; i < N; i++) values[i] = ldexp(1, -i);
    neck_spectrum *spectrum = spectrum_of(values, N, 0);
    for (int d = 0; d <= N; d++) {
        double expected = ldexp(1, -d) * sqrt((1 - pow(4, d - N)) / (1 - pow(4, -N)));
        OK(neck_w_error(spectrum, d, &measure));
        ck_assert_double_le(fabs(measure.value - expected), 1e-14 * expected);
        OK(neck_rank_for_w_error(spectrum, measure.value, &measure));
        ck_assert(measure.value == d);
    }
    OK(neck_rank_for_w_error(spectrum, 1, &measure));
    ck_assert(measure.value == 0);
    neck_spectrum_destroy(spectrum);
}
END_TEST

START_TEST(largest_values_alone_serve_some_metrics)
{
    static const char *const serve[] = {"stable_rank", "top_component_share", "frobenius_norm", "spectral_norm",
                                        "w_error_at_quarter", "rank_for_w_error_60pct", "alpha_req"};
    neck_spectrum *all = random_spectrum(200, 9), *top = truncated(all, 150);
    int served = 0;
    for (int i = 0; i < 7; i++) {
        neck_measure part = evaluate(serve[i], top);
        double whole = evaluate(serve[i], all).value;
        ck_assert_double_le(fabs(part.value - whole), part.error + 1e-12 * whole);
        served++;
    }
    for (int64_t m = 0; m < neck_metric_count(); m++) {
        neck_status status = neck_metric_evaluate(m, top, &measure);
        served -= status == NECK_OK;
        if (status != NECK_OK) assert_refused(status, NECK_E_STATE, "");
    }
    ck_assert_int_le(served, 0);
    assert_refused(neck_nuclear_norm(top, &measure), NECK_E_STATE, "all 200 singular values");
    assert_refused(neck_w_error(top, 151, &measure), NECK_E_STATE, "150");
    assert_refused(neck_rank_for_w_error(top, 0, &measure), NECK_E_STATE, "150 known");
    assert_refused(neck_numerical_rank(top, 1e-300, &measure), NECK_E_STATE, "above the threshold");
    OK(neck_numerical_rank(top, 0.5, &measure));
    assert_refused(neck_alpha_req(top, 2, 151, &measure), NECK_E_STATE, "150 known");
    neck_spectrum_destroy(top);
    neck_spectrum_destroy(all);
}
END_TEST

START_TEST(zero_matrix)
{
    static const double zeros[5];
    neck_spectrum *spectrum = spectrum_of(zeros, 5, 0);
    for (int64_t m = 0; m < neck_metric_count(); m++) {
        const char *name = neck_metric_name(m);
        neck_measure untouched = {5, 6};
        neck_status status = neck_metric_evaluate(m, spectrum, &untouched);
        if (strcmp(neck_metric_unit(m), "units of W") == 0 || strcmp(name, "numerical_rank") == 0) {
            ck_assert_msg(status == NECK_OK && untouched.value == 0 && untouched.error == 0, "%s", name);
        } else {
            assert_refused(status, NECK_E_ARGUMENT, "all singular values are zero");
            ck_assert(untouched.value == 5 && untouched.error == 6);
        }
    }
    neck_spectrum_destroy(spectrum);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    neck_spectrum *spectrum = random_spectrum(20, 3);
    for (int64_t m = 0; m < neck_metric_count(); m++) {
        ck_assert_int_eq(neck_metric_evaluate(m, NULL, &measure), NECK_E_ARGUMENT);
        ck_assert_int_eq(neck_metric_evaluate(m, spectrum, NULL), NECK_E_ARGUMENT);
    }
    assert_refused(neck_singular_entropy(spectrum, 2, &measure), NECK_E_ARGUMENT, "normalization is 2");
    assert_refused(neck_gini(spectrum, -1, &measure), NECK_E_ARGUMENT, "normalization is -1");
    assert_refused(neck_hoyer(spectrum, 7, &measure), NECK_E_ARGUMENT, "normalization is 7");
    assert_refused(neck_rankme(spectrum, -1, &measure), NECK_E_ARGUMENT, "epsilon");
    assert_refused(neck_rankme(spectrum, NAN, &measure), NECK_E_ARGUMENT, "epsilon");
    assert_refused(neck_numerical_rank(spectrum, 1, &measure), NECK_E_ARGUMENT, "tolerance");
    assert_refused(neck_w_error(spectrum, -1, &measure), NECK_E_ARGUMENT, "rank is -1");
    assert_refused(neck_w_error(spectrum, 21, &measure), NECK_E_ARGUMENT, "rank is 21");
    assert_refused(neck_rank_for_w_error(spectrum, 1.5, &measure), NECK_E_ARGUMENT, "1.5");
    assert_refused(neck_alpha_req(spectrum, 0, 5, &measure), NECK_E_ARGUMENT, "ranks 0 to 5");
    assert_refused(neck_alpha_req(spectrum, 5, 5, &measure), NECK_E_ARGUMENT, "ranks 5 to 5");
    assert_refused(neck_alpha_req(spectrum, 5, 21, &measure), NECK_E_ARGUMENT, "ranks 5 to 21");
    neck_spectrum_destroy(spectrum);
}
END_TEST

/* The fit by the definition: every candidate, every value, no short cuts. */
static neck_power_law plain_fit(const double *lambda, int64_t n)
{
    neck_power_law best = {.ks_distance = INFINITY};
    for (int64_t c = n - 1; c >= 0; c--) {
        double logs = 0, farthest = 0;
        int64_t m = 0;
        for (int64_t i = 0; i < n; i++)
            if (lambda[i] >= lambda[c]) logs += log(lambda[i] / lambda[c]), m++;
        if (!(logs > 0)) continue;
        double alpha = 1 + (double)m / logs;
        for (int64_t i = 0; i < n; i++) {
            if (lambda[i] < lambda[c]) continue;
            int64_t below = 0;
            for (int64_t j = 0; j < n; j++) below += lambda[j] >= lambda[c] && lambda[j] < lambda[i];
            farthest = fmax(farthest, fabs(1 - pow(lambda[i] / lambda[c], 1 - alpha) - (double)below / (double)m));
        }
        if (farthest < best.ks_distance * (1 - 1e-12))
            best = (neck_power_law){.alpha = alpha, .ks_distance = farthest, .xmin = lambda[c], .tail_count = m};
    }
    return best;
}

START_TEST(power_law_is_the_definition)
{
    enum { N = 90 };
    double values[N], lambda[N];
    uint64_t dice = (uint64_t)_i;
    for (int i = 0; i < N; i++) /* every other run full of equal values */
        values[i] = _i % 2 ? 1 + floor(10 * uniform_next(&dice)) : exp(gaussian_next(&dice));
    neck_spectrum *spectrum = spectrum_of(values, N, 0);
    for (int i = 0; i < N; i++) lambda[i] = neck_spectrum_values(spectrum)[i] * neck_spectrum_values(spectrum)[i];
    neck_power_law law = {.struct_size = sizeof law}, plain = plain_fit(lambda, N);
    OK(neck_power_law_tail(spectrum, &law));
    assert_close(law.ks_distance, plain.ks_distance, 1e-10, "ks_distance");
    assert_close(law.alpha, plain.alpha, 1e-10, "alpha");
    ck_assert_int_eq(law.tail_count, plain.tail_count);
    neck_spectrum_destroy(spectrum);
}
END_TEST

START_TEST(power_law_struct_of_another_size)
{
    neck_spectrum *spectrum = random_spectrum(50, 4);
    neck_power_law whole = {.struct_size = sizeof whole};
    OK(neck_power_law_tail(spectrum, &whole));
    neck_power_law older = {.struct_size = offsetof(neck_power_law, standard_error), .standard_error = -1, .xmin = -2};
    OK(neck_power_law_tail(spectrum, &older));
    ck_assert(older.alpha == whole.alpha && older.alpha_error == whole.alpha_error);
    ck_assert(older.standard_error == -1 && older.xmin == -2);
    struct { neck_power_law known; double unknown; } newer = {.known.struct_size = sizeof newer, .unknown = 3};
    OK(neck_power_law_tail(spectrum, &newer.known));
    ck_assert(newer.known.tail_count == whole.tail_count && newer.unknown == 3);
    ck_assert_uint_eq(newer.known.struct_size, sizeof newer);
    neck_power_law unset = {.struct_size = 0, .alpha = 9};
    assert_refused(neck_power_law_tail(spectrum, &unset), NECK_E_ARGUMENT, "struct_size is 0");
    ck_assert(unset.alpha == 9);
    neck_spectrum_destroy(spectrum);
}
END_TEST

static int allocations_left;

static void *scarce_alloc(void *user, size_t alignment, size_t size)
{
    (void)user;
    return allocations_left-- > 0 ? aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) : NULL;
}

static void scarce_release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

START_TEST(power_law_without_memory)
{
    neck_context_options options = {.struct_size = sizeof options, .alloc = scarce_alloc, .release = scarce_release};
    neck_context *context = NULL;
    neck_spectrum *spectrum = NULL;
    static const double values[] = {4, 2, 1};
    allocations_left = 1000;
    OK(neck_context_create(&options, &context));
    OK(neck_spectrum_from_values(context, values, 3, 3, 3, -1, 0, &spectrum));
    allocations_left = 0;
    neck_power_law law = {.struct_size = sizeof law, .alpha = -1};
    ck_assert_int_eq(neck_power_law_tail(spectrum, &law), NECK_E_NOMEM);
    ck_assert(law.alpha == -1);
    neck_spectrum_destroy(spectrum);
    neck_context_destroy(context);
}
END_TEST

START_TEST(table_of_names)
{
    int64_t index = -1, count = neck_metric_count();
    for (int64_t m = 0; m < count; m++) {
        OK(neck_metric_find(neck_metric_name(m), &index));
        ck_assert_int_eq(index, m); /* names are unique */
        ck_assert_uint_gt(strlen(neck_metric_unit(m)), 0);
        ck_assert_uint_gt(strlen(neck_metric_summary(m)), 8);
    }
    static const int64_t outside[] = {-1, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_null(neck_metric_name(outside[i]));
        ck_assert_ptr_null(neck_metric_unit(outside[i]));
        ck_assert_ptr_null(neck_metric_summary(outside[i]));
        ck_assert_int_eq(neck_metric_evaluate(outside[i], NULL, &measure), NECK_E_ARGUMENT);
    }
    ck_assert_ptr_null(neck_metric_name(count));
    index = 77;
    assert_refused(neck_metric_find("entropie", &index), NECK_E_NOT_FOUND, "'entropie'");
    ck_assert_ptr_nonnull(strstr(neck_last_error(), neck_metric_name(count - 1))); /* the list is whole */
    ck_assert_int_eq(index, 77);
    ck_assert_int_eq(neck_metric_find(NULL, &index), NECK_E_ARGUMENT);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("identities"), tcase_create("edges"), tcase_create("power_law"),
                      tcase_create("table")};
    tcase_add_loop_test(cases[0], identities_between_metrics, 0, 30);
    tcase_add_loop_test(cases[0], scale_changes_norms_only, 0, 4);
    tcase_add_test(cases[0], flat_spectrum_has_full_rank);
    tcase_add_test(cases[0], nearly_flat_entropy_keeps_its_digits);
    tcase_add_test(cases[0], w_error_does_not_cancel);
    tcase_add_test(cases[1], largest_values_alone_serve_some_metrics);
    tcase_add_test(cases[1], zero_matrix);
    tcase_add_test(cases[1], bad_arguments_are_refused);
    tcase_add_loop_test(cases[2], power_law_is_the_definition, 0, 20);
    tcase_add_test(cases[2], power_law_struct_of_another_size);
    tcase_add_test(cases[2], power_law_without_memory);
    tcase_add_test(cases[3], table_of_names);
    return run_cases("metrics_properties", cases, 4);
}
