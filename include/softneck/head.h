/* softneck/head.h - output heads of several kinds, trained on hidden states of any origin. */
#ifndef SOFTNECK_HEAD_H
#define SOFTNECK_HEAD_H

#include "cross_entropy.h"
#include "optimizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A head gives every token of the vocabulary (V) a log-probability for a hidden state x (d numbers). Parameters are its
 * own, but for TIED. Parameter names, shapes and formulas of each kind:
 *
 *   DENSE       weight V x d                                       log softmax(s (W x + b))
 *   TIED        the same, weight (and its gradient) the caller's
 *   FACTORED    a V x r, b r x d                                   log softmax(s (A B x + b)), rank(W) <= r
 *   MOS         weight V x r, projection K r x d,                  log sum_k pi_k softmax(s (W h_k + b)),
 *               projection_bias 1 x K r, prior K x d               h_k = tanh(P_k x + q_k), pi = softmax(R x);
 *                                                                  Yang et al. 2018, arXiv 1711.03953
 *   SIGSOFTMAX  weight V x d                                       log softmax(z + ln sigmoid(z)), z = s (W x + b);
 *                                                                  Kanai et al. 2018, arXiv 1805.10829
 *   PLIF        weight V x d, slopes 1 x knots                     log softmax(f(s (W x + b))), f continuous, f(0) = 0,
 *                                                                  its slope in the j-th of knots equal intervals of
 *                                                                  [-range, range] is softplus(slopes_j) > 0, beyond it
 *                                                                  the outermost one; Ganea et al. 2019, arXiv
 *                                                                  1902.08077
 * each with bias 1 x V when asked for, s the logit_scale, and a soft cap of the logits for DENSE, TIED, FACTORED. The
 * parameter named first meets the vocabulary. */
typedef struct neck_head neck_head;

enum {
    NECK_HEAD_DENSE = 1,
    NECK_HEAD_TIED = 2,
    NECK_HEAD_FACTORED = 3,
    NECK_HEAD_MOS = 4,
    NECK_HEAD_SIGSOFTMAX = 5,
    NECK_HEAD_PLIF = 6
};

typedef struct neck_head_options {
    size_t struct_size;
    int32_t kind;               /* NECK_HEAD_*; 0: DENSE */
    int32_t dtype;              /* of parameters and arithmetic: NECK_F32 (0) or NECK_F64 */
    int64_t vocabulary;         /* V; required */
    int64_t hidden_size;        /* d; required */
    int64_t rank;               /* FACTORED: 1 .. d, required. MOS: width of h_k; 0: d */
    int64_t components;         /* MOS: K; 0: 4 */
    int64_t knots;              /* PLIF: intervals; 0: 64 */
    double range;               /* PLIF; 0: 20 */
    int32_t bias;               /* non-zero: with a bias, zero at first */
    int32_t reserved;           /* must be 0 */
    double logit_scale;         /* 0: 1 */
    double soft_cap;            /* 0: none */
    double init_std;            /* normal initialisation of matrices; 0: 0.02 for weight, d^-1/2 for projection and
                                   prior. FACTORED: the spread of A B (0: 0.02), A and B having equal ones. Slopes of
                                   PLIF start at 1 */
    int32_t paper_init;         /* FACTORED: non-zero for A, B ~ N(0, 1), as Sec. 5.1 of the paper says */
    int32_t reserved_too;       /* must be 0 */
    const neck_matrix *weights; /* start from this V x d matrix, any dtype: copied (not MOS with rank != d); FACTORED:
                                   its best approximation of that rank, A and B sharing the singular values. NULL:
                                   random, from the context's seed */
    void *tied_weights;         /* TIED: V x d, in dtype; borrowed */
    void *tied_gradient;        /* TIED: V x d; borrowed; may be NULL when no gradients are asked for */
} neck_head_options;

/* neck_head_create - makes a head with its gradients' memory. Errors: NECK_E_ARGUMENT (a missing or impossible size, an
 * option that its kind does not have, named), NECK_E_NONFINITE, NECK_E_NOMEM. */
NECK_API neck_status neck_head_create(neck_context *context, const neck_head_options *options, neck_head **out);
NECK_API void neck_head_destroy(neck_head *head);

/* neck_head_kind_name - "dense", "tied", "factored", "mos", "sigsoftmax", "plif"; "?" for unknown numbers. Static.
 * neck_head_kind_find - the number for such a name; NECK_E_NOT_FOUND otherwise. */
NECK_API const char *neck_head_kind_name(int32_t kind);
NECK_API neck_status neck_head_kind_find(const char *name, int32_t *kind);

/* Read access.
 *   parameters       the arrays, for an optimizer; count of them in *count (may be NULL); borrowed, valid until
 *                    destroy. Those of TIED have the caller's weight among them
 *   parameter_count  numbers that are trained, all together
 *   rank_limit       the highest rank the matrix of log-probabilities (contexts x V) can have: min(V, d + 1) for a
 *                    linear head (+ 1 with bias; r in place of d for FACTORED and for MOS of one component), V where
 *                    logits pass a non-linear map, a soft cap among them */
NECK_API int32_t neck_head_kind(const neck_head *head);
NECK_API int64_t neck_head_vocabulary(const neck_head *head);
NECK_API int64_t neck_head_hidden_size(const neck_head *head);
NECK_API const neck_parameter *neck_head_parameters(const neck_head *head, int64_t *count);
NECK_API int64_t neck_head_parameter_count(const neck_head *head);
NECK_API int64_t neck_head_rank_limit(const neck_head *head);

/* neck_head_loss     - loss of states (N x d; F64 when the head is, any dtype otherwise) as neck_cross_entropy has it.
 *                      options: as there, but bias, logit_scale, soft_cap must be 0 (they are the head's). Doubles
 *                      given to an F32 head are narrowed.
 * neck_head_gradient - the same with gradients: of every parameter into its gradient array, of the states into
 *                      states_gradient (N x d, in the head's dtype; NULL: not wanted).
 * MOS: z_loss is the mean over components; filter_tolerance, gradient_norm and log_normalizer are refused. PLIF,
 * SIGSOFTMAX: filter_tolerance is refused. FACTORED, MOS: states_error, states_norm of the result are of the features
 * (B x, h), not of the states. Errors: as neck_cross_entropy; NECK_E_NONFINITE for a parameter too, by name. */
NECK_API neck_status neck_head_loss(neck_context *context, neck_head *head, const neck_matrix *states,
                                    const int32_t *targets, const neck_cross_entropy_options *options,
                                    neck_cross_entropy_result *result);
NECK_API neck_status neck_head_gradient(neck_context *context, neck_head *head, const neck_matrix *states,
                                        const int32_t *targets, const neck_cross_entropy_options *options,
                                        void *states_gradient, neck_cross_entropy_result *result);

/* neck_head_log_probabilities - out: N x V doubles, row-major: ln p of every token. For small N: nothing is spared. */
NECK_API neck_status neck_head_log_probabilities(neck_context *context, neck_head *head, const neck_matrix *states,
                                                 double *out);

/* neck_head_save - parameters as safetensors, with kind and sizes in its metadata; atomic.
 * neck_head_load - a head from such a file; a TIED one comes back as DENSE. Errors: NECK_E_FORMAT (not a head, or
 * shapes that disagree), NECK_E_NONFINITE, those of neck_checkpoint_open. */
NECK_API neck_status neck_head_save(neck_context *context, const neck_head *head, const char *path);
NECK_API neck_status neck_head_load(neck_context *context, const char *path, neck_head **out);

#ifdef __cplusplus
}
#endif
#endif
