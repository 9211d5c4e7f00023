/* tests/test_failmalloc_argmax.c - unargmaxable tokens, hidden sizes and frequencies, with every allocation failing. */
#include "failmalloc.h"
#include "softneck/frequency.h"
#include "softneck/hidden_size.h"
#include "softneck/unargmaxable.h"

static double logits[40 * 60];
static neck_matrix small, flat;
static char path[256];

static void drop_argmax(outputs *out) { neck_argmax_destroy(out->object); }

static neck_status find_argmax(neck_context *context, const operation *self, outputs *out)
{
    neck_argmax *argmax = NULL;
    neck_argmax_options options = {sizeof options, .bias = self->variant ? weights : NULL, .reflections = 1,
                                   .keep_witnesses = self->path == NULL, .resume = self->path};
    neck_status status = neck_argmax_compute(context, self->matrix, &options, &argmax);
    if (status == NECK_OK) out->object = argmax;
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

static const operation operations[] = {
    {"unargmaxable tokens", find_argmax, drop_argmax, .matrix = &flat},
    {"unargmaxable tokens with a bias", find_argmax, drop_argmax, .matrix = &flat, .variant = 1},
    {"resumed verdicts", resume_argmax, drop_argmax, .matrix = &flat, .path = path, .writes = 1},
    {"hidden size", find_size, NULL, .matrix = &small},
    {"frequency", find_frequency, NULL, &tall, .variant = NECK_VARIANT_FREQUENCY_CENTERED},
    {"frequency, raw", find_frequency, NULL, &half, .variant = NECK_VARIANT_RAW},
};

static void setup(void)
{
    const char *root = getenv("TMPDIR");
    for (int i = 0; i < 40 * 60; i++) logits[i] = entries[i];
    small = (neck_matrix){.data = logits, .rows = 40, .cols = 60, .dtype = NECK_F64};
    flat = (neck_matrix){.data = entries, .rows = 24, .cols = 2, .row_stride = COLS, .dtype = NECK_F32};
    snprintf(path, sizeof path, "%s/softneck-argmax-%d.safetensors", root ? root : "/tmp", (int)getpid());
}

int main(void)
{
    return run_failmalloc("failmalloc_argmax", failmalloc_case(operations, COUNT(operations), setup, NULL));
}
