/* softneck/cross_entropy.h - the output head and its loss in one: logits of all tokens never exist at once. */
#ifndef SOFTNECK_CROSS_ENTROPY_H
#define SOFTNECK_CROSS_ENTROPY_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A target that is not scored. */
#define NECK_NO_TARGET (-1)

/* Hidden states with the token each should predict. Borrowed; may lie in a mapped file. Frozen layout. */
typedef struct neck_labeled_states {
    neck_matrix states;     /* N x d, any floating dtype */
    const int32_t *targets; /* N; NECK_NO_TARGET is not scored */
} neck_labeled_states;

enum {
    NECK_REDUCTION_MEAN = 0, /* over scored tokens */
    NECK_REDUCTION_SUM = 1
};

/* With x_i a row of states, w_v a row of weights, V tokens:
 *   logits      z_iv = c(logit_scale * (w_v . x_i + b_v)),  c(t) = soft_cap tanh(t / soft_cap) or c(t) = t
 *   of a token  l_i  = (1 - e) (lse_i - z_iy) + e mean_v (lse_i - z_iv) + z_loss lse_i^2,
 *               lse_i = ln sum_v exp(z_iv), e = label_smoothing, y the target
 * and the loss is their mean or sum over tokens that are scored, in nats. */
typedef struct neck_cross_entropy_options {
    size_t struct_size;
    const neck_matrix *bias;  /* 1 x V; NULL: none */
    double logit_scale;       /* 0: 1 */
    double soft_cap;          /* > 0; 0: none */
    double label_smoothing;   /* 0 <= e < 1 */
    double z_loss;            /* >= 0 */
    double filter_tolerance;  /* 0: exact gradients. Else t in (0, 1): small gradients of logits stay out of the
                                 products of the backward pass as long as those left out sum (in magnitude), for every
                                 row, to at most t times the mean |softmax - target|_1 of the rows computed together. It
                                 pays from about 0.01 on. What it did: result.states_error, weights_error */
    int32_t reduction;        /* NECK_REDUCTION_MEAN or _SUM */
    int32_t use_ignore_index; /* non-zero: ignore_index is another target that is not scored */
    int32_t ignore_index;     /* any number; NECK_NO_TARGET and -100 (PyTorch's) are never scored */
    int32_t accumulate;       /* non-zero: gradients are added to what their buffers hold */
    int32_t accuracy;         /* non-zero: result.correct is counted */
    int32_t reserved;         /* must be 0 */
    int64_t memory_cap;       /* bytes of working memory; what 48 tokens need is taken at least; 0: 96 MB */
    double *token_loss;       /* rows: l_i, 0 where nothing is scored; may be NULL */
    double *log_normalizer;   /* rows: lse_i (scored or not); may be NULL */
    double *gradient_norm;    /* rows: |softmax(z_i) - e_y|_2, 0 where nothing is scored; may be NULL. Accurate however
                                 small it is (in f32 down to 1e-18) */
    int32_t *best;            /* rows: the most probable token (the lowest of equals), scored or not; may be NULL */
} neck_cross_entropy_options;

/* Where gradients of the loss go: packed row-major arrays in the precision of the computation (F64 when states are
 * F64, else F32). NULL: not wanted, and what only it needs is not computed. */
typedef struct neck_cross_entropy_gradients {
    size_t struct_size;
    void *states;  /* rows x d */
    void *weights; /* V x d */
    void *bias;    /* V */
} neck_cross_entropy_gradients;

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_cross_entropy_result {
    size_t struct_size;
    double loss;            /* as reduced; 0 when nothing is scored */
    int64_t tokens;         /* scored */
    int64_t correct;        /* of them, those whose target is the most probable token; 0 unless accuracy is asked */
    double kept_fraction;   /* of the gradients of logits, those that were used; 1 when exact */
    double states_error;    /* what the filter did at most: |error of the states' gradient|_F, */
    double weights_error;   /* |error of the weights' gradient|_F (that of accumulated content aside); 0 when exact */
    double states_norm;     /* |gradient|_F of the buffer, for a relative error; 0 when exact or not wanted */
    double weights_norm;
    int64_t memory;         /* bytes of working memory that were used */
} neck_cross_entropy_result;

/* neck_cross_entropy - loss and gradients of a linear head. states N x d, weights V x d, any floating dtype; targets N
 *   ids.
 * F64 states: everything in double (weights too must then be F64). Otherwise in f32: f16 and bf16 inputs are widened
 * exactly, sums over the vocabulary and over tokens run in double. Numerically safe at any finite logits.
 * Cost: one product of 2 N V d operations for the loss, one more for each of the gradients of states and weights.
 * gradients: NULL for the loss alone.
 * The number of threads does not show in the bits; memory_cap may, in the last one or two.
 * Errors: NECK_E_ARGUMENT (shapes, a target outside the vocabulary, options), NECK_E_NONFINITE (an input, by row and
 * column; or logits that overflow), NECK_E_NOMEM, NECK_E_CANCELLED. When logits overflow or the call is cancelled,
 * gradients and outputs by row may hold a part of the work: an exception to "outputs are untouched".
 * Thread rule: reentrant. Source: Cut Cross-Entropy (arXiv 2411.09009) for the filter; here its bound is certain. */
NECK_API neck_status neck_cross_entropy(neck_context *context, const neck_matrix *states, const neck_matrix *weights,
                                        const int32_t *targets, const neck_cross_entropy_options *options,
                                        const neck_cross_entropy_gradients *gradients,
                                        neck_cross_entropy_result *result);

#ifdef __cplusplus
}
#endif
#endif
