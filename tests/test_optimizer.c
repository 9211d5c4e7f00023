/* tests/test_optimizer.c - update rules against PyTorch's optimizers and the formulas in double precision. */
#include "optimizer_support.h"

static neck_optimizer_options options_of(const json_t *from)
{
    neck_optimizer_options o = {.struct_size = sizeof o,
                                .rule = (int32_t)number_or_0(from, "rule"),
                                .nesterov = (int32_t)number_or_0(from, "nesterov"),
                                .learning_rate = number_or_0(from, "learning_rate"),
                                .weight_decay = number_or_0(from, "weight_decay"),
                                .beta1 = number_or_0(from, "beta1"),
                                .beta2 = number_or_0(from, "beta2"),
                                .epsilon = number_or_0(from, "epsilon"),
                                .momentum = number_or_0(from, "momentum"),
                                .newton_schulz_steps = (int64_t)number_or_0(from, "newton_schulz_steps")};
    return o;
}

static void compare(const problem *p, const json_t *expected, double tolerance, const char *name, int steps)
{
    for (int n = 0; n < PARAMETERS; n++)
        for (int64_t i = 0; i < size_of(n); i++) {
            double found = problem_value(p, 0, n, i), wanted = golden_at(expected, n, i);
            ck_assert_msg(fabs(found - wanted) <= tolerance, "%s, after %d steps: %s[%lld] is %.9g, not %.9g", name,
                          steps, shapes[n].name, (long long)i, found, wanted);
        }
}

START_TEST(every_rule_moves_as_its_reference)
{
    json_t *cases = optimizer_golden("cases"), *each;
    size_t k;
    ck_assert_int_ge((int64_t)json_array_size(cases), 16);
    json_array_foreach(cases, k, each) {
        const char *name = json_string_value(json_object_get(each, "name"));
        int32_t dtype = strcmp(json_string_value(json_object_get(each, "dtype")), "float64") ? NECK_F32 : NECK_F64;
        double tolerance = number_or_0(each, "tolerance");
        json_t *after = json_object_get(each, "after");
        neck_optimizer_options options = options_of(json_object_get(each, "options"));
        static problem p;
        problem_make(&p, dtype);
        neck_optimizer *optimizer = optimizer_of(NULL, &p, &options);
        problem_run(NULL, &p, optimizer, 0, 1);
        compare(&p, json_object_get(after, "1"), tolerance, name, 1);
        problem_run(NULL, &p, optimizer, 1, STEPS);
        compare(&p, json_object_get(after, "100"), tolerance, name, STEPS);
        neck_optimizer_destroy(optimizer);
    }
    json_decref(cases);
}
END_TEST

/* Gradients that depend on where the parameters are: errors would feed back. */
START_TEST(a_loss_curve_is_that_of_pytorch)
{
    json_t *losses = optimizer_golden("descent");
    static problem p, fixed;
    problem_make(&p, NECK_F32);
    problem_make(&fixed, NECK_F32);
    neck_optimizer *optimizer = NULL;
    ck_assert_int_eq(neck_optimizer_create(NULL, &rules[0], p.parameters, 1, &optimizer), NECK_OK);
    for (int step = 0; step < STEPS; step++) {
        double loss = 0;
        for (int64_t i = 0; i < size_of(0); i++) {
            p.narrow[1][0][i] = p.narrow[0][0][i] - fixed.narrow[1][0][i];
            double off = (double)p.narrow[0][0][i] - (double)fixed.narrow[1][0][i];
            loss += 0.5 * off * off;
        }
        double wanted = json_number_value(json_array_get(losses, (size_t)step));
        ck_assert_msg(fabs(loss - wanted) <= 1e-6 * wanted, "step %d: %.9g, not %.9g", step, loss, wanted);
        ck_assert_int_eq(neck_optimizer_step(NULL, optimizer, 1), NECK_OK);
    }
    neck_optimizer_destroy(optimizer);
    json_decref(losses);
}
END_TEST

/* A group's parameter moves as it would alone under the group's options; the others as without a group. */
START_TEST(groups_have_their_own_rule)
{
    static problem mixed, plain, other;
    problem_make(&mixed, NECK_F32);
    problem_make(&plain, NECK_F32);
    problem_make(&other, NECK_F32);
    neck_optimizer *a = optimizer_of(NULL, &mixed, &rules[0]), *b = optimizer_of(NULL, &plain, &rules[0]),
                   *c = optimizer_of(NULL, &other, &rules[3]);
    ck_assert_int_eq(neck_optimizer_set_group(a, 1, &rules[3]), NECK_OK);
    problem_run(NULL, &mixed, a, 0, 10);
    problem_run(NULL, &plain, b, 0, 10);
    problem_run(NULL, &other, c, 0, 10);
    ck_assert_mem_eq(mixed.narrow[0][0], plain.narrow[0][0], sizeof mixed.narrow[0][0]);
    ck_assert_mem_eq(mixed.narrow[0][1], other.narrow[0][1], sizeof mixed.narrow[0][1]);
    ck_assert_mem_eq(mixed.narrow[0][2], plain.narrow[0][2], sizeof mixed.narrow[0][2]);
    ck_assert_mem_ne(other.narrow[0][1], plain.narrow[0][1], sizeof mixed.narrow[0][1]);
    neck_optimizer_destroy(a);
    neck_optimizer_destroy(b);
    neck_optimizer_destroy(c);
}
END_TEST

