/* text/growing.c - arrays and byte strings that grow. */
#include "text/growing.h"

#include <string.h>

#include "core/error.h"

#define SMALLEST 64

void *neck__grown(const neck__allocator *allocator, void *items, int64_t used, int64_t needed, int64_t size,
                  int64_t *capacity, const char *what)
{
    int64_t target = *capacity > needed / 2 ? *capacity * 2 : needed;
    if (target < SMALLEST) target = SMALLEST;
    void *grown = neck__alloc(allocator, target, size, what);
    if (!grown) return NULL;
    if (used > 0) memcpy(grown, items, (size_t)(used * size));
    neck__release(allocator, items);
    *capacity = target;
    return grown;
}

neck_status neck__buffer_reserve(neck__buffer *buffer, int64_t extra)
{
    if (buffer->data && extra <= buffer->capacity - buffer->size) return NECK_OK; /* data is not NULL even when empty */
    int64_t needed;
    if (!neck__add(buffer->size, extra, &needed)) return neck__fail(NECK_E_OVERFLOW, "text of more than 2^63 bytes");
    unsigned char *grown =
        neck__grown(&buffer->allocator, buffer->data, buffer->size, needed, 1, &buffer->capacity, "text");
    if (!grown) return NECK_E_NOMEM;
    buffer->data = grown;
    return NECK_OK;
}

neck_status neck__buffer_append(neck__buffer *buffer, const void *bytes, int64_t size)
{
    NECK_TRY(neck__buffer_reserve(buffer, size));
    if (size > 0) memcpy(buffer->data + buffer->size, bytes, (size_t)size);
    buffer->size += size;
    return NECK_OK;
}

void neck__buffer_clear(neck__buffer *buffer)
{
    neck__release(&buffer->allocator, buffer->data);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
}
