/* core/memory.h - the one door to memory: overflow-checked, 64-byte aligned, through the context's allocator. */
#ifndef NECK_CORE_MEMORY_H
#define NECK_CORE_MEMORY_H

#include "softneck/context.h"

/* Where an object's memory came from, kept by the object so that destroy needs no context. */
typedef struct neck__allocator {
    neck_alloc_fn alloc;
    neck_release_fn release;
    void *user;
} neck__allocator;

/* The context's allocator (NULL: the default one). */
neck__allocator neck__allocator_of(const neck_context *context);

/* count * size bytes, uninitialised or zeroed. NULL only together with NECK_E_NOMEM or NECK_E_OVERFLOW set as the
 * thread's message; count or size 0 gives a valid pointer. */
void *neck__alloc(const neck__allocator *allocator, int64_t count, int64_t size, const char *what);
void *neck__calloc(const neck__allocator *allocator, int64_t count, int64_t size, const char *what);
void neck__release(const neck__allocator *allocator, void *memory);

/* A block that stays from call to call and is made anew only when more is needed: each time large memory is taken, the
 * system clears its pages first. Begins as {.allocator = ...}. */
typedef struct neck__room {
    neck__allocator allocator;
    void *memory;
    int64_t bytes;
} neck__room;

/* At least so many bytes, whatever is in them, until the next call. NULL as neck__alloc says; the room is empty
 * then. */
void *neck__room_take(neck__room *room, int64_t bytes, const char *what);
void neck__room_release(neck__room *room);

/* A copy of a NUL-terminated string. */
char *neck__strdup(const neck__allocator *allocator, const char *text);

/* Checked int64 arithmetic for sizes: return 0 and leave *out alone on overflow or a negative operand. */
int neck__mul(int64_t a, int64_t b, int64_t *out);
int neck__add(int64_t a, int64_t b, int64_t *out);

#endif
