/* tests/test_head_gradient.c - gradients of every kind of head against differences of its loss, in double. */
#include "head_support.h"
#include "runs.h"

enum { MOST = 4096 };

/* One loss of one head. */
typedef struct setting {
    neck_head *head;
    neck_matrix states;
    int32_t targets[16];
    neck_cross_entropy_options options;
} setting;

static double loss_of(const setting *s)
{
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ASSERT_OK(neck_head_loss(NULL, s->head, &s->states, s->targets, &s->options, &result));
    return result.loss;
}

/* The middle difference errs by some 1e-16 / step of the loss and step^2 of its third derivative. */
static void compare(const setting *s, double *numbers, const double *gradient, int64_t count, const char *name)
{
    const double step = 2e-5;
    for (int64_t i = 0; i < count; i++) {
        double kept = numbers[i], difference;
        numbers[i] = kept + step;
        difference = loss_of(s);
        numbers[i] = kept - step;
        difference = (difference - loss_of(s)) / (2 * step);
        numbers[i] = kept;
        ck_assert_msg(fabs(difference - gradient[i]) <= 3e-9 + 3e-8 * fabs(difference),
                      "%s: d loss / d %s[%lld] is %.12g, not %.12g", neck_head_kind_name(neck_head_kind(s->head)), name,
                      (long long)i, difference, gradient[i]);
    }
}

static void check_gradients(const setting *s)
{
    static double states_gradient[MOST];
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    int64_t count;
    const neck_parameter *p = neck_head_parameters(s->head, &count);
    for (int64_t k = 0; k < count; k++) /* what was there must not show */
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++) ((double *)p[k].gradient)[i] = 1e9;
    for (int i = 0; i < MOST; i++) states_gradient[i] = 1e9;
    ASSERT_OK(neck_head_gradient(NULL, s->head, &s->states, s->targets, &s->options, states_gradient, &result));
    ck_assert_double_eq_tol(result.loss, loss_of(s), 1e-14 * (1 + fabs(result.loss)));
    for (int64_t k = 0; k < count; k++) compare(s, p[k].data, p[k].gradient, p[k].rows * p[k].cols, p[k].name);
    compare(s, (double *)s->states.data, states_gradient, s->states.rows * s->states.cols, "states");
    ck_assert(states_gradient[s->states.rows * s->states.cols] == 1e9);
}

static int has_soft_cap(int32_t kind)
{
    return kind == NECK_HEAD_DENSE || kind == NECK_HEAD_TIED || kind == NECK_HEAD_FACTORED;
}

/* Bits of a combination. */
enum { BIAS = 1, IGNORE = 2, SCALE = 4, CAP = 8, SMOOTHING = 16, Z_LOSS = 32, COMBINATIONS = 64 };

static double states_data[MOST];

static setting make_setting(int32_t kind, int combination, int64_t n, int64_t vocabulary, int64_t d)
{
    neck_head_options o = head_options(kind, NECK_F64, vocabulary, d);
    o.bias = (combination & BIAS) != 0;
    if (combination & SCALE) o.logit_scale = 0.6;
    if (combination & CAP && has_soft_cap(kind)) o.soft_cap = 1.7;
    setting s = {.head = made_head(&o, 1.5, 11 + (uint64_t)kind),
                 .states = made_states(states_data, NECK_F64, n, d, 5)};
    s.options = (neck_cross_entropy_options){.struct_size = sizeof s.options};
    for (int64_t i = 0; i < n; i++) s.targets[i] = (int32_t)(i * 5 % vocabulary);
    if (combination & IGNORE && n > 2) {
        s.options.use_ignore_index = 1;
        s.options.ignore_index = s.targets[1];
        s.targets[2] = NECK_NO_TARGET;
    }
    if (combination & SMOOTHING) s.options.label_smoothing = 0.2;
    if (combination & Z_LOSS) s.options.z_loss = 0.05;
    return s;
}

