/* model/trainable.c - making trainable models, and what they tell of themselves. */
#include "model/trainable_object.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "format/checkpoint_object.h"
#include "linalg/view.h"

/* ---- options ---------------------------------------------------------------------------------------------------- */

static neck_status take_dropout(const char *name, double p, neck__dropout *out)
{
    if (!(p >= 0 && p < 1)) return neck__fail(NECK_E_ARGUMENT, "%s is %g: it must be at least 0 and below 1", name, p);
    *out = (neck__dropout){(uint32_t)(p * 4294967296.0), 1 / (1 - p)};
    return NECK_OK;
}

static neck_status take_options(const neck_trainable_options *given, neck_trainable *model)
{
    if (given->dtype != 0 && given->dtype != NECK_F32 && given->dtype != NECK_F64)
        return neck__fail(NECK_E_ARGUMENT, "dtype %d: models are trained in F32 or F64", given->dtype);
    if (given->initializer < 0 || given->initializer > NECK_INITIALIZER_NEOX)
        return neck__fail(NECK_E_ARGUMENT, "initializer %d is not known", given->initializer);
    if (given->reserved) return neck__fail(NECK_E_ARGUMENT, "neck_trainable_options.reserved must be 0");
    model->dtype = given->dtype ? given->dtype : NECK_F32;
    model->initializer = given->initializer;
    model->recompute = given->recompute != 0;
    model->without_head = given->without_head != 0;
    model->seed = given->seed;
    NECK_TRY(take_dropout("dropout", given->dropout, &model->dropout));
    return take_dropout("attention_dropout", given->attention_dropout, &model->attention_dropout);
}

/* Fields that describe a model which is described already. */
static neck_status refuse_shape(const neck_trainable_options *o, const char *by)
{
    if (o->family || o->vocabulary || o->layers || o->hidden_size || o->heads || o->kv_heads || o->head_size ||
        o->inner_size ||
        o->context_length || o->activation || o->tied)
        return neck__fail(NECK_E_ARGUMENT, "family, sizes, activation or tied are given, but %s says them", by);
    return NECK_OK;
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

/* config.json as text to a model without values. */
static neck_status build(const char *text, neck_trainable *model)
{
    NECK_TRY(neck__config_from_json(text, &model->config));
    NECK_TRY(neck__config_check(&model->config));
    if (model->without_head) model->config.tied = 0;
    NECK_TRY(neck__train_config_adapt(&model->allocator, text, model->dtype, model->config.tied, &model->config_text));
    return neck__train_parameters_create(model);
}

static neck_status create(neck_context *context, const neck_trainable_options *given, neck_trainable *model)
{
    NECK_TRY(take_options(given, model));
    if (given->config) {
        NECK_TRY(refuse_shape(given, "config"));
        NECK_TRY(build(given->config, model));
    } else {
        char *text = NULL;
        NECK_TRY(neck__train_config_write(&model->allocator, given, &text));
        neck_status status = build(text, model);
        neck__release(&model->allocator, text);
        NECK_TRY(status);
    }
    neck__train_initialise(context, model);
    return NECK_OK;
}

/* ---- from a folder ---------------------------------------------------------------------------------------------- */

static neck_status read_parameter(neck_context *context, neck_checkpoint *checkpoint, int64_t tensor,
                                  const neck_parameter *to)
{
    neck_matrix view;
    NECK_TRY(neck_checkpoint_matrix(context, checkpoint, tensor, &view));
    double line[256];
    for (int64_t row = 0, at = 0; row < view.rows; row++)
        for (int64_t first = 0; first < view.cols; first += 256) {
            int64_t count = view.cols - first < 256 ? view.cols - first : 256;
            neck__view_read(&view, row, first, count, line);
            for (int64_t i = 0; i < count; i++, at++) {
                if (to->dtype == NECK_F64)
                    ((double *)to->data)[at] = line[i];
                else
                    ((float *)to->data)[at] = (float)line[i];
            }
        }
    return NECK_OK;
}

static neck_status read_weights(neck_context *context, neck_checkpoint *checkpoint, const neck__place *tensors,
                                const neck_trainable *model)
{
    for (int64_t i = 0; i < (model->config.layers + 1) * NECK__MODULES; i++) {
        neck__place to = model->places[i];
        if (to.weight >= 0)
            NECK_TRY(read_parameter(context, checkpoint, tensors[i].weight, &model->parameters[to.weight]));
        if (to.bias >= 0) NECK_TRY(read_parameter(context, checkpoint, tensors[i].bias, &model->parameters[to.bias]));
    }
    return NECK_OK;
}

static neck_status load(neck_context *context, neck_checkpoint *checkpoint, neck_trainable *model)
{
    if (!checkpoint->config || checkpoint->format == NECK_FORMAT_GGUF || checkpoint->format == NECK_FORMAT_LLAMA2C)
        return neck__fail(NECK_E_UNSUPPORTED, "only model folders with a config.json can be trained, not %s files",
                          neck_format_name(checkpoint->format));
    NECK_TRY(build(checkpoint->config, model));
    neck__place *tensors = neck__alloc(&model->allocator, (model->config.layers + 1) * NECK__MODULES, sizeof *tensors,
                                       "places of weights");
    if (!tensors) return NECK_E_NOMEM;
    int64_t parameters;
    neck_status status = neck__weights_locate(&model->config, checkpoint, tensors, &parameters);
    if (status == NECK_OK) status = read_weights(context, checkpoint, tensors, model);
    neck__release(&model->allocator, tensors);
    return status;
}

static neck_status open_folder(neck_context *context, const char *path, const neck_trainable_options *given,
                               neck_trainable *model)
{
    neck_checkpoint *checkpoint = NULL;
    NECK_TRY(take_options(given, model));
    NECK_TRY(refuse_shape(given, "the folder"));
    if (given->config || given->without_head || given->initializer)
        return neck__fail(NECK_E_ARGUMENT, "config, without_head and initializer are for models that are made anew");
    NECK_TRY(neck_checkpoint_open(context, path, NULL, &checkpoint));
    neck_status status = load(context, checkpoint, model);
    neck_checkpoint_destroy(checkpoint);
    return status == NECK_OK || status == NECK_E_NOMEM ? status : neck__fail_in(status, "%s", path);
}

/* ---- public ----------------------------------------------------------------------------------------------------- */

static neck_status finish(neck_status status, neck_trainable *model, neck_trainable **out)
{
    if (status == NECK_OK)
        *out = model;
    else
        neck_trainable_destroy(model);
    return status;
}

static neck_trainable *blank(neck_context *context)
{
    const neck__allocator allocator = neck__allocator_of(context);
    neck_trainable *model = neck__calloc(&allocator, 1, sizeof *model, "a trainable model");
    if (model) model->allocator = allocator;
    return model;
}

neck_status neck_trainable_create(neck_context *context, const neck_trainable_options *options, neck_trainable **out)
{
    if (!options || !out) return neck__fail(NECK_E_ARGUMENT, "options or out is NULL");
    NECK_OPTIONS(neck_trainable_options, given, options);
    neck_trainable *model = blank(context);
    return model ? finish(create(context, &given, model), model, out) : NECK_E_NOMEM;
}

neck_status neck_trainable_open(neck_context *context, const char *path, const neck_trainable_options *options,
                                neck_trainable **out)
{
    if (!path || !path[0] || !out) return neck__fail(NECK_E_ARGUMENT, "path is NULL or empty, or out is NULL");
    NECK_OPTIONS(neck_trainable_options, given, options);
    neck_trainable *model = blank(context);
    return model ? finish(open_folder(context, path, &given, model), model, out) : NECK_E_NOMEM;
}

void neck_trainable_destroy(neck_trainable *model)
{
    if (!model) return;
    const neck__allocator allocator = model->allocator;
    void *owned[] = {model->config_text, model->values, model->gradients, model->parameters, model->names,
                     model->places, model->memory};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) neck__release(&allocator, owned[i]);
    neck__release(&allocator, model);
}

