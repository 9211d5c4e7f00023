/* touch.h - reads every byte that a reader says its tensors have, so that the sanitizers see it if it does not. */
#ifndef NECK_FUZZ_TOUCH_H
#define NECK_FUZZ_TOUCH_H

#include <stdlib.h>

#include "format/dequant.h"
#include "format/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The element farthest from the start must lie within the tensor. */
static inline void check_extent(const neck__tensor *tensor)
{
    const neck__block *block = neck__block_of(tensor->dtype);
    int64_t item = block ? block->bytes : neck_dtype_size(tensor->dtype), last = 0;
    if (item <= 0 || tensor->ndim < 0 || tensor->ndim > NECK_MAX_DIMS) abort();
    for (int32_t k = 0; k < tensor->ndim; k++) {
        if (tensor->shape[k] < 0 || tensor->stride[k] < 0) abort();
        if (tensor->shape[k] == 0) return;
        last += (tensor->shape[k] - 1) * tensor->stride[k];
    }
    if (block) last /= block->elements;
    if (last < 0 || last > tensor->nbytes / item - 1) abort();
}

static inline void touch_tensors(const neck__tensors *list)
{
    static volatile uint64_t sink;
    uint64_t sum = 0;
    for (int64_t i = 0; i < list->count; i++) {
        const neck__tensor *tensor = &list->tensors[i];
        check_extent(tensor);
        for (const char *p = tensor->name; *p; p++) sum += (unsigned char)*p;
        for (int64_t k = 0; k < tensor->nbytes; k++) sum += tensor->data[k];
    }
    sink = sum;
    (void)sink;
}

/* Runs one reader over the input: expression uses `file` and `list`. */
#define NECK_FUZZ_READ(data, size, expression)                                            \
    do {                                                                                  \
        neck__tensors list_ = {.allocator = neck__allocator_of(NULL)}, *list = &list_;    \
        neck__mapping *file;                                                              \
        if (neck__mapping_over(&list->allocator, data, (int64_t)(size), &file) != NECK_OK) abort(); \
        if ((expression) == NECK_OK) touch_tensors(list);                                 \
        neck__tensors_clear(list);                                                        \
        neck__mapping_close(file);                                                        \
    } while (0)

#endif
