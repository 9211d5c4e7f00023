/* format/mapping.h - a file mapped read-only, or bytes in memory made to look like one (for tests and fuzzing). */
#ifndef NECK_FORMAT_MAPPING_H
#define NECK_FORMAT_MAPPING_H

#include "core/memory.h"

typedef struct neck__mapping {
    const unsigned char *data; /* never NULL, even for an empty file */
    int64_t size;
    int32_t mapped; /* munmap it on close */
    neck__allocator allocator;
} neck__mapping;

/* Maps a regular file. Errors: NECK_E_IO with path and the system's reason (also for folders, devices and pipes). */
neck_status neck__mapping_open(const neck__allocator *allocator, const char *path, neck__mapping **out);

/* A mapping over borrowed bytes. */
neck_status neck__mapping_over(const neck__allocator *allocator, const void *data, int64_t size, neck__mapping **out);
void neck__mapping_close(neck__mapping *mapping);

#endif
