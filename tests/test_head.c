/* tests/test_head.c - which heads can be made, what they say of themselves, first values, refusals. */
#include <stddef.h>

#include "head_support.h"

START_TEST(kinds_have_names)
{
    static const char *const names[] = {"dense", "tied", "factored", "mos", "sigsoftmax", "plif"};
    for (int32_t kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
        int32_t found = 0;
        ck_assert_str_eq(neck_head_kind_name(kind), names[kind - FIRST_KIND]);
        ASSERT_OK(neck_head_kind_find(names[kind - FIRST_KIND], &found));
        ck_assert_int_eq(found, kind);
    }
    int32_t kept = 77;
    ck_assert_str_eq(neck_head_kind_name(0), "?");
    ck_assert_str_eq(neck_head_kind_name(LAST_KIND + 1), "?");
    ASSERT_FAILS(neck_head_kind_find("Dense", &kept), NECK_E_NOT_FOUND, "no head 'Dense'");
    ASSERT_FAILS(neck_head_kind_find(NULL, &kept), NECK_E_ARGUMENT, "NULL");
    ck_assert_int_eq(kept, 77);
}
END_TEST

typedef struct expected {
    const char *name;
    int64_t rows, cols;
} expected;

/* V = 7, d = 4, with a bias. */
START_TEST(parameters_are_those_of_the_header)
{
    static const expected lists[][5] = {
        {{"weight", 7, 4}, {"bias", 1, 7}},
        {{"weight", 7, 4}, {"bias", 1, 7}},
        {{"a", 7, 2}, {"b", 2, 4}, {"bias", 1, 7}},
        {{"weight", 7, 5}, {"projection", 15, 4}, {"projection_bias", 1, 15}, {"prior", 3, 4}, {"bias", 1, 7}},
        {{"weight", 7, 4}, {"bias", 1, 7}},
        {{"weight", 7, 4}, {"slopes", 1, 9}, {"bias", 1, 7}},
    };
    neck_head_options o = head_options(_i, 0, 7, 4);
    o.bias = 1;
    neck_head *head = made_head(&o, 0, 0);
    int64_t count = 0, numbers = 0;
    const neck_parameter *p = neck_head_parameters(head, &count);
    const expected *list = lists[_i - FIRST_KIND];
    for (int64_t k = 0; k < count; k++) {
        ck_assert_str_eq(p[k].name, list[k].name);
        ck_assert(p[k].rows == list[k].rows && p[k].cols == list[k].cols && p[k].dtype == NECK_F32);
        ck_assert((p[k].flags == NECK_PARAMETER_NO_DECAY) == (p[k].rows == 1));
        ck_assert(p[k].data && p[k].gradient);
        numbers += p[k].rows * p[k].cols;
    }
    ck_assert(count == 5 || !list[count].name);
    ck_assert_int_eq(neck_head_parameter_count(head), numbers);
    ck_assert(neck_head_parameters(head, NULL) == p);
    ck_assert(neck_head_kind(head) == _i && neck_head_vocabulary(head) == 7 && neck_head_hidden_size(head) == 4);
    ck_assert(_i != NECK_HEAD_TIED || (p[0].data == tied_weights && p[0].gradient == tied_gradient));
    for (int i = 0; i < 7; i++) ck_assert_double_eq(number_at(p[count - 1].data, NECK_F32, i), 0);
    neck_head_destroy(head);
}
END_TEST

START_TEST(defaults)
{
    neck_head_options o = {sizeof o, .vocabulary = 30, .hidden_size = 6};
    neck_head *head = made_head(&o, 0, 0);
    ck_assert_int_eq(neck_head_kind(head), NECK_HEAD_DENSE);
    ck_assert_int_eq(neck_head_rank_limit(head), 7);
    neck_head_destroy(head);
    o.kind = NECK_HEAD_MOS;
    head = made_head(&o, 0, 0);
    ck_assert_int_eq(neck_head_parameter_count(head), 30 * 6 + 4 * 6 * 6 + 4 * 6 + 4 * 6);
    neck_head_destroy(head);
    o.kind = NECK_HEAD_PLIF;
    head = made_head(&o, 0, 0);
    ck_assert_int_eq(neck_head_parameter_count(head), 30 * 6 + 64);
    neck_head_destroy(head);
}
END_TEST

