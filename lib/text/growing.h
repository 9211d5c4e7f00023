/* text/growing.h - arrays and byte strings that grow. */
#ifndef NECK_TEXT_GROWING_H
#define NECK_TEXT_GROWING_H

#include "core/memory.h"

/* Memory for at least needed items of that size, with the used first ones copied from items, which is released. NULL
 * (and items untouched) with the thread's message set. Doubles, so that appending costs constant time. */
void *neck__grown(const neck__allocator *allocator, void *items, int64_t used, int64_t needed, int64_t size,
                  int64_t *capacity, const char *what);

typedef struct neck__buffer {
    neck__allocator allocator;
    unsigned char *data;
    int64_t size, capacity;
} neck__buffer;

neck_status neck__buffer_reserve(neck__buffer *buffer, int64_t extra);
neck_status neck__buffer_append(neck__buffer *buffer, const void *bytes, int64_t size);
void neck__buffer_clear(neck__buffer *buffer);

#endif
