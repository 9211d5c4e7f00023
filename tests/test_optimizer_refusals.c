/* tests/test_optimizer_refusals.c - what an optimizer does not take, and that nothing has changed then. */
#include "optimizer_support.h"

#define WITH(...) {.struct_size = sizeof(neck_optimizer_options), __VA_ARGS__}

static const struct {
    neck_optimizer_options options;
    const char *fragment;
} bad_options[] = {
    {WITH(.rule = 1), "learning_rate (0)"},
    {WITH(.learning_rate = -1), "learning_rate (-1)"},
    {WITH(.learning_rate = NAN), "learning_rate (nan)"},
    {WITH(.learning_rate = INFINITY), "learning_rate (inf)"},
    {WITH(.learning_rate = 1, .rule = 4), "rule 4"},
    {WITH(.learning_rate = 1, .rule = -1), "rule -1"},
    {WITH(.learning_rate = 1, .weight_decay = -0.1), "weight_decay is -0.1"},
    {WITH(.learning_rate = 1, .weight_decay = NAN), "weight_decay is nan"},
    {WITH(.learning_rate = 1, .beta1 = 1), "beta1 (1)"},
    {WITH(.learning_rate = 1, .beta2 = NAN), "beta2 (nan)"},
    {WITH(.learning_rate = 1, .epsilon = -1e-8), "epsilon is -1e-08"},
    {WITH(.learning_rate = 1, .epsilon = 1e-40), "epsilon is 1e-40"},
    {WITH(.learning_rate = 1, .momentum = 1), "momentum is 1"},
    {WITH(.learning_rate = 1, .rule = 3, .momentum = -0.5), "momentum is -0.5"},
    {WITH(.learning_rate = 1, .rule = 2, .nesterov = 1), "nesterov needs a momentum"},
    {WITH(.learning_rate = 1, .rule = 3, .adam_learning_rate = -1), "adam_learning_rate (-1)"},
    {WITH(.learning_rate = 1, .rule = 3, .newton_schulz_steps = -1), "newton_schulz_steps is -1"},
    {WITH(.learning_rate = 1, .rule = 3, .newton_schulz_steps = 101), "newton_schulz_steps is 101"},
    {{.struct_size = 1}, "struct_size"},
};

START_TEST(options_without_sense)
{
    static problem p;
    problem_make(&p, NECK_F32);
    neck_optimizer *made = NULL, *optimizer = optimizer_of(NULL, &p, &rules[0]);
    for (size_t i = 0; i < sizeof bad_options / sizeof bad_options[0]; i++) {
        const neck_optimizer_options *bad = &bad_options[i].options;
        assert_fails(neck_optimizer_create(NULL, bad, p.parameters, PARAMETERS, &made), NECK_E_ARGUMENT,
                     bad_options[i].fragment, "create");
        ck_assert_ptr_null(made);
        assert_fails(neck_optimizer_set_group(optimizer, 0, bad), NECK_E_ARGUMENT, bad_options[i].fragment,
                     "set_group");
    }
    assert_fails(neck_optimizer_create(NULL, NULL, p.parameters, PARAMETERS, &made), NECK_E_ARGUMENT, "learning_rate",
                 "NULL");
    problem_run(NULL, &p, optimizer, 0, 1); /* by the rule it was made with */
    neck_optimizer_destroy(optimizer);
}
END_TEST

/* Older callers know fewer fields. */
START_TEST(options_of_another_length)
{
    static problem p;
    problem_make(&p, NECK_F32);
    size_t short_size = offsetof(neck_optimizer_options, beta1), long_size = sizeof(neck_optimizer_options) + 8;
    char *shorter = calloc(1, short_size), *longer = calloc(1, long_size);
    memcpy(shorter, &rules[0], short_size);
    memcpy(shorter, &short_size, sizeof short_size);
    memcpy(longer, &rules[0], sizeof rules[0]);
    memcpy(longer, &long_size, sizeof long_size);
    neck_optimizer *made = NULL;
    ck_assert_int_eq(neck_optimizer_create(NULL, (void *)shorter, p.parameters, PARAMETERS, &made), NECK_OK);
    neck_optimizer_destroy(made);
    ck_assert_int_eq(neck_optimizer_create(NULL, (void *)longer, p.parameters, PARAMETERS, &made), NECK_OK);
    neck_optimizer_destroy(made);
    made = NULL;
    longer[long_size - 1] = 1;
    assert_fails(neck_optimizer_create(NULL, (void *)longer, p.parameters, PARAMETERS, &made), NECK_E_ARGUMENT,
                 "is set", "tail");
    ck_assert_ptr_null(made);
    free(shorter);
    free(longer);
}
END_TEST

