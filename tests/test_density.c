/* tests/test_density.c - the spectral density of operators whose singular values are known. */
#include "density_support.h"
#include "runs.h"

enum { N = 64, RUNS = 200 };

/* 200 operators: bands at 95 % may miss 10 of them, 19 with one chance in two hundred. */
static void count_misses(int64_t deflate, double most_width)
{
    int missed = 0;
    double sum = 0, truth[N];
    const int runs = (int)runs_of(RUNS);
    for (int run = 0; run < runs; run++) {
        spectrum_of(run % KINDS, N, truth);
        made a = dense_operator(N + 8, N, constructed(N + 8, N, truth, (uint64_t)run + 1));
        neck_context *context = context_of((uint64_t)run, 1);
        neck_density_options options = {.struct_size = sizeof options, .probes = 12, .deflate = (int32_t)deflate};
        neck_density *density = computed(context, a.op, &options);
        double width;
        missed += !covers(density, N, truth, &width);
        sum += width;
        neck_density_destroy(density);
        neck_context_destroy(context);
        drop(a);
    }
    ck_assert_msg(missed <= 19, "%d of %d bands miss", missed, runs);
    ck_assert_msg(sum / runs < most_width, "mean width %g", sum / runs);
}

START_TEST(bands_hold_at_their_rate)
{
    count_misses(-1, 0.25);
}
END_TEST

START_TEST(bands_hold_without_the_largest)
{
    count_misses(3, 0.25);
}
END_TEST

/* With every value found by the Krylov space nothing is left to chance. */
START_TEST(small_operators_are_exact)
{
    for (int kind = 0; kind < KINDS; kind++) {
        double truth[N], width;
        spectrum_of(kind, N, truth);
        made a = dense_operator(N, N, constructed(N, N, truth, 5));
        neck_density *density = computed(NULL, a.op, NULL);
        ck_assert_msg(covers(density, N, truth, &width), "kind %d", kind);
        ck_assert_msg(kind == CONSTANT || width < 1e-3, "kind %d: %g", kind, width);
        neck_band band;
        ck_assert_int_eq(neck_density_entropy(density, NECK_P_SQUARED, &band), NECK_OK);
        ck_assert(within(band, true_entropy(N, truth, 0), 1e-9));
        ck_assert_msg(kind == CONSTANT || band.high - band.low < 1e-3, "kind %d: %g to %g", kind, band.low, band.high);
        neck_density_destroy(density);
        drop(a);
    }
}
END_TEST

START_TEST(every_number_has_its_band)
{
    for (int kind = 0; kind < KINDS; kind++) {
        double truth[2 * N];
        spectrum_of(kind, 2 * N, truth);
        made a = dense_operator(2 * N, 2 * N, constructed(2 * N, 2 * N, truth, 9));
        neck_density_options options = {.struct_size = sizeof options, .probes = 64, .deflate = 8, .confidence = 0.999};
        neck_density *density = computed(NULL, a.op, &options);
        neck_band band;
        for (int linear = 0; linear < 2; linear++) {
            double entropy = true_entropy(2 * N, truth, linear);
            ck_assert_int_eq(neck_density_entropy(density, linear, &band), NECK_OK);
            ck_assert_msg(within(band, entropy, 1e-7), "kind %d: %g not in %g .. %g", kind, entropy, band.low,
                          band.high);
            ck_assert_int_eq(neck_density_effective_rank(density, linear, &band), NECK_OK);
            ck_assert(within(band, 2 * N * exp(-entropy), 1e-5));
        }
        for (double w = 0.1; w < 1; w += 0.2) {
            int64_t rank = 0;
            while (true_w_error(2 * N, truth, rank) > w) rank++;
            ck_assert_int_eq(neck_density_rank_for_w_error(density, w, &band), NECK_OK);
            ck_assert_msg(within(band, (double)rank, 0), "kind %d, W-error %g: %lld not in %g .. %g", kind, w,
                          (long long)rank, band.low, band.high);
        }
        for (int64_t i = 3; i < 2 * N; i += 20) {
            double sigma = truth[i] * 1.01, count = 0;
            while (count < 2 * N && truth[(int64_t)count] > sigma) count++;
            ck_assert_int_eq(neck_density_count_above(density, sigma, &band), NECK_OK);
            ck_assert_msg(within(band, count, 0), "kind %d, above %g: %g not in %g .. %g", kind, sigma, count, band.low,
                          band.high);
        }
        neck_density_destroy(density);
        drop(a);
    }
}
END_TEST