/* NO_MUON and a row alone are moved by AdamW at adam_learning_rate; NO_DECAY is free of decay. */
START_TEST(flags_are_obeyed)
{
    static problem muon, adam;
    problem_make(&muon, NECK_F64);
    problem_make(&adam, NECK_F64);
    muon.parameters[0].flags = NECK_PARAMETER_NO_MUON;
    adam.parameters[0].flags = 0;
    neck_optimizer_options options = rules[3], adamw = rules[0];
    options.adam_learning_rate = adamw.learning_rate = 0.003;
    neck_optimizer *a = optimizer_of(NULL, &muon, &options), *b = optimizer_of(NULL, &adam, &adamw);
    problem_run(NULL, &muon, a, 0, 5);
    problem_run(NULL, &adam, b, 0, 5);
    ck_assert_mem_eq(muon.wide[0][0], adam.wide[0][0], sizeof muon.wide[0][0]);
    ck_assert_mem_ne(muon.wide[0][1], adam.wide[0][1], sizeof muon.wide[0][1]);
    ck_assert_mem_eq(muon.wide[0][2], adam.wide[0][2], sizeof muon.wide[0][2]);
    neck_optimizer_destroy(a);
    neck_optimizer_destroy(b);

    problem_make(&muon, NECK_F64);
    problem_make(&adam, NECK_F64);
    adam.parameters[0].flags = NECK_PARAMETER_NO_DECAY;
    adamw.weight_decay = 0;
    a = optimizer_of(NULL, &muon, &adamw);
    adamw.weight_decay = 0.1;
    b = optimizer_of(NULL, &adam, &adamw);
    problem_run(NULL, &muon, a, 0, 5);
    problem_run(NULL, &adam, b, 0, 5);
    ck_assert_mem_eq(muon.wide[0][0], adam.wide[0][0], sizeof muon.wide[0][0]);
    ck_assert_mem_ne(muon.wide[0][1], adam.wide[0][1], sizeof muon.wide[0][1]);
    neck_optimizer_destroy(a);
    neck_optimizer_destroy(b);
}
END_TEST

START_TEST(the_scale_multiplies_the_learning_rate)
{
    static problem scaled, slow;
    problem_make(&scaled, NECK_F64);
    problem_make(&slow, NECK_F64);
    neck_optimizer_options options = rules[_i];
    neck_optimizer *a = optimizer_of(NULL, &scaled, &options);
    options.learning_rate *= 0.25;
    neck_optimizer *b = optimizer_of(NULL, &slow, &options);
    ck_assert_int_eq(neck_optimizer_step(NULL, a, 0.25), NECK_OK);
    ck_assert_int_eq(neck_optimizer_step(NULL, b, 1), NECK_OK);
    assert_same_data(&scaled, &slow, "a scale of 1/4");
    ck_assert_int_eq(neck_optimizer_step(NULL, a, 0), NECK_OK);
    assert_same_data(&scaled, &slow, "a scale of 0");
    neck_optimizer_destroy(a);
    neck_optimizer_destroy(b);
}
END_TEST

/* Large enough for several blocks a parameter; Muon's products too. */
static void large_run(int32_t threads, const neck_optimizer_options *options, int32_t dtype, double *out)
{
    enum { SIDE = 190 };
    neck_context_options settings = {.struct_size = sizeof settings, .threads = threads};
    neck_context *context;
    neck_optimizer *optimizer;
    ck_assert_int_eq(neck_context_create(&settings, &context), NECK_OK);
    static double wide[2][SIDE * SIDE];
    static float narrow[2][SIDE * SIDE];
    uint64_t state = 7;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < SIDE * SIDE; i++) narrow[k][i] = (float)(wide[k][i] = next_number(&state));
    neck_parameter p = {"w", wide[0], wide[1], SIDE, SIDE, dtype, 0};
    if (dtype == NECK_F32) p.data = narrow[0], p.gradient = narrow[1];
    ck_assert_int_eq(neck_optimizer_create(context, options, &p, 1, &optimizer), NECK_OK);
    for (int step = 0; step < 3; step++) {
        ck_assert_int_eq(neck_gradients_clip(context, &p, 1, 10 - step, NULL), NECK_OK);
        ck_assert_int_eq(neck_optimizer_step(context, optimizer, 1), NECK_OK);
    }
    for (int i = 0; i < SIDE * SIDE; i++) out[i] = dtype == NECK_F32 ? (double)narrow[0][i] : wide[0][i];
    neck_optimizer_destroy(optimizer);
    neck_context_destroy(context);
}

START_TEST(threads_do_not_show_in_the_bits)
{
    static double one[190 * 190], several[190 * 190];
    int32_t dtype = _i % 2 ? NECK_F64 : NECK_F32;
    large_run(1, &rules[_i / 2], dtype, one);
    for (int32_t threads = 2; threads <= 3; threads++) {
        large_run(threads, &rules[_i / 2], dtype, several);
        ck_assert_mem_eq(one, several, sizeof one);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("optimizer");
    tcase_add_test(tcase, every_rule_moves_as_its_reference);
    tcase_add_test(tcase, a_loss_curve_is_that_of_pytorch);
    tcase_add_test(tcase, groups_have_their_own_rule);
    tcase_add_test(tcase, flags_are_obeyed);
    tcase_add_loop_test(tcase, the_scale_multiplies_the_learning_rate, 0, RULES);
    tcase_add_loop_test(tcase, threads_do_not_show_in_the_bits, 0, 2 * RULES);
    return run_suite("optimizer", tcase);
}
