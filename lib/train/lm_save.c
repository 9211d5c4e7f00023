/* train/lm_save.c - states and exports: which folder, and whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/error.h"
#include "format/folder.h"
#include "format/system_error.h"
#include "train/lm_state.h"
#include "train/whole_folder.h"

enum { STEP_NAME = 48 };

/* ---- states in a folder ----------------------------------------------------------------------------------------- */

/* N of "step-N" followed by this ending, -1 for any other name. */
static int64_t step_before(const char *name, const char *ending)
{
    char *end;
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9') return -1;
    errno = 0;
    long long step = strtoll(name + 5, &end, 10);
    return strcmp(end, ending) != 0 || errno ? -1 : step;
}

static int64_t step_of(const char *name)
{
    return step_before(name, "");
}

/* The latest state, -1 when there is none. */
static neck_status find_latest(const neck_training *self, const char *folder, int64_t *latest)
{
    neck__names names = {.allocator = self->allocator};
    *latest = -1;
    if (!neck__is_folder(folder)) return NECK_OK;
    neck_status status = neck__names_read(&self->allocator, folder, &names);
    for (int64_t i = 0; status == NECK_OK && i < names.count; i++) {
        int64_t step = step_of(names.names[i]);
        if (step > *latest) *latest = step;
    }
    neck__names_clear(&names);
    return status;
}

/* "folder/step-N" in new memory, with room for any N. */
static char *state_path(const neck_training *self, const char *folder, int64_t step)
{
    size_t size = strlen(folder) + STEP_NAME;
    char *path = neck__alloc(&self->allocator, (int64_t)size, 1, "a folder's name");
    if (path) snprintf(path, size, "%s/step-%" PRId64, folder, step);
    return path;
}

/* Older states, and what a save that died has left: of whatever step, since a run that goes on may not save there
 * again. Works in the room of the kept state's path, so that nothing is left undone for lack of memory. What cannot be
 * removed does no harm: the latest state counts, and the next save tries again. */
static void remove_others(const char *folder, int64_t kept, char *path)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        int64_t step = step_of(entry->d_name), begun = step_before(entry->d_name, NECK__PARTIAL);
        if ((step < 0 || step == kept) && begun < 0) continue;
        if (strlen(entry->d_name) + 1 >= STEP_NAME) continue; /* zeros before the number: not of ours */
        sprintf(path, "%s/%s", folder, entry->d_name);
        (void)neck__folder_remove(path);
    }
    if (entries) closedir(entries);
}

/* ---- saving and resuming ---------------------------------------------------------------------------------------- */

/* The first process's part. */
static neck_status finish_folder(neck_training *self, char *partial, const char *path, neck_status status,
                                neck_training_folder_fn add, void *user)
{
    if (status == NECK_OK && add) status = add(user, partial);
    if (status == NECK_OK) return neck__whole_folder_commit(&self->allocator, partial, path);
    neck__whole_folder_abandon(&self->allocator, partial);
    return status;
}

/* path: NULL but on the first process. status: how finding it went. */
static neck_status write_state(neck_context *context, neck_training *self, const char *path, neck_status status,
                               neck_training_folder_fn add, void *user)
{
    char *partial = NULL;
    if (status == NECK_OK && path) status = neck__whole_folder_begin(&self->allocator, path, &partial);
    status = neck__sharing_agree(&self->sharing, status);
    if (status != NECK_OK) return partial ? finish_folder(self, partial, path, status, NULL, NULL) : status;
    status = neck__lm_write_state(context, self, partial);
    if (partial) status = finish_folder(self, partial, path, status, add, user);
    return neck__sharing_agree(&self->sharing, status);
}

/* Where to write the state, unless it is there already. */
static neck_status find_place(const neck_training *self, const char *folder, char **path, int64_t *needed)
{
    int64_t latest, steps = self->record.steps;
    NECK_TRY(find_latest(self, folder, &latest));
    if (latest != self->saved && latest >= 0)
        return neck__fail(NECK_E_STATE, "%s holds another training's state, of step %" PRId64, folder, latest);
    *needed = latest != steps;
    if (mkdir(folder, 0777) != 0 && !neck__is_folder(folder)) return neck__fail_system("make", folder, errno);
    *path = state_path(self, folder, steps);
    return *path ? NECK_OK : NECK_E_NOMEM;
}

