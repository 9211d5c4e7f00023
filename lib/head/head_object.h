/* head/head_object.h - what a head is inside the library, and what tells one kind from another. Every kind is a way
 * from hidden states to features (the rows that meet the vocabulary's weights), and back; the engine does the rest. */
#ifndef NECK_HEAD_HEAD_OBJECT_H
#define NECK_HEAD_HEAD_OBJECT_H

#include "core/memory.h"
#include "softneck/head.h"

enum { NECK__HEAD_PARAMETERS = 6, NECK__MOST_COMPONENTS = 4096, NECK__MOST_KNOTS = 1 << 20 };

/* What a kind has of neck_head_options; an option that it does not have must be 0. */
enum {
    NECK__HEAD_RANK = 1,
    NECK__HEAD_COMPONENTS = 2,
    NECK__HEAD_MAP = 4,     /* knots, range */
    NECK__HEAD_SOFT_CAP = 8,
    NECK__HEAD_PAPER = 16,  /* paper_init */
    NECK__HEAD_BORROWS = 32 /* tied_weights instead of weights and init_std */
};

typedef struct neck__head_kind neck__head_kind;

struct neck_head {
    neck__allocator allocator;
    const neck__head_kind *kind;
    neck_head_options options; /* as read, defaults filled in; weights NULL */
    int64_t count;
    neck_parameter parameters[NECK__HEAD_PARAMETERS]; /* the first meets the features: V x width; a bias is the last */
    int32_t borrows; /* the first belongs to the caller */
};

typedef struct neck__head_pass neck__head_pass; /* head_pass.h */

struct neck__head_kind {
    const char *name;
    int32_t number;
    int32_t has;        /* NECK__HEAD_* */
    int32_t transforms; /* features are not the states themselves */

    /* Lists the parameters but for the bias. */
    void (*list)(neck_head *head);
    /* First values; parameters are zero. */
    neck_status (*start)(neck_context *context, neck_head *head, const neck_head_options *options);
    /* States to features: fills loss.states, and what the kind has of loss.log_prior and loss.map; with gradients != 0
     * the memory for their gradients too. NULL: features are the states. */
    neck_status (*forward)(neck__head_pass *pass, int gradients);
    /* From pass->feature_gradient, loss.prior_gradient and loss.map_gradient to gradients of states and parameters.
     * NULL: none. */
    neck_status (*backward)(neck__head_pass *pass);
    int64_t (*rank_limit)(const neck_head *head);
};

extern const neck__head_kind neck__head_dense, neck__head_tied, neck__head_factored, neck__head_mos,
    neck__head_sigsoftmax, neck__head_plif;

/* The kind of that number, or NULL. */
const neck__head_kind *neck__head_kind_of(int32_t number);

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* From complete, checked options: what such a head is, without memory; a head with zero parameters and gradients. */
void neck__head_describe(const neck_head_options *options, neck_head *out);
neck_status neck__head_new(neck_context *context, const neck_head_options *options, neck_head **out);
/* Refuses what its kind cannot be; *out gets the defaults. Memory behind pointers is not looked at. */
neck_status neck__head_check(const neck_head_options *given, neck_head_options *out);
void neck__head_add(neck_head *head, const char *name, int64_t rows, int64_t cols, int32_t flags);
/* Of a linear map of width numbers and the bias. */
int64_t neck__head_linear_rank(const neck_head *head, int64_t width);

/* ---- first values ------------------------------------------------------------------------------------------------ */

/* Normal numbers; the same for any number of threads. */
void neck__head_fill_normal(neck_context *context, neck_head *head, int64_t parameter, double std);
/* The first parameter from options->weights, or normal. */
neck_status neck__head_start_weight(neck_context *context, neck_head *head, const neck_head_options *options);
/* a and b of a FACTORED head from the best approximation of weights (V x d). */
neck_status neck__head_start_truncated(neck_context *context, neck_head *head, const neck_matrix *weights);

#endif
