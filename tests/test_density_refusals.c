/* tests/test_density_refusals.c - what a density refuses, and how it stops. */
#include "density_support.h"

enum { ORDER = 40 };

static made some_operator(void)
{
    double values[ORDER];
    spectrum_of(ZIPF, ORDER, values);
    return dense_operator(ORDER, ORDER, constructed(ORDER, ORDER, values, 1));
}

static neck_status refused(const neck_operator *op, neck_density_options options)
{
    neck_density *density = (neck_density *)(uintptr_t)0xa5;
    options.struct_size = sizeof options;
    neck_status status = neck_density_compute(NULL, op, &options, &density);
    ck_assert_ptr_eq(density, (neck_density *)(uintptr_t)0xa5);
    return status;
}

START_TEST(options_are_checked)
{
    made a = some_operator();
    double diagonal[ORDER] = {0}, known[] = {1, -1}, infinite[] = {INFINITY};
    neck_density_options bad[] = {
        {.probes = 3}, {.probes = 1 << 20}, {.steps = 1}, {.steps = 5000}, {.block = -1}, {.block = 5000},
        {.confidence = 1},
        {.confidence = -0.1}, {.confidence = NAN}, {.target_width = -1}, {.target_width = NAN}, {.max_products = -1},
        {.known_count = 1}, {.known_count = -1}, {.known_values = known, .known_count = 2},
        {.known_values = infinite, .known_count = 1}, {.diagonal = diagonal},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(refused(a.op, bad[i]) == NECK_E_ARGUMENT, "%zu: %s", i, neck_last_error());
    diagonal[3] = -1;
    ck_assert_int_eq(refused(a.op, (neck_density_options){.diagonal = diagonal}), NECK_E_ARGUMENT);
    ck_assert_int_eq(refused(a.op, (neck_density_options){.max_products = 10}), NECK_E_CONVERGENCE);
    ck_assert_int_eq(refused(NULL, (neck_density_options){.probes = 8}), NECK_E_ARGUMENT);
    drop(a);
    double zeros[ORDER * ORDER] = {0};
    neck_matrix view = {zeros, ORDER, ORDER, 0, NECK_F64, 0};
    neck_operator *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    ck_assert_int_eq(refused(op, (neck_density_options){.probes = 8}), NECK_E_ARGUMENT);
    neck_operator_destroy(op);
}
END_TEST

START_TEST(questions_are_checked)
{
    made a = some_operator();
    neck_density *density = computed(NULL, a.op, NULL);
    neck_band band = {7, 7, 7};
    neck_density_report report = {.struct_size = 0};
    ck_assert_int_eq(neck_density_w_error(density, -1, &band), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_density_w_error(density, ORDER + 1, &band), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_density_w_error(NULL, 0, &band), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_density_rank_for_w_error(density, 1.5, &band), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_density_rank_for_w_error(density, NAN, &band), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_density_count_above(density, -1, &band), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_density_entropy(density, 2, &band), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_density_effective_rank(density, 0, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_density_describe(density, &report), NECK_E_ARGUMENT);
    ck_assert(band.low == 7 && band.value == 7 && band.high == 7);
    ck_assert_int_eq(neck_density_w_error(density, 0, &band), NECK_OK);
    ck_assert(band.low == 1 && band.high == 1);
    ck_assert_int_eq(neck_density_w_error(density, ORDER, &band), NECK_OK);
    ck_assert(band.high == 0);
    neck_density_destroy(density);
    neck_density_destroy(NULL);
    drop(a);
}
END_TEST

START_TEST(products_stay_within_their_limit)
{
    double values[200], diagonal[200] = {0};
    spectrum_of(SLOW, 200, values);
    made a = dense_operator(200, 200, constructed(200, 200, values, 1));
    for (int i = 0; i < 200 * 200; i++) diagonal[i % 200] += a.entries[i] * a.entries[i];
    for (int64_t most = 64; most <= 4096; most *= 2) {
        neck_density_options options = {.struct_size = sizeof options, .max_products = most, .diagonal = diagonal,
                                        .target_width = 1e-6};
        neck_density *density = computed(NULL, a.op, &options);
        ck_assert_msg(report_of(density).products <= most, "%lld of %lld", (long long)report_of(density).products,
                      (long long)most);
        double width;
        ck_assert(covers(density, 200, values, &width));
        neck_density_destroy(density);
    }
    drop(a);
}
END_TEST

static int32_t stop_at(void *user, const neck_progress *progress)
{
    (void)progress;
    int *left = user;
    return --*left < 0;
}

/* At whichever call it is cancelled: that status, outputs untouched. */
START_TEST(cancelled_at_any_moment)
{
    made a = some_operator();
    for (int calls = 0;; calls++) {
        int left = calls;
        neck_context_options options = {.struct_size = sizeof options, .threads = 1, .progress = stop_at,
                                        .progress_user = &left};
        neck_context *context;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        neck_density_options how = {.struct_size = sizeof how, .probes = 8, .deflate = 2};
        neck_density *density = NULL;
        neck_status status = neck_density_compute(context, a.op, &how, &density);
        if (status == NECK_OK) {
            ck_assert_int_gt(calls, 4);
            neck_density_destroy(density);
            neck_context_destroy(context);
            break;
        }
        ck_assert_int_eq(status, NECK_E_CANCELLED);
        ck_assert_ptr_null(density);
        neck_context_destroy(context);
    }
    drop(a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("density_refusals");
    TCase *tests = tcase_create("density_refusals");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, options_are_checked);
    tcase_add_test(tests, questions_are_checked);
    tcase_add_test(tests, products_stay_within_their_limit);
    tcase_add_test(tests, cancelled_at_any_moment);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
