/* format/torch.c - archives of torch.save: a zip of one pickle and one stored member per storage.
 *
 * The pickle is read as a description of nested dicts, lists and tensors (see format/pickle.h); every tensor below the
 * root is listed under the keys that lead to it, joined by dots. A dict or list that occurs twice is listed where it
 * occurs first; keys that are neither text nor integers lead nowhere. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "format/torch_globals.h"
#include "format/zip.h"

#define CONVERT "load it with PyTorch and save it as safetensors"
#define NESTING_MAX 64
#define NAME_MAX_BYTES 1024

/* Members' names all begin with the archive's root folder, which torch.save names after the file. */
typedef struct archive {
    neck__zip zip;
    const char *root; /* with its slash */
    size_t root_length;
    int32_t byte_swapped;
} archive;

/* ---- the archive ------------------------------------------------------------------------------------------------- */

/* The member root + folder + name, or NULL. */
static const neck__zip_member *find_member(const archive *a, const char *folder, const char *name, size_t name_length)
{
    char path[NAME_MAX_BYTES];
    size_t folder_length = strlen(folder), total = a->root_length + folder_length + name_length;
    if (total > sizeof path || total < name_length) return NULL;
    memcpy(path, a->root, a->root_length);
    memcpy(path + a->root_length, folder, folder_length);
    if (name_length) memcpy(path + a->root_length + folder_length, name, name_length);
    return neck__zip_find(&a->zip, path, total);
}

/* The one pickle in a folder of the first level. */
static neck_status find_pickle(archive *a, const neck__zip_member **out)
{
    static const char name[] = "data.pkl";
    const size_t length = sizeof name - 1;
    const neck__zip_member *found = NULL;
    for (int64_t i = 0; i < a->zip.count; i++) {
        const neck__zip_member *member = &a->zip.members[i];
        const char *slash = memchr(member->name, '/', member->name_length);
        if (!slash || member->name_length - (size_t)(slash + 1 - member->name) != length ||
            memcmp(slash + 1, name, length) != 0)
            continue;
        if (found) return neck__fail(NECK_E_FORMAT, "torch: the archive has two pickles");
        found = member;
        a->root = member->name;
        a->root_length = (size_t)(slash + 1 - member->name);
    }
    if (!found) return neck__fail(NECK_E_FORMAT, "torch: the zip archive has no data.pkl: not saved by PyTorch");
    if (found->deflated) return neck__fail(NECK_E_UNSUPPORTED, "torch: the pickle is compressed");
    *out = found;
    return neck__zip_check(found);
}

