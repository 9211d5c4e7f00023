/* tests/test_gradient_suppression.c - the share of the logit gradient outside the columns of the head, against numpy's
 * QR. */
#include "bottleneck_support.h"

static neck_gradient_suppression measured(const neck_matrix *weights, const neck_matrix *states, const int32_t *targets,
                                          const neck_cross_entropy_options *options, double *share)
{
    neck_labeled_states data = {*states, targets};
    neck_gradient_suppression out = {.struct_size = sizeof out};
    ck_assert_msg(neck_gradient_suppression_measure(NULL, weights, &data, options, share, &out) == NECK_OK, "%s",
                  neck_last_error());
    return out;
}

static const char *const cases[] = {"tall", "biased", "deficient"};

/* In double, and in single precision from the same numbers rounded: looser, and within what is documented. */
START_TEST(suppression_matches_numpy)
{
    json_t *all = golden_load(), *golden = json_object_get(json_object_get(all, "suppression"), cases[_i / 2]);
    int32_t dtype = _i & 1 ? NECK_F32 : NECK_F64;
    double tolerance = _i & 1 ? 2e-4 : 1e-10, share[64];
    int64_t width = (int64_t)golden_number(golden, "width"), size, vocabulary, count, listed;
    double *weights = golden_numbers(golden, "weights", &size), *states, *bias, *expected;
    bias = golden_numbers(golden, "bias", &vocabulary);
    states = golden_numbers(golden, "states", &listed);
    int32_t *targets = golden_targets(golden, &count);
    expected = golden_numbers(golden, "share", &listed);
    ck_assert_int_eq(size, vocabulary * width);
    ck_assert_int_eq(listed, count);
    void *stored[] = {as_dtype(weights, size, dtype), as_dtype(states, count * width, dtype),
                      as_dtype(bias, vocabulary, dtype)};
    neck_matrix views[] = {{stored[0], vocabulary, width, 0, dtype, 0}, {stored[1], count, width, 0, dtype, 0},
                           {stored[2], 1, vocabulary, 0, dtype, 0}};
    neck_cross_entropy_options options = {
        .struct_size = sizeof options, .bias = &views[2], .logit_scale = golden_number(golden, "scale")};
    neck_gradient_suppression made = measured(&views[0], &views[1], targets, &options, share);
    ck_assert_int_eq(made.tokens, (int64_t)golden_number(golden, "tokens"));
    ck_assert_int_eq(made.rank, (int64_t)golden_number(golden, "rank"));
    ck_assert_double_eq_tol(made.suppressed, golden_number(golden, "suppressed"), tolerance);
    ck_assert_double_eq_tol(made.mean_suppressed, golden_number(golden, "mean_suppressed"), tolerance);
    for (int64_t i = 0; i < count; i++) ck_assert_double_eq_tol(share[i], expected[i], tolerance);
    double *owned[] = {weights, states, bias, expected};
    for (int i = 0; i < 4; i++) free(owned[i]);
    for (int i = 0; i < 3; i++) free(stored[i]);
    free(targets);
    json_decref(all);
}
END_TEST

/* What rounding a product of rank 4 to f32 adds to its rank is not the head's. */
START_TEST(roundings_are_no_rank)
{
    enum { V = 500, D = 30, R = 4, N = 3 };
    double *a = random_matrix(V, R, 1), *b = random_matrix(R, D, 2), *states = random_matrix(N, D, 3);
    double *product = plain_product(V, D, R, a, b, 0);
    void *weights = as_dtype(product, V * D, NECK_F32), *rounded = as_dtype(states, N * D, NECK_F32);
    int32_t targets[N] = {5, 6, 7};
    neck_matrix view = {weights, V, D, 0, NECK_F32, 0}, states_view = {rounded, N, D, 0, NECK_F32, 0};
    ck_assert_int_eq(measured(&view, &states_view, targets, NULL, NULL).rank, R);
    void *owned[] = {a, b, states, product, weights, rounded};
    for (int i = 0; i < 6; i++) free(owned[i]);
}
END_TEST

/* A head whose columns span all logits but constants, or all of them, keeps every gradient: logit gradients sum to
 * 0. */
START_TEST(wide_heads_keep_all)
{
    enum { V = 5, N = 9 };
    int64_t width = V - 1 + 3 * _i;
    double *weights = random_matrix(V, width, 1), *states = random_matrix(N, width, 2);
    int32_t targets[N] = {0, 1, 2, 3, 4, 0, 1, 2, 3};
    for (int64_t j = 0; j < width && _i == 0; j++) { /* columns that sum to 0 */
        double mean = 0;
        for (int v = 0; v < V; v++) mean += weights[v * width + j] / V;
        for (int v = 0; v < V; v++) weights[v * width + j] -= mean;
    }
    neck_matrix view = view_of(weights, V, width), states_view = view_of(states, N, width);
    neck_gradient_suppression made = measured(&view, &states_view, targets, NULL, NULL);
    ck_assert_int_eq(made.rank, _i == 0 ? V - 1 : V);
    ck_assert_double_le(made.suppressed, 1e-6); /* the root of a rounding */
    free(weights);
    free(states);
}
END_TEST

/* More tokens than a block holds: shares are those of each token by itself, and a scale or a rotation of W's columns
 * does not change its column space. */
