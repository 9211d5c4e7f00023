/* model/weights.h - from tensors in a file to weights that can be multiplied with. */
#ifndef NECK_MODEL_WEIGHTS_H
#define NECK_MODEL_WEIGHTS_H

#include "core/memory.h"
#include "linalg/gemm_f32.h"
#include "model/config.h"
#include "model/layout.h"

/* Where a module's tensors are in the checkpoint; -1: it has none. */
typedef struct neck__place {
    int64_t weight, bias;
} neck__place;

typedef struct neck__linear {
    neck__packed *weight; /* NULL: the model has no such module */
    float *bias;          /* or NULL */
} neck__linear;

typedef struct neck__norm {
    float *weight; /* NULL: the model has no such norm; its offset added */
    float *bias;   /* or NULL */
} neck__norm;

typedef struct neck__block {
    neck__norm attention_norm, attention_post_norm, mlp_norm, mlp_post_norm;
    neck__linear qkv, q, k, v, out, gate, up, down;
} neck__block;

/* What the configuration says of a module: rows x cols of its weight as a matrix "out x in" (cols 0: a vector), whether
 * there is a weight and a bias, and whether the weight is that of a linear map (which some layouts transpose). */
typedef struct neck__expected {
    int64_t rows, cols;
    int32_t weight, bias, linear;
} neck__expected;

neck__expected neck__expect(const neck__config *config, enum neck__module module);

/* The name of a module's tensor; suffix: ".weight" or ".bias". */
typedef char neck__name[256];
void neck__tensor_name(const neck__layout *layout, const char *prefix, enum neck__module module, int64_t layer,
                       const char *suffix, neck__name out);

/* Finds every tensor of the model and checks its shape; places has one row for what stands outside blocks, then one
 * a block, each of NECK__MODULES. *parameters counts their elements. Errors: NECK_E_NOT_FOUND, NECK_E_FORMAT. */
neck_status neck__weights_locate(const neck__config *config, const neck_checkpoint *checkpoint, neck__place *places,
                                 int64_t *parameters);

/* Loads one module; an absent one stays zero. */
neck_status neck__norm_load(neck_context *context, const neck__config *config, neck_checkpoint *checkpoint,
                            neck__place place, neck__norm *out);
neck_status neck__linear_load(neck_context *context, const neck__config *config, neck_checkpoint *checkpoint,
                              neck__place place, neck__linear *out);
void neck__norm_clear(const neck__allocator *allocator, neck__norm *norm);
void neck__linear_clear(const neck__allocator *allocator, neck__linear *linear);

/* Loads a block from its row of places; on failure nothing is left. */
neck_status neck__block_load(neck_context *context, const neck__config *config, neck_checkpoint *checkpoint,
                             const neck__place *places, neck__block *out);
void neck__block_clear(const neck__allocator *allocator, neck__block *block);

/* Bytes a loaded block takes, about; every block is alike. */
int64_t neck__block_bytes(const neck__config *config);

#endif
