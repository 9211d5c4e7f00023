/* format/atomic_file.c - write beside the target, sync, rename over it. Where the system can, what is being written has
 * no name: of a process that is killed nothing is left. */
#define _GNU_SOURCE
#include "format/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "format/system_error.h"

#define BUFFER_SIZE 65536
#define ATTEMPTS 100 /* temporary names tried: as many files of one name may be in the making in one process */

struct neck__atomic_file {
    neck__allocator allocator;
    char *path, *temporary;
    size_t capacity; /* of the latter */
    int fd, folder; /* folder: -1 when it may not be read, then its entry is not synced */
    int has_name;   /* the temporary one */
    size_t used;
    unsigned char buffer[BUFFER_SIZE];
};

/* The folder part of file->path, made in place of the temporary name, which is not yet needed. */
static int open_folder(neck__atomic_file *file)
{
    const char *slash = strrchr(file->path, '/');
    if (!slash) return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t length = (size_t)(slash - file->path) + 1;
    memcpy(file->temporary, file->path, length);
    file->temporary[length] = '\0';
    return open(file->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* O_EXCL makes the name ours: process number against other processes, attempts against other threads. Not mkstemp,
 * whose file nobody else may read: the user's umask decides. */
static int open_named(const neck__atomic_file *file)
{
    return open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

/* A name for what had none; 0: done. */
static int name_it(const neck__atomic_file *file)
{
    char own[40];
    snprintf(own, sizeof own, "/proc/self/fd/%d", file->fd);
    return linkat(AT_FDCWD, own, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW);
}

/* With the first temporary name that is free; what `way` returns, negative: none was to be had. */
static int at_free_name(neck__atomic_file *file, int (*way)(const neck__atomic_file *))
{
    int got = -1;
    for (int attempt = 0; attempt < ATTEMPTS && got < 0; attempt++) {
        snprintf(file->temporary, file->capacity, "%s.%ld-%d.tmp", file->path, (long)getpid(), attempt);
        got = way(file);
        if (got < 0 && errno != EEXIST) break;
    }
    return got;
}

static int open_nameless(const neck__atomic_file *file)
{
    (void)file;
#ifdef O_TMPFILE
    if (file->folder >= 0) return openat(file->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
#endif
    return -1;
}

/* Whether such a file can be given a name later is found out with an empty one. */
static int can_be_named(neck__atomic_file *file)
{
    file->fd = open_nameless(file);
    if (file->fd < 0) return 0;
    const int can = at_free_name(file, name_it) == 0;
    if (can) unlink(file->temporary);
    close(file->fd);
    file->fd = -1;
    return can;
}

static neck_status open_temporary(neck__atomic_file *file)
{
    if (can_be_named(file)) file->fd = open_nameless(file);
    if (file->fd >= 0) return NECK_OK;
    file->fd = at_free_name(file, open_named);
    file->has_name = file->fd >= 0;
    return file->has_name ? NECK_OK : neck__fail_system("create", file->temporary, errno);
}

static void release(neck__atomic_file *file)
{
    neck__allocator allocator = file->allocator;
    if (file->fd >= 0) close(file->fd);
    if (file->folder >= 0) close(file->folder);
    neck__release(&allocator, file->temporary);
    neck__release(&allocator, file->path);
    neck__release(&allocator, file);
}

neck_status neck__atomic_file_create(const neck__allocator *allocator, const char *path, neck__atomic_file **out)
{
    neck__atomic_file *file = neck__calloc(allocator, 1, sizeof *file, "a file being written");
    if (!file) return NECK_E_NOMEM;
    neck_status status = NECK_E_NOMEM;
    file->capacity = strlen(path) + 48;
    file->allocator = *allocator;
    file->fd = file->folder = -1;
    file->path = neck__strdup(allocator, path);
    if (!file->path) goto failed;
    file->temporary = neck__alloc(allocator, (int64_t)file->capacity, 1, "a file name");
    if (!file->temporary) goto failed;
    file->folder = open_folder(file);
    status = open_temporary(file);
    if (status != NECK_OK) goto failed;
    *out = file;
    return NECK_OK;
failed:
    release(file);
    return status;
}

static neck_status write_out(neck__atomic_file *file, const unsigned char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file->fd, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return neck__fail_system("write", file->temporary, errno);
        data += written;
        size -= (size_t)written;
    }
    return NECK_OK;
}

static neck_status flush(neck__atomic_file *file)
{
    size_t used = file->used;
    file->used = 0;
    return write_out(file, file->buffer, used);
}

neck_status neck__atomic_file_write(neck__atomic_file *file, const void *data, int64_t size)
{
    if (size <= 0) return NECK_OK;
    if ((size_t)size > BUFFER_SIZE - file->used) NECK_TRY(flush(file));
    if ((size_t)size > BUFFER_SIZE) return write_out(file, data, (size_t)size);
    memcpy(file->buffer + file->used, data, (size_t)size);
    file->used += (size_t)size;
    return NECK_OK;
}

neck_status neck__atomic_file_rewrite(neck__atomic_file *file, int64_t offset, const void *data, int64_t size)
{
    const unsigned char *bytes = data;
    NECK_TRY(flush(file));
    while (size > 0) {
        ssize_t written = pwrite(file->fd, bytes, (size_t)size, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return neck__fail_system("write", file->temporary, errno);
        bytes += written;
        offset += written;
        size -= written;
    }
    return NECK_OK;
}

/* close may report what write did not (network file systems). */
static neck_status close_temporary(neck__atomic_file *file)
{
    NECK_TRY(flush(file));
    if (fsync(file->fd) != 0) return neck__fail_system("write", file->temporary, errno);
    if (!file->has_name && at_free_name(file, name_it) != 0) return neck__fail_system("name", file->temporary, errno);
    file->has_name = 1;
    int fd = file->fd;
    file->fd = -1;
    if (close(fd) != 0) return neck__fail_system("write", file->temporary, errno);
    return NECK_OK;
}

neck_status neck__atomic_file_commit(neck__atomic_file *file)
{
    neck_status status = close_temporary(file);
    if (status == NECK_OK && rename(file->temporary, file->path) != 0)
        status = neck__fail_system("write", file->path, errno);
    if (status != NECK_OK) {
        neck__atomic_file_abandon(file);
        return status;
    }
    /* The new name is there; syncing the folder only hastens its way to the disk, and not every file system can. */
    if (file->folder >= 0) (void)fsync(file->folder);
    release(file);
    return NECK_OK;
}

void neck__atomic_file_abandon(neck__atomic_file *file)
{
    if (!file) return;
    if (file->has_name) unlink(file->temporary);
    release(file);
}
