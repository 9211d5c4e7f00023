/* tests/test_failmalloc_bottleneck.c - what a bottleneck costs, with every allocation failing. */
#include "failmalloc.h"

static float factor[ROWS * COLS];
static int32_t targets[ROWS];
static neck_labeled_states data;

static void drop_truncation(outputs *out) { neck_truncation_destroy(out->object); }

static neck_status make_truncation(neck_context *context, const operation *self, outputs *out)
{
    neck_gram *moments = NULL;
    neck_truncation *truncation = NULL;
    neck_truncate_options options = {sizeof options, .kind = self->method, .centered = self->variant};
    neck_status status = self->method == NECK_TRUNCATE_WEIGHTED ? filled_gram(context, &moments) : NECK_OK;
    options.moments = moments;
    if (status == NECK_OK) status = neck_truncation_create(context, self->matrix, &options, &truncation);
    neck_gram_destroy(moments);
    if (status == NECK_OK) out->object = truncation;
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

static const operation operations[] = {
    {"plain truncation", make_truncation, drop_truncation, &tall, .method = NECK_TRUNCATE_PLAIN},
    {"centered truncation", make_truncation, drop_truncation, &half, .method = NECK_TRUNCATE_PLAIN, .variant = 1},
    {"weighted truncation", make_truncation, drop_truncation, &tall, .method = NECK_TRUNCATE_WEIGHTED, .variant = 1},
    {"factors", truncate_head, NULL, .matrix = &tall},
    {"loss gap", measure_gap, NULL, .matrix = &tall},
    {"gradient suppression", measure_suppression, NULL, .matrix = &half},
};

static void setup(void)
{
    for (int i = 0; i < ROWS * COLS; i++) factor[i] = entries[ROWS * COLS - 1 - i];
    for (int i = 0; i < ROWS; i++) targets[i] = i % 17;
    data = (neck_labeled_states){tall, targets};
}

int main(void)
{
    return run_failmalloc("failmalloc_bottleneck", failmalloc_case(operations, COUNT(operations), setup, NULL));
}
