/* support_headrank_data.c - states and targets out of safetensors containers or .npy files. */
#include "support_headrank_data.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "support_text.h"

#define MARKED_ROWS 64

static int fail(measure_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(measure_error *error, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    error->status = NECK_E_ARGUMENT;
    vsnprintf(error->text, sizeof error->text, format, values);
    va_end(values);
    return 0;
}

static int open_file(neck_context *context, const char *path, neck_checkpoint **out, measure_error *error)
{
    neck_status status = neck_checkpoint_open(context, path, NULL, out);
    return status == NECK_OK ? 1 : measure_fail(error, status, path);
}

/* The tensor of that name, or the only one there is. */
static int find_tensor(const neck_checkpoint *file, const char *name, int64_t *index, measure_error *error)
{
    neck_status status = neck_checkpoint_find(file, name, index);
    if (status == NECK_OK) return 1;
    if (neck_checkpoint_tensor_count(file) != 1) return measure_fail(error, status, neck_checkpoint_path(file));
    *index = 0;
    return 1;
}

/* ---- states ----------------------------------------------------------------------------------------------------- */

static int read_states(neck_context *context, headrank_data *data, neck_matrix *out, measure_error *error)
{
    int64_t index;
    const char *path = neck_checkpoint_path(data->states_file);
    if (!find_tensor(data->states_file, "states", &index, error)) return 0;
    neck_status status = neck_checkpoint_matrix(context, data->states_file, index, out);
    if (status == NECK_OK) status = neck_matrix_check_finite(context, out, NULL, NULL);
    if (status != NECK_OK) return measure_fail(error, status, path);
    if (out->rows < 2) return fail(error, "%s: one state is too few: some train, some validate", path);
    return 1;
}

/* ---- targets ---------------------------------------------------------------------------------------------------- */

/* 0 for a dtype that holds no token ids. Numbers beyond int64 are no ids either; they come out negative. */
static int integer_at(const neck_tensor *tensor, int64_t at, int64_t *out)
{
    const char *place = (const char *)tensor->data + at * neck_dtype_size(tensor->dtype);
    union {
        int8_t i8;
        uint8_t u8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
    } number;
    memcpy(&number, place, (size_t)neck_dtype_size(tensor->dtype));
    switch (tensor->dtype) {
    case NECK_I8: *out = number.i8; return 1;
    case NECK_U8: *out = number.u8; return 1;
    case NECK_I16: *out = number.i16; return 1;
    case NECK_U16: *out = number.u16; return 1;
    case NECK_I32: *out = number.i32; return 1;
    case NECK_U32: *out = number.u32; return 1;
    case NECK_I64:
    case NECK_U64: *out = number.i64; return 1;
    default: return 0;
    }
}

static int is_scored(int64_t target)
{
    return target != NECK_NO_TARGET && target != -100;
}

static int copy_targets(const neck_tensor *tensor, const char *path, headrank_data *data, measure_error *error)
{
    int64_t rows = data->train.states.rows, largest = -1;
    int64_t most = data->vocabulary ? data->vocabulary - 1 : INT32_MAX - 1;
    data->targets = text_alloc((size_t)rows * sizeof *data->targets);
    for (int64_t i = 0; i < rows; i++) {
        int64_t target;
        integer_at(tensor, i, &target);
        if (is_scored(target) && (target < 0 || target > most))
            return fail(error, "%s: target %" PRId64 " of state %" PRId64 " is not a token of 0 .. %" PRId64, path,
                        target, i, most);
        data->targets[i] = (int32_t)target;
        if (target > largest) largest = target;
    }
    if (largest < 0) return fail(error, "%s: no state has a target", path);
    data->vocabulary_is_guess = data->vocabulary == 0;
    if (data->vocabulary_is_guess) data->vocabulary = largest + 1;
    return 1;
}

static int read_targets(const neck_checkpoint *file, headrank_data *data, measure_error *error)
{
    int64_t index, count = 1, number;
    const char *path = neck_checkpoint_path(file);
    neck_tensor tensor = {.struct_size = sizeof tensor};
    if (!find_tensor(file, "targets", &index, error)) return 0;
    neck_status status = neck_checkpoint_tensor(file, index, &tensor);
    if (status != NECK_OK) return measure_fail(error, status, path);
    for (int32_t i = 0; i < tensor.ndim; i++) count *= tensor.shape[i];
    if (count != data->train.states.rows)
        return fail(error, "%s: %" PRId64 " targets for %" PRId64 " states", path, count, data->train.states.rows);
    if (!tensor.data || !integer_at(&tensor, 0, &number))
        return fail(error, "%s: targets are %s, not plain integers", path, neck_dtype_name(tensor.dtype));
    return copy_targets(&tensor, path, data, error);
}

/* ---- the model's head ------------------------------------------------------------------------------------------- */

/* A loss in double, as states in double have it, wants the head in double too. */
static int widen_head(neck_context *context, headrank_data *data, measure_error *error)
{
    if (data->train.states.dtype != NECK_F64 || data->head.dtype == NECK_F64) return 1;
    data->wide_head = text_alloc((size_t)(data->head.rows * data->head.cols) * sizeof *data->wide_head);
    neck_status status = neck_matrix_to_f64(context, &data->head, data->wide_head);
    if (status != NECK_OK) return measure_fail(error, status, neck_checkpoint_path(data->model_file));
    data->head = (neck_matrix){.data = data->wide_head, .rows = data->head.rows, .cols = data->head.cols,
                               .dtype = NECK_F64};
    return 1;
}

static int read_head(neck_context *context, const char *path, headrank_data *data, measure_error *error)
{
    int64_t index;
    if (!open_file(context, path, &data->model_file, error)) return 0;
    neck_status status = neck_checkpoint_head(data->model_file, &index, NULL);
    if (status == NECK_OK) status = neck_checkpoint_matrix(context, data->model_file, index, &data->head);
    if (status == NECK_OK) status = neck_matrix_check_finite(context, &data->head, NULL, NULL);
    if (status != NECK_OK) return measure_fail(error, status, path);
    if (data->head.cols != data->train.states.cols)
        return fail(error, "%s: its head is %" PRId64 " wide, the states are %" PRId64, path, data->head.cols,
                    data->train.states.cols);
    if (data->vocabulary && data->vocabulary != data->head.rows)
        return fail(error, "%s: its head has %" PRId64 " tokens, --vocabulary says %" PRId64, path, data->head.rows,
                    data->vocabulary);
    data->vocabulary = data->head.rows;
    return widen_head(context, data, error);
}

/* ---- marks ------------------------------------------------------------------------------------------------------ */

/* FNV-1a */
static uint64_t mixed(uint64_t mark, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) mark = (mark ^ byte[i]) * 0x100000001b3u;
    return mark;
}