static neck_status read_byte_order(archive *a)
{
    const neck__zip_member *member = find_member(a, "", "byteorder", 9);
    if (!member) return NECK_OK; /* older than the member: little-endian */
    if (!member->deflated && member->size == 6 && memcmp(member->stored, "little", 6) == 0) return NECK_OK;
    if (member->deflated || member->size != 3 || memcmp(member->stored, "big", 3) != 0)
        return neck__fail(NECK_E_FORMAT, "torch: the byte order is neither 'little' nor 'big'");
    a->byte_swapped = 1;
    return NECK_OK;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static neck_status find_storage(const archive *a, const neck__torch_tensor *tensor, const neck__zip_member **out)
{
    const int shown = NECK__SHOWN(tensor->key_length);
    const neck__zip_member *member = find_member(a, "data/", tensor->key, tensor->key_length);
    if (!member) return neck__fail(NECK_E_FORMAT, "there is no storage '%.*s'", shown, tensor->key);
    if (member->deflated)
        return neck__fail(NECK_E_UNSUPPORTED, "storage '%.*s' is compressed", shown, tensor->key);
    if (member->size != tensor->storage_bytes)
        return neck__fail(NECK_E_FORMAT, "storage '%.*s' has %" PRId64 " bytes, its pickle says %" PRId64, shown,
                          tensor->key, member->size, tensor->storage_bytes);
    *out = member;
    return NECK_OK;
}

/* Bytes of the packed tensor, or -1; bytes from the storage's begin to the end of its last element, or -1. */
static void measure(const neck__torch_tensor *tensor, int64_t *packed, int64_t *extent)
{
    int64_t elements = 1, last = tensor->offset, item = neck_dtype_size(tensor->dtype), step;
    *packed = *extent = -1;
    for (int32_t k = 0; k < tensor->ndim; k++)
        if (!neck__mul(elements, tensor->shape[k], &elements)) return;
    neck__mul(elements, item, packed);
    if (elements == 0) {
        *extent = 0;
        return;
    }
    for (int32_t k = 0; k < tensor->ndim; k++)
        if (!neck__mul(tensor->shape[k] - 1, tensor->stride[k], &step) || !neck__add(last, step, &last)) return;
    if (neck__add(last, 1, &last)) neck__mul(last, item, extent);
}

static neck_status add_tensor(const archive *a, const neck__pickle *pickle, const neck__value *object,
                              const char *name, size_t name_length, neck__tensors *list)
{
    neck__torch_tensor tensor = {0};
    const neck__zip_member *storage = NULL;
    int64_t packed, extent;
    NECK_TRY(neck__torch_tensor_read(pickle, object, &tensor));
    NECK_TRY(find_storage(a, &tensor, &storage));
    measure(&tensor, &packed, &extent);
    if (packed < 0 || extent < 0 || extent > storage->size)
        return neck__fail(NECK_E_FORMAT, "its elements lie outside the %" PRId64 " bytes of storage '%.*s'",
                          storage->size, NECK__SHOWN(tensor.key_length), tensor.key);
    int64_t begin = packed == 0 ? 0 : tensor.offset * neck_dtype_size(tensor.dtype);
    neck__tensor *added = NULL;
    NECK_TRY(neck__tensors_add(list, name, name_length, tensor.dtype, tensor.ndim, tensor.shape,
                               storage->stored + begin, packed, &added));
    for (int32_t k = 0; k < tensor.ndim; k++) /* where the dimension is 1 any stride would do: keep the usual one */
        if (tensor.shape[k] > 1) added->stride[k] = tensor.stride[k];
    if (packed > 0) added->nbytes = extent - begin;
    added->byte_swapped = a->byte_swapped && neck_dtype_size(tensor.dtype) > 1;
    added->checksum = (neck__checksum){storage->stored, storage->size, storage->crc};
    return NECK_OK;
}

/* ---- the tree of names ------------------------------------------------------------------------------------------- */

typedef struct walk {
    const archive *archive;
    const neck__pickle *pickle;
    neck__tensors *list;
    unsigned char *seen; /* by value: containers entered */
    char name[NAME_MAX_BYTES];
} walk;

static neck_status visit(walk *w, neck__ref ref, size_t length, int depth);

/* Goes on below `child`, whose key is text or, when text is NULL, number. */
static neck_status visit_child(walk *w, neck__ref child, const char *text, int64_t text_length, int64_t number,
                               size_t length, int depth)
{
    char digits[24];
    if (!text) {
        text_length = snprintf(digits, sizeof digits, "%" PRId64, number);
        text = digits;
    }
    if (text_length > (int64_t)(sizeof w->name - length - 1)) {
        int32_t kind = neck__pickle_value(w->pickle, child)->kind;
        if (kind < NECK__PICKLE_TUPLE) return NECK_OK; /* no tensor can be there */
        return neck__fail(NECK_E_UNSUPPORTED, "torch: a tensor's name has more than %d bytes", NAME_MAX_BYTES);
    }
    if (length > 0) w->name[length++] = '.';
    memcpy(w->name + length, text, (size_t)text_length);
    return visit(w, child, length + (size_t)text_length, depth);
}

static neck_status visit_sequence(walk *w, const neck__value *sequence, size_t length, int depth)
{
    for (int64_t k = 0; k < sequence->as.items.count; k++)
        NECK_TRY(visit_child(w, sequence->as.items.refs[k], NULL, 0, k, length, depth));
    return NECK_OK;
}

static int by_key(const void *a, const void *b)
{
    const neck__value *x = *(const neck__value *const *)a, *y = *(const neck__value *const *)b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->kind == NECK__PICKLE_INT) return (x->as.integer > y->as.integer) - (x->as.integer < y->as.integer);
    const int64_t m = x->as.text.length, n = y->as.text.length;
    int order = memcmp(x->as.text.bytes, y->as.text.bytes, (size_t)(m < n ? m : n));
    return order ? order : (m > n) - (m < n);
}

