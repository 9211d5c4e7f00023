/* tests/train_support.h - a mean cross-entropy in plain loops, in double, on the last states of a trainable model. */
#ifndef TEST_TRAIN_SUPPORT_H
#define TEST_TRAIN_SUPPORT_H

#include <check.h>
#include <math.h>

#include "format_support.h"
#include "softneck/model_training.h"

static inline double number_at(const void *data, int32_t dtype, int64_t index)
{
    return dtype == NECK_F64 ? ((const double *)data)[index] : (double)((const float *)data)[index];
}

static inline void add_at(void *data, int32_t dtype, int64_t index, double value)
{
    if (dtype == NECK_F64)
        ((double *)data)[index] += value;
    else
        ((float *)data)[index] += (float)value;
}

/* Mean over all positions but the last of each sequence of -ln softmax(cap tanh(W x / cap)). When d_states is given, it
 * and the head's gradient get what they are due (both are added to). */
static inline double plain_loss(const neck_trainable *model, const neck_matrix *states, const int32_t *ids,
                                int64_t length, void *d_states)
{
    const neck_parameter *head = neck_trainable_head(model, NULL);
    int64_t vocabulary = head->rows, width = head->cols, scored = states->rows / length * (length - 1);
    double *logits = malloc((size_t)vocabulary * sizeof *logits), loss = 0, cap = neck_trainable_soft_cap(model);
    for (int64_t row = 0; row < states->rows; row++) {
        if (row % length == length - 1) continue;
        double sum = 0;
        for (int64_t v = 0; v < vocabulary; v++) {
            logits[v] = 0;
            for (int64_t k = 0; k < width; k++)
                logits[v] += number_at(head->data, head->dtype, v * width + k) *
                             number_at(states->data, states->dtype, row * width + k);
            if (cap > 0) logits[v] = cap * tanh(logits[v] / cap);
            sum += exp(logits[v]);
        }
        loss += (log(sum) - logits[ids[row + 1]]) / (double)scored;
        for (int64_t v = 0; d_states && v < vocabulary; v++) {
            double d = (exp(logits[v]) / sum - (v == ids[row + 1])) / (double)scored;
            if (cap > 0) d *= 1 - logits[v] / cap * (logits[v] / cap);
            for (int64_t k = 0; k < width; k++) {
                add_at(d_states, states->dtype, row * width + k, d * number_at(head->data, head->dtype, v * width + k));
                add_at(head->gradient, head->dtype, v * width + k,
                       d * number_at(states->data, states->dtype, row * width + k));
            }
        }
    }
    free(logits);
    return loss;
}

/* Loss with its gradients added to the model's. */
static inline double loss_and_gradients(neck_context *context, neck_trainable *model, const int32_t *ids, int64_t batch,
                                        int64_t length, int64_t step)
{
    neck_matrix states;
    ck_assert_msg(neck_trainable_forward(context, model, ids, batch, length, step, &states) == NECK_OK, "%s",
                  neck_last_error());
    void *d_states = calloc((size_t)(states.rows * states.cols), sizeof(double));
    double loss = plain_loss(model, &states, ids, length, d_states);
    ck_assert_msg(neck_trainable_backward(context, model, d_states) == NECK_OK, "%s", neck_last_error());
    free(d_states);
    return loss;
}

static inline double loss_alone(neck_trainable *model, const int32_t *ids, int64_t batch, int64_t length, int64_t step)
{
    neck_matrix states;
    ck_assert_msg(neck_trainable_forward(NULL, model, ids, batch, length, step, &states) == NECK_OK, "%s",
                  neck_last_error());
    return plain_loss(model, &states, ids, length, NULL);
}

/* The tiny models of tests/golden/models. */
static const char *const tiny_models[] = {
    "gpt2", "gpt2_variant", "gpt2_bf16", "neox", "neox_sequential", "neox_f16", "opt", "opt_projected", "opt_unbiased",
    "llama", "llama_biased", "llama3", "mistral", "mistral_f16", "qwen2", "gemma", "gemma2",
};
enum { TINY_MODELS = sizeof tiny_models / sizeof *tiny_models };

static inline neck_checkpoint *open_golden(const char *model, const char *file)
{
    char path[PATH_CAPACITY], inner[256];
    neck_checkpoint *checkpoint = NULL;
    snprintf(inner, sizeof inner, "tests/golden/models/%s/%s", model, file);
    source_path(path, inner);
    ck_assert_msg(neck_checkpoint_open(NULL, path, NULL, &checkpoint) == NECK_OK, "%s", neck_last_error());
    return checkpoint;
}

static inline neck_tensor golden_tensor(const neck_checkpoint *checkpoint, const char *name)
{
    int64_t index = 0;
    neck_tensor tensor = {.struct_size = sizeof tensor};
    ck_assert_msg(neck_checkpoint_find(checkpoint, name, &index) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, index, &tensor), NECK_OK);
    return tensor;
}

static inline neck_trainable *open_tiny(const char *name, neck_trainable_options options)
{
    char path[PATH_CAPACITY], inner[256];
    neck_trainable *model = NULL;
    snprintf(inner, sizeof inner, "tests/golden/models/%s", name);
    source_path(path, inner);
    options.struct_size = sizeof options;
    ck_assert_msg(neck_trainable_open(NULL, path, &options, &model) == NECK_OK, "%s", neck_last_error());
    return model;
}

#endif
