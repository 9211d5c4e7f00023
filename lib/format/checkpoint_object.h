/* format/checkpoint_object.h - what a checkpoint is inside the library. */
#ifndef NECK_FORMAT_CHECKPOINT_OBJECT_H
#define NECK_FORMAT_CHECKPOINT_OBJECT_H

#include "format/tensors.h"

/* tie_word_embeddings of config.json */
enum { NECK__TIED_UNKNOWN, NECK__TIED_YES, NECK__TIED_NO };

struct neck_checkpoint {
    neck__allocator allocator;
    char *path;
    char *config; /* or NULL */
    int32_t format;
    int32_t tied;
    neck__tensors list;
};

/* Non-zero for a tensor of two dimensions in a floating or quantised dtype. */
int neck__tensor_is_matrix(const neck__tensor *tensor);

/* Non-zero when the bytes at data are the tensor: row-major, packed, element by element, in this machine's byte
 * order. */
int neck__tensor_is_packed(const neck__tensor *tensor);

#endif