/* Python keeps the last of two values under one key, so a reader that lists both would not see what PyTorch sees. */
static neck_status check_keys(const walk *w, const neck__value *dict)
{
    const neck__allocator *allocator = &w->list->allocator;
    const neck__value **keys = neck__alloc(allocator, dict->as.items.count / 2, sizeof *keys, "a dict's keys");
    if (!keys) return NECK_E_NOMEM;
    int64_t count = 0;
    for (int64_t k = 0; k < dict->as.items.count; k += 2) {
        const neck__value *key = neck__pickle_item(w->pickle, dict, k);
        if (key->kind == NECK__PICKLE_TEXT || key->kind == NECK__PICKLE_INT) keys[count++] = key;
    }
    qsort(keys, (size_t)count, sizeof *keys, by_key);
    neck_status status = NECK_OK;
    for (int64_t k = 1; k < count && status == NECK_OK; k++) {
        if (by_key(&keys[k - 1], &keys[k]) != 0) continue;
        if (keys[k]->kind == NECK__PICKLE_INT)
            status = neck__fail(NECK_E_FORMAT, "torch: a dict has the key %" PRId64 " twice", keys[k]->as.integer);
        else
            status = neck__fail(NECK_E_FORMAT, "torch: a dict has the key '%.*s' twice",
                                NECK__SHOWN(keys[k]->as.text.length), keys[k]->as.text.bytes);
    }
    neck__release(allocator, keys);
    return status;
}

static neck_status visit_dict(walk *w, const neck__value *dict, size_t length, int depth)
{
    NECK_TRY(check_keys(w, dict));
    for (int64_t k = 0; k < dict->as.items.count; k += 2) {
        const neck__value *key = neck__pickle_item(w->pickle, dict, k);
        const neck__ref child = dict->as.items.refs[k + 1];
        if (key->kind == NECK__PICKLE_TEXT)
            NECK_TRY(visit_child(w, child, key->as.text.bytes, key->as.text.length, 0, length, depth));
        else if (key->kind == NECK__PICKLE_INT)
            NECK_TRY(visit_child(w, child, NULL, 0, key->as.integer, length, depth));
    }
    return NECK_OK;
}

static neck_status visit_tensor(walk *w, const neck__value *object, size_t length)
{
    const char *name = length ? w->name : "tensor"; /* torch.save(tensor): no keys lead to it */
    size_t name_length = length ? length : strlen(name);
    neck_status status = add_tensor(w->archive, w->pickle, object, name, name_length, w->list);
    if (status != NECK_OK && status != NECK_E_NOMEM)
        neck__fail_in(status, "torch: tensor '%.*s'", NECK__SHOWN(name_length), name);
    return status;
}

static neck_status visit(walk *w, neck__ref ref, size_t length, int depth)
{
    const neck__value *value = neck__pickle_value(w->pickle, ref);
    if (value->kind == NECK__PICKLE_OBJECT && value->tag == NECK__TORCH_TENSOR) return visit_tensor(w, value, length);
    if (value->kind != NECK__PICKLE_DICT && value->kind != NECK__PICKLE_LIST && value->kind != NECK__PICKLE_TUPLE)
        return NECK_OK;
    if (w->seen[ref]) return NECK_OK; /* also what ends cycles, and keeps the walk linear */
    w->seen[ref] = 1;
    if (depth == NESTING_MAX)
        return neck__fail(NECK_E_UNSUPPORTED, "torch: dicts and lists are nested deeper than %d", NESTING_MAX);
    if (value->kind == NECK__PICKLE_DICT) return visit_dict(w, value, length, depth + 1);
    return visit_sequence(w, value, length, depth + 1);
}

static neck_status list_tensors(const archive *a, const neck__pickle *pickle, neck__tensors *list)
{
    walk w = {.archive = a, .pickle = pickle, .list = list};
    w.seen = neck__calloc(&list->allocator, pickle->count, 1, "a pickle's marks");
    if (!w.seen) return NECK_E_NOMEM;
    neck_status status = visit(&w, pickle->root, 0, 0);
    neck__release(&list->allocator, w.seen);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static neck_status read_archive(archive *a, neck__tensors *list)
{
    const neck__zip_member *member = NULL;
    neck__pickle pickle;
    NECK_TRY(find_pickle(a, &member));
    if (find_member(a, "", "constants.pkl", 13))
        return neck__fail(NECK_E_UNSUPPORTED, "torch: a TorchScript archive holds a program: " CONVERT);
    NECK_TRY(read_byte_order(a));
    neck_status status = neck__pickle_read(&list->allocator, member->stored, member->size, &neck__torch_client,
                                           &pickle);
    if (status == NECK_E_NOMEM) return status;
    if (status != NECK_OK) return neck__fail_in(status, "torch");
    status = list_tensors(a, &pickle, list);
    neck__pickle_clear(&pickle);
    return status;
}

neck_status neck__torch_read(const neck__mapping *file, neck__tensors *list)
{
    if (file->size < 4 || memcmp(file->data, "PK", 2) != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "torch: not a zip archive but the format before PyTorch 1.6: " CONVERT);
    archive a = {0};
    NECK_TRY(neck__zip_open(&list->allocator, file, &a.zip));
    neck_status status = read_archive(&a, list);
    neck__zip_close(&a.zip);
    return status;
}
