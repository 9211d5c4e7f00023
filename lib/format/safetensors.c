/* format/safetensors.c - reading safetensors: 8 bytes of header length, a JSON header, the tensors' bytes.
 *
 * The header is believed in nothing. Lengths are compared with the file before they are used, tensors must tile the
 * data from its first byte on without hole or overlap, and each must be as long as its shape says. */
#include "format/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "format/tensors.h"

#define PREFIX NECK__SAFETENSORS_PREFIX
#define HEADER_MAX NECK__SAFETENSORS_HEADER_MAX
#define METADATA NECK__SAFETENSORS_METADATA
#define NESTING 3            /* header > tensor > shape */
#define VALUES_MAX (24 * (int64_t)NECK__TENSORS_MAX)

/* A tensor as its header entry places it. Pointers belong to the parsed header. */
typedef struct entry {
    const char *name;
    json_t *dtype, *shape;
    int64_t begin, end; /* in the data that follows the header */
    int64_t order;      /* in the header */
} entry;

static neck_status header_length(const neck__mapping *file, int64_t *out)
{
    if (file->size < PREFIX)
        return neck__fail(NECK_E_FORMAT, "%" PRId64 " bytes are too short for a safetensors file", file->size);
    uint64_t length = 0;
    for (int i = PREFIX - 1; i >= 0; i--) length = length << 8 | file->data[i];
    if (length > HEADER_MAX)
        return neck__fail(NECK_E_FORMAT, "header length %" PRIu64 " exceeds the limit of %d", length, HEADER_MAX);
    if ((int64_t)length > file->size - PREFIX)
        return neck__fail(NECK_E_FORMAT, "header length %" PRIu64 ", but only %" PRId64 " bytes follow: truncated",
                          length, file->size - PREFIX);
    *out = (int64_t)length;
    return NECK_OK;
}

static neck_status check_metadata(const json_t *metadata)
{
    if (!json_is_object(metadata)) return neck__fail(NECK_E_FORMAT, METADATA " is not a JSON object");
    void *at = json_object_iter((json_t *)metadata);
    for (; at; at = json_object_iter_next((json_t *)metadata, at))
        if (!json_is_string(json_object_iter_value(at)))
            return neck__fail(NECK_E_FORMAT, METADATA " '%.200s' is not a string", json_object_iter_key(at));
    return NECK_OK;
}

static neck_status add_metadata(const json_t *metadata, neck__tensors *list)
{
    void *at = json_object_iter((json_t *)metadata);
    for (; at; at = json_object_iter_next((json_t *)metadata, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *text = json_object_iter_value(at);
        NECK_TRY(neck__tensors_add_text(list, key, strlen(key), json_string_value(text), json_string_length(text)));
    }
    return NECK_OK;
}

static neck_status read_offsets(entry *e, const json_t *offsets, int64_t available)
{
    if (!json_is_array(offsets) || json_array_size(offsets) != 2)
        return neck__fail(NECK_E_FORMAT, "tensor '%.200s': data_offsets is not a list of two numbers", e->name);
    e->begin = neck__json_size(json_array_get(offsets, 0));
    e->end = neck__json_size(json_array_get(offsets, 1));
    if (e->begin < 0 || e->end < 0)
        return neck__fail(NECK_E_FORMAT, "tensor '%.200s': data_offsets are not non-negative integers", e->name);
    if (e->begin > e->end)
        return neck__fail(NECK_E_FORMAT, "tensor '%.200s': data_offsets %" PRId64 ", %" PRId64 " end before they begin",
                          e->name, e->begin, e->end);
    if (e->end > available)
        return neck__fail(NECK_E_FORMAT, "tensor '%.200s' ends at byte %" PRId64 " of %" PRId64 ": truncated", e->name,
                          e->end, available);
    return NECK_OK;
}

static neck_status read_entry(entry *e, json_t *info, int64_t available)
{
    if (!json_is_object(info)) return neck__fail(NECK_E_FORMAT, "tensor '%.200s' is not a JSON object", e->name);
    e->dtype = json_object_get(info, "dtype");
    e->shape = json_object_get(info, "shape");
    json_t *offsets = json_object_get(info, "data_offsets");
    if (!e->dtype || !e->shape || !offsets)
        return neck__fail(NECK_E_FORMAT, "tensor '%.200s' lacks %s", e->name,
                          !e->dtype ? "dtype" : !e->shape ? "shape" : "data_offsets");
    if (json_object_size(info) != 3)
        return neck__fail(NECK_E_FORMAT, "tensor '%.200s' has members besides dtype, shape and data_offsets", e->name);
    return read_offsets(e, offsets, available);
}

/* dtypes of the format that no matrix of ours holds: well formed, so refused under another code than nonsense. */
static const char *const foreign_dtypes[] = {"F4",          "F6_E2M3",     "F6_E3M2", "F8_E8M0",
                                             "F8_E4M3FNUZ", "F8_E5M2FNUZ", "C128"};

static neck_status read_dtype(const entry *e, int32_t *out)
{
    const char *text = json_string_value(e->dtype);
    if (!text) return neck__fail(NECK_E_FORMAT, "tensor '%.200s': dtype is not a string", e->name);
#define MATCH(name, number, size, label)    \
    if (size && strcmp(text, label) == 0) { \
        *out = number;                      \
        return NECK_OK;                     \
    }
    NECK_DTYPE_LIST(MATCH)
#undef MATCH
    for (size_t i = 0; i < sizeof foreign_dtypes / sizeof *foreign_dtypes; i++)
        if (strcmp(text, foreign_dtypes[i]) == 0)
            return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.200s': dtype %s is not supported", e->name, text);
    return neck__fail(NECK_E_FORMAT, "tensor '%.200s': unknown dtype '%.40s'", e->name, text);
}

static neck_status read_shape(const entry *e, int64_t *shape, int32_t *ndim)
{
    if (!json_is_array(e->shape)) return neck__fail(NECK_E_FORMAT, "tensor '%.200s': shape is not a list", e->name);
    size_t count = json_array_size(e->shape);
    if (count > NECK_MAX_DIMS)
        return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.200s': %zu dimensions, at most %d are supported", e->name,
                          count, NECK_MAX_DIMS);
    for (size_t k = 0; k < count; k++) {
        shape[k] = neck__json_size(json_array_get(e->shape, k));
        if (shape[k] < 0)
            return neck__fail(NECK_E_FORMAT, "tensor '%.200s': shape holds something else than non-negative integers",
                              e->name);
    }
    *ndim = (int32_t)count;
    return NECK_OK;
}

