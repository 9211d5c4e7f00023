/* model/init.c - random weights to begin with. Every parameter has a stream of random numbers of its own. */
#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/random.h"
#include "model/trainable_object.h"

typedef struct initialising {
    neck_trainable *model;
    double usual, ending; /* standard deviations: of most matrices, and of those that end a branch */
} initialising;

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

static void draw(const initialising *job, int64_t index, double deviation)
{
    const neck_parameter *parameter = &job->model->parameters[index];
    neck__random random = neck__random_seeded(job->model->seed, (uint64_t)index);
    for (int64_t i = 0; i < parameter->rows * parameter->cols; i++)
        set(parameter, i, deviation * neck__random_normal(&random));
}

static int is_norm(int module)
{
    return module == NECK__FINAL_NORM || module == NECK__ATTENTION_NORM || module == NECK__ATTENTION_POST_NORM ||
           module == NECK__MLP_NORM || module == NECK__MLP_POST_NORM;
}

/* Biases stay zero. A norm that adds an offset to its weights is the identity with that much less. */
static void place_task(void *data, int64_t index)
{
    const initialising *job = data;
    int64_t weight = job->model->places[index].weight;
    int module = (int)(index % NECK__MODULES);
    if (weight < 0) return;
    if (is_norm(module))
        fill(&job->model->parameters[weight], 1 - job->model->config.norm_offset);
    else
        draw(job, weight, module == NECK__OUT || module == NECK__DOWN ? job->ending : job->usual);
}

static int is_neox(const neck_trainable *model)
{
    if (model->initializer != NECK_INITIALIZER_FAMILY) return model->initializer == NECK_INITIALIZER_NEOX;
    return strcmp(model->config.family, "gpt_neox") == 0;
}

void neck__train_initialise(neck_context *context, neck_trainable *model)
{
    double layers = (double)model->config.layers, hidden = (double)model->config.hidden;
    initialising job = {model, 0.02, 0.02 / sqrt(2 * layers)};
    if (is_neox(model)) job.usual = sqrt(2 / (5 * hidden)), job.ending = 2 / (layers * sqrt(hidden));
    neck__parallel(context, (model->config.layers + 1) * NECK__MODULES, place_task, &job);
}