START_TEST(every_combination_of_options)
{
    int32_t kind = FIRST_KIND + _i / COMBINATIONS;
    if (is_slow_build() && _i % 7 != 0) return; /* all bits still occur, with every kind */
    setting s = make_setting(kind, _i % COMBINATIONS, 4, 7, 3);
    check_gradients(&s);
    s.options.reduction = NECK_REDUCTION_SUM;
    check_gradients(&s);
    neck_head_destroy(s.head);
}
END_TEST

START_TEST(one_state_and_an_odd_vocabulary)
{
    for (int combination = 0; combination < COMBINATIONS; combination += 21) {
        setting s = make_setting(_i, combination, 1, 53, 5);
        check_gradients(&s);
        neck_head_destroy(s.head);
    }
}
END_TEST

/* A mixture of one, and one narrower than the states. */
START_TEST(mixtures_of_other_shapes)
{
    neck_head_options o = head_options(NECK_HEAD_MOS, NECK_F64, 7, 4);
    o.components = _i == 0 ? 1 : 5;
    o.rank = _i == 0 ? 4 : 2;
    o.bias = 1;
    setting s = make_setting(NECK_HEAD_MOS, IGNORE, 4, 7, 4);
    neck_head_destroy(s.head);
    s.head = made_head(&o, 1.0, 3);
    check_gradients(&s);
    neck_head_destroy(s.head);
}
END_TEST

/* One interval, two, an odd number; a range that most logits are beyond. */
START_TEST(piecewise_linear_maps_of_other_shapes)
{
    static const int64_t knots[] = {1, 2, 5, 64};
    neck_head_options o = head_options(NECK_HEAD_PLIF, NECK_F64, 7, 4);
    o.knots = knots[_i];
    o.range = 0.4;
    o.bias = 1;
    setting s = make_setting(NECK_HEAD_PLIF, SMOOTHING, 4, 7, 4);
    neck_head_destroy(s.head);
    s.head = made_head(&o, 1.0, 4);
    check_gradients(&s);
    neck_head_destroy(s.head);
}
END_TEST

START_TEST(no_target_no_gradient)
{
    setting s = make_setting(_i, BIAS, 4, 7, 3);
    double states_gradient[12];
    neck_cross_entropy_result result = {.struct_size = sizeof result, .loss = 7};
    for (int i = 0; i < 4; i++) s.targets[i] = i % 2 ? -100 : NECK_NO_TARGET;
    ASSERT_OK(neck_head_gradient(NULL, s.head, &s.states, s.targets, &s.options, states_gradient, &result));
    ck_assert(result.loss == 0 && result.tokens == 0);
    int64_t count;
    const neck_parameter *p = neck_head_parameters(s.head, &count);
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++) ck_assert(((double *)p[k].gradient)[i] == 0);
    for (int i = 0; i < 12; i++) ck_assert(states_gradient[i] == 0);
    neck_head_destroy(s.head);
}
END_TEST

/* With accumulate a second call doubles what the first one left; and without states' gradient the others are the
 * same. */
START_TEST(gradients_accumulate)
{
    setting s = make_setting(_i, BIAS | SMOOTHING, 4, 7, 3);
    double states_gradient[12], first_states[12], first[6][64];
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    int64_t count;
    const neck_parameter *p = neck_head_parameters(s.head, &count);
    ASSERT_OK(neck_head_gradient(NULL, s.head, &s.states, s.targets, &s.options, states_gradient, &result));
    memcpy(first_states, states_gradient, sizeof first_states);
    for (int64_t k = 0; k < count; k++)
        memcpy(first[k], p[k].gradient, (size_t)(p[k].rows * p[k].cols) * sizeof(double));
    s.options.accumulate = 1;
    ASSERT_OK(neck_head_gradient(NULL, s.head, &s.states, s.targets, &s.options, states_gradient, &result));
    for (int i = 0; i < 12; i++) ck_assert_double_eq_tol(states_gradient[i], 2 * first_states[i], 1e-14);
    ASSERT_OK(neck_head_gradient(NULL, s.head, &s.states, s.targets, &s.options, NULL, &result));
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++)
            ck_assert_double_eq_tol(((double *)p[k].gradient)[i], 3 * first[k][i], 1e-14);
    neck_head_destroy(s.head);
}
END_TEST