/* ---- refusals ---- */

typedef struct impossible {
    neck_head_options options;
    const char *fragment;
} impossible;

#define OPTIONS(kind_, ...) \
    {.struct_size = sizeof(neck_head_options), .kind = kind_, .vocabulary = 7, .hidden_size = 4, __VA_ARGS__}
static double spare[28];
static const neck_matrix fits = {spare, 7, 4, 0, NECK_F64, 0}, does_not_fit = {spare, 4, 7, 0, NECK_F64, 0};

static const impossible refusals[] = {
    {OPTIONS(7, .dtype = 0), "kind 7"},
    {OPTIONS(-1, .dtype = 0), "kind -1"},
    {OPTIONS(1, .dtype = NECK_BF16), "BF16"},
    {OPTIONS(1, .reserved = 1), "reserved"},
    {OPTIONS(1, .reserved_too = 1), "reserved"},
    {{.struct_size = sizeof(neck_head_options), .hidden_size = 4}, "vocabulary is 0"},
    {{.struct_size = sizeof(neck_head_options), .vocabulary = 7}, "hidden_size is 0"},
    {{.struct_size = sizeof(neck_head_options), .vocabulary = -7, .hidden_size = 4}, "vocabulary is -7"},
    {{.struct_size = sizeof(neck_head_options), .vocabulary = INT64_C(1) << 31, .hidden_size = 4},
     "vocabulary is 2147483648"},
    {OPTIONS(1, .rank = 2), "a dense head has no rank"},
    {OPTIONS(1, .components = 2), "a dense head has no components"},
    {OPTIONS(3, .rank = 2, .components = 2), "a factored head has no components"},
    {OPTIONS(4, .knots = 2), "a mos head has no knots"},
    {OPTIONS(5, .range = 2), "a sigsoftmax head has no range"},
    {OPTIONS(4, .soft_cap = 2), "a mos head has no soft_cap"},
    {OPTIONS(5, .soft_cap = 2), "a sigsoftmax head has no soft_cap"},
    {OPTIONS(6, .soft_cap = 2), "a plif head has no soft_cap"},
    {OPTIONS(4, .paper_init = 1), "a mos head has no paper_init"},
    {OPTIONS(1, .tied_weights = spare), "a dense head has no tied_weights"},
    {OPTIONS(1, .tied_gradient = spare), "a dense head has no tied_gradient"},
    {OPTIONS(2, .dtype = 0), "needs tied_weights"},
    {OPTIONS(2, .tied_weights = spare, .weights = &fits), "a tied head has no weights"},
    {OPTIONS(2, .tied_weights = spare, .init_std = 1), "a tied head has no init_std"},
    {OPTIONS(3, .dtype = 0), "rank is 0: it must be 1 to 4"},
    {OPTIONS(3, .rank = 5), "rank is 5: it must be 1 to 4"},
    {OPTIONS(3, .rank = -1), "rank is -1"},
    {OPTIONS(4, .rank = -1), "rank is -1"},
    {OPTIONS(4, .components = -1), "components is -1"},
    {OPTIONS(4, .components = 5000), "components is 5000"},
    {OPTIONS(6, .knots = -1), "knots is -1"},
    {OPTIONS(6, .range = -1), "range is -1"},
    {OPTIONS(1, .logit_scale = -1), "logit_scale is -1"},
    {OPTIONS(1, .logit_scale = INFINITY), "logit_scale is inf"},
    {OPTIONS(1, .soft_cap = NAN), "soft_cap is"},
    {OPTIONS(1, .init_std = -1), "init_std is -1"},
    {OPTIONS(3, .rank = 2, .paper_init = 1, .init_std = 1), "paper_init and init_std"},
    {OPTIONS(3, .rank = 2, .paper_init = 1, .weights = &fits), "paper_init and weights"},
    {OPTIONS(4, .rank = 3, .weights = &fits), "rank 3"},
    {OPTIONS(1, .weights = &does_not_fit), "weights are 4 x 7, the head 7 x 4"},
    {OPTIONS(3, .rank = 2, .weights = &does_not_fit), "weights are 4 x 7, the head 7 x 4"},
};

