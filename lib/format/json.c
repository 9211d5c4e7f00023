/* format/json.c - scan for bounds, then jansson. */
#include "format/json.h"

#include <inttypes.h>

#include "core/error.h"

/* Counts structure outside strings. Text that is not JSON at all is left to the parser, whose message says why. */
static neck_status check_bounds(const unsigned char *text, int64_t size, int32_t depth, int64_t values)
{
    int64_t seen = 0;
    int32_t level = 0;
    int in_string = 0;
    for (int64_t i = 0; i < size; i++) {
        unsigned char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
            continue;
        }
        if (c == '"') in_string = 1;
        if (c == '}' || c == ']') level--;
        if (c == '{' || c == '[') level++;
        seen += c == '{' || c == '[' || c == ',' || c == ':';
        if (level > depth)
            return neck__fail(NECK_E_FORMAT, "JSON nested deeper than %d levels at byte %" PRId64, depth, i);
        if (seen > values) return neck__fail(NECK_E_FORMAT, "JSON with more than %" PRId64 " values", values);
    }
    return NECK_OK;
}

neck_status neck__json_parse(const void *text, int64_t size, int32_t depth, int64_t values, json_t **out)
{
    NECK_TRY(check_bounds(text, size, depth, values));
    json_error_t error;
    json_t *value = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, &error);
    if (!value && json_error_code(&error) == json_error_out_of_memory)
        return neck__fail(NECK_E_NOMEM, "out of memory: parsing %" PRId64 " bytes of JSON", size);
    if (!value) return neck__fail(NECK_E_FORMAT, "invalid JSON at byte %d: %s", error.position, error.text);
    *out = value;
    return NECK_OK;
}

int64_t neck__json_size(const json_t *value)
{
    if (!json_is_integer(value)) return -1;
    json_int_t number = json_integer_value(value);
    return number >= 0 ? (int64_t)number : -1;
}
