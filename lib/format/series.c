/* format/series.c - the checkpoints a path stands for, in order of training step. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/context.h"
#include "core/error.h"
#include "format/folder.h"
#include "format/hub.h"
#include "format/step_number.h"
#include "format/system_error.h"

typedef struct entry {
    char *path;
    int64_t step;
} entry;

struct neck_series {
    neck__allocator allocator;
    entry *entries;
    int64_t count, capacity;
};

/* Takes over path. */
static neck_status add_entry(neck_series *series, char *path, int64_t step)
{
    if (series->count == series->capacity) {
        int64_t larger = series->capacity ? 2 * series->capacity : 16;
        entry *grown = neck__alloc(&series->allocator, larger, sizeof *grown, "a series");
        if (!grown) {
            neck__release(&series->allocator, path);
            return NECK_E_NOMEM;
        }
        if (series->count) memcpy(grown, series->entries, (size_t)series->count * sizeof *grown);
        neck__release(&series->allocator, series->entries);
        series->entries = grown;
        series->capacity = larger;
    }
    series->entries[series->count++] = (entry){path, step};
    return NECK_OK;
}

static neck_status add_path(neck_series *series, const char *path)
{
    char *copy = neck__strdup(&series->allocator, path);
    return copy ? add_entry(series, copy, neck__step_number(path)) : NECK_E_NOMEM;
}

/* A folder is an entry when it can be opened as a model. */
static neck_status is_model_folder(const neck__allocator *allocator, const char *path, int *is)
{
    char *name = NULL;
    int64_t count = 0;
    NECK_TRY(neck__folder_has_model(allocator, path, is));
    if (*is) return NECK_OK;
    neck_status status = neck__folder_only_file(allocator, path, &name, &count);
    if (status == NECK_E_IO) return NECK_OK; /* a folder we may not look into */
    NECK_TRY(status);
    neck__release(allocator, name);
    *is = count == 1;
    return NECK_OK;
}

/* A file is an entry by its content; one that is damaged or cannot be read by its name, so that opening it tells. The
 * suffix .bin alone says too little for that. */
static neck_status is_checkpoint_file(const neck__allocator *allocator, const char *path, int *is)
{
    int32_t format = 0;
    neck_status status = neck__format_of(allocator, path, &format);
    if (status == NECK_E_NOMEM) return status;
    const size_t length = strlen(path);
    const int bin = length > 4 && strcmp(path + length - 4, ".bin") == 0;
    *is = format != 0 || (neck__has_checkpoint_suffix(path, NULL) && !bin);
    return NECK_OK;
}

static neck_status add_if_checkpoint(neck_series *series, const char *folder, const char *name)
{
    int is = 0;
    neck_status status = NECK_OK;
    char *path = neck__path_join(&series->allocator, folder, name);
    if (!path) return NECK_E_NOMEM;
    if (neck__is_folder(path))
        status = is_model_folder(&series->allocator, path, &is);
    else if (neck__is_file(path))
        status = is_checkpoint_file(&series->allocator, path, &is);
    if (status == NECK_OK && is) return add_entry(series, path, neck__step_number(path));
    neck__release(&series->allocator, path);
    return status;
}

/* By step; entries without one last; by path where the steps are equal. */
static int by_step(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->step != y->step) {
        if (x->step < 0 || y->step < 0) return x->step < 0 ? 1 : -1;
        return x->step < y->step ? -1 : 1;
    }
    return strcmp(x->path, y->path);
}

/* A revision of a hub's repository; its step is in its name. Of several names of one snapshot a step is kept. */
static neck_status add_revision(neck_series *series, const char *repository, const char *name)
{
    char *path = NULL;
    int is = 0, known = 0;
    const int64_t step = neck__step_number(name);
    NECK_TRY(neck__hub_snapshot(&series->allocator, repository, name, &path));
    if (!path) return NECK_OK;
    neck_status status = is_model_folder(&series->allocator, path, &is);
    for (int64_t i = 0; is && i < series->count; i++) {
        if (strcmp(series->entries[i].path, path) != 0) continue;
        if (series->entries[i].step < step) series->entries[i].step = step;
        known = 1;
    }
    if (status == NECK_OK && is && !known) return add_entry(series, path, step);
    neck__release(&series->allocator, path);
    return status;
}