/* The same in single precision, its states in each dtype that holds them: f32 numbers rounded to bf16 here, so that all
 * do. */
START_TEST(single_precision_agrees)
{
    enum { N = 11, V = 101, D = 13 };
    static double wide[N * D], wide_gradient[N * D];
    static float single[N * D], single_gradient[N * D];
    uint16_t half[N * D];
    int32_t targets[N];
    neck_matrix states = made_states(wide, NECK_F64, N, D, 8);
    for (int i = 0; i < N * D; i++) {
        uint32_t bits;
        float narrow = (float)wide[i];
        memcpy(&bits, &narrow, sizeof bits);
        half[i] = (uint16_t)(bits >> 16);
        bits &= 0xFFFF0000u;
        memcpy(&narrow, &bits, sizeof bits);
        wide[i] = (double)narrow;
        single[i] = narrow;
    }
    for (int i = 0; i < N; i++) targets[i] = i == 4 ? NECK_NO_TARGET : i * 9;
    neck_head_options o = head_options(_i, NECK_F64, V, D);
    static float tied_f32[4096], tied_gradient_f32[4096];
    o.bias = 1;
    neck_head *exact = made_head(&o, 0.5, 6);
    o.dtype = NECK_F32;
    if (_i == NECK_HEAD_TIED) {
        o.tied_weights = tied_f32;
        o.tied_gradient = tied_gradient_f32;
    }
    neck_head *head = made_head(&o, 0.5, 6);
    neck_cross_entropy_result expected = {.struct_size = sizeof expected}, result = expected, again = expected;
    ASSERT_OK(neck_head_gradient(NULL, exact, &states, targets, NULL, wide_gradient, &expected));
    neck_matrix narrow = {single, N, D, 0, NECK_F32, 0}, short_states = {half, N, D, 0, NECK_BF16, 0};
    ASSERT_OK(neck_head_gradient(NULL, head, &narrow, targets, NULL, single_gradient, &result));
    ck_assert_double_eq_tol(result.loss, expected.loss, 2e-6 * expected.loss);
    int64_t count;
    const neck_parameter *p = neck_head_parameters(head, &count), *q = neck_head_parameters(exact, &count);
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++)
            ck_assert_double_eq_tol((double)((float *)p[k].gradient)[i], ((double *)q[k].gradient)[i], 1e-6);
    for (int i = 0; i < N * D; i++) ck_assert_double_eq_tol((double)single_gradient[i], wide_gradient[i], 1e-6);
    ASSERT_OK(neck_head_loss(NULL, head, &short_states, targets, NULL, &again));
    ck_assert(again.loss == result.loss);
    ASSERT_OK(neck_head_loss(NULL, head, &states, targets, NULL, &again)); /* doubles, narrowed */
    ck_assert(again.loss == result.loss);
    neck_head_destroy(head);
    neck_head_destroy(exact);
}
END_TEST

/* Two tokens with logits 1e4 and -1e4, whose losses are 0 and the difference: nothing overflows on the way. */
START_TEST(large_logits_are_safe)
{
    int32_t kind = FIRST_KIND + _i / 2, dtype = _i % 2 ? NECK_F64 : NECK_F32, targets[] = {0, 1};
    double ones[2], gradient[2], losses[2], reach = kind == NECK_HEAD_SIGSOFTMAX ? 3e4 : 2e4;
    neck_head_options o = head_options(kind, dtype, 2, 1);
    if (kind == NECK_HEAD_MOS) o.rank = 1;
    neck_head *head = made_head(&o, 0, 0);
    int64_t count;
    const neck_parameter *p = neck_head_parameters(head, &count);
    put_number(p[0].data, dtype, 0, 1e4);
    put_number(p[0].data, dtype, 1, -1e4);
    if (kind == NECK_HEAD_FACTORED) put_number(p[1].data, dtype, 0, 1);
    if (kind == NECK_HEAD_MOS) /* h = tanh(50) = 1 */
        for (int i = 0; i < 3; i++) put_number(p[1].data, dtype, i, 50);
    for (int i = 0; i < 2; i++) put_number(ones, dtype, i, 1);
    neck_matrix states = {ones, 2, 1, 0, dtype, 0};
    neck_cross_entropy_options options = {.struct_size = sizeof options, .token_loss = losses};
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ASSERT_OK(neck_head_gradient(NULL, head, &states, targets, &options, gradient, &result));
    double tolerance = dtype == NECK_F64 ? 1e-9 : 1e-2;
    ck_assert_double_eq_tol(losses[0], 0, tolerance);
    ck_assert_double_eq_tol(losses[1], reach, tolerance);
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++) ck_assert(isfinite(number_at(p[k].gradient, dtype, i)));
    for (int i = 0; i < 2; i++) ck_assert(isfinite(number_at(gradient, dtype, i)));
    neck_head_destroy(head);
}
END_TEST

