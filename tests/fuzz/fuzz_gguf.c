/* Any bytes as a GGUF file: its tensors as a caller would use them, every value of its metadata read as everything. */
#include <string.h>

#include "format/gguf.h"
#include "use.h"

static void read_value(const neck__gguf *gguf, const neck__gguf_value *value)
{
    static volatile double sink;
    const char *bytes;
    int64_t integer, length;
    double real, sum = 0;
    if (value->key_length < 1 || value->count < 0) abort();
    for (int64_t i = 0; i < value->count && i < 256; i++) {
        if (neck__gguf_item_integer(value, i, &integer) == NECK_OK) sum += (double)integer;
        if (neck__gguf_item_real(value, i, &real) == NECK_OK) sum += real;
    }
    int64_t seen = 0;
    for (neck__gguf_strings s = neck__gguf_strings_of(value); neck__gguf_next_string(&s, &bytes, &length); seen++)
        for (int64_t k = 0; k < length; k++) sum += bytes[k];
    if (value->item == NECK__GGUF_STRING && seen != value->count) abort();
    for (int64_t k = 0; k < value->size; k++) sum += value->data[k];
    sink = sum;
    (void)sink;

    char key[256];
    if (value->key_length >= (int64_t)sizeof key) return;
    memcpy(key, value->key, (size_t)value->key_length);
    key[value->key_length] = '\0';
    if (neck__gguf_find(gguf, key) != value) abort();
}

static neck_status read_all(const neck__mapping *file, int allow_trailing, neck__tensors *list)
{
    const neck_status status = neck__gguf_read(file, allow_trailing, list);
    if (status != NECK_OK) return status;
    for (int64_t i = 0; i < list->gguf->count; i++) read_value(list->gguf, &list->gguf->values[i]);
    use_tensors(list);
    return NECK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NECK_FUZZ_READ(data, size, read_all(file, 0, list));
    NECK_FUZZ_READ(data, size, read_all(file, 1, list));
    return 0;
}
