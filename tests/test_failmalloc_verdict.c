/* tests/test_failmalloc_verdict.c - verdicts, scaling laws and co-occurrence, with every allocation failing. */
#include "failmalloc.h"
#include "softneck/co_occurrence.h"
#include "softneck/scaling_law.h"

enum { POINTS = 60 };
static int64_t steps[POINTS];
static double values[POINTS];
static neck_scaling_point points[POINTS];

static neck_status assess(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_curve curve = {steps, values, NULL, POINTS};
    neck_saturation_options options = {.struct_size = sizeof options, .simulations = 99};
    neck_saturation found = {.struct_size = sizeof found};
    neck_status status = neck_saturation_assess(context, &curve, &options, &found);
    if (status == NECK_OK) out->numbers[0] = found.p_value;
    return status;
}

static neck_status relate(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_curve curve = {steps, values, NULL, POINTS};
    neck_co_occurrence_options options = {.struct_size = sizeof options, .resamples = 99};
    neck_co_occurrence found = {.struct_size = sizeof found};
    neck_status status = neck_co_occurrence_measure(context, &curve, &curve, &options, &found);
    if (status == NECK_OK) out->numbers[0] = found.correlation;
    return status;
}

static neck_status fit(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_scaling_options options = {.struct_size = sizeof options, .resamples = 5};
    neck_scaling_fit found = {.struct_size = sizeof found};
    neck_status status = neck_scaling_law_fit(context, points, 20, &options, &found);
    if (status == NECK_OK) out->numbers[0] = found.law.a;
    return status;
}

static const operation operations[] = {
    {.name = "verdict", .run = assess},
    {.name = "co-occurrence", .run = relate},
    {.name = "scaling law", .run = fit},
};

static void setup(void)
{
    const neck_scaling_law law = {400, 0.34, 410, 0.28, 1.7};
    for (int i = 0; i < POINTS; i++) {
        steps[i] = i;
        values[i] = i < 30 ? 60 - i : i;
        double n = 1e7 * (1 + i % 7), t = n * (10 + 3 * (i % 5));
        points[i] = (neck_scaling_point){n, t, neck_scaling_law_loss(&law, n, t) * (1 + 0.001 * (i % 3))};
    }
}

/* A progress callback that says stop at its first call. */
static int32_t stop(void *user, const neck_progress *progress)
{
    (void)user;
    (void)progress;
    return 1;
}

START_TEST(all_can_be_cancelled)
{
    neck_context_options options = {.struct_size = sizeof options, .progress = stop};
    neck_context *context;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    static outputs out;
    ck_assert_int_eq(assess(context, NULL, &out), NECK_E_CANCELLED);
    ck_assert_int_eq(relate(context, NULL, &out), NECK_E_CANCELLED);
    ck_assert_int_eq(fit(context, NULL, &out), NECK_E_CANCELLED);
    neck_context_destroy(context);
}
END_TEST

int main(void)
{
    TCase *tests = failmalloc_case(operations, COUNT(operations), setup, NULL);
    tcase_add_test(tests, all_can_be_cancelled);
    return run_failmalloc("failmalloc_verdict", tests);
}
