/* format/tensors.c - lists of tensors and what their data lives in. */
#include "format/tensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "format/dequant.h"
#include "format/utf8.h"

/* The array with room for one more element: itself, or one twice as large in its place. NULL: out of memory, and the
 * array is as before. */
static void *reserve_one(const neck__allocator *allocator, void *array, int64_t count, int64_t *capacity, int64_t size,
                         const char *what)
{
    if (count < *capacity) return array;
    int64_t larger = *capacity ? 2 * *capacity : 8;
    void *grown = neck__alloc(allocator, larger, size, what);
    if (!grown) return NULL;
    if (count > 0) memcpy(grown, array, (size_t)(count * size));
    neck__release(allocator, array);
    *capacity = larger;
    return grown;
}

static neck_status check_name(const char *name, size_t length)
{
    if (length == 0) return neck__fail(NECK_E_FORMAT, "a tensor has an empty name");
    if (length > NECK__NAME_MAX)
        return neck__fail(NECK_E_FORMAT, "a tensor's name has %zu bytes: at most %d are accepted", length,
                          NECK__NAME_MAX);
    if (memchr(name, '\0', length))
        return neck__fail(NECK_E_FORMAT, "the tensor name '%.*s...' holds a NUL byte", NECK__SHOWN(length), name);
    if (!neck__utf8_valid(name, length)) return neck__fail(NECK_E_FORMAT, "a tensor's name is not valid UTF-8");
    return NECK_OK;
}

/* "[2, 3]" */
static void print_shape(char *text, size_t capacity, int32_t ndim, const int64_t *shape)
{
    size_t used = (size_t)snprintf(text, capacity, "[");
    for (int32_t k = 0; k < ndim && used < capacity; k++)
        used += (size_t)snprintf(text + used, capacity - used, k ? ", %" PRId64 : "%" PRId64, shape[k]);
    if (used < capacity) snprintf(text + used, capacity - used, "]");
}

/* Strides and bytes of a packed row-major tensor. The product of the non-zero dimensions must be representable even
 * when one is 0, so that no stride can overflow. Returns 0 when it is not. */
static int lay_out(int32_t dtype, int32_t ndim, const int64_t *shape, int64_t *stride, int64_t *nbytes)
{
    int64_t step = 1, bytes;
    int empty = 0;
    for (int32_t k = ndim - 1; k >= 0; k--) {
        stride[k] = step;
        if (shape[k] == 0) empty = 1;
        if (!neck__mul(step, shape[k] ? shape[k] : 1, &step)) return 0;
    }
    if (!neck__dtype_bytes(dtype, step, &bytes)) return 0;
    *nbytes = empty ? 0 : bytes;
    return 1;
}

static neck_status check_layout(neck__tensor *tensor, const char *name, size_t length)
{
    const neck__block *block = neck__block_of(tensor->dtype);
    int64_t needed;
    if (!block && neck_dtype_size(tensor->dtype) == 0)
        return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.*s': dtype number %d is not supported", NECK__SHOWN(length),
                          name, tensor->dtype);
    char shape[NECK_MAX_DIMS * 24];
    print_shape(shape, sizeof shape, tensor->ndim, tensor->shape);
    for (int32_t k = 0; k < tensor->ndim; k++)
        if (tensor->shape[k] < 0)
            return neck__fail(NECK_E_FORMAT, "tensor '%.*s': shape %s has a negative dimension", NECK__SHOWN(length),
                              name, shape);
    if (block && (tensor->ndim == 0 || tensor->shape[tensor->ndim - 1] % block->elements != 0))
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s': rows of shape %s are no whole blocks of %s, which have "
                          "%" PRId64 " elements", NECK__SHOWN(length), name, shape, neck_dtype_name(tensor->dtype),
                          block->elements);
    if (!lay_out(tensor->dtype, tensor->ndim, tensor->shape, tensor->stride, &needed))
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s': shape %s overflows the size of any file", NECK__SHOWN(length),
                          name, shape);
    if (needed != tensor->nbytes)
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s': shape %s of %s needs %" PRId64 " bytes, but has %" PRId64,
                          NECK__SHOWN(length), name, shape, neck_dtype_name(tensor->dtype), needed, tensor->nbytes);
    return NECK_OK;
}