static neck_status add_entry(const entry *e, const unsigned char *data, neck__tensors *list)
{
    int32_t dtype = 0, ndim = 0;
    int64_t shape[NECK_MAX_DIMS];
    NECK_TRY(read_dtype(e, &dtype));
    NECK_TRY(read_shape(e, shape, &ndim));
    return neck__tensors_add(list, e->name, strlen(e->name), dtype, ndim, shape, data + e->begin, e->end - e->begin,
                             NULL);
}

static int by_place(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1; /* empty tensors come first where they sit */
    return x->order < y->order ? -1 : 1;
}

/* Sorted entries must tile the data. Bytes after the last are a fault of their own: real files have them. */
static neck_status check_tiling(const entry *entries, int64_t count, int64_t available, int allow_trailing)
{
    int64_t covered = 0;
    for (int64_t i = 0; i < count; i++) {
        const entry *e = &entries[i];
        if (e->begin > covered)
            return neck__fail(NECK_E_FORMAT, "a hole of %" PRId64 " bytes before tensor '%.200s'", e->begin - covered,
                              e->name);
        if (e->begin < covered)
            return neck__fail(NECK_E_FORMAT, "tensor '%.200s' overlaps '%.200s'", e->name, entries[i - 1].name);
        covered = e->end;
    }
    if (covered < available && !allow_trailing)
        return neck__fail(NECK_E_TRAILING_DATA, "%" PRId64 " bytes follow the last tensor", available - covered);
    return NECK_OK;
}

static neck_status collect_entries(json_t *header, int64_t available, entry *entries, int64_t *count)
{
    int64_t found = 0;
    for (void *at = json_object_iter(header); at; at = json_object_iter_next(header, at)) {
        const char *name = json_object_iter_key(at);
        json_t *info = json_object_iter_value(at);
        if (strcmp(name, METADATA) == 0) {
            NECK_TRY(check_metadata(info));
            continue;
        }
        entries[found] = (entry){.name = name, .order = found};
        NECK_TRY(read_entry(&entries[found], info, available));
        found++;
    }
    *count = found;
    return NECK_OK;
}

static neck_status read_header(json_t *header, const unsigned char *data, int64_t available, int allow_trailing,
                               neck__tensors *list)
{
    size_t members = json_object_size(header);
    if (members > NECK__TENSORS_MAX)
        return neck__fail(NECK_E_UNSUPPORTED, "%zu tensors, at most %d are supported", members, NECK__TENSORS_MAX);
    entry *entries = neck__alloc(&list->allocator, (int64_t)members, sizeof *entries, "a header's entries");
    if (!entries) return NECK_E_NOMEM;
    neck_status status;
    int64_t count = 0;
    NECK_GOTO_DONE(collect_entries(header, available, entries, &count));
    qsort(entries, (size_t)count, sizeof *entries, by_place);
    NECK_GOTO_DONE(check_tiling(entries, count, available, allow_trailing));
    for (int64_t i = 0; i < count; i++) NECK_GOTO_DONE(add_entry(&entries[i], data, list));
    NECK_GOTO_DONE(add_metadata(json_object_get(header, METADATA), list));
done:
    neck__release(&list->allocator, entries);
    return status;
}

static neck_status parse_header(const neck__mapping *file, int64_t *length, json_t **out)
{
    NECK_TRY(header_length(file, length));
    json_t *header = NULL;
    NECK_TRY(neck__json_parse(file->data + PREFIX, *length, NESTING, VALUES_MAX, &header));
    if (!json_is_object(header)) {
        json_decref(header);
        return neck__fail(NECK_E_FORMAT, "the header is not a JSON object");
    }
    *out = header;
    return NECK_OK;
}

neck_status neck__safetensors_read(const neck__mapping *file, int allow_trailing, neck__tensors *list)
{
    int64_t length = 0;
    json_t *header = NULL;
    NECK_TRY(parse_header(file, &length, &header));
    neck_status status = read_header(header, file->data + PREFIX + length, file->size - PREFIX - length, allow_trailing,
                                     list);
    json_decref(header);
    return status;
}

neck_status neck__safetensors_metadata(const neck__mapping *file, json_t **out)
{
    int64_t length = 0;
    json_t *header = NULL;
    NECK_TRY(parse_header(file, &length, &header));
    json_t *metadata = json_incref(json_object_get(header, METADATA));
    json_decref(header);
    neck_status status = metadata ? check_metadata(metadata) : NECK_OK;
    if (status != NECK_OK) {
        json_decref(metadata);
        return status;
    }
    *out = metadata;
    return NECK_OK;
}
