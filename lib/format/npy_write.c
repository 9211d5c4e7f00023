/* format/npy_write.c - writing matrices as .npy version 1.0, in C order, byte for byte as NumPy does. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "format/atomic_file.h"
#include "linalg/view.h"
#include "softneck/checkpoint.h"

/* Magic number, version, length, dict, padding: whatever the shape, the multiple of 64 that holds it. */
#define HEADER_SIZE 128
#define PREFIX 10
#define CHUNK 1024

static const char *descr_of(int32_t dtype)
{
    switch (dtype) {
    case NECK_F16: return "<f2";
    case NECK_F64: return "<f8";
    default: return "<f4"; /* f32 as it is, bf16 widened */
    }
}

static neck_status write_header(neck__atomic_file *file, const neck_matrix *view)
{
    char header[HEADER_SIZE + 1];
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = HEADER_SIZE - PREFIX;
    header[9] = 0;
    int used = snprintf(header + PREFIX, sizeof header - PREFIX,
                        "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRId64 ", %" PRId64 "), }",
                        descr_of(view->dtype), view->rows, view->cols);
    memset(header + PREFIX + used, ' ', (size_t)(HEADER_SIZE - PREFIX - used));
    header[HEADER_SIZE - 1] = '\n';
    return neck__atomic_file_write(file, header, HEADER_SIZE);
}

/* bf16 is the upper half of an f32. */
static neck_status write_widened(neck__atomic_file *file, const unsigned char *row, int64_t cols)
{
    uint32_t wide[CHUNK];
    for (int64_t done = 0; done < cols;) {
        int64_t count = cols - done < CHUNK ? cols - done : CHUNK;
        for (int64_t j = 0; j < count; j++) {
            uint16_t half;
            memcpy(&half, row + 2 * (done + j), sizeof half);
            wide[j] = (uint32_t)half << 16;
        }
        NECK_TRY(neck__atomic_file_write(file, wide, count * (int64_t)sizeof *wide));
        done += count;
    }
    return NECK_OK;
}

static neck_status write_rows(neck__atomic_file *file, const neck_matrix *view)
{
    for (int64_t i = 0; i < view->rows; i++) {
        const void *row = neck__view_row(view, i);
        if (view->dtype == NECK_BF16)
            NECK_TRY(write_widened(file, row, view->cols));
        else
            NECK_TRY(neck__atomic_file_write(file, row, view->cols * neck_dtype_size(view->dtype)));
    }
    return NECK_OK;
}

neck_status neck_npy_write(neck_context *context, const char *path, const neck_matrix *matrix)
{
    if (!path) return neck__fail(NECK_E_ARGUMENT, "path is NULL");
    neck_matrix view;
    NECK_TRY(neck__view_check(matrix, &view));
    neck__allocator allocator = neck__allocator_of(context);
    neck__atomic_file *file;
    NECK_TRY(neck__atomic_file_create(&allocator, path, &file));
    neck_status status = write_header(file, &view);
    if (status == NECK_OK) status = write_rows(file, &view);
    if (status == NECK_OK) return neck__atomic_file_commit(file);
    neck__atomic_file_abandon(file);
    return status;
}
