/* format/mapping.c - read-only views of whole files. */
#include "format/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "format/system_error.h"

/* What an empty file's data points to: mmap refuses length 0. */
static const unsigned char nothing[1];

neck_status neck__mapping_over(const neck__allocator *allocator, const void *data, int64_t size, neck__mapping **out)
{
    neck__mapping *mapping = neck__calloc(allocator, 1, sizeof *mapping, "a file mapping");
    if (!mapping) return NECK_E_NOMEM;
    mapping->data = data && size > 0 ? data : nothing;
    mapping->size = data ? size : 0;
    mapping->allocator = *allocator;
    *out = mapping;
    return NECK_OK;
}

static neck_status map_descriptor(const neck__allocator *allocator, const char *path, int fd, neck__mapping **out)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return neck__fail_system("examine", path, errno);
    if (S_ISDIR(info.st_mode)) return neck__fail(NECK_E_IO, "'%s' is a folder, not a file", path);
    if (!S_ISREG(info.st_mode)) return neck__fail(NECK_E_IO, "'%s' is not a regular file", path);
    if ((uint64_t)info.st_size > SIZE_MAX)
        return neck__fail(NECK_E_IO, "'%s' is larger than the address space", path);
    if (info.st_size == 0) return neck__mapping_over(allocator, NULL, 0, out);
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return neck__fail_system("map", path, errno);
    neck_status status = neck__mapping_over(allocator, data, info.st_size, out);
    if (status != NECK_OK) {
        munmap(data, (size_t)info.st_size);
        return status;
    }
    (*out)->mapped = 1;
    return NECK_OK;
}

neck_status neck__mapping_open(const neck__allocator *allocator, const char *path, neck__mapping **out)
{
    /* O_NONBLOCK: opening a pipe must not wait for its other end. It means nothing for regular files. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return neck__fail_system("open", path, errno);
    neck_status status = map_descriptor(allocator, path, fd, out);
    close(fd);
    return status;
}

void neck__mapping_close(neck__mapping *mapping)
{
    if (!mapping) return;
    if (mapping->mapped) munmap((void *)mapping->data, (size_t)mapping->size);
    neck__allocator allocator = mapping->allocator;
    neck__release(&allocator, mapping);
}
