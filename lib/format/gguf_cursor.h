/* format/gguf_cursor.h - walking a GGUF file's header, never beyond its end. */
#ifndef NECK_FORMAT_GGUF_CURSOR_H
#define NECK_FORMAT_GGUF_CURSOR_H

#include "format/gguf.h"
#include "format/tensors.h"

/* A value's key, for %.*s in a message. */
#define NECK__KEY(value) NECK__SHOWN((value)->key_length), (value)->key

typedef struct neck__gguf_cursor {
    const unsigned char *data;
    int64_t size, at; /* 0 <= at <= size */
} neck__gguf_cursor;

/* The next size bytes, and past them. what names them in messages: "a key". */
neck_status neck__gguf_take(neck__gguf_cursor *cursor, int64_t size, const char *what, const unsigned char **out);

/* Little-endian numbers. take_count refuses what does not fit int64. */
neck_status neck__gguf_take_u32(neck__gguf_cursor *cursor, const char *what, uint32_t *out);
neck_status neck__gguf_take_count(neck__gguf_cursor *cursor, const char *what, int64_t *out);

/* A length, then that many bytes. */
neck_status neck__gguf_take_string(neck__gguf_cursor *cursor, const char *what, const char **bytes, int64_t *length);

/* The number in size <= 8 bytes. */
uint64_t neck__gguf_load(const unsigned char *bytes, int64_t size);

/* Reads count keys with their values into a table in new memory. Errors: NECK_E_FORMAT, NECK_E_NOMEM. */
neck_status neck__gguf_read_table(const neck__allocator *allocator, neck__gguf_cursor *cursor, int32_t version,
                                  int64_t count, neck__gguf **out);

#endif
