/* head/logit_loss.h - the engine behind every head: logits = weights . states, their softmax, its loss and gradients,
 * in blocks of contexts by all tokens of the vocabulary. Linear heads are one component; a mixture of softmaxes has
 * several, which share the weights. */
#ifndef NECK_HEAD_LOGIT_LOSS_H
#define NECK_HEAD_LOGIT_LOSS_H

#include "core/memory.h"
#include "head/logit_map.h"
#include "softneck/cross_entropy.h"

/* A loss of N contexts through K >= 1 components. */
typedef struct neck__logit_loss {
    neck_matrix states;         /* (K * N) x d: component k of context i is row k * N + i */
    neck_matrix weights;        /* V x d */
    const void *bias;           /* V numbers in the precision of the arithmetic, or NULL */
    const int32_t *targets;     /* N */
    int64_t components;         /* K; 1: no mixture */
    const double *log_prior;    /* mixture: N x K, ln pi */
    double *prior_gradient;     /* mixture: N x K, with respect to the logits whose softmax pi is; or NULL */
    const neck__logit_map *map; /* after logit_scale and in place of a soft cap; NULL: identity */
    double *map_gradient;       /* map->parameters sums, added to; or NULL */
    int32_t weights_are_finite; /* known, so they are not read for that */
    neck__room *room;           /* where the work is done, for whoever comes again; NULL: in memory of its own */
} neck__logit_loss;

/* The precision is F64 when states are F64 (weights must be too), else F32. options: as read, its bias ignored.
 * gradients, if any, is a whole struct: states (K * N) x d. Fills every field of *result. Checks everything but struct
 * sizes. */
neck_status neck__logit_loss_run(neck_context *context, const neck__logit_loss *loss,
                                 const neck_cross_entropy_options *options,
                                 const neck_cross_entropy_gradients *gradients, neck_cross_entropy_result *result);

/* neck_cross_entropy, working in a room. */
neck_status neck__cross_entropy(neck_context *context, const neck_matrix *states, const neck_matrix *weights,
                                const int32_t *targets, const neck_cross_entropy_options *options,
                                const neck_cross_entropy_gradients *gradients, neck__room *room,
                                neck_cross_entropy_result *result);

/* Behind it, one for each precision: what has been checked, and how the work is cut. */
typedef struct neck__logit_plan {
    const neck__logit_loss *loss;
    const neck_cross_entropy_options *options;
    const neck_cross_entropy_gradients *gradients; /* never NULL; its fields may be */
    int64_t contexts, vocabulary, width, components;
    int64_t scored;      /* contexts with a target */
    int64_t lanes;       /* vocabulary blocks l, l + lanes, ... have sums of their own: how many depends on sizes alone,
                            so that the bits do not depend on threads */
    int64_t chunk;       /* contexts at a time, a multiple of 48, of which every strip is a divisor */
    int32_t backward;    /* some gradient is wanted */
    int32_t keeps;       /* logits of a chunk stay until its second pass */
    double scale;        /* of logits */
} neck__logit_plan;

/* Tokens of a vocabulary block: their logits of a chunk and their weights fit a second-level cache. */
#define NECK__VOCABULARY_BLOCK 256

/* Bytes of working memory for that plan; then the work itself. */
int64_t neck__logit_memory_f32(const neck__logit_plan *plan);
int64_t neck__logit_memory_f64(const neck__logit_plan *plan);
neck_status neck__logit_work_f32(neck_context *context, const neck__logit_plan *plan,
                                 neck_cross_entropy_result *result);
neck_status neck__logit_work_f64(neck_context *context, const neck__logit_plan *plan,
                                 neck_cross_entropy_result *result);

/* Whether a target counts. */
int neck__is_scored(const neck_cross_entropy_options *options, int32_t target);

#endif