neck_status neck_training_save(neck_context *context, neck_training *training, const char *folder,
                               neck_training_folder_fn add, void *user)
{
    if (!training || !folder || !folder[0])
        return neck__fail(NECK_E_ARGUMENT, "training is NULL, or folder NULL or empty");
    const neck__sharing *sharing = &training->sharing;
    char *path = NULL;
    int64_t needed = 1;
    neck_status status = neck__is_first(sharing) ? find_place(training, folder, &path, &needed) : NECK_OK;
    if (status != NECK_OK) needed = 1; /* a failure is told where all write */
    neck_status copied = neck__sharing_copy(sharing, &needed, 1, sizeof needed);
    status = copied == NECK_OK && needed ? write_state(context, training, path, status, add, user) : copied;
    if (status == NECK_OK && needed) training->saved = training->record.steps;
    if (status == NECK_OK && path) remove_others(folder, training->record.steps, path);
    neck__release(&training->allocator, path);
    return status;
}

static neck_status find_state(const neck_training *self, const char *folder, int64_t *latest, char **path)
{
    NECK_TRY(find_latest(self, folder, latest));
    if (*latest < 0) return neck__fail(NECK_E_NOT_FOUND, "no state in %s", folder);
    *path = state_path(self, folder, *latest);
    return *path ? NECK_OK : NECK_E_NOMEM;
}

neck_status neck_training_resume(neck_context *context, neck_training *training, const char *folder)
{
    int64_t latest = -1;
    char *path = NULL;
    if (!training || !folder) return neck__fail(NECK_E_ARGUMENT, "training or folder is NULL");
    if (training->record.steps > 0) return neck__fail(NECK_E_STATE, "the training has already begun");
    neck_status status = neck__is_first(&training->sharing) ? find_state(training, folder, &latest, &path) : NECK_OK;
    status = neck__sharing_agree(&training->sharing, status);
    if (status == NECK_OK) status = neck__lm_read_state(context, training, path);
    if (status == NECK_OK) training->saved = training->record.steps;
    neck__release(&training->allocator, path);
    return status;
}

/* ---- exports ---------------------------------------------------------------------------------------------------- */

static neck_status write_head(neck_context *context, const neck_training *self, const char *folder)
{
    char *path = neck__path_join(&self->allocator, folder, "head.safetensors");
    neck_status status = path ? neck_head_save(context, self->head, path) : NECK_E_NOMEM;
    neck__release(&self->allocator, path);
    return status;
}

static neck_status fill_model(neck_context *context, neck_training *self, const char *folder)
{
    neck_matrix head;
    int has_own = neck_trainable_head(self->model, NULL) != NULL;
    NECK_TRY(neck_training_head_matrix(context, self, &head));
    NECK_TRY(neck_trainable_save(context, self->model, folder, has_own ? NULL : &head));
    return self->head ? write_head(context, self, folder) : NECK_OK;
}

static neck_status write_model(neck_context *context, neck_training *self, const char *folder,
                               neck_training_folder_fn add, void *user)
{
    char *partial;
    NECK_TRY(neck__whole_folder_begin(&self->allocator, folder, &partial));
    return finish_folder(self, partial, folder, fill_model(context, self, partial), add, user);
}

neck_status neck_training_export(neck_context *context, neck_training *training, const char *folder,
                                 neck_training_folder_fn add, void *user)
{
    if (!training || !folder || !folder[0])
        return neck__fail(NECK_E_ARGUMENT, "training is NULL, or folder NULL or empty");
    neck_status status = NECK_OK;
    if (neck__is_first(&training->sharing)) status = write_model(context, training, folder, add, user);
    return neck__sharing_agree(&training->sharing, status);
}
