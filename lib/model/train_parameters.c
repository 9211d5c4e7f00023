/* model/train_parameters.c - the list of a trainable model's parameters: names and shapes of Hugging Face files, one
 * flat buffer of values and one of gradients. */
#include "core/error.h"
#include "model/trainable_object.h"

static int64_t element_size(const neck_trainable *model)
{
    return model->dtype == NECK_F64 ? (int64_t)sizeof(double) : (int64_t)sizeof(float);
}

/* What stands outside blocks, then one block after the other; a parameter's number goes to its place. */
typedef struct listing {
    neck_trainable *model;
    int64_t count;
    int fill; /* 0: only counts */
} listing;

static int32_t flags_of(enum neck__module module, int is_matrix)
{
    int table = module == NECK__EMBEDDING || module == NECK__POSITIONS || module == NECK__HEAD;
    return is_matrix ? (table ? NECK_PARAMETER_NO_MUON : 0) : NECK_PARAMETER_NO_DECAY | NECK_PARAMETER_NO_MUON;
}

static int64_t add(listing *l, enum neck__module module, int64_t layer, const char *suffix, int64_t rows, int64_t cols)
{
    neck_trainable *model = l->model;
    if (l->fill) {
        const neck__layout *layout = model->config.layout;
        neck__tensor_name(layout, layout->prefixes[0], module, layer, suffix, model->names[l->count]);
        model->parameters[l->count] =
            (neck_parameter){.name = model->names[l->count], .rows = cols ? rows : 1, .cols = cols ? cols : rows,
                             .dtype = model->dtype, .flags = flags_of(module, cols > 0)};
    }
    return l->count++;
}

static void add_module(listing *l, enum neck__module module, int64_t layer, neck__place *place)
{
    const neck__config *config = &l->model->config;
    neck__expected e = neck__expect(config, module);
    int swapped = e.linear && config->layout->transposed;
    *place = (neck__place){-1, -1};
    if (!config->layout->names[module] || (module == NECK__HEAD && l->model->without_head)) return;
    if (e.weight)
        place->weight = add(l, module, layer, ".weight", swapped ? e.cols : e.rows, swapped ? e.rows : e.cols);
    if (e.bias) place->bias = add(l, module, layer, ".bias", e.rows, 0);
}

static int64_t list_all(neck_trainable *model, int fill)
{
    listing l = {model, 0, fill};
    for (int module = 0; module < NECK__FIRST_IN_BLOCK; module++)
        add_module(&l, (enum neck__module)module, 0, &model->places[module]);
    for (int64_t layer = 0; layer < model->config.layers; layer++) {
        neck__place *row = model->places + (layer + 1) * NECK__MODULES;
        for (int module = NECK__FIRST_IN_BLOCK; module < NECK__MODULES; module++)
            add_module(&l, (enum neck__module)module, layer, &row[module]);
    }
    return l.count;
}

/* Parameters are numbered in the order of the modules, so that those of some modules in a row are a run. */
void neck__train_tell_ready(const neck_trainable *model, const neck__train_ready *ready, int64_t row, int module,
                            int end)
{
    int64_t first = -1, count = 0;
    if (!ready->ready) return;
    for (; module < end; module++) {
        neck__place place = model->places[row * NECK__MODULES + module];
        if (first < 0) first = place.weight >= 0 ? place.weight : place.bias;
        count += (place.weight >= 0) + (place.bias >= 0);
    }
    if (count > 0) ready->ready(ready->user, first, count);
}

static neck_status point_into_buffers(neck_trainable *model)
{
    int64_t size = element_size(model), offset = 0;
    for (int64_t i = 0; i < model->count; i++) model->size += model->parameters[i].rows * model->parameters[i].cols;
    model->values = neck__calloc(&model->allocator, model->size, size, "parameters");
    model->gradients = neck__calloc(&model->allocator, model->size, size, "gradients");
    if (!model->values || !model->gradients) return NECK_E_NOMEM;
    for (int64_t i = 0; i < model->count; i++) {
        model->parameters[i].data = (char *)model->values + offset * size;
        model->parameters[i].gradient = (char *)model->gradients + offset * size;
        offset += model->parameters[i].rows * model->parameters[i].cols;
    }
    return NECK_OK;
}

neck_status neck__train_parameters_create(neck_trainable *model)
{
    int64_t places = (model->config.layers + 1) * NECK__MODULES;
    model->places = neck__alloc(&model->allocator, places, sizeof *model->places, "places of parameters");
    if (!model->places) return NECK_E_NOMEM;
    for (int64_t i = 0; i < places; i++) model->places[i] = (neck__place){-1, -1};
    model->count = list_all(model, 0);
    model->parameters = neck__calloc(&model->allocator, model->count, sizeof *model->parameters, "parameters");
    model->names = neck__calloc(&model->allocator, model->count, sizeof *model->names, "names of parameters");
    if (!model->parameters || !model->names) return NECK_E_NOMEM;
    list_all(model, 1);
    return point_into_buffers(model);
}
