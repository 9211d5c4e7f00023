/* format/safetensors_write.c - writing safetensors: tensors in the order given, one after the other. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "format/atomic_file.h"
#include "format/safetensors.h"
#include "format/tensors.h"
#include "format/utf8.h"

#define ALIGNMENT 64

/* Text that grows. The first failure stays in status and makes later appends no-ops, so it is checked once. */
typedef struct text {
    const neck__allocator *allocator;
    char *data;
    int64_t size, capacity;
    neck_status status;
} text;

static void reserve(text *t, int64_t size)
{
    if (t->status != NECK_OK || size <= t->capacity - t->size) return;
    int64_t larger = 2 * (t->size + size) + 1024;
    char *grown = neck__alloc(t->allocator, larger, 1, "a safetensors header");
    if (!grown) {
        t->status = NECK_E_NOMEM;
        return;
    }
    if (t->size > 0) memcpy(grown, t->data, (size_t)t->size);
    neck__release(t->allocator, t->data);
    t->data = grown;
    t->capacity = larger;
}

static void put(text *t, const char *bytes, size_t size)
{
    reserve(t, (int64_t)size);
    if (t->status != NECK_OK) return;
    memcpy(t->data + t->size, bytes, size);
    t->size += (int64_t)size;
}

static void put_text(text *t, const char *string)
{
    put(t, string, strlen(string));
}

static void put_number(text *t, int64_t number)
{
    char digits[24];
    put(t, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, number));
}

/* A JSON string of valid UTF-8. */
static void put_string(text *t, const char *string)
{
    put_text(t, "\"");
    for (const char *p = string; *p; p++) {
        unsigned char c = (unsigned char)*p;
        char escape[8];
        if (c == '"' || c == '\\')
            put(t, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", c));
        else if (c < 0x20)
            put(t, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
        else
            put(t, p, 1);
    }
    put_text(t, "\"");
}

static void put_tensor(text *t, const neck__tensor *tensor, int64_t begin)
{
    put_string(t, tensor->name);
    put_text(t, ":{\"dtype\":");
    put_string(t, neck_dtype_name(tensor->dtype));
    put_text(t, ",\"shape\":[");
    for (int32_t k = 0; k < tensor->ndim; k++) {
        if (k) put_text(t, ",");
        put_number(t, tensor->shape[k]);
    }
    put_text(t, "],\"data_offsets\":[");
    put_number(t, begin);
    put_text(t, ",");
    put_number(t, begin + tensor->nbytes);
    put_text(t, "]}");
}

static void put_metadata(text *t, const char *const *keys, const char *const *values, int64_t count)
{
    put_text(t, "\"" NECK__SAFETENSORS_METADATA "\":{");
    for (int64_t i = 0; i < count; i++) {
        if (i) put_text(t, ",");
        put_string(t, keys[i]);
        put_text(t, ":");
        put_string(t, values[i]);
    }
    put_text(t, "}");
}

/* Header with its length before it, padded with spaces so that the data begins at a multiple of ALIGNMENT. */
static neck_status make_header(text *t, const neck__tensors *list, const char *const *keys, const char *const *values,
                               int64_t metadata_count)
{
    static const char spaces[ALIGNMENT + 1] = "                                                                ";
    int64_t begin = 0;
    put(t, "\0\0\0\0\0\0\0\0", NECK__SAFETENSORS_PREFIX);
    put_text(t, "{");
    if (metadata_count > 0) put_metadata(t, keys, values, metadata_count);
    for (int64_t i = 0; i < list->count; i++) {
        if (i || metadata_count > 0) put_text(t, ",");
        put_tensor(t, &list->tensors[i], begin);
        begin += list->tensors[i].nbytes;
    }
    put_text(t, "}");
    put(t, spaces, (size_t)(-t->size & (ALIGNMENT - 1)));
    if (t->status != NECK_OK) return t->status;
    int64_t length = t->size - NECK__SAFETENSORS_PREFIX;
    if (length > NECK__SAFETENSORS_HEADER_MAX)
        return neck__fail(NECK_E_ARGUMENT, "names and metadata need a header of %" PRId64 " bytes, at most %d",
                          length, NECK__SAFETENSORS_HEADER_MAX);
    for (int i = 0; i < NECK__SAFETENSORS_PREFIX; i++) t->data[i] = (char)(unsigned char)(length >> 8 * i);
    return NECK_OK;
}

/* The reader's checks serve the writer too: what they call a malformed file is here a bad argument. */
static neck_status as_argument(neck_status status)
{
    return status == NECK_E_FORMAT || status == NECK_E_UNSUPPORTED ? NECK_E_ARGUMENT : status;
}

static neck_status add_tensor(neck__tensors *list, const neck_tensor *given, int64_t index, int64_t *total)
{
    if (!given->name) return neck__fail(NECK_E_ARGUMENT, "tensors[%" PRId64 "].name is NULL", index);
    if (strcmp(given->name, NECK__SAFETENSORS_METADATA) == 0)
        return neck__fail(NECK_E_ARGUMENT, "a tensor cannot be named " NECK__SAFETENSORS_METADATA);
    NECK_TRY(as_argument(neck__tensors_add(list, given->name, strlen(given->name), given->dtype, given->ndim,
                                           given->shape, given->data, given->nbytes, NULL)));
    if (neck_dtype_size(given->dtype) == 0)
        return neck__fail(NECK_E_ARGUMENT, "tensor '%.200s': safetensors has no type %s", given->name,
                          neck_dtype_name(given->dtype));
    if (!given->data && given->nbytes > 0)
        return neck__fail(NECK_E_ARGUMENT, "tensor '%.200s' has no data", given->name);
    if (!neck__add(*total, given->nbytes, total))
        return neck__fail(NECK_E_ARGUMENT, "the tensors together exceed the size of any file");
    return NECK_OK;
}

/* Elements lie as far apart as the caller's struct is long, which may be another length than ours. */
static neck_status collect(neck__tensors *list, const neck_tensor *tensors, int64_t count)
{
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *theirs = (const unsigned char *)tensors + (size_t)i * tensors->struct_size;
        NECK_OPTIONS(neck_tensor, given, theirs);
        if (given.struct_size != tensors->struct_size)
            return neck__fail(NECK_E_ARGUMENT, "tensors[%" PRId64 "].struct_size differs from the first one's", i);
        NECK_TRY(add_tensor(list, &given, i, &total));
    }
    return as_argument(neck__tensors_check_unique(list));
}

static neck_status check_metadata(const neck__allocator *allocator, const char *const *keys, const char *const *values,
                                  int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (!keys[i] || !values[i])
            return neck__fail(NECK_E_ARGUMENT, "metadata %" PRId64 " has no key or no value", i);
        if (!neck__utf8_valid(keys[i], strlen(keys[i])) || !neck__utf8_valid(values[i], strlen(values[i])))
            return neck__fail(NECK_E_ARGUMENT, "metadata %" PRId64 " is not valid UTF-8", i);
    }
    const char **sorted = neck__alloc(allocator, count, sizeof *sorted, "an index of metadata");
    if (!sorted) return NECK_E_NOMEM;
    for (int64_t i = 0; i < count; i++) sorted[i] = keys[i];
    neck_status status = as_argument(neck__names_check_unique(sorted, count, "metadata keys"));
    neck__release(allocator, sorted);
    return status;
}

