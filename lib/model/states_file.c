/* model/states_file.c - hidden states on disk: a safetensors file whose header is written last, into room left for
 * it, because only then is the number of rows known. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "format/atomic_file.h"
#include "linalg/view.h"
#include "softneck/model.h"

/* Of the length and the JSON text, which is padded with spaces; a multiple of 64, so that states are aligned. */
enum { HEADER = 512, CHUNK = 4096, WIDEST = 1 << 24 };

struct neck_states_file {
    neck__allocator allocator;
    neck__atomic_file *file;
    int64_t width, rows;
    int32_t dtype;
    int32_t *targets; /* written behind the states */
    int64_t capacity;
};

/* ---- narrowing, rounding to nearest even ------------------------------------------------------------------------ */

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* bits >> shift, rounded */
static uint32_t round_bits(uint32_t bits, int shift)
{
    uint32_t half = 1u << (shift - 1);
    return (bits + (half - 1) + (bits >> shift & 1)) >> shift;
}

static uint16_t to_bf16(float value)
{
    return (uint16_t)round_bits(bits_of(value), 16);
}

/* Values from 65520 on round to infinity: the caller refuses them first. */
static uint16_t to_f16(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude >= 0x38800000) return (uint16_t)(sign | round_bits(magnitude - 0x38000000, 13)); /* 2^-14: normal */
    if (magnitude < 0x33000000) return (uint16_t)sign;                                             /* 2^-25: to zero */
    uint32_t fraction = (magnitude & 0x7FFFFF) | 0x800000;
    return (uint16_t)(sign | round_bits(fraction, 126 - (int)(magnitude >> 23)));
}

/* What fits in no way: the largest float that rounds to a finite number of that dtype. */
static double limit_of(int32_t dtype)
{
    return dtype == NECK_F16 ? 65519.996 : dtype == NECK_BF16 ? 3.3961775e38 : 3.4028235e38;
}

static neck_status check_range(const neck_states_file *file, int64_t row, const double *line, int64_t first,
                               int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(line[i] <= limit_of(file->dtype) && line[i] >= -limit_of(file->dtype)))
            return neck__fail(NECK_E_OVERFLOW, "state %g (row %lld, column %lld) does not fit in %s", line[i],
                              (long long)row, (long long)(first + i), neck_dtype_name(file->dtype));
    return NECK_OK;
}