const char *neck_trainable_family(const neck_trainable *model) { return model ? model->config.family : NULL; }
const char *neck_trainable_config(const neck_trainable *model) { return model ? model->config_text : NULL; }
int32_t neck_trainable_dtype(const neck_trainable *model) { return model ? model->dtype : 0; }
int64_t neck_trainable_layers(const neck_trainable *model) { return model ? model->config.layers : 0; }
int64_t neck_trainable_hidden_size(const neck_trainable *model) { return model ? model->config.hidden : 0; }
int64_t neck_trainable_head_size(const neck_trainable *model) { return model ? model->config.embedding : 0; }
int64_t neck_trainable_vocabulary(const neck_trainable *model) { return model ? model->config.vocabulary : 0; }
int64_t neck_trainable_context_length(const neck_trainable *model) { return model ? model->config.context : 0; }
int64_t neck_trainable_size(const neck_trainable *model) { return model ? model->size : 0; }
void *neck_trainable_values(const neck_trainable *model) { return model ? model->values : NULL; }
void *neck_trainable_gradients(const neck_trainable *model) { return model ? model->gradients : NULL; }
int64_t neck_trainable_bytes(const neck_trainable *model) { return model ? model->bytes : 0; }
double neck_trainable_soft_cap(const neck_trainable *model) { return model ? model->config.logit_cap : 0; }

const neck_parameter *neck_trainable_parameters(const neck_trainable *model, int64_t *count)
{
    if (!model) return NULL;
    if (count) *count = model->count;
    return model->parameters;
}

const neck_parameter *neck_trainable_head(const neck_trainable *model, int32_t *tied)
{
    if (!model || model->without_head) return NULL;
    if (tied) *tied = model->config.tied;
    return &model->parameters[model->places[model->config.tied ? NECK__EMBEDDING : NECK__HEAD].weight];
}
