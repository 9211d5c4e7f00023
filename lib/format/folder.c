/* format/folder.c - model folders: which file in them is the model, its config. */
#include "format/folder.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "format/file_read.h"
#include "format/json.h"
#include "format/shards.h"

#define CONFIG_MAX (16 << 20)
#define CONFIG_DEPTH 64
#define CONFIG_VALUES 1000000

/* The names of Hugging Face's transformers, in its order of preference. */
static const struct {
    const char *name;
    int is_index; /* of shards */
} models[] = {
    {"model.safetensors", 0},
    {"model.safetensors.index.json", 1},
    {"pytorch_model.bin", 0},
    {"pytorch_model.bin.index.json", 1},
};

#define MODELS ((int)(sizeof models / sizeof *models))

/* The place in the table of the first model that exists, MODELS when none does; *path is its path in new memory. */
static neck_status find_model(const neck__allocator *allocator, const char *folder, int *place, char **path)
{
    for (int i = 0; i < MODELS; i++) {
        char *candidate = neck__path_join(allocator, folder, models[i].name);
        if (!candidate) return NECK_E_NOMEM;
        if (neck__is_file(candidate)) {
            *place = i;
            *path = candidate;
            return NECK_OK;
        }
        neck__release(allocator, candidate);
    }
    *place = MODELS;
    return NECK_OK;
}

neck_status neck__folder_has_model(const neck__allocator *allocator, const char *folder, int *has)
{
    int place = MODELS;
    char *path = NULL;
    NECK_TRY(find_model(allocator, folder, &place, &path));
    neck__release(allocator, path);
    *has = place < MODELS;
    return NECK_OK;
}

neck_status neck__format_of(const neck__allocator *allocator, const char *path, int32_t *format)
{
    neck__mapping *file;
    NECK_TRY(neck__mapping_open(allocator, path, &file));
    *format = neck__format_detect(file);
    neck__mapping_close(file);
    return NECK_OK;
}

neck_status neck__folder_only_file(const neck__allocator *allocator, const char *folder, char **name, int64_t *count)
{
    neck__names names;
    NECK_TRY(neck__names_read(allocator, folder, &names));
    neck_status status = NECK_OK;
    char *found = NULL;
    int64_t known = 0;
    for (int64_t i = 0; i < names.count; i++) {
        int32_t format = 0;
        char *path = neck__path_join(allocator, folder, names.names[i]);
        status = path ? NECK_OK : NECK_E_NOMEM;
        if (path && neck__is_file(path)) status = neck__format_of(allocator, path, &format);
        neck__release(allocator, path);
        if (status == NECK_E_NOMEM) goto done;
        if (status == NECK_OK && format && known++ == 0) {
            found = names.names[i];
            names.names[i] = NULL; /* taken out of the list, which releases the rest */
        }
    }
    status = NECK_OK; /* a file that cannot be opened is not the only file of a known format */
    if (known > 1) {
        neck__release(allocator, found);
        found = NULL;
    }
    *name = found;
    *count = known;
    found = NULL;
done:
    neck__release(allocator, found);
    neck__names_clear(&names);
    return status;
}

/* ---- config.json ----------------------------------------------------------------------------------------------- */

/* Multimodal models keep the language model's settings one level down. */
static int32_t read_tied(const json_t *config)
{
    const json_t *value = json_object_get(config, "tie_word_embeddings");
    if (!value) value = json_object_get(json_object_get(config, "text_config"), "tie_word_embeddings");
    if (!json_is_boolean(value)) return NECK__TIED_UNKNOWN;
    return json_is_true(value) ? NECK__TIED_YES : NECK__TIED_NO;
}

static neck_status take_config(const neck__mapping *file, neck_checkpoint *checkpoint)
{
    json_t *config = NULL;
    if (file->size > CONFIG_MAX) return neck__fail(NECK_E_FORMAT, "%" PRId64 " bytes are no config", file->size);
    NECK_TRY(neck__json_parse(file->data, file->size, CONFIG_DEPTH, CONFIG_VALUES, &config));
    checkpoint->tied = read_tied(config);
    json_decref(config);
    checkpoint->config = neck__alloc(&checkpoint->allocator, file->size + 1, 1, "config.json");
    if (!checkpoint->config) return NECK_E_NOMEM;
    memcpy(checkpoint->config, file->data, (size_t)file->size);
    checkpoint->config[file->size] = '\0';
    return NECK_OK;
}

static neck_status read_config(const char *folder, neck_checkpoint *checkpoint)
{
    neck__mapping *file = NULL;
    char *path = neck__path_join(&checkpoint->allocator, folder, "config.json");
    if (!path) return NECK_E_NOMEM;
    neck_status status = NECK_OK;
    if (neck__is_file(path)) status = neck__mapping_open(&checkpoint->allocator, path, &file);
    neck__release(&checkpoint->allocator, path);
    if (!file) return status;
    status = take_config(file, checkpoint);
    neck__mapping_close(file);
    if (status == NECK_OK || status == NECK_E_NOMEM) return status;
    return neck__fail_in(status, "%s/config.json", folder);
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

static neck_status no_model(const char *folder, const neck_checkpoint *checkpoint)
{
    char *snapshots = neck__path_join(&checkpoint->allocator, folder, "snapshots");
    if (!snapshots) return NECK_E_NOMEM;
    const char *hint = neck__is_folder(snapshots) ? ": open one of its snapshots" : "";
    neck__release(&checkpoint->allocator, snapshots);
    return neck__fail(NECK_E_NOT_FOUND, "no model in folder '%s'%s", folder, hint);
}

static neck_status read_only_file(const char *folder, int allow_trailing, neck_checkpoint *checkpoint)
{
    char *name = NULL, *path = NULL;
    int64_t count = 0;
    NECK_TRY(neck__folder_only_file(&checkpoint->allocator, folder, &name, &count));
    if (!name && count == 0) return no_model(folder, checkpoint);
    if (!name)
        return neck__fail(NECK_E_NOT_FOUND, "folder '%s' holds %" PRId64 " checkpoints and no model.safetensors or "
                          "pytorch_model.bin: open one of them", folder, count);
    neck_status status = NECK_E_NOMEM;
    path = neck__path_join(&checkpoint->allocator, folder, name);
    if (path) status = neck__file_read(path, allow_trailing, &checkpoint->list, &checkpoint->format);
    neck__release(&checkpoint->allocator, path);
    neck__release(&checkpoint->allocator, name);
    return status;
}

neck_status neck__folder_read(const char *folder, int allow_trailing, neck_checkpoint *checkpoint)
{
    char *path = NULL;
    int place = MODELS;
    NECK_TRY(read_config(folder, checkpoint));
    NECK_TRY(find_model(&checkpoint->allocator, folder, &place, &path));
    if (place == MODELS) return read_only_file(folder, allow_trailing, checkpoint);
    neck_status status;
    if (models[place].is_index)
        status = neck__shards_read(folder, path, allow_trailing, &checkpoint->list, &checkpoint->format);
    else
        status = neck__file_read(path, allow_trailing, &checkpoint->list, &checkpoint->format);
    neck__release(&checkpoint->allocator, path);
    return status;
}
