/* model/config.h - everything that tells one transformer from another, as numbers and switches. */
#ifndef NECK_MODEL_CONFIG_H
#define NECK_MODEL_CONFIG_H

#include "kernels/kernels.h"
#include "softneck/checkpoint.h"

/* Bounds on what a configuration may ask for. With these no product of three sizes overflows. */
#define NECK__LAYERS_MAX 1024
#define NECK__WIDTH_MAX (1 << 20)
#define NECK__VOCABULARY_MAX (1 << 24)
#define NECK__HEAD_MAX 256

enum { NECK__NORM_LAYER, NECK__NORM_RMS };
/* Where the norms of a branch stand: before it, after adding it to the residual stream, on both of its sides. */
enum { NECK__NORM_BEFORE, NECK__NORM_AFTER, NECK__NORM_AROUND };
enum { NECK__LEARNED, NECK__ROTARY };
/* Which two numbers of a head are rotated together: i and i + size/2, or 2i and 2i + 1. */
enum { NECK__ROTATE_HALVES, NECK__ROTATE_PAIRS };
enum { NECK__ROPE_PLAIN, NECK__ROPE_LINEAR, NECK__ROPE_LLAMA3 };

typedef struct neck__rope {
    int64_t size; /* how many of a head's numbers are rotated, even */
    int32_t order, scaling;
    double theta, factor, low_factor, high_factor, original_context;
} neck__rope;

typedef struct neck__config {
    const char *family;
    const struct neck__layout *layout; /* names and order of the weights */
    int64_t vocabulary, hidden, layers, heads, kv_heads, head_size, inner, context;
    int64_t embedding;     /* width of token embeddings and of the last state; hidden, or projected from and to it */
    int32_t norm, placement, has_final_norm;
    double norm_epsilon;
    double norm_offset;    /* added to the stored weights of a norm */
    int32_t parallel;      /* attention and MLP both read the block's input */
    int32_t activation, gated; /* NECK__GELU ... */
    int32_t positions;
    int64_t position_offset; /* row of position 0 in the learned table */
    neck__rope rope;
    double attention_scale;
    int32_t divide_by_layer; /* attention_scale / (layer + 1) */
    double attention_cap, logit_cap; /* cap * tanh(x / cap); 0: none */
    double embedding_scale;
    int64_t window;                         /* keys a sliding layer sees, itself included */
    unsigned char sliding[NECK__LAYERS_MAX]; /* which layers do */
    int32_t tied;
    int32_t qkv_bias, output_bias, mlp_bias;
} neck__config;

/* Reads the configuration of an open checkpoint, whichever form it has. */
neck_status neck__config_read(const neck_checkpoint *checkpoint, neck__config *out);

/* One form each. */
neck_status neck__config_from_json(const char *text, neck__config *out);
neck_status neck__config_from_gguf(const neck_checkpoint *checkpoint, neck__config *out);
neck_status neck__config_from_llama2c(const neck_checkpoint *checkpoint, neck__config *out);

/* Do the numbers make a model? Called by neck__config_read. */
neck_status neck__config_check(const neck__config *config);

#endif
