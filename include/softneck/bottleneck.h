/* softneck/bottleneck.h - what a head of lower rank costs: closed forms, bounds and the gap itself; and the gradient a
 * head keeps from the model. */
#ifndef SOFTNECK_BOTTLENECK_H
#define SOFTNECK_BOTTLENECK_H

#include "gram.h"
#include "head.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NECK_TRUNCATE_PLAIN = 0,   /* nearest in Frobenius norm: truncated SVD of W (Eckart-Young-Mirsky; Lemma 5.2) */
    NECK_TRUNCATE_WEIGHTED = 1 /* nearest in sum_i |(W_r - W) x_i|^2 over the states: truncated SVD of W Sigma^1/2,
                                  mapped back */
};

typedef struct neck_truncate_options {
    size_t struct_size;
    int32_t kind;              /* NECK_TRUNCATE_* */
    int32_t centered;          /* non-zero: of W minus its mean row, which softmax does not see; costs no rank */
    const neck_gram *moments;  /* WEIGHTED: second moments of the states, pushed raw (shift NULL, not moments_only);
                                  else NULL */
} neck_truncate_options;

/* All ranks of one head at once: the factorisation is made once, truncations are cheap. */
typedef struct neck_truncation neck_truncation;

/* neck_truncation_create - of weights V x d (borrowed until destroy). Time: Gram matrix of the head and eigenproblems
 *   of size d.
 *                          Memory: d^2 doubles and 3 d^2 more during the call; WEIGHTED 2 and 6.
 * neck_truncation_tails  - out: d + 1 doubles, tail r = what rank r leaves: sqrt(sum_{i>r} s_i^2) with s the singular
 *                          values of W (PLAIN; of its centered form if asked), or of W Sigma^1/2, Sigma = mean x x^T
 *                          (WEIGHTED).
 * neck_head_truncate     - the factors of rank r: a V x r, b r x d, doubles, row-major: W_r = A B, columns of A by
 *                          decreasing s; the entry of largest magnitude in each row of B is positive.
 * WEIGHTED: directions in which Sigma cannot be told from 0 (eigenvalues of at most eps (d lambda_1 + sqrt(n) trace), n
 * summands) come last, by their weight in W: they add nothing to a tail, and rank d is all of W.
 * Error: squares are what is computed, so a tail errs by about 1e-16 tail_0^2 / tail_r, and below some 1e-8 tail_0 says
 * nothing (neck_svd_compute would); the heads are as near to the best.
 * Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE, NECK_E_STATE (moments without rows or of another width), NECK_E_OVERFLOW
 * (squares beyond the range of double), NECK_E_CONVERGENCE, NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_truncation_create(neck_context *context, const neck_matrix *weights,
                                            const neck_truncate_options *options, neck_truncation **out);
NECK_API void neck_truncation_destroy(neck_truncation *truncation);
NECK_API neck_status neck_truncation_tails(const neck_truncation *truncation, double *out);
NECK_API neck_status neck_head_truncate(neck_context *context, const neck_truncation *truncation, int64_t rank,
                                        double *a, double *b);

/* Set struct_size before the call; only fields within it are written. Losses are means over scored tokens, nats. With
 * D = scale (W_r - W), L the mean loss as a function of the head:
 *   first_order <= gap <= first_order + range_bound <= first_order + quadratic_bound, for every W (a minimiser or not)
 * Proofs: docs/bottleneck.md. They are made of the same computed logits as the losses, so they hold to the last
 * roundings of doubles, in single precision too. */
typedef struct neck_loss_gap {
    size_t struct_size;
    int64_t tokens;         /* scored */
    double full_loss;       /* of W */
    double reduced_loss;    /* of W_r */
    double gap;             /* reduced_loss - full_loss, as measured */
    double full_accuracy;
    double reduced_accuracy;
    double first_order;     /* <grad L(W), D>: 0 at a minimiser */
    double quadratic_bound; /* 1/4 mean_i |D x_i - its mean|^2: the Hessian of log-sum-exp is at most 1/2 and does not
                               see constants */
    double range_bound;     /* 1/8 mean_i (max_v - min_v (D x_i)_v)^2: a variance is at most a quarter of the squared
                               range; never above quadratic_bound */
    double frobenius_tail;  /* |W_r - W|_F: the quantity of Theorem 5.3 */
    double weighted_tail;   /* sqrt(mean_i |(W_r - W) x_i|^2) */
    double w_error;         /* |W_r - W|_F / |W|_F; 0 when W is */
} neck_loss_gap;

/* neck_loss_gap_measure - of the factored head a (V x r), b (r x d) in place of weights (V x d), on states (N x d) with
 *   targets.
 * scale: logit scale of both (0: 1). Any floating dtypes; products in double when the states are F64, else in f32 (a, b
 * rounded to it); the sums, and the tails of the heads, in double. Each row x gets W x and A (B x), a few hundred rows
 * against a few thousand tokens at a time: 2 N V (d + r) operations and two exponentials a logit, then 2 V r d for |W_r
 * - W|_F. A weighted tail far below 1e-7 of |W x| is f32's roundings.
 * Memory: some 12 MB (F64: 24), d + r numbers for each of those rows and tokens, and B. The number of threads does not
 * show in the bits but, by way of the BLAS's, in frobenius_tail and w_error.
 * Errors: NECK_E_ARGUMENT (shapes, a target outside the vocabulary, nothing scored), NECK_E_NONFINITE (an input, named
 * with row and column; logits that overflow), NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_loss_gap_measure(neck_context *context, const neck_matrix *weights, const neck_matrix *a,
                                           const neck_matrix *b, const neck_labeled_states *data, double scale,
                                           neck_loss_gap *out);

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_gradient_suppression {
    size_t struct_size;
    int64_t tokens;       /* scored */
    int64_t rank;         /* numerical rank of the head that was used */
    double suppressed;    /* sqrt(sum_i |g_i - Q Q^T g_i|^2 / sum_i |g_i|^2), g_i = softmax(z_i) - e_y, Q an orthonormal
                             basis of the columns of W: the share of the logit gradient's norm that never reaches the
                             states; 0 .. 1 */
    double mean_suppressed; /* mean over tokens of |g_i - Q Q^T g_i| / |g_i| */
} neck_gradient_suppression;

/* neck_gradient_suppression_measure - Godey & Artzi 2026, arXiv 2603.10145. From W^T W in double: |Q Q^T g_i|^2 = u^T
 * (W^T W)^+ u with u = W^T g_i the gradient of the state, so no V x d basis is made. token_share: N doubles, |g_i - Q
 * Q^T g_i| / |g_i| (0 where nothing is scored), or NULL. options: bias, logit_scale, ignore_index, memory_cap of the
 * loss; the others must be 0 or NULL.
 * rank: how many eigenvalues of W^T W exceed eps (d lambda_1 + sqrt(n) trace). Error of a share p: about 1e-15 / p in
 * double; in f32 up to 1e-4 a token and 1e-6 for all were seen at condition numbers of W up to 1e3, 2e-2 and 2e-5 at
 * 1e6. A share of 0 may read 1e-7, in f32 1e-3.
 * Cost: the loss with its gradient of the states, two thousand rows at a time. Errors: as neck_cross_entropy. */
NECK_API neck_status neck_gradient_suppression_measure(neck_context *context, const neck_matrix *weights,
                                                       const neck_labeled_states *data,
                                                       const neck_cross_entropy_options *options, double *token_share,
                                                       neck_gradient_suppression *out);

#ifdef __cplusplus
}
#endif
#endif
