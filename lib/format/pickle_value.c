/* format/pickle_value.c - the values a pickle describes. */
#include <string.h>

#include "core/error.h"
#include "format/pickle.h"

const neck__value *neck__pickle_value(const neck__pickle *pickle, neck__ref ref)
{
    return &pickle->values[ref];
}

const neck__value *neck__pickle_item(const neck__pickle *pickle, const neck__value *container, int64_t k)
{
    return &pickle->values[container->as.items.refs[k]];
}

neck_status neck__pickle_add(neck__pickle *pickle, neck__value value, neck__ref *out)
{
    if (pickle->count == pickle->capacity) {
        int64_t larger = pickle->capacity ? 2 * pickle->capacity : 64;
        neck__value *grown = neck__alloc(&pickle->allocator, larger, sizeof *grown, "a pickle's values");
        if (!grown) return NECK_E_NOMEM;
        if (pickle->count) memcpy(grown, pickle->values, (size_t)pickle->count * sizeof *grown);
        neck__release(&pickle->allocator, pickle->values);
        pickle->values = grown;
        pickle->capacity = larger;
    }
    *out = (neck__ref)pickle->count;
    pickle->values[pickle->count++] = value;
    return NECK_OK;
}

neck_status neck__pickle_append(neck__pickle *pickle, neck__ref container, const neck__ref *refs, int64_t count)
{
    neck__value *value = &pickle->values[container];
    int64_t needed = value->as.items.count + count;
    if (needed > value->capacity) {
        /* Exactly what is needed at first (tuples never grow), then twice as much. */
        int64_t larger = value->capacity && 2 * value->capacity > needed ? 2 * value->capacity : needed;
        neck__ref *grown = neck__alloc(&pickle->allocator, larger, sizeof *grown, "a pickle's items");
        if (!grown) return NECK_E_NOMEM;
        if (value->as.items.count) memcpy(grown, value->as.items.refs, (size_t)value->as.items.count * sizeof *grown);
        neck__release(&pickle->allocator, value->as.items.refs);
        value->as.items.refs = grown;
        value->capacity = larger;
    }
    if (count) memcpy(value->as.items.refs + value->as.items.count, refs, (size_t)count * sizeof *refs);
    value->as.items.count = needed;
    return NECK_OK;
}

void neck__pickle_clear(neck__pickle *pickle)
{
    for (int64_t i = 0; i < pickle->count; i++)
        if (pickle->values[i].capacity) neck__release(&pickle->allocator, pickle->values[i].as.items.refs);
    neck__release(&pickle->allocator, pickle->values);
    *pickle = (neck__pickle){.allocator = pickle->allocator};
}
