/* format/gguf.c - reading GGUF, the model files of llama.cpp: a table of metadata, a list of tensors, their bytes.
 *
 * Nothing is believed: every count is held against the bytes that are left before it is used, sizes are multiplied with
 * checks, and the tensors must fill the data in the order of the list, each padded to the alignment, without holes or
 * overlaps. */
#include "format/gguf.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "format/dequant.h"
#include "format/gguf_cursor.h"
#include "format/tensors.h"

#define NAME_MAX_BYTES 63
#define DIMENSIONS_MAX 4
#define DEFAULT_ALIGNMENT 32
#define SMALLEST_INFO (8 + 1 + 4 + 4 + 8) /* a name's length, one character, dimensions, type, offset */

/* By the format's number. Those without a dtype of ours are known by name only. */
static const struct {
    const char *name;
    int32_t dtype;
} types[] = {
    [0] = {"F32", NECK_F32},    [1] = {"F16", NECK_F16},   [2] = {"Q4_0", NECK_Q4_0},  [3] = {"Q4_1", NECK_Q4_1},
    [6] = {"Q5_0", NECK_Q5_0},  [7] = {"Q5_1", NECK_Q5_1}, [8] = {"Q8_0", NECK_Q8_0},  [9] = {"Q8_1", 0},
    [10] = {"Q2_K", NECK_Q2_K}, [11] = {"Q3_K", NECK_Q3_K}, [12] = {"Q4_K", NECK_Q4_K}, [13] = {"Q5_K", NECK_Q5_K},
    [14] = {"Q6_K", NECK_Q6_K}, [15] = {"Q8_K", 0},        [16] = {"IQ2_XXS", 0},      [17] = {"IQ2_XS", 0},
    [18] = {"IQ3_XXS", 0},      [19] = {"IQ1_S", 0},       [20] = {"IQ4_NL", 0},       [21] = {"IQ3_S", 0},
    [22] = {"IQ2_S", 0},        [23] = {"IQ4_XS", 0},      [24] = {"I8", NECK_I8},     [25] = {"I16", NECK_I16},
    [26] = {"I32", NECK_I32},   [27] = {"I64", NECK_I64},  [28] = {"F64", NECK_F64},   [29] = {"IQ1_M", 0},
    [30] = {"BF16", NECK_BF16}, [34] = {"TQ1_0", 0},       [35] = {"TQ2_0", 0},        [39] = {"MXFP4", 0},
    [40] = {"NVFP4", 0},
};

/* A tensor as the list describes it. */
typedef struct info {
    const char *name;
    int64_t name_length;
    int32_t dtype, ndim;
    int64_t shape[DIMENSIONS_MAX]; /* outermost first, unlike in the file */
    int64_t offset, nbytes;
} info;

#define NAME(i) NECK__SHOWN((i)->name_length), (i)->name

/* ---- one tensor -------------------------------------------------------------------------------------------------- */

static neck_status take_name(neck__gguf_cursor *cursor, info *i)
{
    NECK_TRY(neck__gguf_take_string(cursor, "a tensor's name", &i->name, &i->name_length));
    if (i->name_length > NAME_MAX_BYTES)
        return neck__fail(NECK_E_FORMAT, "the tensor name '%.*s...' has %" PRId64 " bytes: at most %d are allowed",
                          NAME(i), i->name_length, NAME_MAX_BYTES);
    return NECK_OK;
}

static neck_status take_shape(neck__gguf_cursor *cursor, info *i)
{
    uint32_t ndim = 0;
    NECK_TRY(neck__gguf_take_u32(cursor, "a tensor's dimensions", &ndim));
    if (ndim > DIMENSIONS_MAX)
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s': %" PRIu32 " dimensions, at most %d are allowed", NAME(i), ndim,
                          DIMENSIONS_MAX);
    i->ndim = (int32_t)ndim;
    for (int32_t k = i->ndim - 1; k >= 0; k--)
        NECK_TRY(neck__gguf_take_count(cursor, "a tensor's dimension", &i->shape[k]));
    return NECK_OK;
}