START_TEST(impossible_heads_are_refused)
{
    neck_head *head = (neck_head *)spare;
    ASSERT_FAILS(neck_head_create(NULL, &refusals[_i].options, &head), NECK_E_ARGUMENT, refusals[_i].fragment);
    ck_assert(head == (neck_head *)spare);
}
END_TEST

START_TEST(given_weights_must_be_finite)
{
    double values[28] = {0};
    values[9] = NAN;
    neck_matrix weights = {values, 7, 4, 0, NECK_F64, 0};
    for (int32_t kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
        if (kind == NECK_HEAD_TIED) continue;
        neck_head_options o = head_options(kind, NECK_F64, 7, 4);
        neck_head *head = NULL;
        o.weights = &weights;
        if (kind == NECK_HEAD_MOS) o.rank = 0;
        ASSERT_FAILS(neck_head_create(NULL, &o, &head), NECK_E_NONFINITE, "weights: element (2, 1)");
        ck_assert_ptr_null(head);
    }
    neck_head_options o = {sizeof o, .vocabulary = 7, .hidden_size = 4};
    ASSERT_FAILS(neck_head_create(NULL, &o, NULL), NECK_E_ARGUMENT, "out is NULL");
    neck_head *head = NULL;
    ASSERT_FAILS(neck_head_create(NULL, NULL, &head), NECK_E_ARGUMENT, "vocabulary is 0");
    o.vocabulary = o.hidden_size = INT32_MAX;
    ASSERT_FAILS(neck_head_create(NULL, &o, &head), NECK_E_NOMEM, "out of memory");
    neck_head_destroy(NULL);
}
END_TEST

