/* format/torch_globals.c - the allow-list of globals, and what a "call" of each stands for.
 *
 * Nothing here calls anything: a call checks its arguments and leaves a note of them. Globals marked INERT occur in
 * checkpoints around the tensors (devices, NumPy scalars, random states); they become data that nobody reads. */
#include "format/torch_globals.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"

enum role {
    ORDERED_DICT,   /* () */
    TENSOR,         /* (storage, offset, shape, strides, requires_grad, hooks[, {}]) */
    UNTYPED_TENSOR, /* (storage, offset, shape, strides, requires_grad, hooks, dtype[, {}]) */
    PARAMETER,      /* (tensor, requires_grad, hooks[, state]) */
    SIZE,           /* (tuple) */
    STORAGE_CLASS,  /* named in persistent ids, not called */
    DTYPE,          /* named in arguments, not called */
    INERT
};

static const struct {
    const char *module, *name;
    int32_t role, dtype;
} globals[] = {
    {"collections", "OrderedDict", ORDERED_DICT, 0},
    {"torch._utils", "_rebuild_tensor_v2", TENSOR, 0},
    {"torch._utils", "_rebuild_tensor_v3", UNTYPED_TENSOR, 0},
    {"torch._utils", "_rebuild_parameter", PARAMETER, 0},
    {"torch._utils", "_rebuild_parameter_with_state", PARAMETER, 0},
    {"torch", "Size", SIZE, 0},
    {"torch", "FloatStorage", STORAGE_CLASS, NECK_F32},
    {"torch", "DoubleStorage", STORAGE_CLASS, NECK_F64},
    {"torch", "HalfStorage", STORAGE_CLASS, NECK_F16},
    {"torch", "BFloat16Storage", STORAGE_CLASS, NECK_BF16},
    {"torch", "CharStorage", STORAGE_CLASS, NECK_I8},
    {"torch", "ByteStorage", STORAGE_CLASS, NECK_U8},
    {"torch", "ShortStorage", STORAGE_CLASS, NECK_I16},
    {"torch", "IntStorage", STORAGE_CLASS, NECK_I32},
    {"torch", "LongStorage", STORAGE_CLASS, NECK_I64},
    {"torch", "BoolStorage", STORAGE_CLASS, NECK_BOOL},
    {"torch", "ComplexFloatStorage", STORAGE_CLASS, NECK_C64},
    {"torch.storage", "UntypedStorage", STORAGE_CLASS, NECK_U8},
    {"torch", "float32", DTYPE, NECK_F32},
    {"torch", "float64", DTYPE, NECK_F64},
    {"torch", "float16", DTYPE, NECK_F16},
    {"torch", "bfloat16", DTYPE, NECK_BF16},
    {"torch", "float8_e4m3fn", DTYPE, NECK_F8_E4M3},
    {"torch", "float8_e5m2", DTYPE, NECK_F8_E5M2},
    {"torch", "int8", DTYPE, NECK_I8},
    {"torch", "uint8", DTYPE, NECK_U8},
    {"torch", "int16", DTYPE, NECK_I16},
    {"torch", "uint16", DTYPE, NECK_U16},
    {"torch", "int32", DTYPE, NECK_I32},
    {"torch", "uint32", DTYPE, NECK_U32},
    {"torch", "int64", DTYPE, NECK_I64},
    {"torch", "uint64", DTYPE, NECK_U64},
    {"torch", "bool", DTYPE, NECK_BOOL},
    {"torch", "complex64", DTYPE, NECK_C64},
    {"torch", "device", INERT, 0},
    {"numpy", "dtype", INERT, 0},
    {"numpy", "ndarray", INERT, 0},
    {"numpy._core.multiarray", "scalar", INERT, 0},
    {"numpy._core.multiarray", "_reconstruct", INERT, 0},
    {"numpy._core.numeric", "_frombuffer", INERT, 0},
    {"numpy.core.multiarray", "scalar", INERT, 0},
    {"numpy.core.multiarray", "_reconstruct", INERT, 0},
    {"numpy.core.numeric", "_frombuffer", INERT, 0},
    {"_codecs", "encode", INERT, 0},
    {"builtins", "set", INERT, 0},
    {"__builtin__", "set", INERT, 0},
};

