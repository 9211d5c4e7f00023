/* format/npy.c - reading NumPy's .npy: a magic number, a Python dict as text, the array's bytes.
 *
 * The dict is read by a parser that knows only what NumPy writes there; nothing is evaluated. */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "format/tensors.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define HEADER_MAX 65536 /* NumPy itself refuses above 10000 unless told otherwise */

/* What the dict says. */
typedef struct header {
    int32_t dtype, byte_swapped, fortran_order, ndim;
    int64_t shape[NECK_MAX_DIMS];
} header;

typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

/* Takes text if it comes next, after white space. */
static int take(cursor *c, const char *text)
{
    size_t length = strlen(text);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, text, length) != 0) return 0;
    c->at += length;
    return 1;
}

/* A quoted string without escapes: the format has no use for them. */
static int take_string(cursor *c, const char **text, size_t *length)
{
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return 0;
    char quote = *c->at;
    const char *begin = c->at + 1, *p = begin;
    while (p < c->end && *p != quote && *p != '\\' && *p != '\n') p++;
    if (p == c->end || *p != quote) return 0;
    *text = begin;
    *length = (size_t)(p - begin);
    c->at = p + 1;
    return 1;
}

/* A whole number >= 0; Python 2 wrote long ones with an L. */
static int take_number(cursor *c, int64_t *out)
{
    skip_space(c);
    const char *begin = c->at;
    int64_t number = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (!neck__mul(number, 10, &number) || !neck__add(number, *c->at - '0', &number)) return 0;
    if (c->at == begin) return 0;
    if (c->at < c->end && *c->at == 'L') c->at++;
    *out = number;
    return 1;
}

static const struct {
    const char *code; /* kind and bytes, without the byte order */
    int32_t dtype;
} codes[] = {
    {"f2", NECK_F16}, {"f4", NECK_F32}, {"f8", NECK_F64}, {"b1", NECK_BOOL}, {"c8", NECK_C64}, {"i1", NECK_I8},
    {"i2", NECK_I16}, {"i4", NECK_I32}, {"i8", NECK_I64}, {"u1", NECK_U8},   {"u2", NECK_U16}, {"u4", NECK_U32},
    {"u8", NECK_U64},
};

static neck_status read_descr(cursor *c, header *h)
{
    if (take(c, "["))
        return neck__fail(NECK_E_UNSUPPORTED, "structured arrays (descr is a list) are not supported");
    const char *text;
    size_t length;
    if (!take_string(c, &text, &length)) return neck__fail(NECK_E_FORMAT, "descr is not a string");
    if (length >= 2 && text[1] == 'O')
        return neck__fail(NECK_E_UNSUPPORTED, "arrays of Python objects are refused: they need pickle");
    if (length < 3 || !memchr("<>=|", text[0], 4))
        return neck__fail(NECK_E_FORMAT, "descr '%.*s' is not a byte order and a type", NECK__SHOWN(length), text);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (length != 3 || memcmp(text + 1, codes[i].code, 2) != 0) continue;
        h->dtype = codes[i].dtype;
        h->byte_swapped = text[0] == '>' && neck_dtype_size(h->dtype) > 1;
        return NECK_OK;
    }
    return neck__fail(NECK_E_UNSUPPORTED, "descr '%.*s' is not a supported type", NECK__SHOWN(length), text);
}

static neck_status read_order(cursor *c, header *h)
{
    if (take(c, "True"))
        h->fortran_order = 1;
    else if (!take(c, "False"))
        return neck__fail(NECK_E_FORMAT, "fortran_order is neither True nor False");
    return NECK_OK;
}

/* (), (3,) or (3, 4): a lone number in parentheses is no tuple. */
static neck_status read_shape(cursor *c, header *h)
{
    if (!take(c, "(")) return neck__fail(NECK_E_FORMAT, "shape is not a tuple");
    int comma = 1;
    while (!take(c, ")")) {
        if (!comma) return neck__fail(NECK_E_FORMAT, "shape is not a tuple of numbers");
        if (h->ndim == NECK_MAX_DIMS)
            return neck__fail(NECK_E_UNSUPPORTED, "more than %d dimensions are not supported", NECK_MAX_DIMS);
        if (!take_number(c, &h->shape[h->ndim++]))
            return neck__fail(NECK_E_FORMAT, "shape holds something else than non-negative integers");
        comma = take(c, ",");
    }
    if (h->ndim == 1 && !comma) return neck__fail(NECK_E_FORMAT, "shape is a number in parentheses, not a tuple");
    return NECK_OK;
}

static const struct {
    const char *key;
    neck_status (*read)(cursor *c, header *h);
} members[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};

#define MEMBERS (sizeof members / sizeof *members)