/* What a call refuses, and that it leaves its outputs alone. */
START_TEST(bad_calls_are_refused)
{
    neck_head_options o = head_options(_i, NECK_F64, 7, 4);
    neck_head *head = made_head(&o, 1, 1);
    double data[12], gradient[12] = {5}, out[21] = {5};
    float narrow[12] = {0};
    int32_t targets[] = {0, 1, 2}, far[] = {0, 1, 7};
    neck_matrix states = made_states(data, NECK_F64, 3, 4, 2), other = {narrow, 3, 4, 0, NECK_F32, 0};
    neck_matrix thin = {data, 4, 3, 0, NECK_F64, 0};
    neck_cross_entropy_result result = {.struct_size = sizeof result, .loss = 5};
    neck_cross_entropy_options options = {.struct_size = sizeof options};
    const char *kind = neck_head_kind_name(_i);
    ASSERT_FAILS(neck_head_loss(NULL, NULL, &states, targets, NULL, &result), NECK_E_ARGUMENT, "head is NULL");
    ASSERT_FAILS(neck_head_loss(NULL, head, NULL, targets, NULL, &result), NECK_E_ARGUMENT, "NULL");
    ASSERT_FAILS(neck_head_loss(NULL, head, &states, NULL, NULL, &result), NECK_E_ARGUMENT, "targets");
    ASSERT_FAILS(neck_head_loss(NULL, head, &states, targets, NULL, NULL), NECK_E_ARGUMENT, "result is NULL");
    ASSERT_FAILS(neck_head_loss(NULL, head, &thin, targets, NULL, &result), NECK_E_ARGUMENT, "hidden_size is 4");
    ASSERT_FAILS(neck_head_loss(NULL, head, &other, targets, NULL, &result), NECK_E_ARGUMENT, "needs F64");
    ASSERT_FAILS(neck_head_loss(NULL, head, &states, far, NULL, &result), NECK_E_ARGUMENT, "7");
    ASSERT_FAILS(neck_head_log_probabilities(NULL, head, &states, NULL), NECK_E_ARGUMENT, "NULL");
    ASSERT_FAILS(neck_head_log_probabilities(NULL, NULL, &states, out), NECK_E_ARGUMENT, "NULL");
    options.logit_scale = 1;
    ASSERT_FAILS(neck_head_loss(NULL, head, &states, targets, &options, &result), NECK_E_ARGUMENT, "logit_scale");
    options = (neck_cross_entropy_options){.struct_size = sizeof options, .soft_cap = 1};
    ASSERT_FAILS(neck_head_loss(NULL, head, &states, targets, &options, &result), NECK_E_ARGUMENT, "soft_cap");
    options = (neck_cross_entropy_options){.struct_size = sizeof options, .bias = &states};
    ASSERT_FAILS(neck_head_gradient(NULL, head, &states, targets, &options, gradient, &result), NECK_E_ARGUMENT,
                 "bias");
    int linear = _i <= NECK_HEAD_FACTORED;
    options = (neck_cross_entropy_options){.struct_size = sizeof options, .filter_tolerance = 1e-3};
    neck_status status = neck_head_gradient(NULL, head, &states, targets, &options, NULL, &result);
    ck_assert_int_eq(status, linear ? NECK_OK : NECK_E_ARGUMENT);
    ck_assert(linear || (strstr(neck_last_error(), "filter_tolerance") && strstr(neck_last_error(), kind)));
    options = (neck_cross_entropy_options){.struct_size = sizeof options, .gradient_norm = out};
    status = neck_head_loss(NULL, head, &states, targets, &options, &result);
    ck_assert_int_eq(status, _i == NECK_HEAD_MOS ? NECK_E_ARGUMENT : NECK_OK);
    ck_assert(status == NECK_OK || strstr(neck_last_error(), "gradient_norm"));
    options = (neck_cross_entropy_options){.struct_size = sizeof options, .log_normalizer = out};
    status = neck_head_loss(NULL, head, &states, targets, &options, &result);
    ck_assert_int_eq(status, _i == NECK_HEAD_MOS ? NECK_E_ARGUMENT : NECK_OK);
    ck_assert(status == NECK_OK || strstr(neck_last_error(), "log_normalizer"));
    out[0] = result.loss = 5;
    data[6] = INFINITY;
    ASSERT_FAILS(neck_head_loss(NULL, head, &states, targets, NULL, &result), NECK_E_NONFINITE,
                 "states: element (1, 2)");
    ASSERT_FAILS(neck_head_log_probabilities(NULL, head, &states, out), NECK_E_NONFINITE, "states: element (1, 2)");
    data[6] = 0;
    int64_t count;
    const neck_parameter *p = neck_head_parameters(head, &count);
    for (int64_t k = 0; k < count; k++) {
        double *numbers = p[k].data, kept = numbers[0];
        numbers[0] = NAN;
        ASSERT_FAILS(neck_head_loss(NULL, head, &states, targets, NULL, &result), NECK_E_NONFINITE, p[k].name);
        numbers[0] = kept;
    }
    ck_assert(result.loss == 5 && out[0] == 5 && gradient[0] == 5);
    neck_head_destroy(head);
}
END_TEST

START_TEST(logits_that_overflow_are_told)
{
    neck_head_options o = head_options(NECK_HEAD_DENSE, NECK_F64, 7, 4);
    neck_head *head = made_head(&o, 1e30, 1);
    double data[4] = {1e300, 1e300, 1e300, 1e300}, out[7];
    neck_matrix states = {data, 1, 4, 0, NECK_F64, 0};
    ASSERT_FAILS(neck_head_log_probabilities(NULL, head, &states, out), NECK_E_NONFINITE, "overflow");
    neck_head_destroy(head);
}
END_TEST

