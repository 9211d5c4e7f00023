/* train/sharing.h - what a training shares with the same training in other processes. Alone (count 1) every call does
 * what a single process needs, or nothing. */
#ifndef NECK_TRAIN_SHARING_H
#define NECK_TRAIN_SHARING_H

#include "core/memory.h"
#include "softneck/gradient_exchange.h"
#include "softneck/optimizer.h"

typedef struct neck__sharing {
    neck__allocator allocator;
    neck_gradient_exchange exchange;
    const neck_parameter *parameters;
    int64_t count;
    int64_t *places; /* count x (processes + 1): which elements of each parameter are whose */
    int64_t *runs;   /* of this process: first element and number of them, a parameter */
    int64_t *order;  /* in which sums begin, whatever becomes final first */
    char *is_final;  /* gradients of this step */
    int64_t begun;   /* sums of this step */
    neck_status status;
} neck__sharing;

/* neck__sharing_read  - takes the caller's struct; NULL: alone. NECK_E_ARGUMENT for what cannot be used.
 * neck__sharing_begin - cuts parameters (which must outlive it) for options; early: one whose gradient is final before
 *                       the others', or -1. Local: neck__sharing_agree should follow.
 * neck__sharing_end   - releases what begin took. */
neck_status neck__sharing_read(const neck_gradient_exchange *given, neck__sharing *out);
neck_status neck__sharing_begin(neck_context *context, neck__sharing *self, const neck_optimizer_options *options,
                                const neck_parameter *parameters, int64_t count, int64_t early);
void neck__sharing_end(neck__sharing *self);

/* Local.
 * neck__is_shared     - whether there are other processes.
 * neck__is_first      - whether this one is the one that writes files; alone: yes.
 * neck__sharing_share - this process's run of total things. */
int neck__is_shared(const neck__sharing *self);
int neck__is_first(const neck__sharing *self);
void neck__sharing_share(const neck__sharing *self, int64_t total, int64_t *first, int64_t *count);

/* All others are called by all processes together.
 * neck__sharing_agree - the first failure of all; alone: status.
 * neck__sharing_add   - sums over processes.
 * neck__sharing_copy  - count items of size bytes become those of the first process.
 * neck__sharing_equal - NECK_E_ARGUMENT unless the marks, whose names are given, are those of the first process. */
neck_status neck__sharing_agree(const neck__sharing *self, neck_status status);
neck_status neck__sharing_add(const neck__sharing *self, double *values, int64_t count);
neck_status neck__sharing_copy(const neck__sharing *self, void *items, int64_t count, int64_t size);
neck_status neck__sharing_copy_parameters(const neck__sharing *self);
neck_status neck__sharing_equal(const neck__sharing *self, const uint64_t *marks, const char *const *names,
                                int64_t count);

/* Of a step, in this order:
 * neck__sharing_clear - no gradient is final.
 * neck__sharing_ready - those of parameters [first, first + count) are; nothing that can fail may be left to do.
 * neck__sharing_clip  - neck_gradients_clip of the mean over tokens; alone the gradients are that mean, else sums, as
 *                       are loss and tokens (sums[0], sums[1]), which become those over all processes.
 * neck__sharing_step  - neck_optimizer_step; afterwards all processes have all parameters. */
void neck__sharing_clear(neck__sharing *self);
void neck__sharing_ready(neck__sharing *self, int64_t first, int64_t count);
neck_status neck__sharing_clip(neck_context *context, neck__sharing *self, double max_norm, double sums[2],
                               double *norm);
neck_status neck__sharing_step(neck_context *context, neck__sharing *self, neck_optimizer *optimizer, double scale);

/* An optimizer for this process's part of the parameters, and its file, written and read by the first process alone.
 * neck__sharing_save - status: how this process has fared so far; writes nothing unless all are well. path: NULL but on
 *                      the first. A failure to write is the first process's alone: an agreement should follow.
 * neck__sharing_load - path as there; steps: those that it must have been saved after (of the first). Nothing is
 *                      changed when it cannot be read. Agreed. */
neck_status neck__sharing_optimizer(neck_context *context, const neck__sharing *self,
                                    const neck_optimizer_options *options, neck_optimizer **out);
neck_status neck__sharing_save(neck_context *context, const neck__sharing *self, const neck_optimizer *optimizer,
                               const char *path, neck_status status);
neck_status neck__sharing_load(neck_context *context, const neck__sharing *self, neck_optimizer *optimizer,
                               const char *path, int64_t steps, neck_status status);

#endif
