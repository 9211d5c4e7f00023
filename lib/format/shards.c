/* format/shards.c - one model in several files, held together by an index. */
#include "format/shards.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "format/file_read.h"
#include "format/folder.h"
#include "format/json.h"

#define INDEX_MAX (100 << 20)
#define INDEX_DEPTH 8
#define INDEX_VALUES (4 * NECK__TENSORS_MAX)

/* A shard is a file right here: a name that could lead elsewhere is an attack. */
static int is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && !strchr(name, '/') && !strchr(name, '\\');
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct file names of the map, sorted; borrowed from it. names has room for all its members. */
static neck_status collect_shards(json_t *map, const char **names, int64_t *count)
{
    const char *tensor;
    json_t *file;
    int64_t all = 0, kept = 0;
    json_object_foreach(map, tensor, file) {
        if (!json_is_string(file))
            return neck__fail(NECK_E_FORMAT, "the file of tensor '%.200s' is not text", tensor);
        if (!is_plain_name(json_string_value(file)))
            return neck__fail(NECK_E_FORMAT, "tensor '%.200s' is said to be in '%.200s', which is no plain file name",
                              tensor, json_string_value(file));
        names[all++] = json_string_value(file);
    }
    qsort(names, (size_t)all, sizeof *names, by_text);
    for (int64_t i = 0; i < all; i++)
        if (i == 0 || strcmp(names[i], names[kept - 1]) != 0) names[kept++] = names[i];
    *count = kept;
    return NECK_OK;
}

/* Takes the tensors from first on, all of one shard, off the map. */
static neck_status check_off(json_t *map, const char *shard, const neck__tensors *list, int64_t first)
{
    for (int64_t i = first; i < list->count; i++) {
        const char *name = list->tensors[i].name, *said = json_string_value(json_object_get(map, name));
        if (!said)
            return neck__fail(NECK_E_FORMAT, "tensor '%.200s' in shard '%.200s' is in another shard too, or not in the "
                              "index", name, shard);
        if (strcmp(said, shard) != 0)
            return neck__fail(NECK_E_FORMAT, "tensor '%.200s' is in shard '%.200s', but the index says '%.200s'", name,
                              shard, said);
        json_object_del(map, name);
    }
    return NECK_OK;
}

static neck_status read_shard(const char *folder, const char *shard, int allow_trailing, neck__tensors *list,
                              int32_t *format)
{
    char *path = neck__path_join(&list->allocator, folder, shard);
    if (!path) return NECK_E_NOMEM;
    int32_t own = 0;
    neck_status status = neck__file_read(path, allow_trailing, list, &own);
    neck__release(&list->allocator, path);
    if (status == NECK_OK && *format && own != *format)
        return neck__fail(NECK_E_FORMAT, "shard '%.200s' is of format %s, others are %s", shard, neck_format_name(own),
                          neck_format_name(*format));
    *format = own;
    return status;
}

static neck_status read_shards(json_t *map, const char *folder, int allow_trailing, neck__tensors *list,
                               int32_t *format)
{
    const char **shards = neck__alloc(&list->allocator, (int64_t)json_object_size(map), sizeof *shards,
                                      "names of shards");
    if (!shards) return NECK_E_NOMEM;
    int64_t count = 0;
    neck_status status = collect_shards(map, shards, &count);
    for (int64_t i = 0; i < count && status == NECK_OK; i++) {
        const int64_t first = list->count;
        /* The map owns the name and is emptied while the shard is checked off. */
        char *shard = neck__strdup(&list->allocator, shards[i]);
        status = shard ? read_shard(folder, shard, allow_trailing, list, format) : NECK_E_NOMEM;
        if (status == NECK_OK) status = check_off(map, shard, list, first);
        neck__release(&list->allocator, shard);
    }
    neck__release(&list->allocator, shards);
    NECK_TRY(status);
    const char *missing = json_object_iter_key(json_object_iter(map));
    if (missing)
        return neck__fail(NECK_E_FORMAT, "the index names tensor '%.200s' in '%.200s', which does not hold it", missing,
                          json_string_value(json_object_get(map, missing)));
    return NECK_OK;
}

static neck_status read_index(const neck__allocator *allocator, const char *path, json_t **out)
{
    neck__mapping *file = NULL;
    NECK_TRY(neck__mapping_open(allocator, path, &file));
    neck_status status = NECK_OK;
    if (file->size > INDEX_MAX)
        status = neck__fail(NECK_E_FORMAT, "%" PRId64 " bytes are no index", file->size);
    else
        status = neck__json_parse(file->data, file->size, INDEX_DEPTH, INDEX_VALUES, out);
    neck__mapping_close(file);
    return status;
}

neck_status neck__shards_read(const char *folder, const char *index_path, int allow_trailing, neck__tensors *list,
                              int32_t *format)
{
    json_t *index = NULL;
    int32_t shared = 0;
    neck_status status = read_index(&list->allocator, index_path, &index);
    if (status == NECK_OK) {
        json_t *map = json_object_get(index, "weight_map");
        if (!json_is_object(map) || json_object_size(map) == 0)
            status = neck__fail(NECK_E_FORMAT, "the index has no weight_map");
        else
            status = read_shards(map, folder, allow_trailing, list, &shared);
        json_decref(index);
    }
    if (status == NECK_OK)
        *format = shared;
    else if (status != NECK_E_NOMEM)
        neck__fail_in(status, "%s", index_path);
    return status;
}
