/* softneck/model.h - language models from their files: hidden states of every layer, loss and logits on token ids. */
#ifndef SOFTNECK_MODEL_H
#define SOFTNECK_MODEL_H

#include "checkpoint.h"
#include "cross_entropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A causal transformer with its weights, read-only once open. Families, by model_type of config.json: gpt2, gpt_neox
 * (Pythia), opt, llama (SmolLM, TinyLlama ...), mistral, qwen2, gemma, gemma2; llama2.c files; GGUF files of the
 * architectures gpt2, gptneox, llama, qwen2, gemma, gemma2. Another architecture, or an option of these that is not
 * supported, is refused by name (NECK_E_UNSUPPORTED) instead of being computed wrongly.
 * All arithmetic is in f32, sums of norms and softmaxes in double; results do not depend on the number of threads.
 * Thread rule: calls on one model may run side by side, unless memory_cap made it stream weights. */
typedef struct neck_model neck_model;

typedef struct neck_model_options {
    size_t struct_size;
    int64_t memory_cap; /* bytes that converted weights may take; 0: no limit. Weights are converted to f32 once,
                           layer by layer; what does not fit stays mapped and is converted anew by every call */
} neck_model_options;

/* neck_model_open - opens a model folder (config.json beside the weights), a llama2.c or a GGUF file and checks
 * every weight it needs against the configuration: names, shapes, and that there are no more layers or biases than
 * it speaks of.
 * Errors: those of neck_checkpoint_open; NECK_E_UNSUPPORTED (architecture, option, dtype: named),
 * NECK_E_NOT_FOUND (no configuration, a missing tensor), NECK_E_FORMAT (the configuration makes no sense, or the
 * weights differ from it). */
NECK_API neck_status neck_model_open(neck_context *context, const char *path, const neck_model_options *options,
                                     neck_model **out);
NECK_API void neck_model_destroy(neck_model *model);

/* Read access.
 *   family          model_type: "gpt2", ..., "llama2.c"; borrowed
 *   checkpoint      the open file; borrowed
 *   layers          transformer blocks; there are layers + 1 hidden states
 *   hidden_size     width of the blocks
 *   head_size       width of the last hidden state, which the head multiplies: hidden_size but for OPT-350m
 *   vocabulary      rows of the head
 *   context_length  positions the model was trained for
 *   parameters      weights and biases, tied ones once */
NECK_API const char *neck_model_family(const neck_model *model);
NECK_API const neck_checkpoint *neck_model_checkpoint(const neck_model *model);
NECK_API int64_t neck_model_layers(const neck_model *model);
NECK_API int64_t neck_model_hidden_size(const neck_model *model);
NECK_API int64_t neck_model_head_size(const neck_model *model);
NECK_API int64_t neck_model_vocabulary(const neck_model *model);
NECK_API int64_t neck_model_context_length(const neck_model *model);
NECK_API int64_t neck_model_parameters(const neck_model *model);

/* neck_model_head - a view of the head, vocabulary x head_size, in its stored dtype; valid until destroy. *tied
 * (may be NULL) is 1 when it is the token embedding. Errors: NECK_E_ARGUMENT. */
NECK_API neck_status neck_model_head(const neck_model *model, neck_matrix *out, int32_t *tied);

/* Hidden states on their way to a callback. Fields may be appended: read only those within struct_size. */
typedef struct neck_states {
    size_t struct_size;
    int64_t layer;      /* 0: the embedding with positions; i: after block i; count - 1: after the final norm (the
                           output of the last block before that norm is not among them) */
    int64_t count;      /* layers + 1 */
    int64_t first_row;  /* row of the first token of this block among all batch * length */
    neck_matrix matrix; /* F32, one row a token; lives for the call. As wide as hidden_size, the last as head_size */
} neck_states;

/* Gets one block of rows after another; within a layer in order of rows, layers in order. The states and their
 * order are those of `output_hidden_states` of the transformers package. Return 0 to go on, anything else to
 * cancel. */
