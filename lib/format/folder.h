/* format/folder.h - folders of files: what is in them, which of it is a model, reading that. */
#ifndef NECK_FORMAT_FOLDER_H
#define NECK_FORMAT_FOLDER_H

#include "format/checkpoint_object.h"

/* The names in a folder, sorted, without those that begin with a dot. */
typedef struct neck__names {
    neck__allocator allocator;
    char **names;
    int64_t count, capacity;
} neck__names;

neck_status neck__names_read(const neck__allocator *allocator, const char *folder, neck__names *out);
void neck__names_clear(neck__names *names);

/* "folder/name" in new memory. */
char *neck__path_join(const neck__allocator *allocator, const char *folder, const char *name);

/* Non-zero when path is a folder; a regular file. */
int neck__is_folder(const char *path);
int neck__is_file(const char *path);

/* The format of the file at path by its content, 0 when it is none of ours. Errors: NECK_E_IO, NECK_E_NOMEM. */
neck_status neck__format_of(const neck__allocator *allocator, const char *path, int32_t *format);

/* *has: the folder holds a model under one of the usual names. Errors: NECK_E_NOMEM. */
neck_status neck__folder_has_model(const neck__allocator *allocator, const char *folder, int *has);

/* The only file of a known format in the folder, as a name in new memory; NULL when there are none or several, *count
 * of them. */
neck_status neck__folder_only_file(const neck__allocator *allocator, const char *folder, char **name, int64_t *count);

/* Reads the folder's model and config.json into a checkpoint whose allocator is set. */
neck_status neck__folder_read(const char *folder, int allow_trailing, neck_checkpoint *checkpoint);

#endif