START_TEST(blocks_and_bases_do_not_show)
{
    enum { V = 70, D = 6, N = 4200, LAST = 50 };
    double *weights = random_matrix(V, D, 3), *states = random_matrix(N, D, 4), *share = malloc(N * sizeof *share),
        tail[LAST];
    int32_t *targets = malloc(N * sizeof *targets);
    for (int i = 0; i < N; i++) targets[i] = i % 11 == 0 ? 7 : i % V;
    neck_matrix view = view_of(weights, V, D), all = view_of(states, N, D),
        last = view_of(states + (N - LAST) * D, LAST, D);
    neck_cross_entropy_options options = {.struct_size = sizeof options, .use_ignore_index = 1, .ignore_index = 7};
    neck_gradient_suppression made = measured(&view, &all, targets, &options, share);
    measured(&view, &last, targets + N - LAST, &options, tail);
    double sum = 0;
    int64_t tokens = 0;
    for (int i = 0; i < N; i++) {
        ck_assert(targets[i] == 7 ? share[i] == 0 : share[i] > 0.5 && share[i] <= 1);
        tokens += targets[i] != 7;
        sum += share[i];
    }
    ck_assert_int_eq(made.tokens, tokens);
    ck_assert_double_eq_tol(made.mean_suppressed, sum / (double)tokens, 1e-12);
    for (int i = 0; i < LAST; i++) ck_assert_double_eq_tol(tail[i], share[N - LAST + i], 1e-12);
    uint64_t seed = 5;
    reflect_columns(V, D, weights, &seed); /* W H and H x give the logits of W and x */
    seed = 5;
    reflect_columns(N, D, states, &seed);
    for (int i = 0; i < V * D; i++) weights[i] *= 4;
    options.logit_scale = 0.25;
    neck_gradient_suppression turned = measured(&view, &all, targets, &options, NULL);
    ck_assert_double_eq_tol(turned.suppressed, made.suppressed, 1e-12);
    free(weights);
    free(states);
    free(share);
    free(targets);
}
END_TEST

/* A head of zeros keeps nothing; where nothing is scored nothing is lost. */
START_TEST(zeros)
{
    enum { V = 8, D = 3, N = 4 };
    double weights[V * D] = {0}, *states = random_matrix(N, D, 6), share[N];
    int32_t targets[N] = {1, -1, 2, -100}, none[N] = {-1, -1, -100, -1};
    neck_matrix view = view_of(weights, V, D), states_view = view_of(states, N, D);
    neck_gradient_suppression made = measured(&view, &states_view, targets, NULL, share);
    ck_assert_int_eq(made.rank, 0);
    ck_assert_int_eq(made.tokens, 2);
    ck_assert(made.suppressed == 1 && made.mean_suppressed == 1 && share[0] == 1 && share[1] == 0);
    made = measured(&view, &states_view, none, NULL, share);
    ck_assert(made.tokens == 0 && made.suppressed == 0 && made.mean_suppressed == 0 && share[0] == 0);
    free(states);
}
END_TEST

static void assert_refused(neck_status expected, const neck_matrix *weights, const neck_labeled_states *data,
                           const neck_cross_entropy_options *options, const char *why)
{
    neck_gradient_suppression out = {.struct_size = sizeof out, .suppressed = 7};
    double share[4] = {7, 7, 7, 7};
    ck_assert_int_eq(neck_gradient_suppression_measure(NULL, weights, data, options, share, &out), expected);
    ck_assert_msg(strstr(neck_last_error(), why) != NULL, "%s", neck_last_error());
    ck_assert(out.suppressed == 7 && share[0] == 7);
}

START_TEST(refusals)
{
    enum { V = 6, D = 3, N = 4 };
    double *weights = random_matrix(V, D, 7), *states = random_matrix(N, D, 8), room[N];
    int32_t targets[N] = {0, 1, 2, 3}, outside[N] = {0, 1, 2, V}, best[N];
    neck_matrix view = view_of(weights, V, D), states_view = view_of(states, N, D),
        narrow = {states, N, D - 1, D, NECK_F64, 0};
    neck_labeled_states good = {states_view, targets}, wrong = {states_view, outside}, slim = {narrow, targets};
    const neck_cross_entropy_options refused[] = {
        {.struct_size = sizeof *refused, .soft_cap = 30},     {.struct_size = sizeof *refused, .label_smoothing = 0.1},
        {.struct_size = sizeof *refused, .z_loss = 1e-4},     {.struct_size = sizeof *refused, .filter_tolerance = 0.1},
        {.struct_size = sizeof *refused, .reduction = 1},     {.struct_size = sizeof *refused, .accumulate = 1},
        {.struct_size = sizeof *refused, .token_loss = room}, {.struct_size = sizeof *refused, .log_normalizer = room},
        {.struct_size = sizeof *refused, .best = best},       {.struct_size = sizeof *refused, .gradient_norm = room}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_refused(NECK_E_ARGUMENT, &view, &good, &refused[i], i < 6 ? "alone apply" : "must be NULL");
    assert_refused(NECK_E_ARGUMENT, &view, &wrong, NULL, "");
    assert_refused(NECK_E_ARGUMENT, &view, &slim, NULL, "the states have 2 numbers");
    assert_refused(NECK_E_ARGUMENT, &view, NULL, NULL, "data");
    assert_refused(NECK_E_ARGUMENT, NULL, &good, NULL, "");
    weights[4] = NAN;
    assert_refused(NECK_E_NONFINITE, &view, &good, NULL, "(1, 1)");
    weights[4] = 0;
    states[5] = INFINITY;
    assert_refused(NECK_E_NONFINITE, &view, &good, NULL, "");
    free(weights);
    free(states);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, suppression_matches_numpy, 0, 2 * sizeof cases / sizeof *cases);
    tcase_add_test(tests, roundings_are_no_rank);
    tcase_add_loop_test(tests, wide_heads_keep_all, 0, 2);
    tcase_add_test(tests, blocks_and_bases_do_not_show);
    tcase_add_test(tests, zeros);
    tcase_add_test(tests, refusals);
}

int main(void) { return run_suite("gradient_suppression", add, 60); }
