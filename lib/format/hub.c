/* format/hub.c - from the name of a revision to its files. */
#include "format/hub.h"

#include <ctype.h>
#include <string.h>

#include "format/folder.h"
#include "format/mapping.h"

enum { LONGEST_COMMIT = 64 };

/* The letters and digits that the file begins with, if that is all there is on its line. */
static neck_status read_commit(const neck__allocator *allocator, const char *path, char commit[LONGEST_COMMIT + 1])
{
    neck__mapping *file;
    neck_status status = neck__is_file(path) ? neck__mapping_open(allocator, path, &file) : NECK_E_IO;
    commit[0] = '\0';
    if (status != NECK_OK) return status == NECK_E_NOMEM ? status : NECK_OK;
    int64_t length = 0;
    while (length < file->size && length < LONGEST_COMMIT && isalnum(file->data[length])) length++;
    if (length == file->size || isspace(file->data[length])) {
        memcpy(commit, file->data, (size_t)length);
        commit[length] = '\0';
    }
    neck__mapping_close(file);
    return NECK_OK;
}

/* a/b/c in new memory. */
static char *join(const neck__allocator *allocator, const char *a, const char *b, const char *c)
{
    char *folder = neck__path_join(allocator, a, b);
    char *path = folder ? neck__path_join(allocator, folder, c) : NULL;
    neck__release(allocator, folder);
    return path;
}

neck_status neck__hub_snapshot(const neck__allocator *allocator, const char *repository, const char *name, char **path)
{
    char commit[LONGEST_COMMIT + 1];
    char *ref = join(allocator, repository, "refs", name);
    if (!ref) return NECK_E_NOMEM;
    neck_status status = read_commit(allocator, ref, commit);
    neck__release(allocator, ref);
    *path = NULL;
    if (status != NECK_OK || !commit[0]) return status;
    char *snapshot = join(allocator, repository, "snapshots", commit);
    if (!snapshot) return NECK_E_NOMEM;
    if (neck__is_folder(snapshot)) *path = snapshot;
    else neck__release(allocator, snapshot);
    return NECK_OK;
}