START_TEST(a_tied_head_without_gradient_only_evaluates)
{
    neck_head_options o = head_options(NECK_HEAD_TIED, NECK_F64, 7, 4);
    o.tied_gradient = NULL;
    neck_head *head = made_head(&o, 1, 1);
    double data[4];
    int32_t target = 3;
    neck_matrix states = made_states(data, NECK_F64, 1, 4, 2);
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ASSERT_OK(neck_head_loss(NULL, head, &states, &target, NULL, &result));
    ASSERT_FAILS(neck_head_gradient(NULL, head, &states, &target, NULL, data, &result), NECK_E_ARGUMENT,
                 "tied_gradient");
    neck_head_destroy(head);
}
END_TEST

/* A caller built against an older, shorter result gets only what it knows of. */
START_TEST(a_shorter_result_is_respected)
{
    volatile size_t size = offsetof(neck_cross_entropy_result, correct); /* volatile: the compiler need not know */
    neck_cross_entropy_result *result = malloc(size);
    neck_head_options o = head_options(_i, NECK_F64, 7, 4);
    neck_head *head = made_head(&o, 1, 1);
    double data[4];
    int32_t target = 3;
    neck_matrix states = made_states(data, NECK_F64, 1, 4, 2);
    result->struct_size = size;
    ASSERT_OK(neck_head_loss(NULL, head, &states, &target, NULL, result));
    ck_assert(result->struct_size == size && result->tokens == 1);
    neck_head_destroy(head);
    free(result);
}
END_TEST

/* ---- first values ---- */

static double spread_of(const void *data, int64_t count)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += number_at(data, NECK_F32, i);
        squares += number_at(data, NECK_F32, i) * number_at(data, NECK_F32, i);
    }
    ck_assert_double_le(fabs(sum / (double)count), 5 * sqrt(squares) / (double)count);
    return sqrt(squares / (double)count);
}

