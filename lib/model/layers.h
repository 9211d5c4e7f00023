/* model/layers.h - the steps a transformer is made of, each over all rows (tokens) of a batch. */
#ifndef NECK_MODEL_LAYERS_H
#define NECK_MODEL_LAYERS_H

#include "model/weights.h"

/* out = norm(x), rows x width, packed; out may be x. *faulty (never cleared) is set when a row is not finite. */
void neck__norm_apply(neck_context *context, const neck__config *config, const neck__norm *norm, int64_t rows,
                      int64_t width, const float *x, float *out, int32_t *faulty);

/* out (rows x outputs, leading dimension stride) = [out if accumulate] + x W^T + bias; x is packed. */
void neck__linear_apply(neck_context *context, const neck__linear *linear, int64_t rows, const float *x,
                        int32_t accumulate, float *out, int64_t stride);

/* up = activation(up), or activation(gate) * up when gate is not NULL; rows x width, packed. gate is overwritten. */
void neck__activate(neck_context *context, int32_t activation, int64_t rows, int64_t width, float *gate, float *up);

/* to += from; rows x width. */
void neck__rows_add(neck_context *context, int64_t rows, int64_t width, const float *from, float *to);

/* Radians by which a pair of a head's numbers turns from one position to the next. */
double neck__rope_frequency(const neck__rope *rope, int64_t pair);

/* Cosines and sines of the rotation at each position, length x size / 2 each. */
typedef struct neck__rotation {
    int64_t size, length;
    int32_t order;
    float *cosines, *sines;
} neck__rotation;

/* Zero size when the model has no rotary positions. */
neck_status neck__rotation_create(const neck__allocator *allocator, const neck__config *config, int64_t length,
                                  neck__rotation *out);
void neck__rotation_clear(const neck__allocator *allocator, neck__rotation *rotation);
/* Rotates one head's numbers at a position in place. */
void neck__rotate(const neck__rotation *rotation, int64_t position, float *head);

/* Queries, keys or values of all heads: head h of row r starts at data + r * row_stride + h * head_stride. */
typedef struct neck__heads {
    const float *data;
    int64_t row_stride, head_stride;
} neck__heads;

typedef struct neck__attention {
    const neck__config *config;
    const neck__rotation *rotation;
    int64_t batch, length, layer;
    neck__heads queries, keys, values;
    float *packed; /* neck__attention_room floats of scratch, 64-byte aligned */
    float *out;    /* rows x (heads * head_size), packed */
} neck__attention;

int64_t neck__attention_room(const neck__config *config, int64_t batch, int64_t length);
void neck__attend(neck_context *context, const neck__attention *attention);

#endif
