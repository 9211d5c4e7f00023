/* evaluate/watch.h - what is kept of the states of every layer. */
#ifndef NECK_EVALUATE_WATCH_H
#define NECK_EVALUATE_WATCH_H

#include "evaluate/sample.h"
#include "evaluate/windows.h"
#include "softneck/model.h"

typedef struct neck__watched_layer {
    neck_gram *gram;
    neck__sample sample;
} neck__watched_layer;

/* One accumulator a layer (none when only the dump is wanted), and the batch whose states are on their way. */
typedef struct neck__watch {
    neck__allocator allocator;
    neck_context *context; /* of the call under way */
    neck__watched_layer *layers;
    int64_t count;
    neck_states_file *dump;      /* NULL: none */
    const neck__window *windows; /* sequence i of the batch is windows[i] */
    const int32_t *targets;      /* of the batch */
    int64_t batch;
    int64_t length;     /* tokens of a sequence */
    neck_status status; /* why the callback stopped the model */
    char message[256];
} neck__watch;

neck_status neck__watch_init(neck_context *context, const neck_model *model, int64_t sample_rows, neck__watch *out);
void neck__watch_free(neck__watch *watch);

/* The next count rows of every layer are others' to watch. */
void neck__watch_leave_out(neck__watch *watch, int64_t count);

/* A neck_states_fn; user is the watch. Takes the rows whose prediction counts. */
int32_t neck__watch_states(void *user, const neck_states *states);

#endif
