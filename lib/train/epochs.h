/* train/epochs.h - labeled states by the batch: in random order for ever, or once as they lie. */
#ifndef NECK_TRAIN_EPOCHS_H
#define NECK_TRAIN_EPOCHS_H

#include "core/memory.h"
#include "softneck/cross_entropy.h"

typedef struct neck__batches_options {
    int64_t size;       /* rows of a batch; at most the scored rows there are */
    int32_t dtype;      /* of gathered states: NECK_F32 or NECK_F64 */
    int32_t shuffled;   /* 0: batches follow the states' own order */
    uint64_t seed;      /* of the order */
    int64_t vocabulary; /* targets are below it */
    int32_t use_ignore_index, ignore_index; /* as in neck_cross_entropy_options */
} neck__batches_options;

/* Rows that are not scored are never drawn. The order is a function of the seed and the number of the epoch alone, and
 * batch k holds places k * size ... of the epochs written one after the other: any batch can be had at once. */
typedef struct neck__batches {
    neck__allocator allocator;
    neck__batches_options options;
    neck_matrix source;
    const int32_t *source_targets;
    int64_t *order; /* the scored rows, as the epoch has them */
    int64_t count;  /* of them */
    int64_t epoch;  /* whose order it is; -1: none yet */
    void *rows;     /* size x width */
    int32_t *targets;
    neck_matrix states; /* what the last call gathered */
} neck__batches;

/* neck__batches_init - checks data: shapes, targets, that all states are finite (in dtype too) and something is scored.
 * neck__batches_draw - gathers rows first ... first + rows - 1 of batch number `index`, which has exactly size rows.
 * neck__batches_block - gathers rows first ... of those scored, in their own order, as many as there are below end and
 *                       up to size; of batches that are not shuffled.
 * Afterwards states and targets hold them. */
neck_status neck__batches_init(neck_context *context, const char *what, const neck_labeled_states *data,
                               const neck__batches_options *options, neck__batches *out);
void neck__batches_free(neck__batches *batches);
void neck__batches_draw(neck_context *context, neck__batches *batches, int64_t index, int64_t first, int64_t rows);
void neck__batches_block(neck_context *context, neck__batches *batches, int64_t first, int64_t end);

#endif
