/* format/llama2c.h - what the header of a llama2.c file says of its model. */
#ifndef NECK_FORMAT_LLAMA2C_H
#define NECK_FORMAT_LLAMA2C_H

#include "format/mapping.h"

typedef struct neck__llama2c_header {
    int64_t dim, hidden, layers, heads, kv_heads, vocabulary, context;
    int32_t tied;
} neck__llama2c_header;

/* Of a file in that format. Errors: NECK_E_FORMAT, NECK_E_UNSUPPORTED. */
neck_status neck__llama2c_header_read(const neck__mapping *file, neck__llama2c_header *out);

#endif
