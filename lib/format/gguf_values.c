/* format/gguf_values.c - a GGUF file's values as numbers, strings and arrays. */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "format/checkpoint_object.h"
#include "format/gguf_cursor.h"

const neck__gguf *neck__checkpoint_gguf(const neck_checkpoint *checkpoint) { return checkpoint->list.gguf; }

/* ---- items ------------------------------------------------------------------------------------------------------- */

static neck_status fail_type(const neck__gguf_value *value, const char *wanted)
{
    return neck__fail(NECK_E_FORMAT, "key '%.*s' is %s%s, not %s", NECK__KEY(value),
                      value->type == NECK__GGUF_ARRAY ? "an array of " : "", neck__gguf_type_name(value->item), wanted);
}

static neck_status check_index(const neck__gguf_value *value, int64_t index)
{
    if (index >= 0 && index < value->count) return NECK_OK;
    return neck__fail(NECK_E_ARGUMENT, "key '%.*s' has %" PRId64 " items, none at %" PRId64, NECK__KEY(value),
                      value->count, index);
}

/* Two's complement of size bytes, widened. */
static int64_t sign_extend(uint64_t number, int64_t size)
{
    const uint64_t sign = (uint64_t)1 << (8 * size - 1);
    return number & sign ? -(int64_t)(sign - 1 - (number & (sign - 1))) - 1 : (int64_t)number;
}

neck_status neck__gguf_item_integer(const neck__gguf_value *value, int64_t index, int64_t *out)
{
    NECK_TRY(check_index(value, index));
    const int64_t size = value->size / value->count;
    switch (value->item) {
    case NECK__GGUF_U8:
    case NECK__GGUF_U16:
    case NECK__GGUF_U32:
    case NECK__GGUF_U64: {
        const uint64_t number = neck__gguf_load(value->data + index * size, size);
        if (number > INT64_MAX)
            return neck__fail(NECK_E_FORMAT, "key '%.*s': %" PRIu64 " is too large", NECK__KEY(value), number);
        *out = (int64_t)number;
        return NECK_OK;
    }
    case NECK__GGUF_I8:
    case NECK__GGUF_I16:
    case NECK__GGUF_I32:
    case NECK__GGUF_I64:
        *out = sign_extend(neck__gguf_load(value->data + index * size, size), size);
        return NECK_OK;
    default: return fail_type(value, "an integer");
    }
}

neck_status neck__gguf_item_real(const neck__gguf_value *value, int64_t index, double *out)
{
    int64_t integer;
    float single;
    NECK_TRY(check_index(value, index));
    switch (value->item) {
    case NECK__GGUF_F32:
        memcpy(&single, value->data + index * (int64_t)sizeof single, sizeof single);
        *out = single;
        return NECK_OK;
    case NECK__GGUF_F64: memcpy(out, value->data + index * (int64_t)sizeof *out, sizeof *out); return NECK_OK;
    case NECK__GGUF_BOOL:
    case NECK__GGUF_STRING: return fail_type(value, "a number");
    default:
        NECK_TRY(neck__gguf_item_integer(value, index, &integer));
        *out = (double)integer;
        return NECK_OK;
    }
}

neck__gguf_strings neck__gguf_strings_of(const neck__gguf_value *value)
{
    return (neck__gguf_strings){value->data, value->item == NECK__GGUF_STRING ? value->count : 0};
}

int neck__gguf_next_string(neck__gguf_strings *strings, const char **bytes, int64_t *length)
{
    if (strings->left == 0) return 0;
    *length = (int64_t)neck__gguf_load(strings->at, 8);
    *bytes = (const char *)strings->at + 8;
    strings->at += 8 + *length;
    strings->left--;
    return 1;
}

/* ---- by key ------------------------------------------------------------------------------------------------------ */

static neck_status find(const neck__gguf *gguf, const char *key, const neck__gguf_value **out)
{
    *out = neck__gguf_find(gguf, key);
    return *out ? NECK_OK : neck__fail(NECK_E_NOT_FOUND, "the file has no metadata '%.200s'", key);
}

static neck_status find_single(const neck__gguf *gguf, const char *key, const char *wanted,
                               const neck__gguf_value **out)
{
    NECK_TRY(find(gguf, key, out));
    return (*out)->type == NECK__GGUF_ARRAY ? fail_type(*out, wanted) : NECK_OK;
}

neck_status neck__gguf_integer(const neck__gguf *gguf, const char *key, int64_t *out)
{
    const neck__gguf_value *value;
    NECK_TRY(find_single(gguf, key, "an integer", &value));
    return neck__gguf_item_integer(value, 0, out);
}

neck_status neck__gguf_real(const neck__gguf *gguf, const char *key, double *out)
{
    const neck__gguf_value *value;
    NECK_TRY(find_single(gguf, key, "a number", &value));
    return neck__gguf_item_real(value, 0, out);
}

neck_status neck__gguf_boolean(const neck__gguf *gguf, const char *key, int *out)
{
    const neck__gguf_value *value;
    NECK_TRY(find(gguf, key, &value));
    if (value->type != NECK__GGUF_BOOL) return fail_type(value, "a boolean");
    *out = value->data[0];
    return NECK_OK;
}

neck_status neck__gguf_string(const neck__gguf *gguf, const char *key, const char **bytes, int64_t *length)
{
    const neck__gguf_value *value;
    NECK_TRY(find(gguf, key, &value));
    if (value->type != NECK__GGUF_STRING) return fail_type(value, "a string");
    neck__gguf_strings only = neck__gguf_strings_of(value);
    neck__gguf_next_string(&only, bytes, length);
    return NECK_OK;
}

neck_status neck__gguf_array(const neck__gguf *gguf, const char *key, int32_t item, const neck__gguf_value **out)
{
    const neck__gguf_value *value;
    NECK_TRY(find(gguf, key, &value));
    if (value->type != NECK__GGUF_ARRAY || value->item != item)
        return neck__fail(NECK_E_FORMAT, "key '%.*s' is not an array of %s", NECK__KEY(value),
                          neck__gguf_type_name(item));
    *out = value;
    return NECK_OK;
}
