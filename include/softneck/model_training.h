/* softneck/model_training.h - transformers that can be trained: made from a configuration or a model folder, run
 * forward and backward, saved as folders that transformers opens. */
#ifndef SOFTNECK_MODEL_TRAINING_H
#define SOFTNECK_MODEL_TRAINING_H

#include "optimizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A causal transformer with gradients. Families, by the model_type of config.json: gpt2, gpt_neox, opt, llama, mistral,
 * qwen2, gemma, gemma2, with every option that neck_model_open supports. It ends in the last hidden states; the loss is
 * that of neck_head or neck_cross_entropy, whose gradient of the states comes back to neck_trainable_backward:
 *
 *   neck_trainable_forward(context, model, tokens, batch, length, step, &states);
 *   neck_cross_entropy(context, &states, head, targets, ..., {.states = d, .weights = head's gradient}, &result);
 *   neck_trainable_backward(context, model, d);
 *
 * Gradients are added to what their buffer holds. The number of threads does not show in the bits. Thread rule: one
 * call at a time on one model. */
typedef struct neck_trainable neck_trainable;

enum {
    NECK_INITIALIZER_FAMILY = 0, /* NEOX for gpt_neox, GPT2 for the others */
    NECK_INITIALIZER_GPT2 = 1,   /* N(0, 0.02^2), what ends a branch 0.02 / sqrt(2 layers) */
    NECK_INITIALIZER_NEOX = 2    /* N(0, 2 / (5 hidden)), what ends a branch 2 / (layers sqrt(hidden)): Pythia's */
};

typedef struct neck_trainable_options {
    size_t struct_size;
    const char *config;       /* text of a config.json; NULL: it is written from the fields up to tied */
    const char *family;       /* NULL: "gpt_neox" */
    int64_t vocabulary;       /* required */
    int64_t layers;           /* required */
    int64_t hidden_size;      /* required */
    int64_t heads;            /* required */
    int64_t kv_heads;         /* llama, mistral, qwen2, gemma, gemma2; 0: heads */
    int64_t head_size;        /* llama, mistral, gemma, gemma2; 0: hidden_size / heads */
    int64_t inner_size;       /* of the MLP; 0: 4 hidden_size, for gated ones 8/3 of it, rounded up to a multiple of
                                 32 */
    int64_t context_length;   /* required */
    const char *activation;   /* "gelu", "gelu_new", "relu", "silu"; NULL: the family's */
    int32_t tied;             /* 1: the head is the token embedding, -1: it is not; 0: as usual in the family */
    int32_t without_head;     /* non-zero: no head of its own; neck_trainable_save is given one. Never tied then */
    int32_t dtype;            /* of parameters and arithmetic: NECK_F32 (0) or NECK_F64 */
    int32_t initializer;      /* NECK_INITIALIZER_*; biases are 0, norms the identity */
    uint64_t seed;            /* of initial weights and dropout */
    double dropout;           /* of the embedding's output and of both branches', 0 <= p < 1 */
    double attention_dropout; /* of attention probabilities */
    int32_t recompute;        /* non-zero: of every block only the input is kept, the rest computed again in the
                                 backward pass */
    int32_t reserved;         /* must be 0 */
} neck_trainable_options;

/* neck_trainable_create - with random weights.
 * neck_trainable_open   - with the weights of a Hugging Face model folder. options: only dtype, seed, dropout,
 *                         attention_dropout and recompute; NULL: all default.
 * Errors: NECK_E_ARGUMENT (an option that is missing, impossible or not of the family, named), NECK_E_UNSUPPORTED (a
 * family, an option of config.json or a file format that cannot be trained, named), those of neck_model_open,
 * NECK_E_NOMEM. */
NECK_API neck_status neck_trainable_create(neck_context *context, const neck_trainable_options *options,
                                           neck_trainable **out);
NECK_API neck_status neck_trainable_open(neck_context *context, const char *path, const neck_trainable_options *options,
                                         neck_trainable **out);
NECK_API void neck_trainable_destroy(neck_trainable *model);

/* Read access.
 *   config           text of its config.json, as it is saved; borrowed
 *   parameters       the arrays, named and shaped as in Hugging Face files (a vector of n as 1 x n), for an optimizer;
 *                    *count of them. They lie one after the other, without gaps, in
 *   values           the flat buffer of all parameters (neck_trainable_size elements), of the dtype, and
 *   gradients        that of their gradients
 *   head             the parameter that is the head (vocabulary x head_size; the token embedding when tied), NULL
 *                    without one
 *   soft_cap         of the logits (gemma2), for neck_cross_entropy; 0: none */
NECK_API const char *neck_trainable_family(const neck_trainable *model);
NECK_API const char *neck_trainable_config(const neck_trainable *model);
NECK_API int32_t neck_trainable_dtype(const neck_trainable *model);
NECK_API int64_t neck_trainable_layers(const neck_trainable *model);
NECK_API int64_t neck_trainable_hidden_size(const neck_trainable *model);
NECK_API int64_t neck_trainable_head_size(const neck_trainable *model);
NECK_API int64_t neck_trainable_vocabulary(const neck_trainable *model);
NECK_API int64_t neck_trainable_context_length(const neck_trainable *model);
NECK_API const neck_parameter *neck_trainable_parameters(const neck_trainable *model, int64_t *count);
NECK_API int64_t neck_trainable_size(const neck_trainable *model);
NECK_API void *neck_trainable_values(const neck_trainable *model);
NECK_API void *neck_trainable_gradients(const neck_trainable *model);
NECK_API const neck_parameter *neck_trainable_head(const neck_trainable *model, int32_t *tied);
NECK_API double neck_trainable_soft_cap(const neck_trainable *model);

/* neck_trainable_clear_gradients - sets all gradients to zero. */
NECK_API void neck_trainable_clear_gradients(neck_context *context, neck_trainable *model);

/* neck_trainable_reserve - makes room for passes over batch x length tokens and says how many bytes that takes (*bytes;
 * may be NULL): everything a forward and a backward pass need, but the parameters. A pass of another shape makes its
 * own room; the room never shrinks.
 * neck_trainable_bytes   - how many bytes are reserved now.
 * Errors: NECK_E_ARGUMENT, NECK_E_OVERFLOW, NECK_E_NOMEM. */
NECK_API neck_status neck_trainable_reserve(neck_context *context, neck_trainable *model, int64_t batch, int64_t length,
                                            int64_t *bytes);
NECK_API int64_t neck_trainable_bytes(const neck_trainable *model);

/* A pass that drops nothing, whatever the model's dropout. */
#define NECK_EVALUATION (-1)

/* neck_trainable_forward  - tokens: batch x length ids, every sequence from position 0. *states: the last hidden states
 *                           (batch * length x head_size, in the model's dtype), valid until the next pass or destroy.
 *                           step: any number >= 0, which dropout is drawn from, or NECK_EVALUATION.
 * neck_trainable_backward - from the gradient of those states (packed, in the model's dtype): the gradients of all
 *                           parameters are added to their buffers (what the head's own part is comes from its loss).
 *                           Once for each forward pass (NECK_E_STATE otherwise).
 * Errors: NECK_E_ARGUMENT (an id outside the vocabulary, more tokens than learned positions), NECK_E_NONFINITE (a state
 * is NaN or infinite; then nothing is added), NECK_E_NOMEM. */
NECK_API neck_status neck_trainable_forward(neck_context *context, neck_trainable *model, const int32_t *tokens,
                                            int64_t batch, int64_t length, int64_t step, neck_matrix *states);
NECK_API neck_status neck_trainable_backward(neck_context *context, neck_trainable *model, const void *states_gradient);

/* neck_trainable_forward_part - the same of a part of a larger batch, whose sequences from number first (0 .. 2^31 - 1)
 * on these are: dropout is what it would be if the whole batch passed at once. */
NECK_API neck_status neck_trainable_forward_part(neck_context *context, neck_trainable *model, const int32_t *tokens,
                                                 int64_t first, int64_t batch, int64_t length, int64_t step,
                                                 neck_matrix *states);

/* Told on the calling thread, while a backward pass runs: it will add no more to the gradients of the parameters
 * [first, first + count) of neck_trainable_parameters. Each is told of once. */
typedef void (*neck_trainable_ready_fn)(void *user, int64_t first, int64_t count);

/* neck_trainable_backward_telling - the same, telling ready (may be NULL): what stands behind the blocks first (a head
 * that is not tied among it: its loss has been there before), then the blocks from the last to the first, then the
 * embeddings. What sums gradients over processes can begin with the first while the others are still computed. */
NECK_API neck_status neck_trainable_backward_telling(neck_context *context, neck_trainable *model,
                                                     const void *states_gradient, neck_trainable_ready_fn ready,
                                                     void *user);

/* neck_trainable_states - the states before a block of the last forward pass: layer 0 is the embedding with positions,
 * layer i comes after block i, the last (neck_trainable_layers) is what the head multiplies, as in model.h. Valid until
 * the next pass.
 * Errors: NECK_E_ARGUMENT, NECK_E_STATE (no forward pass yet). */
NECK_API neck_status neck_trainable_states(const neck_trainable *model, int64_t layer, neck_matrix *out);

/* neck_trainable_save - writes config.json and model.safetensors into folder, which is made when it is not there; each
 * of the two appears whole or not at all. head: for models without one (vocabulary x head_size, F32 or F64 as the
 * model), else NULL.
 * Errors: NECK_E_ARGUMENT, NECK_E_IO, NECK_E_NOMEM. */
NECK_API neck_status neck_trainable_save(neck_context *context, const neck_trainable *model, const char *folder,
                                         const neck_matrix *head);

#ifdef __cplusplus
}
#endif
#endif
