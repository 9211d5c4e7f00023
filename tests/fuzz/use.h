/* use.h - what a caller does with a checkpoint: asks for its head and for every tensor as a matrix. */
#ifndef NECK_FUZZ_USE_H
#define NECK_FUZZ_USE_H

#include "format/checkpoint_object.h"
#include "touch.h"

/* Every element that a view promises. */
static inline void touch_matrix(const neck_matrix *matrix)
{
    static volatile unsigned sink;
    unsigned sum = 0;
    const int64_t item = neck_dtype_size(matrix->dtype);
    for (int64_t i = 0; i < matrix->rows; i++) {
        const unsigned char *row = (const unsigned char *)matrix->data + i * matrix->row_stride * item;
        for (int64_t k = 0; k < matrix->cols * item; k++) sum += row[k];
    }
    sink = sum;
    (void)sink;
}

/* To be called on what a reader left in the list, which stays the owner. */
static inline void use_tensors(neck__tensors *list)
{
    neck_checkpoint checkpoint = {.allocator = list->allocator, .list = *list};
    int64_t head = -1;
    if (neck_checkpoint_head(&checkpoint, &head, NULL) == NECK_OK && (head < 0 || head >= list->count)) abort();
    for (int64_t i = 0; i < list->count && i < 64; i++) {
        neck_matrix matrix;
        neck_tensor tensor = {.struct_size = sizeof tensor};
        if (neck_checkpoint_tensor(&checkpoint, i, &tensor) != NECK_OK) abort();
        checkpoint.list.tensors[i].checksum.data = NULL; /* a changed byte would otherwise end the test here */
        if (neck_checkpoint_matrix(NULL, &checkpoint, i, &matrix) == NECK_OK) touch_matrix(&matrix);
    }
    *list = checkpoint.list;
}

#endif
