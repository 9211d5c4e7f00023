/* softneck/unargmaxable.h - tokens that no hidden state can make the most probable one. */
#ifndef SOFTNECK_UNARGMAXABLE_H
#define SOFTNECK_UNARGMAXABLE_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A head of V tokens gives a state x the logits z_j = w_j . x + b_j. Token c can win when some x makes z_c larger than
 * every other logit (Demeter, Kimmel & Downey 2020, arXiv 2005.02433; Grivas, Bogoychev & Lopez 2022, arXiv
 * 2203.06462). There is no box around x: without a bias a state's length changes nothing, with one the length that is
 * needed is told. Numbers of verdicts and proofs are fixed. */
enum {
    NECK_ARGMAX_UNDECIDED = 0,    /* neither could be shown: it is nearer to the border than doubles resolve, or the
                                     program was not asked */
    NECK_ARGMAX_ARGMAXABLE = 1,   /* a state is known at which it beats every other token, whatever roundings do:
                                     proven */
    NECK_ARGMAX_TIED = 2,         /* as above, but for tokens with the very same row and bias, which it can never
                                     beat */
    NECK_ARGMAX_UNARGMAXABLE = 3, /* w_c is a mean of other rows, a_j >= 0 with sum 1, and b_c is at most that mean of
                                     their biases: z_c <= sum a_j z_j for every x. True to within `residual` */
    NECK_ARGMAX_VERDICTS = 4
};

/* By which means the verdict was found, in the order they are tried. */
enum {
    NECK_PROOF_NONE = 0,
    NECK_PROOF_EQUAL_ROW = 1,   /* another token has the same row and a larger bias */
    NECK_PROOF_WHITENED = 2,    /* the state C^-1 (w_c - mean), C the covariance of the rows */
    NECK_PROOF_CENTERED = 3,    /* the state w_c - mean */
    NECK_PROOF_OWN_ROW = 4,     /* the state w_c */
    NECK_PROOF_REFLECTION = 5,  /* the whitened state, reflected again and again into the half-space where c beats the
                                   token that beats it, the rows' covariance being the metric */
    NECK_PROOF_PROGRAM = 6,     /* the linear program for the widest cone of states in which c wins (Chebyshev centre),
                                   in that metric, over as many rivals as matter; its multipliers when there is none */
    NECK_PROOFS = 7
};

typedef struct neck_argmax_options {
    size_t struct_size;
    const double *bias;      /* V finite numbers, or NULL */
    int32_t reflections;     /* at most this many for a token, 0: 100; fewer where they settle little and programs
                                follow */
    int32_t skip_program;    /* non-zero: what reflections leave stays undecided */
    int32_t keep_witnesses;  /* non-zero: keep the states, V x d doubles, for neck_argmax_witness; not with resume */
    int32_t reserved;        /* must be 0 */
    double tolerance;        /* of a mean of rows: residual and slack allowed, relative to the mean distance to those
                                rows (and biases); 0: 1e-12 */
    const char *resume;      /* a file of verdicts: read if it is there, written now and then, on cancelling and at the
                                end; or NULL */
} neck_argmax_options;

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_argmax_verdict {
    size_t struct_size;
    int32_t verdict;   /* NECK_ARGMAX_* */
    int32_t proof;     /* NECK_PROOF_*; of a tied token: how its group was shown to top the rest */
    int64_t twin;      /* the first other token with the same row (and bias, unless the proof is EQUAL_ROW); -1: none */
    double margin;     /* ARGMAXABLE, TIED: by how much its logit is ahead of the rest at the state that was found, at
                          least: roundings are counted; else 0. Not the largest possible */
    double state_norm; /* the length of that state; without a bias 1, and any other would do (with the margin in
                          proportion); else 0 */
    double residual;   /* UNARGMAXABLE: z_c <= sum a_j z_j + residual |x| + slack for every x, roundings counted; else
                          0 */
    double slack;      /* 0 without a bias */
    double probability_bound; /* no state gives it a larger probability: UNARGMAXABLE 1 / (m + exp(H(a) + sum a_j b_j -
                                 b_c)), H(a) the entropy of the means in nats, m how many tokens share row and bias
                                 (from e^{sum a_j z_j} <= e^{-H} sum e^{z_j}; to within the residual); TIED 1 / m; else
                                 1. The stolen probability: also, p_c <= prod p_j^{a_j}. */
} neck_argmax_verdict;

/* Verdicts on all tokens of a head. Immutable once made: any thread may read. */
typedef struct neck_argmax neck_argmax;

/* neck_argmax_compute - weights: V x d, any floating dtype. The cheap states first, all V tokens against all V in
 *   blocks; then reflections; then the linear program, a token a thread, on what is left.
 *   That a token can win is checked in double with a bound on all roundings, and is a proof; so is the reason why
 *   another cannot, but for its residual. The number of threads does not change a verdict that has a proof; which
 *   proof, and the last bits of numbers, may depend on the BLAS's threads.
 * Cost: 2 V^2 d operations for each of the three cheap states, over those tokens that the one before left. Memory: 3
 * d^2 doubles for the basis, some 100 MB of rows, logits and states, 40 bytes a token, and what the solver takes (some
 * 12 d^2 bytes and more for each token worked on, 2 to 256 at once).
 * Progress is told in tokens that have a verdict. A cancelled call has written `resume`; the next one with the same
 * head and options goes on. The solver (Clp) takes its memory from the C++ runtime, which has no answer to running out.
 * Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE (weights, with row and column; bias), NECK_E_OVERFLOW (squares of the
 * weights beyond double), NECK_E_STATE (the file is of another head, bias or tolerance), NECK_E_FORMAT, NECK_E_IO,
 * NECK_E_CONVERGENCE, NECK_E_NOMEM, NECK_E_CANCELLED. Thread rule: as for all computations (context.h). */
NECK_API neck_status neck_argmax_compute(neck_context *context, const neck_matrix *weights,
                                         const neck_argmax_options *options, neck_argmax **out);
NECK_API void neck_argmax_destroy(neck_argmax *argmax);

/* neck_argmax_size    - V.
 * neck_argmax_count   - how many tokens have that verdict, by that proof (-1: by any). 0 for unknown numbers.
 * neck_argmax_token   - the verdict on one token. Errors: NECK_E_ARGUMENT.
 * neck_argmax_mean    - UNARGMAXABLE: the rows whose mean w_c is and the a_j; *count is 0 for other tokens. Borrowed.
 * neck_argmax_witness - ARGMAXABLE or TIED, keep_witnesses: the state, d numbers, borrowed. Errors: NECK_E_STATE (none
 *   kept). */
NECK_API int64_t neck_argmax_size(const neck_argmax *argmax);
NECK_API int64_t neck_argmax_count(const neck_argmax *argmax, int32_t verdict, int32_t proof);
NECK_API neck_status neck_argmax_token(const neck_argmax *argmax, int64_t token, neck_argmax_verdict *out);
NECK_API neck_status neck_argmax_mean(const neck_argmax *argmax, int64_t token, const int64_t **tokens,
                                      const double **shares, int64_t *count);
NECK_API neck_status neck_argmax_witness(const neck_argmax *argmax, int64_t token, const double **state);

/* neck_argmax_verdict_name - "undecided", "argmaxable", "tied", "unargmaxable". neck_argmax_proof_name - "none",
 * "equal_row", "whitened", "centered", "own_row", "reflection", "program". Static strings, "?" for unknown numbers. */
NECK_API const char *neck_argmax_verdict_name(int32_t verdict);
NECK_API const char *neck_argmax_proof_name(int32_t proof);

#ifdef __cplusplus
}
#endif
#endif