static neck_status take_dtype(neck__gguf_cursor *cursor, info *i)
{
    uint32_t type = 0;
    NECK_TRY(neck__gguf_take_u32(cursor, "a tensor's type", &type));
    if (type >= sizeof types / sizeof *types || !types[type].name)
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s': unknown type %" PRIu32, NAME(i), type);
    i->dtype = types[type].dtype;
    if (!i->dtype)
        return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.*s': type %s is not supported", NAME(i), types[type].name);
    return NECK_OK;
}

/* The product of the dimensions must be representable even when one of them is 0, which must not hide the others. */
static neck_status measure(info *i)
{
    const neck__block *block = neck__block_of(i->dtype);
    int64_t elements = 1;
    int empty = 0;
    for (int32_t k = 0; k < i->ndim; k++) {
        if (i->shape[k] == 0) empty = 1;
        if (i->shape[k] != 0 && !neck__mul(elements, i->shape[k], &elements))
            return neck__fail(NECK_E_FORMAT, "tensor '%.*s': its dimensions overflow the size of any file", NAME(i));
    }
    const int64_t row = i->ndim ? i->shape[i->ndim - 1] : 1;
    if (block && row % block->elements != 0)
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s': rows of %" PRId64 " elements are no whole blocks of %s, which "
                          "have %" PRId64, NAME(i), row, neck_dtype_name(i->dtype), block->elements);
    if (!neck__dtype_bytes(i->dtype, elements, &i->nbytes))
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s': its dimensions overflow the size of any file", NAME(i));
    if (empty) i->nbytes = 0;
    return NECK_OK;
}

static neck_status take_info(neck__gguf_cursor *cursor, info *i)
{
    NECK_TRY(take_name(cursor, i));
    NECK_TRY(take_shape(cursor, i));
    NECK_TRY(take_dtype(cursor, i));
    NECK_TRY(measure(i));
    return neck__gguf_take_count(cursor, "a tensor's offset", &i->offset);
}

/* ---- all tensors ------------------------------------------------------------------------------------------------- */

/* Bytes to the next multiple of alignment, a power of two. */
static int64_t padding(int64_t at, int64_t alignment) { return -(uint64_t)at & (uint64_t)(alignment - 1); }

/* The list must be read to its end before it is known where the data begins: once for that, once to add. */
static neck_status find_data(neck__gguf_cursor cursor, int64_t count, int64_t alignment, int64_t *begin)
{
    if (count > (cursor.size - cursor.at) / SMALLEST_INFO)
        return neck__fail(NECK_E_FORMAT, "truncated: %" PRId64 " tensors do not fit the %" PRId64 " bytes that follow",
                          count, cursor.size - cursor.at);
    for (int64_t t = 0; t < count; t++) {
        info i;
        NECK_TRY(take_info(&cursor, &i));
    }
    *begin = cursor.at + padding(cursor.at, alignment);
    return NECK_OK;
}

/* expected: where the previous tensor ended, padded. */
static neck_status add_tensor(const info *i, int64_t expected, const neck__gguf_cursor *data, neck__tensors *list)
{
    if (i->offset != expected)
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s' begins at %" PRId64 " of the data, the one before it ends at %"
                          PRId64, NAME(i), i->offset, expected);
    if (i->offset > data->size || i->nbytes > data->size - i->offset)
        return neck__fail(NECK_E_FORMAT, "tensor '%.*s' has %" PRId64 " bytes at %" PRId64 " of %" PRId64 ": truncated",
                          NAME(i), i->nbytes, i->offset, data->size);
    return neck__tensors_add(list, i->name, (size_t)i->name_length, i->dtype, i->ndim, i->shape,
                             data->data + i->offset, i->nbytes, NULL);
}

