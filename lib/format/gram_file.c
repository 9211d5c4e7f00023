/* format/gram_file.c - grams on disk: a safetensors file any tool can open, exact to the last bit. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "format/exact_number.h"
#include "format/safetensors.h"
#include "format/tensors.h"
#include "linalg/gram.h"

#define KIND_KEY "softneck"
#define KIND_VALUE "gram 1" /* the number rises when older libraries could not read the file */

/* Members that are not arrays, by the names they have in the metadata. */
static const struct {
    const char *key;
    size_t offset;
    int is_double;
} scalars[] = {
    {"count", offsetof(neck_gram, count), 0},
    {"zero_rows", offsetof(neck_gram, zero_rows), 0},
    {"norm_sum", offsetof(neck_gram, norm_sum), 1},
    {"square_sum", offsetof(neck_gram, square_sum), 1},
    {"chain", offsetof(neck_gram, chain), 1},
};

#define SCALARS (sizeof scalars / sizeof *scalars)

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static neck_tensor doubles(const char *name, const double *data, int32_t ndim, int64_t n)
{
    neck_tensor tensor = {.struct_size = sizeof tensor, .name = name, .dtype = NECK_F64, .ndim = ndim, .shape = {n, n}};
    tensor.data = data;
    tensor.nbytes = (ndim == 2 ? n * n : n) * (int64_t)sizeof(double);
    return tensor;
}

neck_status neck_gram_save(neck_context *context, const neck_gram *gram, const char *path)
{
    if (!gram || !path) return neck__fail(NECK_E_ARGUMENT, "gram or path is NULL");
    char texts[SCALARS][NECK__NUMBER_TEXT];
    const char *keys[SCALARS + 1] = {KIND_KEY}, *values[SCALARS + 1] = {KIND_VALUE};
    for (size_t i = 0; i < SCALARS; i++) {
        const char *member = (const char *)gram + scalars[i].offset;
        if (scalars[i].is_double)
            neck__print_double(texts[i], *(const double *)(const void *)member);
        else
            neck__print_count(texts[i], *(const int64_t *)(const void *)member);
        keys[i + 1] = scalars[i].key;
        values[i + 1] = texts[i];
    }
    neck_tensor tensors[4];
    int64_t count = 0;
    if (gram->data) tensors[count++] = doubles("gram", neck_gram_data(gram), 2, gram->cols);
    tensors[count++] = doubles("sum", gram->sum, 1, gram->cols);
    tensors[count++] = doubles("unit_sum", gram->unit_sum, 1, gram->cols);
    if (gram->shift) tensors[count++] = doubles("shift", gram->shift, 1, gram->cols);
    return neck_safetensors_write(context, path, tensors, count, keys, values, SCALARS + 1);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

/* The tensors a gram file may have. */
enum array { GRAM, SUM, UNIT_SUM, SHIFT, ARRAYS };

static const char *const array_names[ARRAYS] = {"gram", "sum", "unit_sum", "shift"};

static neck_status find_arrays(const neck__tensors *list, const neck__tensor *arrays[ARRAYS])
{
    for (int64_t i = 0; i < list->count; i++) {
        int a = 0;
        while (a < ARRAYS && strcmp(list->tensors[i].name, array_names[a]) != 0) a++;
        if (a == ARRAYS)
            return neck__fail(NECK_E_FORMAT, "not a gram file: it has a tensor '%.200s'", list->tensors[i].name);
        arrays[a] = &list->tensors[i];
    }
    if (!arrays[SUM] || !arrays[UNIT_SUM]) return neck__fail(NECK_E_FORMAT, "not a gram file: no sum or no unit_sum");
    int64_t cols = arrays[SUM]->shape[0];
    for (int a = 0; a < ARRAYS; a++) {
        const neck__tensor *t = arrays[a];
        if (t && (t->dtype != NECK_F64 || t->ndim != (a == GRAM ? 2 : 1) || t->shape[0] != cols ||
                  (a == GRAM && t->shape[1] != cols)))
            return neck__fail(NECK_E_FORMAT, "gram file: '%s' does not fit %" PRId64 " columns of F64", array_names[a],
                              cols);
    }
    if (cols < 1) return neck__fail(NECK_E_FORMAT, "gram file: no columns");
    return NECK_OK;
}

static neck_status read_scalars(const json_t *metadata, neck_gram *gram)
{
    for (size_t i = 0; i < SCALARS; i++) {
        const char *text = json_string_value(json_object_get(metadata, scalars[i].key));
        if (!text) return neck__fail(NECK_E_FORMAT, "gram file: no '%s' in the metadata", scalars[i].key);
        void *member = (char *)gram + scalars[i].offset;
        if (!(scalars[i].is_double ? neck__parse_double(text, member) : neck__parse_count(text, member)))
            return neck__fail(NECK_E_FORMAT, "gram file: %s '%.40s' is not a number of its kind", scalars[i].key, text);
    }
    if (gram->zero_rows > gram->count || gram->norm_sum < 0 || gram->square_sum < 0 || gram->chain < 0)
        return neck__fail(NECK_E_FORMAT, "gram file: counts or norms contradict each other");
    return NECK_OK;
}

/* Copies, because the file gives no alignment. */
static neck_status copy_doubles(const neck__tensor *tensor, double *out)
{
    memcpy(out, tensor->data, (size_t)tensor->nbytes);
    int64_t count = tensor->nbytes / (int64_t)sizeof(double);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(out[i]))
            return neck__fail(NECK_E_NONFINITE, "gram file: element %" PRId64 " of '%s' is %g", i, tensor->name,
                              out[i]);
    return NECK_OK;
}

