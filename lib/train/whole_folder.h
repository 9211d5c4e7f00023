/* train/whole_folder.h - folders that appear whole or not at all: PATH.partial is filled, then renamed. */
#ifndef NECK_TRAIN_WHOLE_FOLDER_H
#define NECK_TRAIN_WHOLE_FOLDER_H

#include "core/memory.h"

#define NECK__PARTIAL ".partial"

/* neck__whole_folder_begin   - makes an empty PATH.partial, in place of one that was left; *partial is its name, in new
 *                              memory.
 * neck__whole_folder_commit  - syncs it and gives it its name; a folder of that name is removed first. On failure it is
 *                              removed. partial is released, whatever the outcome.
 * neck__whole_folder_abandon - removes it and releases partial; keeps the thread's message.
 * neck__folder_remove        - a folder and the files in it; one with folders in it is refused. */
neck_status neck__whole_folder_begin(const neck__allocator *allocator, const char *path, char **partial);
neck_status neck__whole_folder_commit(const neck__allocator *allocator, char *partial, const char *path);
void neck__whole_folder_abandon(const neck__allocator *allocator, char *partial);
neck_status neck__folder_remove(const char *path);

#endif