static neck_status write_values(neck_states_file *file, const double *line, int64_t count)
{
    union {
        float wide[CHUNK];
        uint16_t narrow[CHUNK];
    } out;
    for (int64_t i = 0; i < count; i++) {
        if (file->dtype == NECK_F32)
            out.wide[i] = (float)line[i];
        else
            out.narrow[i] = file->dtype == NECK_F16 ? to_f16((float)line[i]) : to_bf16((float)line[i]);
    }
    return neck__atomic_file_write(file->file, &out, count * neck_dtype_size(file->dtype));
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

neck_status neck_states_file_create(neck_context *context, const char *path, int64_t width, int32_t dtype,
                                    neck_states_file **out)
{
    if (!path || !path[0] || !out) return neck__fail(NECK_E_ARGUMENT, "path is NULL or empty, or out is NULL");
    if (width < 1 || width > WIDEST) return neck__fail(NECK_E_ARGUMENT, "width is %" PRId64, width);
    if (dtype != NECK_F32 && dtype != NECK_F16 && dtype != NECK_BF16)
        return neck__fail(NECK_E_ARGUMENT, "states are stored as F32, F16 or BF16, not %s", neck_dtype_name(dtype));
    const neck__allocator allocator = neck__allocator_of(context);
    neck_states_file *file = neck__calloc(&allocator, 1, sizeof *file, "a file of hidden states");
    if (!file) return NECK_E_NOMEM;
    *file = (neck_states_file){.allocator = allocator, .width = width, .dtype = dtype};
    const char room[HEADER] = {0};
    neck_status status = neck__atomic_file_create(&allocator, path, &file->file);
    if (status == NECK_OK) status = neck__atomic_file_write(file->file, room, HEADER);
    if (status == NECK_OK)
        *out = file;
    else
        neck_states_file_destroy(file);
    return status;
}

void neck_states_file_destroy(neck_states_file *file)
{
    if (!file) return;
    const neck__allocator allocator = file->allocator;
    neck__atomic_file_abandon(file->file);
    neck__release(&allocator, file->targets);
    neck__release(&allocator, file);
}

static neck_status reserve(neck_states_file *file, int64_t more)
{
    int64_t wanted;
    if (!neck__add(file->rows, more, &wanted)) return neck__fail(NECK_E_OVERFLOW, "too many rows");
    if (wanted <= file->capacity) return NECK_OK;
    if (wanted < 2 * file->capacity) wanted = 2 * file->capacity;
    int32_t *targets = neck__alloc(&file->allocator, wanted, sizeof *targets, "targets");
    if (!targets) return NECK_E_NOMEM;
    if (file->rows) memcpy(targets, file->targets, (size_t)file->rows * sizeof *targets);
    neck__release(&file->allocator, file->targets);
    file->targets = targets;
    file->capacity = wanted;
    return NECK_OK;
}

/* Checks a block before writing any of it, so that a refused block leaves the file as it was. */
static neck_status pass(neck_states_file *file, const neck_matrix *view, int writing)
{
    double line[CHUNK];
    for (int64_t row = 0; row < view->rows; row++)
        for (int64_t first = 0; first < view->cols; first += CHUNK) {
            int64_t count = view->cols - first < CHUNK ? view->cols - first : CHUNK;
            neck__view_read(view, row, first, count, line);
            NECK_TRY(writing ? write_values(file, line, count) : check_range(file, row, line, first, count));
        }
    return NECK_OK;
}

neck_status neck_states_file_push(neck_states_file *file, const neck_matrix *states, const int32_t *targets)
{
    neck_matrix view;
    if (!file || !file->file) return neck__fail(NECK_E_ARGUMENT, "file is NULL or finished");
    NECK_TRY(neck__view_check(states, &view));
    if (view.cols != file->width)
        return neck__fail(NECK_E_ARGUMENT, "states of width %" PRId64 " for a file of width %" PRId64, view.cols,
                          file->width);
    NECK_TRY(reserve(file, view.rows));
    NECK_TRY(pass(file, &view, 0));
    NECK_TRY(pass(file, &view, 1));
    for (int64_t i = 0; i < view.rows; i++) file->targets[file->rows + i] = targets ? targets[i] : NECK_NO_TARGET;
    file->rows += view.rows;
    return NECK_OK;
}

static neck_status write_header(neck_states_file *file)
{
    int64_t states = file->rows * file->width * neck_dtype_size(file->dtype), end = states + file->rows * 4;
    char header[HEADER];
    memset(header, ' ', sizeof header);
    int length = snprintf(
        header + 8, HEADER - 8,
        "{\"__metadata__\":{\"softneck\":\"states 1\"},"
        "\"states\":{\"dtype\":\"%s\",\"shape\":[%" PRId64 ",%" PRId64 "],\"data_offsets\":[0,%" PRId64 "]},"
        "\"targets\":{\"dtype\":\"I32\",\"shape\":[%" PRId64 "],\"data_offsets\":[%" PRId64 ",%" PRId64 "]}}",
        neck_dtype_name(file->dtype), file->rows, file->width, states, file->rows, states, end);
    header[8 + length] = ' ';
    for (int i = 0; i < 8; i++) header[i] = (char)((uint64_t)(HEADER - 8) >> (8 * i) & 0xFF);
    return neck__atomic_file_rewrite(file->file, 0, header, HEADER);
}

neck_status neck_states_file_finish(neck_states_file *file)
{
    if (!file || !file->file) return neck__fail(NECK_E_ARGUMENT, "file is NULL or finished");
    if (file->rows == 0) return neck__fail(NECK_E_STATE, "no states were pushed");
    NECK_TRY(neck__atomic_file_write(file->file, file->targets, file->rows * 4));
    NECK_TRY(write_header(file));
    neck__atomic_file *finished = file->file;
    file->file = NULL;
    return neck__atomic_file_commit(finished);
}
