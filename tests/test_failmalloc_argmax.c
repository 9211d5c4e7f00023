/* tests/test_failmalloc_argmax.c - unargmaxable tokens, hidden sizes and frequencies, with every allocation failing. */
#include "failmalloc.h"
#include "softneck/frequency.h"
#include "softneck/hidden_size.h"
#include "softneck/unargmaxable.h"

static double logits[40 * 60];
static neck_matrix small;

static void drop_argmax(outputs *out)
{
    neck_argmax *argmax;
    memcpy(&argmax, out, sizeof argmax);
    neck_argmax_destroy(argmax);
}


static neck_status find_argmax(neck_context *context, const operation *self, outputs *out)
{
    neck_argmax *argmax = NULL;
    neck_argmax_options options = {sizeof options, .bias = self->variant ? weights : NULL, .reflections = 1,
                                   .keep_witnesses = self->path == NULL, .resume = self->path};
    neck_status status = neck_argmax_compute(context, self->matrix, &options, &argmax);
    if (status == NECK_OK) memcpy(out, &argmax, sizeof argmax);
    return status;
}

/* A second call takes the file of the first. */
static neck_status resume_argmax(neck_context *context, const operation *self, outputs *out)
{
    neck_status status = find_argmax(context, self, out);
    if (status != NECK_OK) return status;
    outputs first = *out;
    status = find_argmax(context, self, out);
    unlink(self->path);
    drop_argmax(&first);
    if (status != NECK_OK) memset(out, 0xa5, sizeof *out);
    return status;
}

static neck_status find_size(neck_context *context, const operation *self, outputs *out)
{
    neck_hidden_size size = {.struct_size = sizeof size};
    neck_status status = neck_hidden_size_measure(context, self->matrix, NULL, &size);
    if (status == NECK_OK) out->numbers[0] = size.gap;
    return status;
}

static neck_status find_frequency(neck_context *context, const operation *self, outputs *out)
{
    neck_frequency_component components[3];
    neck_frequency_options options = {.struct_size = sizeof options, .variant = self->variant};
    neck_status status = neck_frequency_measure(context, self->matrix, weights, &options, 3, components, NULL);
    if (status == NECK_OK) out->numbers[0] = components[0].pearson;
    return status;
}

START_TEST(every_allocation_fails_once)
{
    make_inputs();
    for (int i = 0; i < 40 * 60; i++) logits[i] = entries[i];
    small = (neck_matrix){.data = logits, .rows = 40, .cols = 60, .dtype = NECK_F64};
    neck_matrix flat = {.data = entries, .rows = 60, .cols = 2, .row_stride = COLS, .dtype = NECK_F32};
    char path[256];
    snprintf(path, sizeof path, "%s/softneck-argmax-%d.safetensors", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
    const operation operations[] = {
        {"unargmaxable tokens", find_argmax, drop_argmax, &flat, 0, 0, NULL, 0},
        {"unargmaxable tokens with a bias", find_argmax, drop_argmax, &flat, 0, 1, NULL, 0},
        {"resumed verdicts", resume_argmax, drop_argmax, &flat, 0, 0, path, 1},
        {"hidden size", find_size, NULL, &small, 0, 0, NULL, 0},
        {"frequency", find_frequency, NULL, &tall, 0, NECK_VARIANT_FREQUENCY_CENTERED, NULL, 0},
        {"frequency, raw", find_frequency, NULL, &half, 0, NECK_VARIANT_RAW, NULL, 0},
    };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) fail_each_allocation(&operations[i], 1 + _i % 2, _i / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failmalloc_argmax");
    TCase *tests = tcase_create("failmalloc_argmax");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_allocation_fails_once, 0, 4);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