static neck_status add_tensors(neck__gguf_cursor cursor, int64_t count, int64_t alignment, int allow_trailing,
                               neck__tensors *list)
{
    int64_t begin = 0, end = 0;
    NECK_TRY(find_data(cursor, count, alignment, &begin));
    if (begin > cursor.size) begin = cursor.size; /* nothing follows, so the padding was left out */
    const neck__gguf_cursor data = {cursor.data + begin, cursor.size - begin, 0};
    for (int64_t t = 0; t < count; t++) {
        info i;
        NECK_TRY(take_info(&cursor, &i));
        NECK_TRY(add_tensor(&i, end, &data, list));
        end = i.offset + i.nbytes;
        end += padding(end, alignment); /* may lie behind a file that does not pad its last tensor */
    }
    if (end < data.size && !allow_trailing)
        return neck__fail(NECK_E_TRAILING_DATA, "%" PRId64 " bytes follow the last tensor", data.size - end);
    return NECK_OK;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static neck_status take_header(neck__gguf_cursor *cursor, int32_t *version, int64_t *tensors, int64_t *keys)
{
    const unsigned char *magic = NULL;
    uint32_t number = 0;
    NECK_TRY(neck__gguf_take(cursor, 4, "the magic number", &magic));
    if (memcmp(magic, "GGUF", 4) != 0) return neck__fail(NECK_E_FORMAT, "it does not begin with 'GGUF'");
    NECK_TRY(neck__gguf_take_u32(cursor, "the version", &number));
    if (number != 0 && (number & 0xffff) == 0)
        return neck__fail(NECK_E_UNSUPPORTED, "a big-endian GGUF file is not supported");
    if (number < 2 || number > 3)
        return neck__fail(NECK_E_UNSUPPORTED, "GGUF version %" PRIu32 " is not supported: only 2 and 3 are", number);
    NECK_TRY(neck__gguf_take_count(cursor, "the number of tensors", tensors));
    NECK_TRY(neck__gguf_take_count(cursor, "the number of keys", keys));
    *version = (int32_t)number;
    return NECK_OK;
}

static neck_status read_alignment(const neck__gguf *gguf, int64_t *alignment)
{
    const neck__gguf_value *value = neck__gguf_find(gguf, "general.alignment");
    *alignment = DEFAULT_ALIGNMENT;
    if (!value) return NECK_OK;
    if (value->type != NECK__GGUF_U32)
        return neck__fail(NECK_E_FORMAT, "general.alignment is %s, not U32", neck__gguf_type_name(value->type));
    NECK_TRY(neck__gguf_item_integer(value, 0, alignment));
    if (*alignment == 0 || (*alignment & (*alignment - 1)) != 0)
        return neck__fail(NECK_E_FORMAT, "general.alignment is %" PRId64 ": not a power of two", *alignment);
    return NECK_OK;
}

/* One of several files lacks tensors: the model's head among them would be taken for tied. */
static neck_status check_whole(const neck__gguf *gguf)
{
    int64_t files = 0;
    if (!neck__gguf_find(gguf, "split.count")) return NECK_OK;
    NECK_TRY(neck__gguf_integer(gguf, "split.count", &files));
    if (files <= 1) return NECK_OK;
    return neck__fail(NECK_E_UNSUPPORTED, "one of the %" PRId64 " files of a split model is not supported: merge them "
                      "(llama-gguf-split --merge)", files);
}

static neck_status add_texts(const neck__gguf *gguf, neck__tensors *list)
{
    for (int64_t i = 0; i < gguf->count; i++) {
        const neck__gguf_value *value = &gguf->values[i];
        if (value->type != NECK__GGUF_STRING) continue;
        neck__gguf_strings only = neck__gguf_strings_of(value);
        const char *bytes = NULL;
        int64_t length = 0;
        neck__gguf_next_string(&only, &bytes, &length);
        NECK_TRY(neck__tensors_add_text(list, value->key, (size_t)value->key_length, bytes, (size_t)length));
    }
    return NECK_OK;
}

neck_status neck__gguf_read(const neck__mapping *file, int allow_trailing, neck__tensors *list)
{
    neck__gguf_cursor cursor = {file->data, file->size, 0};
    int32_t version = 0;
    int64_t tensors = 0, keys = 0, alignment = 0;
    neck__gguf *gguf = NULL;
    NECK_TRY(take_header(&cursor, &version, &tensors, &keys));
    NECK_TRY(neck__gguf_read_table(&list->allocator, &cursor, version, keys, &gguf));
    NECK_TRY(neck__tensors_own_buffer(list, gguf));
    NECK_TRY(check_whole(gguf));
    NECK_TRY(read_alignment(gguf, &alignment));
    NECK_TRY(add_tensors(cursor, tensors, alignment, allow_trailing, list));
    list->gguf = gguf;
    return add_texts(gguf, list);
}