/* Some rows stand for all: other matrices differ everywhere. */
static uint64_t mark_of(const neck_matrix *matrix)
{
    int64_t sizes[] = {matrix->rows, matrix->cols, matrix->dtype}, rows = matrix->rows;
    int64_t stride = matrix->row_stride ? matrix->row_stride : matrix->cols, size = neck_dtype_size(matrix->dtype);
    int64_t marked = rows < MARKED_ROWS ? rows : MARKED_ROWS;
    uint64_t mark = mixed(0xcbf29ce484222325u, sizes, sizeof sizes);
    for (int64_t i = 0; i < marked; i++)
        mark = mixed(mark, (const char *)matrix->data + rows / marked * i * stride * size,
                     (size_t)(matrix->cols * size));
    return mark;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static void split(headrank_data *data, double fraction)
{
    const neck_matrix all = data->train.states;
    int64_t stride = all.row_stride ? all.row_stride : all.cols;
    int64_t held = (int64_t)(fraction * (double)all.rows + 0.5);
    data->train.targets = data->valid.targets = data->targets;
    data->valid.states = all;
    if (fraction == 0) return;
    if (held < 1) held = 1;
    if (held > all.rows - 1) held = all.rows - 1;
    int64_t first = all.rows - held;
    data->train.states.rows = first;
    data->valid.states.rows = held;
    data->valid.states.data = (const char *)all.data + first * stride * neck_dtype_size(all.dtype);
    data->valid.targets = data->targets + first;
}

static int check_scored(const neck_labeled_states *part, const char *what, measure_error *error)
{
    for (int64_t i = 0; i < part->states.rows; i++)
        if (is_scored(part->targets[i])) return 1;
    return fail(error, "none of the %" PRId64 " %s states has a target", part->states.rows, what);
}

static int read_all(neck_context *context, const headrank_source *source, headrank_data *data, measure_error *error)
{
    neck_checkpoint *targets_file = NULL;
    data->vocabulary = source->vocabulary;
    if (!open_file(context, source->states, &data->states_file, error)) return 0;
    if (!read_states(context, data, &data->train.states, error)) return 0;
    if (source->model && !read_head(context, source->model, data, error)) return 0;
    if (source->targets && !open_file(context, source->targets, &targets_file, error)) return 0;
    int read = read_targets(targets_file ? targets_file : data->states_file, data, error);
    neck_checkpoint_destroy(targets_file);
    if (!read) return 0;
    data->mark = mixed(mark_of(&data->train.states), data->targets,
                       (size_t)data->train.states.rows * sizeof *data->targets);
    if (data->head.data) data->head_mark = mark_of(&data->head);
    split(data, source->valid_fraction);
    return check_scored(&data->train, "training", error) && check_scored(&data->valid, "validation", error);
}

int headrank_data_open(neck_context *context, const headrank_source *source, headrank_data *out, measure_error *error)
{
    *out = (headrank_data){.vocabulary = 0};
    return read_all(context, source, out, error);
}

void headrank_data_close(headrank_data *data)
{
    free(data->targets);
    free(data->wide_head);
    neck_checkpoint_destroy(data->model_file);
    neck_checkpoint_destroy(data->states_file);
}
