/* core/memory.c - aligned, overflow-checked allocation. */
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* A cache line, and the widest vector of any kernel. */
#define ALIGNMENT 64

int neck__mul(int64_t a, int64_t b, int64_t *out)
{
    int64_t product;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) return 0;
    *out = product;
    return 1;
}

int neck__add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) return 0;
    *out = sum;
    return 1;
}

void *neck__alloc(const neck__allocator *allocator, int64_t count, int64_t size, const char *what)
{
    int64_t bytes;
    if (!neck__mul(count, size, &bytes) || !neck__add(bytes, ALIGNMENT, &bytes)) {
        neck__fail(NECK_E_NOMEM, "out of memory: %s is larger than any memory", what);
        return NULL;
    }
    bytes &= ~(int64_t)(ALIGNMENT - 1); /* aligned_alloc wants a multiple */
    void *memory = allocator->alloc(allocator->user, ALIGNMENT, (size_t)bytes);
    if (!memory) neck__fail_nomem(what, bytes);
    return memory;
}

void *neck__calloc(const neck__allocator *allocator, int64_t count, int64_t size, const char *what)
{
    void *memory = neck__alloc(allocator, count, size, what);
    if (memory) memset(memory, 0, (size_t)(count * size));
    return memory;
}

void neck__release(const neck__allocator *allocator, void *memory)
{
    if (memory) allocator->release(allocator->user, memory);
}

void *neck__room_take(neck__room *room, int64_t bytes, const char *what)
{
    if (room->memory && bytes <= room->bytes) return room->memory;
    neck__room_release(room); /* first: both together would be the most that is ever taken */
    room->memory = neck__alloc(&room->allocator, bytes, 1, what);
    room->bytes = room->memory ? bytes : 0;
    return room->memory;
}

void neck__room_release(neck__room *room)
{
    neck__release(&room->allocator, room->memory);
    room->memory = NULL;
    room->bytes = 0;
}

char *neck__strdup(const neck__allocator *allocator, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = neck__alloc(allocator, (int64_t)size, 1, "a string");
    if (copy) memcpy(copy, text, size);
    return copy;
}
