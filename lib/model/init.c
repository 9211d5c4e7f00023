/* model/init.c - random weights to begin with. Every stretch of a parameter has a stream of random numbers of its own,
 * so that threads share the work and do not show. */
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/random.h"
#include "model/trainable_object.h"

enum { STRETCH = 1 << 14 };

typedef struct drawing {
    const neck_parameter *parameter;
    uint64_t seed, number; /* of the parameter */
    double deviation;
} drawing;

static void set(const neck_parameter *parameter, int64_t index, double value)
{
    if (parameter->dtype == NECK_F64)
        ((double *)parameter->data)[index] = value;
    else
        ((float *)parameter->data)[index] = (float)value;
}

static void fill(const neck_parameter *parameter, double value)
{
    for (int64_t i = 0; i < parameter->rows * parameter->cols; i++) set(parameter, i, value);
}

static void draw_task(void *data, int64_t index)
{
    const drawing *job = data;
    int64_t size = job->parameter->rows * job->parameter->cols, first = index * STRETCH;
    int64_t end = first + STRETCH < size ? first + STRETCH : size;
    neck__random random = neck__random_seeded(job->seed, job->number << 32 | (uint64_t)index);
    for (int64_t i = first; i < end; i++) set(job->parameter, i, job->deviation * neck__random_normal(&random));
}

static int is_norm(int module)
{
    return module == NECK__FINAL_NORM || module == NECK__ATTENTION_NORM || module == NECK__ATTENTION_POST_NORM ||
           module == NECK__MLP_NORM || module == NECK__MLP_POST_NORM;
}

static int is_neox(const neck_trainable *model)
{
    if (model->initializer != NECK_INITIALIZER_FAMILY) return model->initializer == NECK_INITIALIZER_NEOX;
    return strcmp(model->config.family, "gpt_neox") == 0;
}

/* Biases stay zero. A norm that adds an offset to its weights is the identity with that much less. */
void neck__train_initialise(neck_context *context, neck_trainable *model)
{
    double layers = (double)model->config.layers, hidden = (double)model->config.hidden;
    int neox = is_neox(model);
    double usual = neox ? sqrt(2 / (5 * hidden)) : 0.02,
        ending = neox ? 2 / (layers * sqrt(hidden)) : 0.02 / sqrt(2 * layers);
    for (int64_t i = 0; i < (model->config.layers + 1) * NECK__MODULES; i++) {
        int64_t weight = model->places[i].weight;
        int module = (int)(i % NECK__MODULES);
        if (weight < 0) continue;
        drawing job = {&model->parameters[weight], model->seed, (uint64_t)weight,
                       module == NECK__OUT || module == NECK__DOWN ? ending : usual};
        if (is_norm(module))
            fill(job.parameter, 1 - model->config.norm_offset);
        else
            neck__parallel(context, (job.parameter->rows * job.parameter->cols + STRETCH - 1) / STRETCH, draw_task,
                           &job);
    }
}
