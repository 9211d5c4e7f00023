/* ngram/run_file.c - what reading and writing a run have in common. */
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "ngram/run.h"

neck_status neck__run_file_init(neck__run_file *file, const neck__allocator *allocator, const neck__key_form *form,
                                const char *path, int64_t buffer_bytes)
{
    *file = (neck__run_file){.allocator = *allocator, .form = form, .fd = -1};
    file->capacity = buffer_bytes & ~(int64_t)7; /* whole words, for the sum */
    file->path = neck__strdup(allocator, path);
    if (!file->path) return NECK_E_NOMEM;
    file->buffer = neck__calloc(allocator, file->capacity + 2 * NECK__RUN_RECORD, 1, "a buffer of n-grams");
    return file->buffer ? NECK_OK : NECK_E_NOMEM;
}

void neck__run_file_clear(neck__run_file *file)
{
    if (file->fd >= 0 && !file->is_shared) close(file->fd);
    file->fd = -1;
    neck__release(&file->allocator, file->path);
    neck__release(&file->allocator, file->buffer);
    file->path = NULL;
    file->buffer = NULL;
}
