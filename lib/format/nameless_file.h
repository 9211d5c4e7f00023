/* format/nameless_file.h - files that no folder lists: however the process ends, their room is free again. */
#ifndef NECK_FORMAT_NAMELESS_FILE_H
#define NECK_FORMAT_NAMELESS_FILE_H

#include "core/memory.h"

/* In that folder's file system, for reading and writing. The file is the caller's to close. Errors: NECK_E_IO,
 * NECK_E_NOMEM. */
neck_status neck__nameless_file_open(const neck__allocator *allocator, const char *folder, int *out);

#endif
