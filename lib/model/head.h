/* model/head.h - a model's head: its weights in the form that products want, and logits. */
#ifndef NECK_MODEL_HEAD_H
#define NECK_MODEL_HEAD_H

#include "model/model_object.h"

/* Widens the head to f32 when it is stored otherwise and takes at most *left bytes, which become fewer. */
neck_status neck__head_load(neck_context *context, neck_model *model, int64_t *left);

/* The head as products should read it: stored, or widened. */
neck_matrix neck__head_view(const neck_model *model);

/* Logits of states (rows x head_size, packed), soft cap applied: rows x vocabulary. */
neck_status neck__head_logits(neck_context *context, const neck_model *model, const float *states, int64_t rows,
                              float *logits);

#endif
