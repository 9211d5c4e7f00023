/* model/head.h - the head over many hidden states, in blocks, so that logits never take more than a few megabytes. */
#ifndef NECK_MODEL_HEAD_H
#define NECK_MODEL_HEAD_H

#include "model/model_object.h"

/* Logits of some rows for some token ids, soft cap applied: row r and id i are at
 * logits[(r - first_row) * ids + (i - first_id)]. The consumer may overwrite them. */
typedef struct neck__logits {
    int64_t first_row, rows, first_id, ids;
    float *logits;
} neck__logits;

typedef void (*neck__logits_fn)(void *data, const neck__logits *block);

/* Multiplies states (rows x head_size, packed) with the head; consume gets every pair of row and id once, ids of a
 * row in increasing order. Runs on the calling thread. */
neck_status neck__head_sweep(neck_context *context, neck_model *model, const float *states, int64_t rows,
                             neck__logits_fn consume, void *data);

#endif