static int equals(const char *text, const char *other, size_t length)
{
    return strlen(text) == length && memcmp(text, other, length) == 0;
}

/* The tag of a global is its place in the table, from 1. */
static int32_t find_global(const char *module, size_t module_length, const char *name, size_t name_length)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (equals(globals[i].module, module, module_length) && equals(globals[i].name, name, name_length))
            return (int32_t)i + 1;
    return 0;
}

/* ---- checking arguments ------------------------------------------------------------------------------------------ */

/* The dtype of a global with that role, or 0 when value is something else. */
static int32_t dtype_of(const neck__value *value, int32_t role)
{
    if (value->kind != NECK__PICKLE_GLOBAL || globals[value->tag - 1].role != role) return 0;
    return globals[value->tag - 1].dtype;
}

static int is_object(const neck__value *value, int32_t tag)
{
    return value->kind == NECK__PICKLE_OBJECT && value->tag == tag;
}

/* Does the container hold values of these kinds, one letter each, and nothing else? After '?' come those that may be
 * missing. b bool, i int, t text, u tuple, d dict, e empty dict, c storage class, y dtype, S storage, T tensor,
 * star anything */
static int matches(const neck__pickle *pickle, const neck__value *container, const char *pattern)
{
    const int64_t count = container->as.items.count;
    int64_t k = 0;
    int optional = 0;
    for (; *pattern; pattern++) {
        if (*pattern == '?') {
            optional = 1;
            continue;
        }
        if (k == count) return optional;
        const neck__value *value = neck__pickle_item(pickle, container, k++);
        int fits = 0;
        switch (*pattern) {
        case 'b': fits = value->kind == NECK__PICKLE_BOOL; break;
        case 'i': fits = value->kind == NECK__PICKLE_INT; break;
        case 't': fits = value->kind == NECK__PICKLE_TEXT; break;
        case 'u': fits = value->kind == NECK__PICKLE_TUPLE; break;
        case 'd': fits = value->kind == NECK__PICKLE_DICT; break;
        case 'e': fits = value->kind == NECK__PICKLE_DICT && value->as.items.count == 0; break;
        case 'c': fits = dtype_of(value, STORAGE_CLASS) != 0; break;
        case 'y': fits = dtype_of(value, DTYPE) != 0; break;
        case 'S': fits = is_object(value, NECK__TORCH_STORAGE); break;
        case 'T': fits = is_object(value, NECK__TORCH_TENSOR); break;
        case '*': fits = 1; break;
        }
        if (!fits) return 0;
    }
    return k == count;
}

/* What each role takes; NULL: it cannot be called. */
static const char *const signatures[] = {
    [ORDERED_DICT] = "",    [TENSOR] = "Siuubd?e", [UNTYPED_TENSOR] = "Siuubdy?e", [PARAMETER] = "Tbd?*",
    [SIZE] = "u",           [STORAGE_CLASS] = NULL, [DTYPE] = NULL,                [INERT] = "?********",
};

static neck_status call(neck__pickle *pickle, int32_t global, neck__ref args, neck__ref *result)
{
    const int32_t role = globals[global - 1].role;
    const neck__value *tuple = neck__pickle_value(pickle, args);
    if (!signatures[role] || !matches(pickle, tuple, signatures[role]))
        return neck__fail(NECK_E_FORMAT, "'%s.%s' is called with other arguments than PyTorch gives it",
                          globals[global - 1].module, globals[global - 1].name);
    switch (role) {
    case ORDERED_DICT: return neck__pickle_add(pickle, (neck__value){.kind = NECK__PICKLE_DICT}, result);
    case TENSOR:
    case UNTYPED_TENSOR:
        return neck__pickle_add(
            pickle, (neck__value){.kind = NECK__PICKLE_OBJECT, .tag = NECK__TORCH_TENSOR, .as.args = args}, result);
    case PARAMETER: /* a parameter is its tensor, a size its tuple */
    case SIZE: *result = tuple->as.items.refs[0]; return NECK_OK;
    default: return neck__pickle_add(pickle, (neck__value){.kind = NECK__PICKLE_OPAQUE}, result);
    }
}