typedef int32_t (*neck_states_fn)(void *user, const neck_states *states);

typedef struct neck_forward_options {
    size_t struct_size;
    neck_states_fn states; /* NULL: hidden states are not wanted */
    void *states_user;
    const int64_t *lengths; /* batch numbers, 1 to length: tokens of each sequence, the rest of its row is padding
                               that is neither delivered nor scored; NULL: all of length */
    const int32_t *targets; /* loss only: batch x length token ids that each position should predict, or
                               NECK_NO_TARGET; NULL: each position predicts the token after it, the last one nothing */
    double *nll;            /* loss only: batch x length, -ln p(target), 0 where nothing is scored; may be NULL */
    int32_t *best;          /* loss only: batch x length, the most probable id (the lowest of equals), NECK_NO_TARGET
                               where nothing is scored; may be NULL */
} neck_forward_options;

/* tokens of the three calls below: batch x length ids, row-major, every sequence from position 0.
 * Memory: about 9 * hidden_size floats a token and what the MLP needs for 1024 of them; never a length x length matrix,
 * nor a row of logits a token (but those neck_model_logits returns).
 * Errors: NECK_E_ARGUMENT (an id outside the vocabulary, a length beyond a model's learned positions, bad options),
 * NECK_E_NONFINITE (a state or the loss is NaN or infinite), NECK_E_NOMEM, NECK_E_CANCELLED (also by the callback; it
 * may have seen some states by then). Progress is told in layers. */

/* neck_model_forward - the hidden states, to options.states. */
NECK_API neck_status neck_model_forward(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                                        int64_t length, const neck_forward_options *options);

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_loss {
    size_t struct_size;
    double loss;     /* mean of the nll over scored tokens, nats */
    double nll_sum;  /* their sum */
    int64_t tokens;  /* scored tokens */
    int64_t correct; /* of them, those whose target is the most probable id */
} neck_loss;

/* neck_model_loss - cross-entropy of the targets; hidden states too when options.states is set.
 * Errors also: NECK_E_ARGUMENT when nothing is scored. */
NECK_API neck_status neck_model_loss(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                                     int64_t length, const neck_forward_options *options, neck_loss *out);

/* neck_model_logits - logits: batch x length x vocabulary floats, row-major; rows of padding are zero. */
NECK_API neck_status neck_model_logits(neck_context *context, neck_model *model, const int32_t *tokens, int64_t batch,
                                       int64_t length, const neck_forward_options *options, float *logits);

/* Hidden states on disk, for training heads later: a safetensors file with the tensors states (rows x width) and
 * targets (rows, I32), to be mapped by neck_checkpoint_open or any other reader. Thread rule: one call at a time on
 * one file. */
typedef struct neck_states_file neck_states_file;

/* neck_states_file_create  - starts a file of states of that width, stored as NECK_F32, NECK_F16 or NECK_BF16
 *                            (rounded to nearest). Nothing is at path before it is finished.
 * neck_states_file_push    - appends rows with the token each should predict; targets NULL: NECK_NO_TARGET for all.
 *                            A block whose states are not finite or do not fit the dtype is refused as a whole.
 * neck_states_file_finish  - makes the file appear, whole or not at all; only destroy may follow.
 * neck_states_file_destroy - frees; what was not finished is removed.
 * Memory: 4 bytes a row. Errors: NECK_E_ARGUMENT, NECK_E_OVERFLOW (a state, by row and column), NECK_E_STATE (no rows),
 * NECK_E_IO, NECK_E_NOMEM. After NECK_E_IO the file can only be destroyed. */
NECK_API neck_status neck_states_file_create(neck_context *context, const char *path, int64_t width, int32_t dtype,
                                             neck_states_file **out);
NECK_API neck_status neck_states_file_push(neck_states_file *file, const neck_matrix *states, const int32_t *targets);
NECK_API neck_status neck_states_file_finish(neck_states_file *file);
NECK_API void neck_states_file_destroy(neck_states_file *file);

#ifdef __cplusplus
}
#endif
#endif
