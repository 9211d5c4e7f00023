/* format/checkpoint_matrix.c - tensors as matrix views: in place where the stored form allows, else copied once. */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "core/context.h"
#include "core/error.h"
#include "format/checkpoint_object.h"
#include "format/dequant.h"

/* A tensor's two dimensions in elements. */
typedef struct layout {
    int64_t rows, cols, row_stride, col_stride;
} layout;

static neck_status lay_out(const neck__tensor *tensor, layout *out)
{
    if ((tensor->dtype < NECK_F32 || tensor->dtype > NECK_BF16) && !neck__block_of(tensor->dtype))
        return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.200s' is %s: only F32, F64, F16, BF16 and the quantised types "
                          "make a matrix", tensor->name, neck_dtype_name(tensor->dtype));
    if (tensor->ndim < 1 || tensor->ndim > 2)
        return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.200s' has %d dimensions: a matrix has 2", tensor->name,
                          tensor->ndim);
    *out = (layout){tensor->shape[0], 1, tensor->stride[0], 1};
    if (tensor->ndim == 2) {
        out->cols = tensor->shape[1];
        out->col_stride = tensor->stride[1];
    }
    if (out->rows < 1 || out->cols < 1)
        return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.200s' is empty: %" PRId64 " x %" PRId64, tensor->name,
                          out->rows, out->cols);
    return NECK_OK;
}

/* The file's checksum, when it has one, is compared once. */
static neck_status verify(neck__tensor *tensor)
{
    const neck__checksum *sum = &tensor->checksum;
    if (sum->data && crc32_z(0, sum->data, (size_t)sum->size) != sum->crc)
        return neck__fail(NECK_E_FORMAT, "tensor '%.200s': its bytes do not match their CRC-32: the file is damaged",
                          tensor->name);
    tensor->checksum.data = NULL;
    return NECK_OK;
}

static void copy_element(unsigned char *to, const unsigned char *from, int64_t size, int swapped)
{
    if (swapped)
        for (int64_t k = 0; k < size; k++) to[k] = from[size - 1 - k];
    else
        memcpy(to, from, (size_t)size);
}

/* Row-major order, in tiles so that neither side strides through all of memory. */
static void copy_packed(const neck__tensor *tensor, const layout *l, unsigned char *out)
{
    enum { TILE = 64 };
    const int64_t size = neck_dtype_size(tensor->dtype);
    for (int64_t i0 = 0; i0 < l->rows; i0 += TILE)
        for (int64_t j0 = 0; j0 < l->cols; j0 += TILE)
            for (int64_t i = i0; i < l->rows && i < i0 + TILE; i++)
                for (int64_t j = j0; j < l->cols && j < j0 + TILE; j++)
                    copy_element(out + (i * l->cols + j) * size,
                                 tensor->data + (i * l->row_stride + j * l->col_stride) * size, size,
                                 tensor->byte_swapped);
}

static neck_status convert(neck__tensors *list, neck__tensor *tensor, const layout *l)
{
    const int64_t span = (l->rows - 1) * l->row_stride + (l->cols - 1) * l->col_stride + 1;
    int64_t elements;
    /* An expanded tensor repeats few bytes many times: its copy could be larger than any file. */
    if (!neck__mul(l->rows, l->cols, &elements) || elements > span)
        return neck__fail(NECK_E_UNSUPPORTED, "tensor '%.200s' is expanded: its rows or columns share memory",
                          tensor->name);
    unsigned char *data = neck__alloc(&list->allocator, elements, neck_dtype_size(tensor->dtype), "a matrix");
    if (!data) return NECK_E_NOMEM;
    copy_packed(tensor, l, data);
    NECK_TRY(neck__tensors_own_buffer(list, data));
    tensor->converted = (neck_matrix){data, l->rows, l->cols, l->cols, tensor->dtype, 0};
    return NECK_OK;
}

/* Blocks are read row-major and packed; one dimension makes a column of whatever its blocks decode to. */
static neck_status decode(neck_context *context, neck__tensors *list, neck__tensor *tensor, const neck__block *block,
                          const layout *l)
{
    int64_t elements;
    if (!neck__mul(l->rows, l->cols, &elements))
        return neck__fail(NECK_E_OVERFLOW, "tensor '%.200s' is too large to decode", tensor->name);
    float *data = neck__alloc(&list->allocator, elements, sizeof *data, "a decoded matrix");
    if (!data) return NECK_E_NOMEM;
    NECK_TRY(neck__tensors_own_buffer(list, data));
    neck__dequantise(context, block, tensor->data, elements / block->elements, data);
    tensor->converted = (neck_matrix){data, l->rows, l->cols, l->cols, NECK_F32, 0};
    return NECK_OK;
}

neck_status neck_checkpoint_matrix(neck_context *context, neck_checkpoint *checkpoint, int64_t index, neck_matrix *out)
{
    if (!checkpoint || !out) return neck__fail(NECK_E_ARGUMENT, "checkpoint or out is NULL");
    if (index < 0 || index >= checkpoint->list.count)
        return neck__fail(NECK_E_ARGUMENT, "index %" PRId64 " is outside the %" PRId64 " tensors", index,
                          checkpoint->list.count);
    neck__tensor *tensor = &checkpoint->list.tensors[index];
    layout l = {0};
    NECK_TRY(lay_out(tensor, &l));
    NECK_TRY(verify(tensor));
    const neck__block *block = neck__block_of(tensor->dtype);
    const int in_place = !block && !tensor->byte_swapped && (l.col_stride == 1 || l.cols == 1) &&
                         (l.row_stride >= l.cols || l.rows == 1);
    if (in_place) {
        *out = (neck_matrix){tensor->data, l.rows, l.cols, l.rows == 1 ? l.cols : l.row_stride, tensor->dtype, 0};
        return NECK_OK;
    }
    if (!tensor->converted.data)
        NECK_TRY(block ? decode(context, &checkpoint->list, tensor, block, &l)
                       : convert(&checkpoint->list, tensor, &l));
    *out = tensor->converted;
    return NECK_OK;
}
