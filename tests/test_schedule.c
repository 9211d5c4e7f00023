/* tests/test_schedule.c - learning rates against PyTorch's schedulers and closed forms; refusals. */
#include "optimizer_support.h"

static double scale_at(const neck_schedule *schedule, int64_t step)
{
    double scale = -1;
    ck_assert_msg(neck_schedule_scale(schedule, step, &scale) == NECK_OK, "%s", neck_last_error());
    return scale;
}

START_TEST(schedules_are_those_of_pytorch)
{
    json_t *schedules = optimizer_golden("schedules"), *each, *number;
    size_t k, step;
    json_array_foreach(schedules, k, each) {
        neck_schedule s = {.struct_size = sizeof s,
                           .kind = (int32_t)number_or_0(each, "kind"),
                           .steps = (int64_t)number_or_0(each, "steps"),
                           .warmup_steps = (int64_t)number_or_0(each, "warmup_steps"),
                           .decay_steps = (int64_t)number_or_0(each, "decay_steps"),
                           .final_scale = number_or_0(each, "final_scale")};
        json_array_foreach(json_object_get(each, "scales"), step, number)
            ck_assert_double_eq_tol(scale_at(&s, (int64_t)step), json_number_value(number), 1e-12);
        ck_assert_double_eq(scale_at(&s, s.steps), s.final_scale);
        ck_assert_double_eq(scale_at(&s, INT64_MAX), s.final_scale);
    }
    json_decref(schedules);
}
END_TEST

START_TEST(closed_forms)
{
    neck_schedule constant = {.struct_size = sizeof constant, .warmup_steps = 4};
    const double warm[] = {0.25, 0.5, 0.75, 1, 1, 1};
    for (int k = 0; k < 6; k++) ck_assert_double_eq(scale_at(&constant, k), warm[k]);
    ck_assert_double_eq(scale_at(&constant, 1000000), 1);
    ck_assert_double_eq(scale_at(NULL, 3), 1);

    neck_schedule cosine = {.struct_size = sizeof cosine, .kind = NECK_SCHEDULE_COSINE, .steps = 104, .warmup_steps = 4,
                            .final_scale = 0.2};
    ck_assert_double_eq(scale_at(&cosine, 4), 1);
    ck_assert_double_eq_tol(scale_at(&cosine, 54), 0.6, 1e-15);

    neck_schedule wsd = {.struct_size = sizeof wsd, .kind = NECK_SCHEDULE_WSD, .steps = 100, .warmup_steps = 10};
    ck_assert_double_eq(scale_at(&wsd, 80), 1); /* a fifth decays */
    ck_assert_double_eq(scale_at(&wsd, 81), 0.95);
    ck_assert_double_eq(scale_at(&wsd, 100), 0);
    wsd.warmup_steps = 95; /* which leaves room for less */
    ck_assert_double_eq(scale_at(&wsd, 95), 1);
    ck_assert_double_eq_tol(scale_at(&wsd, 97), 0.6, 1e-15);
    wsd.steps = 3, wsd.warmup_steps = 0; /* a fifth of which is nothing */
    ck_assert_double_eq(scale_at(&wsd, 2), 1);
    ck_assert_double_eq(scale_at(&wsd, 3), 0);
    cosine.warmup_steps = cosine.steps;
    ck_assert_double_eq(scale_at(&cosine, 103), 1);
    ck_assert_double_eq(scale_at(&cosine, 104), 0.2);
}
END_TEST

START_TEST(senseless_schedules_are_refused)
{
    static const struct {
        neck_schedule schedule;
        const char *fragment;
    } bad[] = {
        {{sizeof(neck_schedule), 3, 0, 10, 0, 0, 0}, "kind 3"},
        {{sizeof(neck_schedule), -1, 0, 10, 0, 0, 0}, "kind -1"},
        {{sizeof(neck_schedule), 1, 1, 10, 0, 0, 0}, "reserved"},
        {{sizeof(neck_schedule), 1, 0, 0, 0, 0, 0}, "steps is needed"},
        {{sizeof(neck_schedule), 0, 0, 0, -1, 0, 0}, "negative"},
        {{sizeof(neck_schedule), 1, 0, 10, 11, 0, 0}, "exceed the 10 steps"},
        {{sizeof(neck_schedule), 2, 0, 10, 6, 5, 0}, "exceed the 10 steps"},
        {{sizeof(neck_schedule), 2, 0, 10, 0, INT64_MAX, 0}, "exceed the 10 steps"},
        {{sizeof(neck_schedule), 1, 0, 10, 0, 0, 1.5}, "final_scale is 1.5"},
        {{sizeof(neck_schedule), 1, 0, 10, 0, 0, NAN}, "final_scale is nan"},
        {{4, 0, 0, 0, 0, 0, 0}, "struct_size"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double scale = 7;
        assert_fails(neck_schedule_scale(&bad[i].schedule, 0, &scale), NECK_E_ARGUMENT, bad[i].fragment, "schedule");
        ck_assert_double_eq(scale, 7);
    }
    double scale = 7;
    assert_fails(neck_schedule_scale(NULL, -1, &scale), NECK_E_ARGUMENT, "step is -1", "step");
    assert_fails(neck_schedule_scale(NULL, 0, NULL), NECK_E_ARGUMENT, "NULL", "scale");
    ck_assert_double_eq(scale, 7);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("schedule");
    tcase_add_test(tcase, schedules_are_those_of_pytorch);
    tcase_add_test(tcase, closed_forms);
    tcase_add_test(tcase, senseless_schedules_are_refused);
    return run_suite("schedule", tcase);
}