static neck_status read_member(cursor *c, header *h, unsigned *seen)
{
    const char *key;
    size_t length;
    if (!take_string(c, &key, &length) || !take(c, ":"))
        return neck__fail(NECK_E_FORMAT, "the header is not a dict with text keys");
    for (size_t i = 0; i < MEMBERS; i++) {
        if (strlen(members[i].key) != length || memcmp(members[i].key, key, length) != 0) continue;
        if (*seen & 1u << i) return neck__fail(NECK_E_FORMAT, "the header has two members '%s'", members[i].key);
        *seen |= 1u << i;
        return members[i].read(c, h);
    }
    return neck__fail(NECK_E_FORMAT, "the header has an unknown member '%.*s'", NECK__SHOWN(length), key);
}

static neck_status read_dict(cursor c, header *h)
{
    unsigned seen = 0;
    if (!take(&c, "{")) return neck__fail(NECK_E_FORMAT, "the header is not a dict");
    int comma = 1;
    while (!take(&c, "}")) {
        if (!comma) return neck__fail(NECK_E_FORMAT, "the header's members are not separated by commas");
        NECK_TRY(read_member(&c, h, &seen));
        comma = take(&c, ",");
    }
    for (size_t i = 0; i < MEMBERS; i++)
        if (!(seen & 1u << i)) return neck__fail(NECK_E_FORMAT, "the header lacks '%s'", members[i].key);
    skip_space(&c);
    if (c.at != c.end) return neck__fail(NECK_E_FORMAT, "the header's dict is followed by other text");
    return NECK_OK;
}

/* Where the dict lies; *data is where it ends and the array begins. */
static neck_status find_dict(const neck__mapping *file, cursor *dict, int64_t *data)
{
    const unsigned char *bytes = file->data;
    if (file->size < MAGIC_SIZE + 4)
        return neck__fail(NECK_E_FORMAT, "%" PRId64 " bytes are too short for a .npy file", file->size);
    if (memcmp(bytes, MAGIC, MAGIC_SIZE) != 0) return neck__fail(NECK_E_FORMAT, "no .npy magic number");
    int major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0)
        return neck__fail(NECK_E_UNSUPPORTED, ".npy version %d.%d is not supported: 1.0 to 3.0 are", major, minor);
    int64_t begin = major == 1 ? 10 : 12;
    if (file->size < begin) return neck__fail(NECK_E_FORMAT, "truncated in the header's length");
    uint32_t length = (uint32_t)bytes[8] | (uint32_t)bytes[9] << 8;
    if (major > 1) length |= (uint32_t)bytes[10] << 16 | (uint32_t)bytes[11] << 24;
    if (length > HEADER_MAX)
        return neck__fail(NECK_E_FORMAT, "header length %" PRIu32 " exceeds the limit of %d", length, HEADER_MAX);
    if (length > file->size - begin)
        return neck__fail(NECK_E_FORMAT, "header length %" PRIu32 ", but only %" PRId64 " bytes follow: truncated",
                          length, file->size - begin);
    *dict = (cursor){(const char *)bytes + begin, (const char *)bytes + begin + length};
    *data = begin + length;
    return NECK_OK;
}

/* Bytes of the array. A product that cannot be represented is left for the list to refuse. */
static int64_t array_bytes(const header *h, int64_t available)
{
    int64_t bytes = neck_dtype_size(h->dtype);
    for (int32_t k = 0; k < h->ndim; k++)
        if (!neck__mul(bytes, h->shape[k], &bytes)) return available;
    return bytes;
}

/* The first index runs fastest. The C-order strides of the reversed shape are these, reversed. */
static void make_fortran(neck__tensor *tensor)
{
    int64_t step = 1;
    for (int32_t k = 0; k < tensor->ndim; k++) {
        tensor->stride[k] = step;
        step *= tensor->shape[k] ? tensor->shape[k] : 1; /* the list has checked this product */
    }
}

neck_status neck__npy_read_named(const neck__mapping *file, const char *name, size_t name_length, neck__tensors *list)
{
    cursor dict;
    int64_t data = 0;
    NECK_TRY(find_dict(file, &dict, &data));
    header h = {0};
    NECK_TRY(read_dict(dict, &h));
    int64_t available = file->size - data, bytes = array_bytes(&h, available);
    if (bytes < available)
        return neck__fail(NECK_E_TRAILING_DATA, "%" PRId64 " bytes follow the array", available - bytes);
    neck__tensor *tensor;
    NECK_TRY(neck__tensors_add(list, name, name_length, h.dtype, h.ndim, h.shape, file->data + data, available,
                               &tensor));
    tensor->byte_swapped = h.byte_swapped;
    if (h.fortran_order) make_fortran(tensor);
    return NECK_OK;
}

neck_status neck__npy_read(const neck__mapping *file, neck__tensors *list)
{
    return neck__npy_read_named(file, "arr_0", 5, list);
}
