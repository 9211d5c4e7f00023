/* format/atomic_file.h - files that appear whole or not at all: a temporary name beside the target, fsync, rename. */
#ifndef NECK_FORMAT_ATOMIC_FILE_H
#define NECK_FORMAT_ATOMIC_FILE_H

#include "core/memory.h"

typedef struct neck__atomic_file neck__atomic_file;

neck_status neck__atomic_file_create(const neck__allocator *allocator, const char *path, neck__atomic_file **out);
neck_status neck__atomic_file_write(neck__atomic_file *file, const void *data, int64_t size);
/* Writes over bytes that were written before, e.g. a header whose room was left. What follows is appended as before.
 * Or, where nothing is appended, anywhere: the parts of a file may come in any order. */
neck_status neck__atomic_file_rewrite(neck__atomic_file *file, int64_t offset, const void *data, int64_t size);
/* Flushes, syncs the file and its folder, renames. The handle is gone afterwards, whatever the outcome. */
neck_status neck__atomic_file_commit(neck__atomic_file *file);
/* Removes what was written. NULL is a no-op. */
void neck__atomic_file_abandon(neck__atomic_file *file);

#endif
