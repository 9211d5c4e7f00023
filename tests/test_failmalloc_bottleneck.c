/* tests/test_failmalloc_bottleneck.c - what a bottleneck costs, with every allocation failing. */
#include "failmalloc.h"

static float factor[ROWS * COLS];
static int32_t targets[ROWS];
static neck_labeled_states data;

static void drop_truncation(outputs *out)
{
    neck_truncation *truncation;
    memcpy(&truncation, out, sizeof truncation);
    neck_truncation_destroy(truncation);
}

static neck_status make_truncation(neck_context *context, const operation *self, outputs *out)
{
    neck_gram *moments = NULL;
    neck_truncation *truncation = NULL;
    neck_truncate_options options = {sizeof options, .kind = self->method, .centered = self->variant};
    neck_status status = self->method == NECK_TRUNCATE_WEIGHTED ? filled_gram(context, &moments) : NECK_OK;
    options.moments = moments;
    if (status == NECK_OK) status = neck_truncation_create(context, self->matrix, &options, &truncation);
    neck_gram_destroy(moments);
    if (status == NECK_OK) memcpy(out, &truncation, sizeof truncation);
    return status;
}

static neck_status truncate_head(neck_context *context, const operation *self, outputs *out)
{
    neck_truncation *truncation;
    double a[ROWS * 3], b[3 * COLS];
    neck_status status = neck_truncation_create(context, self->matrix, NULL, &truncation);
    if (status != NECK_OK) return status;
    status = neck_head_truncate(context, truncation, 3, a, b);
    neck_truncation_destroy(truncation);
    if (status == NECK_OK) memcpy(out->numbers, a, sizeof a);
    return status;
}

static neck_status measure_gap(neck_context *context, const operation *self, outputs *out)
{
    neck_matrix a = {factor, ROWS, 3, 0, NECK_F32, 0}, b = {factor, 3, COLS, 0, NECK_F32, 0};
    neck_loss_gap gap = {.struct_size = sizeof gap};
    neck_status status = neck_loss_gap_measure(context, self->matrix, &a, &b, &data, 1, &gap);
    if (status == NECK_OK) out->numbers[0] = gap.gap;
    return status;
}

static neck_status measure_suppression(neck_context *context, const operation *self, outputs *out)
{
    neck_gradient_suppression made = {.struct_size = sizeof made};
    return neck_gradient_suppression_measure(context, self->matrix, &data, NULL, out->numbers, &made);
}

START_TEST(every_allocation_fails_once)
{
    make_inputs();
    for (int i = 0; i < ROWS * COLS; i++) factor[i] = entries[ROWS * COLS - 1 - i];
    for (int i = 0; i < ROWS; i++) targets[i] = i % 17;
    data = (neck_labeled_states){tall, targets};
    const operation operations[] = {
        {"plain truncation", make_truncation, drop_truncation, &tall, NECK_TRUNCATE_PLAIN, 0, NULL, 0},
        {"centered truncation", make_truncation, drop_truncation, &half, NECK_TRUNCATE_PLAIN, 1, NULL, 0},
        {"weighted truncation", make_truncation, drop_truncation, &tall, NECK_TRUNCATE_WEIGHTED, 1, NULL, 0},
        {"factors", truncate_head, NULL, &tall, 0, 0, NULL, 0},
        {"loss gap", measure_gap, NULL, &tall, 0, 0, NULL, 0},
        {"gradient suppression", measure_suppression, NULL, &half, 0, 0, NULL, 0},
    };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) fail_each_allocation(&operations[i], 1 + _i % 2, _i / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failmalloc_bottleneck");
    TCase *tests = tcase_create("failmalloc_bottleneck");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_allocation_fails_once, 0, 4);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