static neck_status check_symmetric(const double *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++)
            if (data[i * n + j] != data[j * n + i])
                return neck__fail(NECK_E_FORMAT, "gram file: entry (%" PRId64 ", %" PRId64 ") breaks symmetry", i, j);
    return NECK_OK;
}

static neck_status fill(neck_gram *gram, const neck__tensor *const arrays[ARRAYS], const json_t *metadata)
{
    NECK_TRY(read_scalars(metadata, gram));
    NECK_TRY(copy_doubles(arrays[SUM], gram->sum));
    NECK_TRY(copy_doubles(arrays[UNIT_SUM], gram->unit_sum));
    if (!gram->data) return NECK_OK;
    NECK_TRY(copy_doubles(arrays[GRAM], gram->data));
    return check_symmetric(gram->data, gram->cols);
}

static neck_status build(neck_context *context, const neck__tensors *list, const json_t *metadata, neck_gram **out)
{
    const char *kind = json_string_value(json_object_get(metadata, KIND_KEY));
    if (!kind || strncmp(kind, "gram ", 5) != 0) return neck__fail(NECK_E_FORMAT, "not a gram file");
    if (strcmp(kind, KIND_VALUE) != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "gram file of version '%.40s': this library reads '%s'", kind,
                          KIND_VALUE);
    const neck__tensor *arrays[ARRAYS] = {NULL};
    NECK_TRY(find_arrays(list, arrays));
    int64_t cols = arrays[SUM]->shape[0];
    double *shift = NULL;
    neck_gram *gram = NULL;
    neck_status status = NECK_E_NOMEM;
    if (arrays[SHIFT]) {
        shift = neck__alloc(&list->allocator, cols, sizeof *shift, "a shift");
        if (!shift) goto done;
        NECK_GOTO_DONE(copy_doubles(arrays[SHIFT], shift));
    }
    neck_gram_options options = {.struct_size = sizeof options, .shift = shift, .moments_only = !arrays[GRAM]};
    NECK_GOTO_DONE(neck_gram_create(context, cols, &options, &gram));
    NECK_GOTO_DONE(fill(gram, arrays, metadata));
    *out = gram;
    gram = NULL;
done:
    neck_gram_destroy(gram);
    neck__release(&list->allocator, shift);
    return status;
}

neck_status neck_gram_load(neck_context *context, const char *path, neck_gram **out)
{
    if (!path || !out) return neck__fail(NECK_E_ARGUMENT, "path or out is NULL");
    neck__tensors list = {.allocator = neck__allocator_of(context)};
    neck__mapping *file = NULL;
    json_t *metadata = NULL;
    NECK_TRY(neck__mapping_open(&list.allocator, path, &file));
    neck_status status;
    NECK_GOTO_DONE(neck__safetensors_read(file, 0, &list));
    NECK_GOTO_DONE(neck__safetensors_metadata(file, &metadata));
    NECK_GOTO_DONE(build(context, &list, metadata, out));
done:
    if (status != NECK_OK) neck__fail_in(status, "'%s'", path);
    json_decref(metadata);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
    return status;
}