/* Two threads give the bits of one. */
START_TEST(threads_do_not_show)
{
    enum { N = 70, V = 301, D = 20 };
    static float data[N * D], one_gradient[N * D], two_gradient[N * D];
    int32_t targets[N];
    for (int i = 0; i < N; i++) targets[i] = i * 4;
    neck_matrix states = made_states(data, NECK_F32, N, D, 8);
    neck_context_options options = {sizeof options, .threads = 1};
    neck_context *one, *two;
    ASSERT_OK(neck_context_create(&options, &one));
    options.threads = 2;
    ASSERT_OK(neck_context_create(&options, &two));
    neck_head_options o = head_options(_i, NECK_F32, V, D);
    static float tied_f32[V * D], tied_gradient_f32[V * D];
    if (_i == NECK_HEAD_TIED) {
        o.tied_weights = tied_f32;
        o.tied_gradient = tied_gradient_f32;
    }
    neck_head *head = made_head(&o, 0.5, 6);
    neck_cross_entropy_result result = {.struct_size = sizeof result}, again = result;
    int64_t count;
    const neck_parameter *p = neck_head_parameters(head, &count);
    float *kept[6];
    ASSERT_OK(neck_head_gradient(one, head, &states, targets, NULL, one_gradient, &result));
    for (int64_t k = 0; k < count; k++) {
        size_t size = (size_t)(p[k].rows * p[k].cols) * sizeof(float);
        kept[k] = malloc(size);
        memcpy(kept[k], p[k].gradient, size);
    }
    ASSERT_OK(neck_head_gradient(two, head, &states, targets, NULL, two_gradient, &again));
    ck_assert(result.loss == again.loss);
    ck_assert_mem_eq(one_gradient, two_gradient, sizeof one_gradient);
    for (int64_t k = 0; k < count; k++) {
        ck_assert_mem_eq(kept[k], p[k].gradient, (size_t)(p[k].rows * p[k].cols) * sizeof(float));
        free(kept[k]);
    }
    neck_head_destroy(head);
    neck_context_destroy(one);
    neck_context_destroy(two);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("head_gradient");
    tcase_add_loop_test(tests, every_combination_of_options, 0, (LAST_KIND - FIRST_KIND + 1) * COMBINATIONS);
    tcase_add_loop_test(tests, one_state_and_an_odd_vocabulary, FIRST_KIND, LAST_KIND + 1);
    tcase_add_loop_test(tests, mixtures_of_other_shapes, 0, 2);
    tcase_add_loop_test(tests, piecewise_linear_maps_of_other_shapes, 0, 4);
    tcase_add_loop_test(tests, no_target_no_gradient, FIRST_KIND, LAST_KIND + 1);
    tcase_add_loop_test(tests, gradients_accumulate, FIRST_KIND, LAST_KIND + 1);
    tcase_add_loop_test(tests, single_precision_agrees, FIRST_KIND, LAST_KIND + 1);
    tcase_add_loop_test(tests, large_logits_are_safe, 0, 2 * (LAST_KIND - FIRST_KIND + 1));
    tcase_add_loop_test(tests, threads_do_not_show, FIRST_KIND, LAST_KIND + 1);
    return run_suite("head_gradient", tests);
}