START_TEST(parameters_without_sense)
{
    static problem p;
    neck_optimizer *made = NULL;
    static const char *const fragments[] = {"parameter 1 has no name", "parameter 1 has no name", "not UTF-8",
                                            "'tall' has no data", "no gradient", "'tall' is 0 x 4", "9 x -1",
                                            "F32 or F64",
                                            "unknown flags (4)", "two parameters have the name 'wide'",
                                            "9 x 4611686018427387904"};
    for (size_t i = 0; i < sizeof fragments / sizeof fragments[0]; i++) {
        problem_make(&p, NECK_F32);
        neck_parameter *q = &p.parameters[1];
        switch (i) {
        case 0: q->name = NULL; break;
        case 1: q->name = ""; break;
        case 2: q->name = "\xff"; break;
        case 3: q->data = NULL; break;
        case 4: q->gradient = NULL; break;
        case 5: q->rows = 0; break;
        case 6: q->cols = -1; break;
        case 7: q->dtype = NECK_BF16; break;
        case 8: q->flags = 4; break;
        case 9: q->name = "wide"; break;
        default: q->cols = INT64_C(1) << 62; break;
        }
        assert_fails(neck_optimizer_create(NULL, &rules[0], p.parameters, PARAMETERS, &made), NECK_E_ARGUMENT,
                     fragments[i], "create");
        ck_assert_ptr_null(made);
    }
    problem_make(&p, NECK_F32);
    assert_fails(neck_optimizer_create(NULL, &rules[0], NULL, 1, &made), NECK_E_ARGUMENT, "parameters is NULL",
                 "create");
    assert_fails(neck_optimizer_create(NULL, &rules[0], p.parameters, 0, &made), NECK_E_ARGUMENT, "count is 0",
                 "create");
    assert_fails(neck_optimizer_create(NULL, &rules[0], p.parameters, 1, NULL), NECK_E_ARGUMENT, "out is NULL",
                 "create");
}
END_TEST

/* The state as a file's bytes. */
static neck__mapping *state_of(const neck_optimizer *optimizer, const char *folder, const char *name)
{
    char path[PATH_CAPACITY];
    scratch_file(path, folder, name);
    ck_assert_int_eq(neck_optimizer_save(NULL, optimizer, path), NECK_OK);
    return map_file(path);
}

/* In the last parameter, when the first would long have moved; and values whose squares the moments could not hold. */
START_TEST(unusable_gradients_change_nothing)
{
    static const double bad[2][4] = {{NAN, INFINITY, -INFINITY, 2e19}, {NAN, INFINITY, -INFINITY, -1.4e154}};
    const neck_optimizer_options *options = &rules[_i / 2];
    int32_t dtype = _i % 2 ? NECK_F64 : NECK_F32;
    static problem p, before;
    char folder[PATH_CAPACITY];
    scratch_make(folder);
    problem_make(&p, dtype);
    neck_optimizer *optimizer = optimizer_of(NULL, &p, options);
    problem_run(NULL, &p, optimizer, 0, 2);
    neck__mapping *kept = state_of(optimizer, folder, "kept");
    before = p;
    for (int k = 0; k < 4; k++) {
        problem_gradients(&p, 2);
        p.wide[1][2][5] = bad[_i % 2][k];
        p.narrow[1][2][5] = (float)bad[_i % 2][k];
        assert_fails(neck_optimizer_step(NULL, optimizer, 1), NECK_E_NONFINITE, "the gradient of 'bias' is ", "step");
        ck_assert_ptr_nonnull(strstr(neck_last_error(), "at (0, 5)"));
        ck_assert(k < 3 || strstr(neck_last_error(), "square is not finite"));
        assert_same_data(&p, &before, "data");
        ck_assert_int_eq(neck_optimizer_steps(optimizer), 2);
        neck__mapping *now = state_of(optimizer, folder, "now");
        ck_assert_int_eq(now->size, kept->size);
        ck_assert_mem_eq(now->data, kept->data, (size_t)kept->size);
        neck__mapping_close(now);
    }
    problem_run(NULL, &p, optimizer, 2, 3);
    neck__mapping_close(kept);
    neck_optimizer_destroy(optimizer);
    scratch_remove(folder);
}
END_TEST

