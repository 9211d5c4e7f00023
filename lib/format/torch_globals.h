/* format/torch_globals.h - the classes and functions of PyTorch that may occur in a pickle of tensors. */
#ifndef NECK_FORMAT_TORCH_GLOBALS_H
#define NECK_FORMAT_TORCH_GLOBALS_H

#include "format/pickle.h"
#include "softneck/checkpoint.h"

/* Tags of the objects that this client makes. */
enum {
    NECK__TORCH_STORAGE = 1, /* args: ("storage", class, key, location, count) */
    NECK__TORCH_TENSOR = 2,  /* args: (storage, offset, shape, strides, ..., with a dtype at place 6 when untyped) */
};

/* A tensor as pickled: numbers in elements, none of them checked against the storage yet. */
typedef struct neck__torch_tensor {
    int32_t dtype, ndim;
    int64_t shape[NECK_MAX_DIMS], stride[NECK_MAX_DIMS];
    int64_t offset;
    const char *key; /* of the storage, key_length bytes */
    size_t key_length;
    int64_t storage_bytes; /* what the pickle says */
} neck__torch_tensor;

extern const neck__pickle_client neck__torch_client;

/* Reads an object with tag NECK__TORCH_TENSOR. Errors: NECK_E_FORMAT, NECK_E_UNSUPPORTED. */
neck_status neck__torch_tensor_read(const neck__pickle *pickle, const neck__value *object, neck__torch_tensor *out);

#endif
