/* model/layout.h - what the weights of a family are called and how they are stored. */
#ifndef NECK_MODEL_LAYOUT_H
#define NECK_MODEL_LAYOUT_H

#include <stdint.h>

/* Everything that has a weight, and perhaps a bias. */
enum neck__module {
    NECK__EMBEDDING,
    NECK__POSITIONS,
    NECK__PROJECT_IN,
    NECK__PROJECT_OUT,
    NECK__FINAL_NORM,
    NECK__HEAD,
    NECK__FIRST_IN_BLOCK,
    NECK__ATTENTION_NORM = NECK__FIRST_IN_BLOCK,
    NECK__QKV,
    NECK__Q,
    NECK__K,
    NECK__V,
    NECK__OUT,
    NECK__ATTENTION_POST_NORM,
    NECK__MLP_NORM,
    NECK__GATE,
    NECK__UP,
    NECK__DOWN,
    NECK__MLP_POST_NORM,
    NECK__MODULES
};

/* The outputs of a fused projection: all queries, all keys, all values; or query, key and value of one head after the
 * other's. */
enum { NECK__FUSED_BY_PART, NECK__FUSED_BY_HEAD };

typedef struct neck__layout {
    const char *prefixes[3]; /* before every name but the head's; the first under which the embedding exists */
    const char *block;       /* before the names of a block, with its number for %lld */
    const char *names[NECK__MODULES]; /* NULL: the family has none */
    int32_t fused;
    int32_t transposed; /* linear weights are stored in x out */
} neck__layout;

extern const neck__layout neck__layout_gpt2;
extern const neck__layout neck__layout_gpt_neox;
extern const neck__layout neck__layout_opt;
extern const neck__layout neck__layout_llama;
extern const neck__layout neck__layout_gemma2;
extern const neck__layout neck__layout_llama2c;
extern const neck__layout neck__layout_gguf, neck__layout_gguf_fused;

#endif