typedef neck_status (*add_fn)(neck_series *series, const char *folder, const char *name);

/* Adds each name in the folder `of`, as what it is in `folder`. */
static neck_status add_names(neck_series *series, const char *of, const char *folder, add_fn add)
{
    neck__names names;
    NECK_TRY(neck__names_read(&series->allocator, of, &names));
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < names.count && status == NECK_OK; i++) status = add(series, folder, names.names[i]);
    neck__names_clear(&names);
    return status;
}

static neck_status add_revisions(neck_series *series, const char *repository)
{
    neck_status status = NECK_OK;
    char *refs = neck__path_join(&series->allocator, repository, "refs");
    if (!refs) return NECK_E_NOMEM;
    if (neck__is_folder(refs)) status = add_names(series, refs, repository, add_revision);
    neck__release(&series->allocator, refs);
    return status;
}

/* A run folder, as training tools leave it. */
static neck_status add_inner(neck_series *series, const char *run)
{
    neck_status status = NECK_OK;
    char *inner = neck__path_join(&series->allocator, run, "checkpoints");
    if (!inner) return NECK_E_NOMEM;
    if (neck__is_folder(inner)) status = add_names(series, inner, inner, add_if_checkpoint);
    neck__release(&series->allocator, inner);
    return status;
}

static neck_status add_folder(neck_series *series, const char *folder)
{
    neck_status status = add_revisions(series, folder);
    if (status == NECK_OK && series->count == 0) status = add_names(series, folder, folder, add_if_checkpoint);
    if (status == NECK_OK && series->count == 0) status = add_inner(series, folder);
    if (status == NECK_OK && series->count == 0)
        return neck__fail(NECK_E_NOT_FOUND, "nothing in folder '%s' looks like a checkpoint", folder);
    if (status == NECK_OK) qsort(series->entries, (size_t)series->count, sizeof *series->entries, by_step);
    return status;
}

static neck_status add_all(neck_series *series, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) return neck__fail_system("find", path, errno);
    int is_one = !S_ISDIR(info.st_mode);
    if (!is_one) NECK_TRY(neck__folder_has_model(&series->allocator, path, &is_one));
    if (is_one) return add_path(series, path);
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    char *folder = neck__strdup(&series->allocator, path);
    if (!folder) return NECK_E_NOMEM;
    folder[length] = '\0';
    neck_status status = add_folder(series, folder);
    neck__release(&series->allocator, folder);
    return status;
}

neck_status neck_series_open(neck_context *context, const char *path, neck_series **out)
{
    if (!path || !path[0] || !out) return neck__fail(NECK_E_ARGUMENT, "path is NULL or empty, or out is NULL");
    const neck__allocator allocator = neck__allocator_of(context);
    neck_series *series = neck__calloc(&allocator, 1, sizeof *series, "a series");
    if (!series) return NECK_E_NOMEM;
    series->allocator = allocator;
    neck_status status = add_all(series, path);
    if (status == NECK_OK)
        *out = series;
    else
        neck_series_destroy(series);
    return status;
}

void neck_series_destroy(neck_series *series)
{
    if (!series) return;
    const neck__allocator allocator = series->allocator;
    for (int64_t i = 0; i < series->count; i++) neck__release(&allocator, series->entries[i].path);
    neck__release(&allocator, series->entries);
    neck__release(&allocator, series);
}

int64_t neck_series_count(const neck_series *series) { return series->count; }

const char *neck_series_path(const neck_series *series, int64_t index)
{
    return index >= 0 && index < series->count ? series->entries[index].path : NULL;
}

int64_t neck_series_step(const neck_series *series, int64_t index)
{
    return index >= 0 && index < series->count ? series->entries[index].step : -1;
}