START_TEST(more_probes_narrow_the_band)
{
    double truth[4 * N], few, many;
    spectrum_of(SLOW, 4 * N, truth);
    made a = dense_operator(4 * N, 4 * N, constructed(4 * N, 4 * N, truth, 3));
    neck_density_options options = {.struct_size = sizeof options, .probes = 8, .deflate = -1};
    neck_density *density = computed(NULL, a.op, &options);
    covers(density, 4 * N, truth, &few);
    neck_density_destroy(density);
    options.probes = 128;
    density = computed(NULL, a.op, &options);
    covers(density, 4 * N, truth, &many);
    ck_assert_msg(many < 0.4 * few, "%g with 8 probes, %g with 128", few, many);
    neck_density_destroy(density);
    options = (neck_density_options){.struct_size = sizeof options, .deflate = -1, .target_width = few / 2};
    density = computed(NULL, a.op, &options);
    neck_density_report report = report_of(density);
    ck_assert_msg(report.width <= few / 2 && report.probes < 128, "%g with %d probes", report.width, report.probes);
    neck_density_destroy(density);
    drop(a);
}
END_TEST

/* The coupling part proves its band but for the size of blocks, so it never misses here; and it is narrow. */
START_TEST(nearly_diagonal_operators)
{
    enum { ROWS = 1500, COLS = 60 };
    static double entries[ROWS * COLS];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        double diagonal[COLS], width;
        double *truth = nearly_diagonal(ROWS, COLS, seed, 0.05, entries, diagonal);
        neck_matrix view = {entries, ROWS, COLS, 0, NECK_F64, 0};
        neck_operator *op;
        ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
        neck_density_options options = {.struct_size = sizeof options, .diagonal = diagonal, .target_width = 0.05};
        neck_density *density = computed(NULL, op, &options);
        ck_assert_msg(covers(density, COLS, truth, &width), "seed %llu", (unsigned long long)seed);
        ck_assert_msg(width < 0.05, "%g", width);
        ck_assert_int_eq(report_of(density).routes, NECK_DENSITY_COUPLING);
        neck_band band;
        ck_assert_int_eq(neck_density_entropy(density, NECK_P_LINEAR, &band), NECK_OK);
        ck_assert(within(band, true_entropy(COLS, truth, 1), 0));
        neck_density_destroy(density);
        neck_operator_destroy(op);
        free(truth);
    }
}
END_TEST

/* A diagonal that says little: the band must hold all the same, by Lanczos. */
START_TEST(strongly_coupled_operators)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        double truth[N], diagonal[N] = {0}, width;
        spectrum_of((int)(seed % KINDS), N, truth);
        made a = dense_operator(N, N, constructed(N, N, truth, seed));
        for (int i = 0; i < N * N; i++) diagonal[i % N] += a.entries[i] * a.entries[i];
        neck_density_options options = {.struct_size = sizeof options, .diagonal = diagonal, .deflate = -1,
                                        .confidence = 0.999};
        neck_density *density = computed(NULL, a.op, &options);
        ck_assert_msg(covers(density, N, truth, &width), "seed %llu", (unsigned long long)seed);
        neck_density_destroy(density);
        drop(a);
    }
}
END_TEST

START_TEST(known_values_join)
{
    double truth[N], known[] = {0.9, 0.35, 0, 0}, all[N + 4], width;
    spectrum_of(ZIPF, N, truth);
    memcpy(all, truth, sizeof truth);
    memcpy(all + N, known, sizeof known);
    for (int i = N; i < N + 4; i++) /* insertion, decreasing */
        for (int j = i; j > 0 && all[j] > all[j - 1]; j--) {
            double other = all[j];
            all[j] = all[j - 1];
            all[j - 1] = other;
        }
    made a = dense_operator(N, N, constructed(N, N, truth, 2));
    neck_density_options options = {.struct_size = sizeof options, .known_values = known, .known_count = 4};
    neck_density *density = computed(NULL, a.op, &options);
    ck_assert(covers(density, N + 4, all, &width));
    ck_assert_double_lt(width, 1e-4);
    ck_assert_int_eq(report_of(density).size, N + 4);
    neck_band band;
    ck_assert_int_eq(neck_density_entropy(density, NECK_P_SQUARED, &band), NECK_OK);
    ck_assert_msg(within(band, true_entropy(N + 4, all, 0), 1e-9) && band.high - band.low < 1e-4, "%g to %g", band.low,
                  band.high);
    neck_density_destroy(density);
    drop(a);
}
END_TEST