static neck_status load(neck__pickle *pickle, neck__ref id, neck__ref *result)
{
    const neck__value *tuple = neck__pickle_value(pickle, id);
    if (tuple->kind != NECK__PICKLE_TUPLE || !matches(pickle, tuple, "tctti"))
        return neck__fail(NECK_E_FORMAT, "a persistent id is not a storage of PyTorch");
    const neck__value *word = neck__pickle_item(pickle, tuple, 0);
    if (!equals("storage", word->as.text.bytes, (size_t)word->as.text.length))
        return neck__fail(NECK_E_FORMAT, "a persistent id is not a storage of PyTorch");
    return neck__pickle_add(
        pickle, (neck__value){.kind = NECK__PICKLE_OBJECT, .tag = NECK__TORCH_STORAGE, .as.args = id}, result);
}

/* A state dict has its version notes set as state, NumPy's objects have theirs set as tuples. */
static neck_status build(neck__pickle *pickle, neck__ref target, neck__ref state)
{
    const int32_t kind = neck__pickle_value(pickle, target)->kind, given = neck__pickle_value(pickle, state)->kind;
    if ((kind == NECK__PICKLE_DICT && given == NECK__PICKLE_DICT) ||
        (kind == NECK__PICKLE_OPAQUE && given == NECK__PICKLE_TUPLE))
        return NECK_OK;
    return neck__fail(NECK_E_FORMAT, "state is set on something that has none");
}

const neck__pickle_client neck__torch_client = {find_global, call, load, build};

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* A tuple of whole numbers >= 0, at most NECK_MAX_DIMS of them. */
static neck_status read_sizes(const neck__pickle *pickle, const neck__value *tuple, const char *what, int64_t *out)
{
    for (int64_t k = 0; k < tuple->as.items.count; k++) {
        const neck__value *item = neck__pickle_item(pickle, tuple, k);
        if (item->kind != NECK__PICKLE_INT || item->as.integer < 0)
            return neck__fail(NECK_E_FORMAT, "%s holds something else than numbers >= 0", what);
        out[k] = item->as.integer;
    }
    return NECK_OK;
}

neck_status neck__torch_tensor_read(const neck__pickle *pickle, const neck__value *object, neck__torch_tensor *out)
{
    const neck__value *args = neck__pickle_value(pickle, object->as.args);
    const neck__value *storage = neck__pickle_value(pickle, neck__pickle_item(pickle, args, 0)->as.args);
    const neck__value *shape = neck__pickle_item(pickle, args, 2), *stride = neck__pickle_item(pickle, args, 3);
    const neck__value *key = neck__pickle_item(pickle, storage, 2);
    if (shape->as.items.count != stride->as.items.count)
        return neck__fail(NECK_E_FORMAT, "shape and strides have different lengths");
    if (shape->as.items.count > NECK_MAX_DIMS)
        return neck__fail(NECK_E_UNSUPPORTED, "more than %d dimensions are not supported", NECK_MAX_DIMS);
    neck__torch_tensor tensor = {
        .ndim = (int32_t)shape->as.items.count,
        .offset = neck__pickle_item(pickle, args, 1)->as.integer,
        .key = key->as.text.bytes,
        .key_length = (size_t)key->as.text.length,
    };
    NECK_TRY(read_sizes(pickle, shape, "the shape", tensor.shape));
    NECK_TRY(read_sizes(pickle, stride, "a stride", tensor.stride));
    const int32_t stored = dtype_of(neck__pickle_item(pickle, storage, 1), STORAGE_CLASS);
    const int64_t count = neck__pickle_item(pickle, storage, 4)->as.integer;
    if (!neck__mul(count, neck_dtype_size(stored), &tensor.storage_bytes))
        return neck__fail(NECK_E_FORMAT, "its storage has %" PRId64 " elements: no file holds that many", count);
    const int32_t typed = args->as.items.count > 6 ? dtype_of(neck__pickle_item(pickle, args, 6), DTYPE) : 0;
    tensor.dtype = typed ? typed : stored;
    *out = tensor;
    return NECK_OK;
}
