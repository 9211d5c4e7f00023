/* format/nameless_file.c - O_TMPFILE, and where a file system does not know it a file that loses its name at once. */
#define _GNU_SOURCE
#include "format/nameless_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/error.h"
#include "format/folder.h"
#include "format/system_error.h"

static int open_without(const char *folder)
{
#ifdef O_TMPFILE
    return open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
#else
    (void)folder;
    return -1;
#endif
}

neck_status neck__nameless_file_open(const neck__allocator *allocator, const char *folder, int *out)
{
    int fd = open_without(folder);
    if (fd < 0) {
        char *path = neck__path_join(allocator, folder, "softneck-XXXXXX");
        if (!path) return NECK_E_NOMEM;
        fd = mkstemp(path);
        if (fd >= 0) {
            unlink(path);
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
        neck__release(allocator, path);
    }
    if (fd < 0) return neck__fail_system("create a file in", folder, errno);
    *out = fd;
    return NECK_OK;
}
