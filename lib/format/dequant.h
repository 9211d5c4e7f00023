/* format/dequant.h - quantised tensors: blocks of neighbouring elements that share their scales. */
#ifndef NECK_FORMAT_DEQUANT_H
#define NECK_FORMAT_DEQUANT_H

#include "softneck/matrix.h"

typedef struct neck__block {
    int64_t elements, bytes;
    void (*decode)(const unsigned char *block, float *out); /* writes elements floats; any alignment of block */
} neck__block;

/* How a dtype's elements are packed, or NULL when each stands alone. */
const neck__block *neck__block_of(int32_t dtype);

/* Bytes of so many elements of a dtype, which must be a whole number of blocks. Returns 0 on overflow. */
int neck__dtype_bytes(int32_t dtype, int64_t elements, int64_t *bytes);

/* Decodes count blocks that lie one behind the other, on the context's threads. */
void neck__dequantise(neck_context *context, const neck__block *type, const unsigned char *blocks, int64_t count,
                      float *out);

#endif
