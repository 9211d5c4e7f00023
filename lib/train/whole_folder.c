/* train/whole_folder.c - fill beside the goal, sync, rename. */
#include "train/whole_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "format/folder.h"
#include "format/system_error.h"

/* Hidden names too: whatever a program that died has left. 0 or an errno value. */
static int clear_away(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) return errno;
    int error = 0;
    for (struct dirent *entry; !error && (entry = readdir(folder)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        if (unlinkat(dirfd(folder), name, 0) != 0) error = errno;
    }
    closedir(folder);
    return error ? error : rmdir(path) == 0 ? 0 : errno;
}

neck_status neck__folder_remove(const char *path)
{
    int error = clear_away(path);
    return error ? neck__fail_system("remove", path, error) : NECK_OK;
}

neck_status neck__whole_folder_begin(const neck__allocator *allocator, const char *path, char **partial)
{
    size_t size = strlen(path) + sizeof NECK__PARTIAL;
    char *name = neck__alloc(allocator, (int64_t)size, 1, "a folder's name");
    if (!name) return NECK_E_NOMEM;
    snprintf(name, size, "%s" NECK__PARTIAL, path);
    neck_status status = neck__is_folder(name) ? neck__folder_remove(name) : NECK_OK;
    if (status == NECK_OK && mkdir(name, 0777) != 0) status = neck__fail_system("make", name, errno);
    if (status != NECK_OK) {
        neck__release(allocator, name);
        return status;
    }
    *partial = name;
    return NECK_OK;
}

/* Not every file system can sync a folder; those that cannot keep its entries in order by themselves. */
static void sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

static void sync_above(const neck__allocator *allocator, const char *path)
{
    char *above = neck__strdup(allocator, path);
    char *slash = above ? strrchr(above, '/') : NULL;
    if (slash) slash[slash == above] = '\0'; /* "/a": the root itself */
    if (above) sync_folder(slash ? above : ".");
    neck__release(allocator, above);
}

neck_status neck__whole_folder_commit(const neck__allocator *allocator, char *partial, const char *path)
{
    sync_folder(partial);
    neck_status status = neck__is_folder(path) ? neck__folder_remove(path) : NECK_OK;
    if (status == NECK_OK && rename(partial, path) != 0) status = neck__fail_system("write", path, errno);
    if (status != NECK_OK) {
        neck__whole_folder_abandon(allocator, partial);
        return status;
    }
    sync_above(allocator, path);
    neck__release(allocator, partial);
    return NECK_OK;
}

void neck__whole_folder_abandon(const neck__allocator *allocator, char *partial)
{
    if (!partial) return;
    (void)clear_away(partial);
    neck__release(allocator, partial);
}
