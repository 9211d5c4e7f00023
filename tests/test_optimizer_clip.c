/* tests/test_optimizer_clip.c - the norm of all gradients and its bound, against PyTorch's clip_grad_norm_. */
#include "optimizer_support.h"

START_TEST(clipping_is_that_of_pytorch)
{
    json_t *clip = optimizer_golden("clip"), *each;
    size_t k;
    int scaled = 0;
    json_array_foreach(clip, k, each) {
        static problem p;
        problem_make(&p, _i ? NECK_F64 : NECK_F32);
        double norm = 0, bound = number_or_0(each, "bound"), expected = number_or_0(each, "norm");
        ck_assert_int_eq(neck_gradients_clip(NULL, p.parameters, PARAMETERS, bound, &norm), NECK_OK);
        ck_assert_double_eq_tol(norm, expected, 1e-6 * expected);
        for (int n = 0; n < PARAMETERS; n++)
            for (int64_t i = 0; i < size_of(n); i++) {
                double wanted = golden_at(json_object_get(each, "after"), n, i);
                ck_assert_double_eq_tol(problem_value(&p, 1, n, i), wanted, 1e-6 * fabs(wanted));
            }
        scaled += expected > bound;
        double after = 0;
        ck_assert_int_eq(neck_gradients_clip(NULL, p.parameters, PARAMETERS, INFINITY, &after), NECK_OK);
        ck_assert_double_eq_tol(after, expected < bound ? expected : bound, 1e-6 * expected);
    }
    ck_assert_int_eq(scaled, 1);
    json_decref(clip);
}
END_TEST

/* The sum is in double: what would overflow or vanish in single precision does not. */
START_TEST(extremes_have_a_norm)
{
    float g[4] = {3e30f, -4e30f, 0, 0}, w[4] = {0};
    neck_parameter p = {"w", w, g, 2, 2, NECK_F32, 0};
    double norm;
    ck_assert_int_eq(neck_gradients_clip(NULL, &p, 1, 5, &norm), NECK_OK);
    ck_assert_double_eq_tol(norm, 5e30, 1e24);
    ck_assert_double_eq_tol((double)g[0], 3, 1e-6);
    ck_assert_double_eq_tol((double)g[1], -4, 1e-6);
    g[0] = 3e-30f, g[1] = 4e-30f;
    ck_assert_int_eq(neck_gradients_clip(NULL, &p, 1, 1, &norm), NECK_OK);
    ck_assert_double_eq_tol(norm, 5e-30, 1e-36);
    ck_assert_float_eq(g[0], 3e-30f);
    g[0] = g[1] = 0;
    ck_assert_int_eq(neck_gradients_clip(NULL, &p, 1, 1, &norm), NECK_OK);
    ck_assert_double_eq(norm, 0);
}
END_TEST

START_TEST(unusable_gradients_are_refused_and_nothing_is_scaled)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int32_t dtype = NECK_F32; dtype <= NECK_F64; dtype++)
        for (size_t k = 0; k < 3; k++) {
            static problem p, before;
            double norm = 7;
            problem_make(&p, dtype);
            p.narrow[1][1][6] = (float)(p.wide[1][1][6] = bad[k]);
            before = p;
            assert_fails(neck_gradients_clip(NULL, p.parameters, PARAMETERS, 1e-3, &norm), NECK_E_NONFINITE,
                         "gradient of 'tall' is ", "clip");
            ck_assert_ptr_nonnull(strstr(neck_last_error(), "at (1, 2)"));
            ck_assert_double_eq(norm, 7);
            ck_assert_mem_eq(p.narrow, before.narrow, sizeof p.narrow);
            ck_assert_mem_eq(p.wide, before.wide, sizeof p.wide);
        }
    double data[2] = {0}, huge[2] = {1e150, 1e200};
    neck_parameter wide = {"huge", data, huge, 1, 2, NECK_F64, 0};
    assert_fails(neck_gradients_clip(NULL, &wide, 1, 1, NULL), NECK_E_NONFINITE, "'huge' is 1e+200 at (0, 1)", "clip");
    huge[0] = huge[1] = 1.3e154; /* squares are finite, their sum is not */
    assert_fails(neck_gradients_clip(NULL, &wide, 1, 1, NULL), NECK_E_NONFINITE, "no finite sum", "clip");
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    static problem p;
    problem_make(&p, NECK_F32);
    assert_fails(neck_gradients_clip(NULL, p.parameters, PARAMETERS, 0, NULL), NECK_E_ARGUMENT, "max_norm is 0",
                 "clip");
    assert_fails(neck_gradients_clip(NULL, p.parameters, PARAMETERS, NAN, NULL), NECK_E_ARGUMENT, "max_norm is",
                 "clip");
    assert_fails(neck_gradients_clip(NULL, NULL, 1, 1, NULL), NECK_E_ARGUMENT, "parameters is NULL", "clip");
    assert_fails(neck_gradients_clip(NULL, p.parameters, 0, 1, NULL), NECK_E_ARGUMENT, "count is 0", "clip");
    p.parameters[1].gradient = NULL;
    assert_fails(neck_gradients_clip(NULL, p.parameters, PARAMETERS, 1, NULL), NECK_E_ARGUMENT, "'tall' has no",
                 "clip");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("clip");
    tcase_add_loop_test(tcase, clipping_is_that_of_pytorch, 0, 2);
    tcase_add_test(tcase, extremes_have_a_norm);
    tcase_add_test(tcase, unusable_gradients_are_refused_and_nothing_is_scaled);
    tcase_add_test(tcase, bad_arguments_are_refused);
    return run_suite("clip", tcase);
}
