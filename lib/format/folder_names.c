/* format/folder_names.c - what lies in a folder. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/error.h"
#include "format/folder.h"
#include "format/system_error.h"

char *neck__path_join(const neck__allocator *allocator, const char *folder, const char *name)
{
    const size_t m = strlen(folder), n = strlen(name);
    char *path = neck__alloc(allocator, (int64_t)(m + n + 2), 1, "a path");
    if (!path) return NULL;
    memcpy(path, folder, m);
    path[m] = '/';
    memcpy(path + m + 1, name, n + 1);
    return path;
}

int neck__is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int neck__is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static neck_status add_name(neck__names *names, const char *name)
{
    if (names->count == names->capacity) {
        int64_t larger = names->capacity ? 2 * names->capacity : 16;
        char **grown = neck__alloc(&names->allocator, larger, sizeof *grown, "a folder's names");
        if (!grown) return NECK_E_NOMEM;
        if (names->count) memcpy(grown, names->names, (size_t)names->count * sizeof *grown);
        neck__release(&names->allocator, names->names);
        names->names = grown;
        names->capacity = larger;
    }
    char *copy = neck__strdup(&names->allocator, name);
    if (!copy) return NECK_E_NOMEM;
    names->names[names->count++] = copy;
    return NECK_OK;
}

static neck_status add_all(DIR *stream, const char *folder, neck__names *names)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry) return errno ? neck__fail_system("read", folder, errno) : NECK_OK;
        if (entry->d_name[0] != '.') NECK_TRY(add_name(names, entry->d_name));
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

neck_status neck__names_read(const neck__allocator *allocator, const char *folder, neck__names *out)
{
    DIR *stream = opendir(folder);
    if (!stream) return neck__fail_system("open", folder, errno);
    neck__names names = {.allocator = *allocator};
    neck_status status = add_all(stream, folder, &names);
    closedir(stream);
    if (status != NECK_OK) {
        neck__names_clear(&names);
        return status;
    }
    if (names.count) qsort(names.names, (size_t)names.count, sizeof *names.names, by_text);
    *out = names;
    return NECK_OK;
}

void neck__names_clear(neck__names *names)
{
    for (int64_t i = 0; i < names->count; i++) neck__release(&names->allocator, names->names[i]);
    neck__release(&names->allocator, names->names);
    *names = (neck__names){.allocator = names->allocator};
}
