/* model/trainable_object.h - what a trainable transformer is inside the library. */
#ifndef NECK_MODEL_TRAINABLE_OBJECT_H
#define NECK_MODEL_TRAINABLE_OBJECT_H

#include "core/memory.h"
#include "kernels/train_loops.h"
#include "model/weights.h"
#include "softneck/model_training.h"

struct neck_trainable {
    neck__allocator allocator;
    neck__config config;
    char *config_text;
    int32_t dtype, recompute, without_head, initializer;
    uint64_t seed;
    neck__dropout dropout, attention_dropout; /* cut 0: none */

    int64_t size; /* elements of each of the two buffers */
    void *values, *gradients;
    neck_parameter *parameters; /* in the buffers' order */
    neck__name *names;
    int64_t count;
    neck__place *places; /* (layers + 1) x NECK__MODULES: parameters by number, -1 where there is none */

    void *memory; /* of passes */
    int64_t bytes;
    int64_t batch, length; /* the shape that memory is laid out for; 0: none */
    int64_t step;          /* of the last forward pass */
    int64_t first;         /* its first sequence's number in the batch that dropout is drawn for */
    int32_t *tokens;       /* its tokens, in memory */
    int32_t ran;           /* a forward pass that no backward pass has followed */
    int32_t has_states;    /* of a forward pass */
};

/* Fills places, parameters, names and size from config, and allocates the buffers, zeroed. */
neck_status neck__train_parameters_create(neck_trainable *model);

/* Draws all values. */
void neck__train_initialise(neck_context *context, neck_trainable *model);

/* The text of a config.json from options without one: new memory. */
neck_status neck__train_config_write(const neck__allocator *allocator, const neck_trainable_options *options,
                                     char **out);

/* A given text again, with what the saved weights differ in: dtype and tie_word_embeddings. */
neck_status neck__train_config_adapt(const neck__allocator *allocator, const char *text, int32_t dtype, int32_t tied,
                                     char **out);

/* Who wants to know which gradients are final; ready NULL: nobody. */
typedef struct neck__train_ready {
    neck_trainable_ready_fn ready;
    void *user;
} neck__train_ready;

/* Tells that those of all parameters of the modules [module, end) of a row of places are. */
void neck__train_tell_ready(const neck_trainable *model, const neck__train_ready *ready, int64_t row, int module,
                            int end);

/* ---- passes, in either precision -------------------------------------------------------------------------------- */

/* Bytes of passes over batch x length tokens. Errors: NECK_E_OVERFLOW. */
neck_status neck__train_room_f32(const neck_trainable *model, int64_t batch, int64_t length, int64_t *bytes);
neck_status neck__train_room_f64(const neck_trainable *model, int64_t batch, int64_t length, int64_t *bytes);

/* Lays out model->memory for the model's batch and length, and fills what depends on nothing else. */
void neck__train_prepare_f32(neck_trainable *model);
void neck__train_prepare_f64(neck_trainable *model);

/* One pass over model->tokens. */
neck_status neck__train_forward_f32(neck_context *context, const neck_trainable *model);
neck_status neck__train_forward_f64(neck_context *context, const neck_trainable *model);
/* The states before block `layer` of the last forward pass; of layer `layers`: the last ones. */
const float *neck__train_states_f32(const neck_trainable *model, int64_t layer);
const double *neck__train_states_f64(const neck_trainable *model, int64_t layer);
void neck__train_backward_f32(neck_context *context, const neck_trainable *model, const float *d_states,
                              const neck__train_ready *ready);
void neck__train_backward_f64(neck_context *context, const neck_trainable *model, const double *d_states,
                              const neck__train_ready *ready);

#endif