neck_status neck__tensors_add(neck__tensors *list, const char *name, size_t name_length, int32_t dtype, int32_t ndim,
                              const int64_t *shape, const void *data, int64_t nbytes, neck__tensor **added)
{
    NECK_TRY(check_name(name, name_length));
    if (ndim < 0 || ndim > NECK_MAX_DIMS)
        return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.*s': %d dimensions, at most %d are supported",
                          NECK__SHOWN(name_length), name, ndim, NECK_MAX_DIMS);
    if (list->count >= NECK__TENSORS_MAX)
        return neck__fail(NECK_E_UNSUPPORTED, "more than %d tensors", NECK__TENSORS_MAX);
    neck__tensor tensor = {.dtype = dtype, .ndim = ndim, .nbytes = nbytes, .data = data};
    if (ndim > 0) memcpy(tensor.shape, shape, (size_t)ndim * sizeof *shape);
    NECK_TRY(check_layout(&tensor, name, name_length));
    neck__tensor *room = reserve_one(&list->allocator, list->tensors, list->count, &list->capacity, sizeof *room,
                                     "a list of tensors");
    if (!room) return NECK_E_NOMEM;
    list->tensors = room;
    tensor.name = neck__alloc(&list->allocator, (int64_t)name_length + 1, 1, "a tensor's name");
    if (!tensor.name) return NECK_E_NOMEM;
    memcpy(tensor.name, name, name_length);
    tensor.name[name_length] = '\0';
    list->tensors[list->count] = tensor;
    if (added) *added = &list->tensors[list->count];
    list->count++;
    return NECK_OK;
}

neck_status neck__tensors_own_mapping(neck__tensors *list, neck__mapping *mapping)
{
    neck__mapping **room = reserve_one(&list->allocator, list->mappings, list->mapping_count, &list->mapping_capacity,
                                       sizeof *room, "a list of mappings");
    if (!room) {
        neck__mapping_close(mapping);
        return NECK_E_NOMEM;
    }
    list->mappings = room;
    list->mappings[list->mapping_count++] = mapping;
    return NECK_OK;
}

neck_status neck__tensors_own_buffer(neck__tensors *list, void *buffer)
{
    void **room = reserve_one(&list->allocator, list->buffers, list->buffer_count, &list->buffer_capacity, sizeof *room,
                              "a list of buffers");
    if (!room) {
        neck__release(&list->allocator, buffer);
        return NECK_E_NOMEM;
    }
    list->buffers = room;
    list->buffers[list->buffer_count++] = buffer;
    return NECK_OK;
}

static int is_text(const char *text, size_t length)
{
    return !memchr(text, '\0', length) && neck__utf8_valid(text, length);
}

neck_status neck__tensors_add_text(neck__tensors *list, const char *key, size_t key_length, const char *text,
                                   size_t text_length)
{
    if (!is_text(key, key_length) || !is_text(text, text_length)) return NECK_OK;
    neck__text *room = reserve_one(&list->allocator, list->texts, list->text_count, &list->text_capacity, sizeof *room,
                                   "a list of metadata");
    if (!room) return NECK_E_NOMEM;
    list->texts = room;
    char *memory = neck__alloc(&list->allocator, (int64_t)(key_length + text_length + 2), 1, "metadata");
    if (!memory) return NECK_E_NOMEM;
    neck__text *added = &list->texts[list->text_count++];
    added->key = memory;
    added->text = memory + key_length + 1;
    memcpy(added->key, key, key_length);
    memcpy(added->text, text, text_length);
    added->key[key_length] = added->text[text_length] = '\0';
    return NECK_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

neck_status neck__names_check_unique(const char **names, int64_t count, const char *what)
{
    qsort(names, (size_t)count, sizeof *names, by_text);
    for (int64_t i = 1; i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return neck__fail(NECK_E_FORMAT, "two %s have the name '%.200s'", what, names[i]);
    return NECK_OK;
}

neck_status neck__tensors_check_unique(const neck__tensors *list)
{
    const char **names = neck__alloc(&list->allocator, list->count, sizeof *names, "an index of names");
    if (!names) return NECK_E_NOMEM;
    for (int64_t i = 0; i < list->count; i++) names[i] = list->tensors[i].name;
    neck_status status = neck__names_check_unique(names, list->count, "tensors");
    neck__release(&list->allocator, names);
    return status;
}

void neck__tensors_clear(neck__tensors *list)
{
    const neck__allocator allocator = list->allocator;
    for (int64_t i = 0; i < list->count; i++) neck__release(&allocator, list->tensors[i].name);
    for (int64_t i = 0; i < list->mapping_count; i++) neck__mapping_close(list->mappings[i]);
    for (int64_t i = 0; i < list->buffer_count; i++) neck__release(&allocator, list->buffers[i]);
    for (int64_t i = 0; i < list->text_count; i++) neck__release(&allocator, list->texts[i].key);
    neck__release(&allocator, list->tensors);
    neck__release(&allocator, list->texts);
    neck__release(&allocator, list->mappings);
    neck__release(&allocator, list->buffers);
    *list = (neck__tensors){.allocator = allocator};
}
