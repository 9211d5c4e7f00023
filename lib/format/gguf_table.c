/* format/gguf_table.c - reading the keys and values of a GGUF file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "format/gguf_cursor.h"
#include "format/utf8.h"

#define KEY_MAX 65535
#define SMALLEST_ENTRY (8 + 1 + 4 + 1) /* a key's length, one character, a type, one byte */

/* Bytes of one item; strings and arrays have none of their own. */
static const struct {
    const char *name;
    int64_t size;
} types[NECK__GGUF_TYPES] = {
    [NECK__GGUF_U8] = {"U8", 1},         [NECK__GGUF_I8] = {"I8", 1},       [NECK__GGUF_U16] = {"U16", 2},
    [NECK__GGUF_I16] = {"I16", 2},       [NECK__GGUF_U32] = {"U32", 4},     [NECK__GGUF_I32] = {"I32", 4},
    [NECK__GGUF_F32] = {"F32", 4},       [NECK__GGUF_BOOL] = {"BOOL", 1},   [NECK__GGUF_STRING] = {"STRING", 0},
    [NECK__GGUF_ARRAY] = {"ARRAY", 0},   [NECK__GGUF_U64] = {"U64", 8},     [NECK__GGUF_I64] = {"I64", 8},
    [NECK__GGUF_F64] = {"F64", 8},
};

const char *neck__gguf_type_name(int32_t type)
{
    return type >= 0 && type < NECK__GGUF_TYPES ? types[type].name : "?";
}

static neck_status take_type(neck__gguf_cursor *cursor, const neck__gguf_value *value, int32_t *out)
{
    uint32_t type = 0;
    NECK_TRY(neck__gguf_take_u32(cursor, "a value's type", &type));
    if (type >= NECK__GGUF_TYPES)
        return neck__fail(NECK_E_FORMAT, "key '%.*s': unknown type %" PRIu32, NECK__KEY(value), type);
    *out = (int32_t)type;
    return NECK_OK;
}

static neck_status take_strings(neck__gguf_cursor *cursor, const neck__gguf_value *value)
{
    const char *bytes = NULL;
    int64_t length = 0;
    /* Each string has a length of 8 bytes: the loop ends with the file, whatever the count. */
    for (int64_t i = 0; i < value->count; i++) {
        neck_status status = neck__gguf_take_string(cursor, "a string", &bytes, &length);
        if (status != NECK_OK) return neck__fail_in(status, "key '%.*s'", NECK__KEY(value));
    }
    return NECK_OK;
}

static neck_status check_booleans(const neck__gguf_value *value)
{
    for (int64_t i = 0; i < value->count; i++)
        if (value->data[i] > 1)
            return neck__fail(NECK_E_FORMAT, "key '%.*s': a boolean is %d, neither 0 nor 1", NECK__KEY(value),
                              value->data[i]);
    return NECK_OK;
}

static neck_status take_items(neck__gguf_cursor *cursor, neck__gguf_value *value)
{
    const int64_t begin = cursor->at, item = types[value->item].size;
    value->data = cursor->data + begin;
    if (value->item == NECK__GGUF_STRING) {
        NECK_TRY(take_strings(cursor, value));
    } else {
        if (value->count > (cursor->size - begin) / item)
            return neck__fail(NECK_E_FORMAT, "key '%.*s': truncated: %" PRId64 " items of %s do not fit the %" PRId64
                              " bytes that follow", NECK__KEY(value), value->count, types[value->item].name,
                              cursor->size - begin);
        cursor->at += value->count * item;
    }
    value->size = cursor->at - begin;
    return value->item == NECK__GGUF_BOOL ? check_booleans(value) : NECK_OK;
}

static neck_status take_key(neck__gguf_cursor *cursor, neck__gguf_value *value)
{
    NECK_TRY(neck__gguf_take_string(cursor, "a key", &value->key, &value->key_length));
    if (value->key_length == 0) return neck__fail(NECK_E_FORMAT, "a key is empty");
    if (value->key_length > KEY_MAX)
        return neck__fail(NECK_E_FORMAT, "a key has %" PRId64 " bytes: at most %d are allowed", value->key_length,
                          KEY_MAX);
    if (memchr(value->key, '\0', (size_t)value->key_length))
        return neck__fail(NECK_E_FORMAT, "the key '%.*s...' holds a NUL byte", NECK__KEY(value));
    if (!neck__utf8_valid(value->key, (size_t)value->key_length))
        return neck__fail(NECK_E_FORMAT, "a key is not valid UTF-8");
    return NECK_OK;
}

static neck_status take_value(neck__gguf_cursor *cursor, neck__gguf_value *value)
{
    NECK_TRY(take_type(cursor, value, &value->type));
    value->item = value->type;
    value->count = 1;
    if (value->type == NECK__GGUF_ARRAY) {
        NECK_TRY(take_type(cursor, value, &value->item));
        if (value->item == NECK__GGUF_ARRAY)
            return neck__fail(NECK_E_UNSUPPORTED, "key '%.*s': arrays of arrays are not supported", NECK__KEY(value));
        NECK_TRY(neck__gguf_take_count(cursor, "an array's length", &value->count));
    }
    return take_items(cursor, value);
}

static int compare(const char *a, int64_t m, const char *b, int64_t n)
{
    const int order = memcmp(a, b, (size_t)(m < n ? m : n));
    return order ? order : (m > n) - (m < n);
}

static int by_key(const void *a, const void *b)
{
    const neck__gguf_value *x = a, *y = b;
    return compare(x->key, x->key_length, y->key, y->key_length);
}

static neck_status fill(neck__gguf_cursor *cursor, neck__gguf *gguf, int64_t count)
{
    for (; gguf->count < count; gguf->count++) {
        neck__gguf_value *value = &gguf->values[gguf->count];
        NECK_TRY(take_key(cursor, value));
        NECK_TRY(take_value(cursor, value));
    }
    qsort(gguf->values, (size_t)count, sizeof *gguf->values, by_key);
    for (int64_t i = 1; i < count; i++)
        if (by_key(&gguf->values[i - 1], &gguf->values[i]) == 0)
            return neck__fail(NECK_E_FORMAT, "two values have the key '%.*s'", NECK__KEY(&gguf->values[i]));
    return NECK_OK;
}

neck_status neck__gguf_read_table(const neck__allocator *allocator, neck__gguf_cursor *cursor, int32_t version,
                                  int64_t count, neck__gguf **out)
{
    /* Bounded by the file before memory is asked for. */
    if (count > (cursor->size - cursor->at) / SMALLEST_ENTRY)
        return neck__fail(NECK_E_FORMAT, "truncated: %" PRId64 " keys do not fit the %" PRId64 " bytes that follow",
                          count, cursor->size - cursor->at);
    neck__gguf *gguf = neck__calloc(allocator, 1, (int64_t)sizeof *gguf + count * (int64_t)sizeof *gguf->values,
                                    "a table of metadata");
    if (!gguf) return NECK_E_NOMEM;
    gguf->version = version;
    neck_status status = fill(cursor, gguf, count);
    if (status == NECK_OK)
        *out = gguf;
    else
        neck__release(allocator, gguf);
    return status;
}

const neck__gguf_value *neck__gguf_find(const neck__gguf *gguf, const char *key)
{
    const int64_t length = (int64_t)strlen(key);
    int64_t low = 0, high = gguf->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const neck__gguf_value *value = &gguf->values[middle];
        const int order = compare(key, length, value->key, value->key_length);
        if (order == 0) return value;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
