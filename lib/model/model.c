/* model/model.c - opening models. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "model/head.h"
#include "model/model_object.h"

/* Tables that stay as they are stored. */
static neck_status view_tables(neck_context *context, neck_model *model)
{
    const neck__place *places = model->places;
    int64_t head = places[model->config.tied ? NECK__EMBEDDING : NECK__HEAD].weight;
    NECK_TRY(neck_checkpoint_matrix(context, model->checkpoint, places[NECK__EMBEDDING].weight, &model->embedding));
    NECK_TRY(neck_checkpoint_matrix(context, model->checkpoint, head, &model->head));
    if (places[NECK__POSITIONS].weight < 0) return NECK_OK;
    return neck_checkpoint_matrix(context, model->checkpoint, places[NECK__POSITIONS].weight, &model->positions);
}

static neck_status load_outside_blocks(neck_context *context, neck_model *model)
{
    const neck__config *config = &model->config;
    const neck__place *places = model->places;
    NECK_TRY(neck__norm_load(context, config, model->checkpoint, places[NECK__FINAL_NORM], &model->final_norm));
    NECK_TRY(neck__linear_load(context, config, model->checkpoint, places[NECK__PROJECT_IN], &model->project_in));
    return neck__linear_load(context, config, model->checkpoint, places[NECK__PROJECT_OUT], &model->project_out);
}

/* The head first: it is used as much as any block and is often the largest weight of all. */
static neck_status load_resident(neck_context *context, int64_t cap, neck_model *model)
{
    const neck__config *config = &model->config;
    int64_t left = cap > 0 ? cap : INT64_MAX, block = neck__block_bytes(config);
    NECK_TRY(neck__head_load(context, model, &left));
    model->blocks = neck__calloc(&model->allocator, config->layers, sizeof *model->blocks, "blocks");
    if (!model->blocks) return NECK_E_NOMEM;
    for (; model->resident < config->layers && block <= left; left -= block) {
        NECK_TRY(neck__progress(context, "loading", "layers", model->resident, config->layers));
        NECK_TRY(neck__block_load(context, config, model->checkpoint,
                                  model->places + (model->resident + 1) * NECK__MODULES,
                                  &model->blocks[model->resident]));
        model->resident++;
    }
    return neck__progress(context, "loading", "layers", config->layers, config->layers);
}

static neck_status open_model(neck_context *context, const char *path, int64_t cap, neck_model *model)
{
    NECK_TRY(neck_checkpoint_open(context, path, NULL, &model->checkpoint));
    NECK_TRY(neck__config_read(model->checkpoint, &model->config));
    model->places = neck__alloc(&model->allocator, (model->config.layers + 1) * NECK__MODULES, sizeof *model->places,
                                "places of weights");
    if (!model->places) return NECK_E_NOMEM;
    NECK_TRY(neck__weights_locate(&model->config, model->checkpoint, model->places, &model->parameters));
    NECK_TRY(view_tables(context, model));
    NECK_TRY(load_outside_blocks(context, model));
    return load_resident(context, cap, model);
}

neck_status neck_model_open(neck_context *context, const char *path, const neck_model_options *options,
                            neck_model **out)
{
    if (!path || !path[0] || !out) return neck__fail(NECK_E_ARGUMENT, "path is NULL or empty, or out is NULL");
    NECK_OPTIONS(neck_model_options, given, options);
    if (given.memory_cap < 0) return neck__fail(NECK_E_ARGUMENT, "memory_cap is negative");
    const neck__allocator allocator = neck__allocator_of(context);
    neck_model *model = neck__calloc(&allocator, 1, sizeof *model, "a model");
    if (!model) return NECK_E_NOMEM;
    model->allocator = allocator;
    neck_status status = open_model(context, path, given.memory_cap, model);
    if (status == NECK_OK) {
        *out = model;
        return NECK_OK;
    }
    /* Failures of the checkpoint name the path already. */
    if (model->checkpoint && status != NECK_E_NOMEM && status != NECK_E_CANCELLED) neck__fail_in(status, "%s", path);
    neck_model_destroy(model);
    return status;
}

void neck_model_destroy(neck_model *model)
{
    if (!model) return;
    const neck__allocator allocator = model->allocator;
    for (int64_t i = 0; i < model->resident; i++) neck__block_clear(&allocator, &model->blocks[i]);
    neck__release(&allocator, model->blocks);
    neck__release(&allocator, model->wide_head);
    neck__norm_clear(&allocator, &model->final_norm);
    neck__linear_clear(&allocator, &model->project_in);
    neck__linear_clear(&allocator, &model->project_out);
    neck__release(&allocator, model->places);
    neck_checkpoint_destroy(model->checkpoint);
    neck__release(&allocator, model);
}

const char *neck_model_family(const neck_model *model) { return model ? model->config.family : NULL; }
const neck_checkpoint *neck_model_checkpoint(const neck_model *model) { return model ? model->checkpoint : NULL; }
int64_t neck_model_layers(const neck_model *model) { return model ? model->config.layers : 0; }
int64_t neck_model_hidden_size(const neck_model *model) { return model ? model->config.hidden : 0; }
int64_t neck_model_head_size(const neck_model *model) { return model ? model->config.embedding : 0; }
int64_t neck_model_vocabulary(const neck_model *model) { return model ? model->config.vocabulary : 0; }
int64_t neck_model_context_length(const neck_model *model) { return model ? model->config.context : 0; }
int64_t neck_model_parameters(const neck_model *model) { return model ? model->parameters : 0; }

neck_status neck_model_head(const neck_model *model, neck_matrix *out, int32_t *tied)
{
    if (!model || !out) return neck__fail(NECK_E_ARGUMENT, "model or out is NULL");
    *out = model->head;
    if (tied) *tied = model->config.tied;
    return NECK_OK;
}