/* The largest gradient that is taken leaves every number finite. */
START_TEST(the_largest_gradients_are_survived)
{
    int32_t dtype = _i % 2 ? NECK_F64 : NECK_F32;
    static problem p;
    problem_make(&p, dtype);
    neck_optimizer *optimizer = optimizer_of(NULL, &p, &rules[_i / 2]);
    for (int step = 0; step < 50; step++) {
        for (int n = 0; n < PARAMETERS; n++)
            for (int64_t i = 0; i < size_of(n); i++) {
                p.wide[1][n][i] = i % 2 ? 6.6e153 : -6.6e153;
                p.narrow[1][n][i] = i % 2 ? 9.2e18f : -9.2e18f;
            }
        ck_assert_msg(neck_optimizer_step(NULL, optimizer, 1) == NECK_OK, "%s", neck_last_error());
    }
    for (int n = 0; n < PARAMETERS; n++)
        for (int64_t i = 0; i < size_of(n); i++) ck_assert(isfinite(problem_value(&p, 0, n, i)));
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
    scratch_make(folder);
    scratch_file(path, folder, "state");
    ck_assert_int_eq(neck_optimizer_save(NULL, optimizer, path), NECK_OK);
    ck_assert_msg(neck_optimizer_load(NULL, optimizer, path) == NECK_OK, "%s", neck_last_error());
    neck_optimizer_destroy(optimizer);
    scratch_remove(folder);
}
END_TEST

/* A gradient that is 0 from the start divides nothing by nothing. */
START_TEST(zero_gradients_move_nothing)
{
    static problem p, before;
    problem_make(&p, _i % 2 ? NECK_F64 : NECK_F32);
    memset(p.narrow[1], 0, sizeof p.narrow[1]);
    memset(p.wide[1], 0, sizeof p.wide[1]);
    before = p;
    neck_optimizer_options options = rules[_i / 2];
    options.weight_decay = 0;
    neck_optimizer *optimizer = optimizer_of(NULL, &p, &options);
    for (int step = 0; step < 3; step++) ck_assert_int_eq(neck_optimizer_step(NULL, optimizer, 1), NECK_OK);
    assert_same_data(&p, &before, "zero gradients");
    neck_optimizer_destroy(optimizer);
}
END_TEST

START_TEST(calls_without_sense)
{
    static problem p, before;
    problem_make(&p, NECK_F32);
    neck_optimizer *optimizer = optimizer_of(NULL, &p, &rules[0]);
    before = p;
    assert_fails(neck_optimizer_step(NULL, NULL, 1), NECK_E_ARGUMENT, "NULL", "step");
    assert_fails(neck_optimizer_step(NULL, optimizer, -1), NECK_E_ARGUMENT, "scale is -1", "step");
    assert_fails(neck_optimizer_step(NULL, optimizer, NAN), NECK_E_ARGUMENT, "scale is nan", "step");
    assert_fails(neck_optimizer_step(NULL, optimizer, INFINITY), NECK_E_ARGUMENT, "scale is inf", "step");
    assert_same_data(&p, &before, "refused steps");
    assert_fails(neck_optimizer_set_group(NULL, 0, &rules[0]), NECK_E_ARGUMENT, "NULL", "set_group");
    assert_fails(neck_optimizer_set_group(optimizer, -1, &rules[0]), NECK_E_ARGUMENT, "parameter -1 of 3", "set_group");
    assert_fails(neck_optimizer_set_group(optimizer, 3, &rules[0]), NECK_E_ARGUMENT, "parameter 3 of 3", "set_group");
    problem_run(NULL, &p, optimizer, 0, 1);
    assert_fails(neck_optimizer_set_group(optimizer, 0, &rules[1]), NECK_E_STATE, "before the first", "set_group");
    ck_assert_int_eq(neck_optimizer_steps(NULL), 0);
    neck_optimizer_destroy(NULL);
    neck_optimizer_destroy(optimizer);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("optimizer refusals");
    tcase_add_test(tcase, options_without_sense);
    tcase_add_test(tcase, options_of_another_length);
    tcase_add_test(tcase, parameters_without_sense);
    tcase_add_loop_test(tcase, unusable_gradients_change_nothing, 0, 2 * RULES);
    tcase_add_loop_test(tcase, the_largest_gradients_are_survived, 0, 2 * RULES);
    tcase_add_loop_test(tcase, zero_gradients_move_nothing, 0, 2 * RULES);
    tcase_add_test(tcase, calls_without_sense);
    return run_suite("optimizer refusals", tcase);
}