/* Standard deviations of what is drawn, by kind and by option: within 5 standard errors. */
START_TEST(random_values_have_the_stated_spread)
{
    enum { V = 500, D = 100 };
    static const struct {
        int32_t kind;
        int64_t rank;
        double init_std;
        int32_t paper;
        int parameter;
        double std;
    } cases[] = {
        {NECK_HEAD_DENSE, 0, 0, 0, 0, 0.02},      {NECK_HEAD_DENSE, 0, 0.3, 0, 0, 0.3},
        {NECK_HEAD_MOS, 60, 0, 0, 0, 0.02},       {NECK_HEAD_MOS, 60, 0, 0, 1, 0.1},
        {NECK_HEAD_MOS, 60, 0, 0, 3, 0.1},        {NECK_HEAD_MOS, 60, 0.3, 0, 1, 0.3},
        {NECK_HEAD_SIGSOFTMAX, 0, 0, 0, 0, 0.02}, {NECK_HEAD_PLIF, 0, 0, 0, 0, 0.02},
        {NECK_HEAD_FACTORED, 16, 0, 0, 0, 0.0707106781}, {NECK_HEAD_FACTORED, 16, 0, 0, 1, 0.0707106781},
        {NECK_HEAD_FACTORED, 16, 0.08, 0, 0, 0.1414213562}, {NECK_HEAD_FACTORED, 16, 0, 1, 0, 1},
        {NECK_HEAD_FACTORED, 16, 0, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        neck_head_options o = {sizeof o, .kind = cases[i].kind, .vocabulary = V, .hidden_size = D,
                               .rank = cases[i].rank, .init_std = cases[i].init_std, .paper_init = cases[i].paper};
        neck_head *head = made_head(&o, 0, 0);
        const neck_parameter *p = neck_head_parameters(head, NULL) + cases[i].parameter;
        double count = (double)(p->rows * p->cols), found = spread_of(p->data, p->rows * p->cols);
        ck_assert_msg(fabs(found / cases[i].std - 1) < 5 / sqrt(2 * count), "case %d: %g, not %g", (int)i, found,
                      cases[i].std);
        neck_head_destroy(head);
    }
}
END_TEST

/* The seed decides, the number of threads does not; what is not drawn is as documented. */
START_TEST(seeds_decide_and_threads_do_not)
{
    neck_context_options c = {sizeof c, .threads = 1, .seed = 5};
    neck_context *contexts[3];
    neck_head *heads[3];
    neck_head_options o = {sizeof o, .kind = NECK_HEAD_PLIF, .vocabulary = 300, .hidden_size = 40, .bias = 1};
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(neck_context_create(&c, &contexts[i]));
        ASSERT_OK(neck_head_create(contexts[i], &o, &heads[i]));
        c.threads = 2;
        if (i == 1) c.seed = 6;
    }
    size_t size = 300 * 40 * sizeof(float);
    const neck_parameter *p = neck_head_parameters(heads[0], NULL);
    ck_assert_mem_eq(p[0].data, neck_head_parameters(heads[1], NULL)[0].data, size);
    ck_assert_mem_ne(p[0].data, neck_head_parameters(heads[2], NULL)[0].data, size);
    const float *numbers = p[0].data; /* no stretch of them comes twice */
    for (int i = 1; i < 300 * 40 - 16; i++) ck_assert_mem_ne(numbers, numbers + i, 16 * sizeof *numbers);
    for (int j = 0; j < 64; j++) /* slope 1: the identity */
        ck_assert_double_eq_tol(log1p(exp(number_at(p[1].data, NECK_F32, j))), 1, 1e-7);
    for (int i = 0; i < 3; i++) {
        neck_head_destroy(heads[i]);
        neck_context_destroy(contexts[i]);
    }
}
END_TEST

START_TEST(given_weights_are_copied)
{
    float values[30 * 6];
    uint64_t state = 3;
    for (int i = 0; i < 30 * 6; i++) values[i] = (float)next_number(&state);
    neck_matrix weights = {values, 30, 4, 6, NECK_F32, 0};
    for (int32_t kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
        if (kind == NECK_HEAD_TIED || kind == NECK_HEAD_FACTORED) continue;
        neck_head_options o = head_options(kind, NECK_F64, 30, 4);
        o.weights = &weights;
        if (kind == NECK_HEAD_MOS) o.rank = 4;
        neck_head *head = made_head(&o, 0, 0);
        const double *found = neck_head_parameters(head, NULL)->data;
        for (int i = 0; i < 30; i++)
            for (int j = 0; j < 4; j++) ck_assert(found[4 * i + j] == (double)values[6 * i + j]);
        neck_head_destroy(head);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("head");
    tcase_add_test(tests, kinds_have_names);
    tcase_add_loop_test(tests, parameters_are_those_of_the_header, FIRST_KIND, LAST_KIND + 1);
    tcase_add_test(tests, defaults);
    tcase_add_loop_test(tests, impossible_heads_are_refused, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(tests, given_weights_must_be_finite);
    tcase_add_loop_test(tests, bad_calls_are_refused, FIRST_KIND, LAST_KIND + 1);
    tcase_add_test(tests, logits_that_overflow_are_told);
    tcase_add_test(tests, a_tied_head_without_gradient_only_evaluates);
    tcase_add_loop_test(tests, a_shorter_result_is_respected, FIRST_KIND, LAST_KIND + 1);
    tcase_add_test(tests, random_values_have_the_stated_spread);
    tcase_add_test(tests, seeds_decide_and_threads_do_not);
    tcase_add_test(tests, given_weights_are_copied);
    return run_suite("head", tests);
}
