/* head/head_file.c - heads on disk: their parameters as tensors of a safetensors file, the rest as its metadata. */
#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "format/exact_number.h"
#include "head/head_object.h"
#include "softneck/checkpoint.h"

#define MARK_KEY "softneck"
#define MARK "head 1" /* the number rises when older libraries could not read the file */

/* Options that a file keeps besides the kind; dtype and bias show in the tensors. */
static const struct {
    const char *key;
    size_t offset;
    int is_double;
} numbers[] = {
    {"vocabulary", offsetof(neck_head_options, vocabulary), 0},
    {"hidden_size", offsetof(neck_head_options, hidden_size), 0},
    {"rank", offsetof(neck_head_options, rank), 0},
    {"components", offsetof(neck_head_options, components), 0},
    {"knots", offsetof(neck_head_options, knots), 0},
    {"range", offsetof(neck_head_options, range), 1},
    {"logit_scale", offsetof(neck_head_options, logit_scale), 1},
    {"soft_cap", offsetof(neck_head_options, soft_cap), 1},
};

enum { NUMBERS = sizeof numbers / sizeof *numbers };

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static neck_tensor tensor_of(const neck_parameter *p)
{
    return (neck_tensor){.struct_size = sizeof(neck_tensor), .name = p->name, .dtype = p->dtype, .ndim = 2,
                         .shape = {p->rows, p->cols}, .nbytes = p->rows * p->cols * neck_dtype_size(p->dtype),
                         .data = p->data};
}

neck_status neck_head_save(neck_context *context, const neck_head *head, const char *path)
{
    if (!head || !path) return neck__fail(NECK_E_ARGUMENT, "head or path is NULL");
    char texts[NUMBERS][NECK__NUMBER_TEXT];
    /* Whose weights they are is not kept. */
    const neck__head_kind *kind = head->borrows ? &neck__head_dense : head->kind;
    const char *keys[NUMBERS + 2] = {MARK_KEY, "kind"}, *values[NUMBERS + 2] = {MARK, kind->name};
    for (int i = 0; i < NUMBERS; i++) {
        const void *member = (const char *)&head->options + numbers[i].offset;
        if (numbers[i].is_double)
            neck__print_double(texts[i], *(const double *)member);
        else
            neck__print_count(texts[i], *(const int64_t *)member);
        keys[i + 2] = numbers[i].key;
        values[i + 2] = texts[i];
    }
    neck_tensor tensors[NECK__HEAD_PARAMETERS];
    for (int64_t i = 0; i < head->count; i++) tensors[i] = tensor_of(&head->parameters[i]);
    return neck_safetensors_write(context, path, tensors, head->count, keys, values, NUMBERS + 2);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static neck_status read_options(const neck_checkpoint *file, neck_head_options *out)
{
    const char *mark = neck_checkpoint_metadata(file, MARK_KEY), *kind = neck_checkpoint_metadata(file, "kind");
    if (!mark || strcmp(mark, MARK) != 0)
        return neck__fail(NECK_E_FORMAT, "not a head: no '" MARK_KEY "': '" MARK "' in its metadata");
    if (!kind || neck_head_kind_find(kind, &out->kind) != NECK_OK
        || neck__head_kind_of(out->kind)->has & NECK__HEAD_BORROWS)
        return neck__fail(NECK_E_FORMAT, "kind '%.40s' is not one of a stored head", kind ? kind : "");
    for (int i = 0; i < NUMBERS; i++) {
        const char *text = neck_checkpoint_metadata(file, numbers[i].key);
        void *member = (char *)out + numbers[i].offset;
        if (!text) return neck__fail(NECK_E_FORMAT, "no '%s' in the metadata", numbers[i].key);
        if (!(numbers[i].is_double ? neck__parse_double(text, member) : neck__parse_count(text, member)))
            return neck__fail(NECK_E_FORMAT, "%s '%.40s' is not a number of its kind", numbers[i].key, text);
    }
    int64_t index;
    neck_tensor first = {.struct_size = sizeof first};
    NECK_TRY(neck_checkpoint_tensor(file, 0, &first));
    out->dtype = first.dtype;
    out->bias = neck_checkpoint_find(file, "bias", &index) == NECK_OK;
    return neck__head_check(out, out) == NECK_OK ? NECK_OK : neck__fail_in(NECK_E_FORMAT, "contradictory metadata");
}

/* Before memory is taken: a file can ask for no more than it has. */
static neck_status check_tensors(const neck_checkpoint *file, const neck_head *expected)
{
    if (neck_checkpoint_tensor_count(file) != expected->count)
        return neck__fail(NECK_E_FORMAT, "%lld tensors, not the %lld of a %s head",
                          (long long)neck_checkpoint_tensor_count(file), (long long)expected->count,
                          expected->kind->name);
    for (int64_t i = 0; i < expected->count; i++) {
        const neck_parameter *p = &expected->parameters[i];
        neck_tensor tensor = {.struct_size = sizeof tensor};
        int64_t index;
        if (neck_checkpoint_find(file, p->name, &index) != NECK_OK)
            return neck__fail(NECK_E_FORMAT, "a %s head without '%s'", expected->kind->name, p->name);
        NECK_TRY(neck_checkpoint_tensor(file, index, &tensor));
        if (tensor.dtype != p->dtype || tensor.ndim != 2 || tensor.shape[0] != p->rows || tensor.shape[1] != p->cols)
            return neck__fail(NECK_E_FORMAT, "'%s' is not the %lld x %lld %s that its metadata asks for", p->name,
                              (long long)p->rows, (long long)p->cols, neck_dtype_name(p->dtype));
    }
    return NECK_OK;
}

static neck_status read_parameters(neck_context *context, neck_checkpoint *file, neck_head *head)
{
    for (int64_t i = 0; i < head->count; i++) {
        neck_parameter *p = &head->parameters[i];
        neck_matrix view;
        int64_t index;
        NECK_TRY(neck_checkpoint_find(file, p->name, &index));
        NECK_TRY(neck_checkpoint_matrix(context, file, index, &view));
        neck_status status = neck_matrix_check_finite(context, &view, NULL, NULL);
        if (status != NECK_OK) return neck__fail_in(status, "%s", p->name);
        memcpy(p->data, view.data, (size_t)(p->rows * p->cols * neck_dtype_size(p->dtype)));
    }
    return NECK_OK;
}

static neck_status load(neck_context *context, neck_checkpoint *file, neck_head **out)
{
    neck_head_options options = {.struct_size = sizeof options};
    neck_head expected, *head;
    if (neck_checkpoint_format(file) != NECK_FORMAT_SAFETENSORS || neck_checkpoint_tensor_count(file) < 1)
        return neck__fail(NECK_E_FORMAT, "not a head: heads are safetensors files");
    NECK_TRY(read_options(file, &options));
    neck__head_describe(&options, &expected);
    NECK_TRY(check_tensors(file, &expected));
    NECK_TRY(neck__head_new(context, &options, &head));
    neck_status status = read_parameters(context, file, head);
    if (status == NECK_OK)
        *out = head;
    else
        neck_head_destroy(head);
    return status;
}

neck_status neck_head_load(neck_context *context, const char *path, neck_head **out)
{
    if (!path || !out) return neck__fail(NECK_E_ARGUMENT, "path or out is NULL");
    neck_checkpoint *file;
    NECK_TRY(neck_checkpoint_open(context, path, NULL, &file));
    neck_status status = load(context, file, out);
    if (status != NECK_OK) status = neck__fail_in(status, "%s", path);
    neck_checkpoint_destroy(file);
    return status;
}