static neck_status write_tensor(neck__atomic_file *file, const neck__tensor *tensor, int64_t index,
                                neck__safetensors_fetch_fn fetch, void *user)
{
    const void *data = tensor->data;
    if (fetch) NECK_TRY(fetch(user, index, &data));
    return neck__atomic_file_write(file, data, tensor->nbytes);
}

static neck_status write_file(const neck__allocator *allocator, const char *path, const text *header,
                              const neck__tensors *list, neck__safetensors_fetch_fn fetch, void *user)
{
    neck__atomic_file *file;
    NECK_TRY(neck__atomic_file_create(allocator, path, &file));
    neck_status status = neck__atomic_file_write(file, header->data, header->size);
    for (int64_t i = 0; i < list->count && status == NECK_OK; i++)
        status = write_tensor(file, &list->tensors[i], i, fetch, user);
    if (status == NECK_OK) return neck__atomic_file_commit(file);
    neck__atomic_file_abandon(file);
    return status;
}

neck_status neck_safetensors_write(neck_context *context, const char *path, const neck_tensor *tensors, int64_t count,
                                   const char *const *keys, const char *const *values, int64_t metadata_count)
{
    return neck__safetensors_write(context, path, tensors, count, keys, values, metadata_count, NULL, NULL);
}

neck_status neck__safetensors_write(neck_context *context, const char *path, const neck_tensor *tensors, int64_t count,
                                    const char *const *keys, const char *const *values, int64_t metadata_count,
                                    neck__safetensors_fetch_fn fetch, void *user)
{
    if (!path) return neck__fail(NECK_E_ARGUMENT, "path is NULL");
    if (count < 0 || (count > 0 && !tensors)) return neck__fail(NECK_E_ARGUMENT, "tensors is NULL or count < 0");
    if (metadata_count < 0 || (metadata_count > 0 && (!keys || !values)))
        return neck__fail(NECK_E_ARGUMENT, "keys or values is NULL or metadata_count < 0");
    neck__allocator allocator = neck__allocator_of(context);
    neck__tensors list = {.allocator = allocator};
    text header = {.allocator = &allocator};
    neck_status status;
    NECK_GOTO_DONE(check_metadata(&allocator, keys, values, metadata_count));
    NECK_GOTO_DONE(collect(&list, tensors, count));
    NECK_GOTO_DONE(make_header(&header, &list, keys, values, metadata_count));
    NECK_GOTO_DONE(write_file(&allocator, path, &header, &list, fetch, user));
done:
    neck__release(&allocator, header.data);
    neck__tensors_clear(&list);
    return status;
}