static int32_t through(void *user, int32_t transposed, int64_t count, const double *x, double *y)
{
    return neck_operator_apply(NULL, user, transposed, count, x, y) != NECK_OK;
}

/* |A|_F is then estimated too. */
START_TEST(norm_need_not_be_known)
{
    for (int kind = 0; kind < KINDS; kind++) {
        double truth[N], width, norm = 0;
        spectrum_of(kind, N, truth);
        for (int i = 0; i < N; i++) norm += truth[i] * truth[i];
        made a = dense_operator(N, N, constructed(N, N, truth, 4));
        neck_operator *op;
        ck_assert_int_eq(neck_operator_callback(NULL, N, N, through, a.op, -1, &op), NECK_OK);
        neck_density_options options = {.struct_size = sizeof options, .probes = 48, .deflate = 2, .confidence = 0.999};
        neck_density *density = computed(NULL, op, &options);
        ck_assert_msg(covers(density, N, truth, &width), "kind %d", kind);
        ck_assert_double_lt(fabs(report_of(density).frobenius_squared / norm - 1), 0.2);
        neck_band band;
        for (int linear = 0; linear < 2; linear++) {
            ck_assert_int_eq(neck_density_entropy(density, linear, &band), NECK_OK);
            ck_assert(within(band, true_entropy(N, truth, linear), 1e-7));
        }
        neck_density_destroy(density);
        neck_operator_destroy(op);
        drop(a);
    }
}
END_TEST

static int32_t through_both(void *user, int32_t transposed, int64_t count, const double *x, double *y)
{
    return transposed != 0 || neck_operator_apply_normal(NULL, user, count, x, y) != NECK_OK;
}

/* Products of A^T A are all that is asked for: bands are the same to the last bit. */
START_TEST(normal_products_are_enough)
{
    double truth[N];
    spectrum_of(0, N, truth);
    made a = dense_operator(N, N, constructed(N, N, truth, 4));
    neck_operator *op;
    ck_assert_int_eq(neck_operator_normal(NULL, N, N, through_both, a.op, neck_operator_frobenius_squared(a.op), &op),
                     NECK_OK);
    neck_density *direct = computed(NULL, a.op, NULL), *normal = computed(NULL, op, NULL);
    for (int64_t rank = 0; rank <= N; rank += 7) {
        neck_band x, y;
        ck_assert_int_eq(neck_density_w_error(direct, rank, &x), NECK_OK);
        ck_assert_int_eq(neck_density_w_error(normal, rank, &y), NECK_OK);
        ck_assert_mem_eq(&x, &y, sizeof x);
    }
    neck_density_destroy(direct);
    neck_density_destroy(normal);
    neck_operator_destroy(op);
    drop(a);
}
END_TEST

START_TEST(reproducible)
{
    double truth[4 * N];
    spectrum_of(ZIPF, 4 * N, truth);
    made a = dense_operator(8 * N, 4 * N, constructed(8 * N, 4 * N, truth, 6));
    neck_density_options options = {.struct_size = sizeof options, .probes = 8, .deflate = -1};
    neck_band bands[3];
    for (int i = 0; i < 3; i++) { /* two threads, one, another seed */
        neck_context *context = context_of(i == 2 ? 8 : 7, i == 0 ? 2 : 1);
        neck_density *density = computed(context, a.op, &options);
        ck_assert_int_eq(neck_density_w_error(density, 20, &bands[i]), NECK_OK);
        neck_density_destroy(density);
        neck_context_destroy(context);
    }
    ck_assert_mem_eq(&bands[0], &bands[1], sizeof *bands);
    ck_assert_double_ne(bands[0].value, bands[2].value);
    drop(a);
}
END_TEST

static Suite *density_suite(void)
{
    Suite *suite = suite_create("density");
    TCase *tests = tcase_create("density");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, bands_hold_at_their_rate);
    tcase_add_test(tests, bands_hold_without_the_largest);
    tcase_add_test(tests, small_operators_are_exact);
    tcase_add_test(tests, every_number_has_its_band);
    tcase_add_test(tests, more_probes_narrow_the_band);
    tcase_add_test(tests, nearly_diagonal_operators);
    tcase_add_test(tests, strongly_coupled_operators);
    tcase_add_test(tests, known_values_join);
    tcase_add_test(tests, norm_need_not_be_known);
    tcase_add_test(tests, normal_products_are_enough);
    tcase_add_test(tests, reproducible);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(density_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
