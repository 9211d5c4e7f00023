/* format/gguf_cursor.c - walking a GGUF file's header, never beyond its end. */
#include "format/gguf_cursor.h"

#include <inttypes.h>

#include "core/error.h"

uint64_t neck__gguf_load(const unsigned char *bytes, int64_t size)
{
    uint64_t number = 0;
    for (int64_t i = size - 1; i >= 0; i--) number = number << 8 | bytes[i];
    return number;
}

neck_status neck__gguf_take(neck__gguf_cursor *cursor, int64_t size, const char *what, const unsigned char **out)
{
    if (size > cursor->size - cursor->at)
        return neck__fail(NECK_E_FORMAT, "truncated: %s at byte %" PRId64 " needs %" PRId64 " bytes, %" PRId64
                          " are left", what, cursor->at, size, cursor->size - cursor->at);
    *out = cursor->data + cursor->at;
    cursor->at += size;
    return NECK_OK;
}

neck_status neck__gguf_take_u32(neck__gguf_cursor *cursor, const char *what, uint32_t *out)
{
    const unsigned char *bytes = NULL;
    NECK_TRY(neck__gguf_take(cursor, sizeof *out, what, &bytes));
    *out = (uint32_t)neck__gguf_load(bytes, sizeof *out);
    return NECK_OK;
}

neck_status neck__gguf_take_count(neck__gguf_cursor *cursor, const char *what, int64_t *out)
{
    const unsigned char *bytes = NULL;
    NECK_TRY(neck__gguf_take(cursor, sizeof *out, what, &bytes));
    const uint64_t number = neck__gguf_load(bytes, sizeof *out);
    if (number > INT64_MAX) return neck__fail(NECK_E_FORMAT, "%s, %" PRIu64 ", is larger than any file", what, number);
    *out = (int64_t)number;
    return NECK_OK;
}

neck_status neck__gguf_take_string(neck__gguf_cursor *cursor, const char *what, const char **bytes, int64_t *length)
{
    const unsigned char *start = NULL;
    int64_t size = 0;
    NECK_TRY(neck__gguf_take_count(cursor, what, &size));
    NECK_TRY(neck__gguf_take(cursor, size, what, &start));
    *bytes = (const char *)start;
    *length = size;
    return NECK_OK;
}
