/* softneck/hidden_size.h - how wide a model is, from logits alone. */
#ifndef SOFTNECK_HIDDEN_SIZE_H
#define SOFTNECK_HIDDEN_SIZE_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Logit vectors are z_i = W x_i (+ b): stacked, their rank is the width of the head, and more of them do not raise it
 * (Carlini et al. 2024, arXiv 2403.06634; Finlayson, Ren & Swayamdipta 2024, arXiv 2403.09539). Rounding hides that:
 * the singular values behind the rank are not 0 but small. The rank is where their logarithm falls most.
 * Each vector is taken minus its mean over the tokens, so that log-probabilities serve as well as logits. A second
 * spectrum is that of the vectors minus their mean vector, which a bias of the head does not raise. The two ranks tell
 * models apart:
 *
 *   final norm, head            rank   centered_rank    width
 *   RMSNorm, or none             d          d           rank
 *   the same, head with bias    d + 1       d           centered_rank
 *   LayerNorm with its bias      d         d - 1        rank            (states lie in a plane that does not meet 0)
 *   LayerNorm without bias      d - 1      d - 1        rank + 1        (in one through 0)
 * Rows two and three look alike, and so do one and four: hidden_size is for the models that are most common,
 * centered_rank + 1 for ranks that differ (LayerNorm with its bias) and rank for ranks that do not (RMSNorm);
 * `alternative` is the other reading. */
typedef struct neck_hidden_size {
    size_t struct_size;        /* set before the call; only fields within it are written */
    int64_t vectors, vocabulary;
    int64_t hidden_size;       /* the width, read as said above */
    int64_t alternative;       /* read for the rarer model: hidden_size - 1, or + 1 */
    int32_t determined;        /* 1: the gaps of both spectra are at least twice their runner-ups, and twice what the
                                  logarithm falls by behind them (noise is flat). 0: do not believe it; most often there
                                  are not more vectors than the model is wide */
    int32_t reserved;
    int64_t rank;              /* where the logarithm of the singular values falls most */
    double gap;                /* by how much, nats: ln s_rank - ln s_(rank + 1) */
    int64_t runner_up;         /* where it falls most elsewhere */
    double runner_up_gap;
    int64_t centered_rank;     /* the same of vectors minus their mean vector */
    double centered_gap;
    int64_t centered_runner_up;
    double centered_runner_up_gap;
} neck_hidden_size;

/* neck_hidden_size_measure - logits: N vectors, a row each, of V tokens (any columns of them in common serve: at least
 *   as many as the model is wide), any floating dtype; N and V at least 4. Wanted are clearly more vectors than the
 *   width, from different contexts.
 *   singular_values: N doubles or NULL: of the vectors minus their means over tokens, decreasing; min(N, V) are set,
 *   the rest 0. From the N x N Gram matrix in double: values below 1e-8 of the largest carry no information and count
 *   as its neck_spectrum_resolution. Logits in single precision have a floor near 1e-7, those in half precision one
 *   that may hide small heads' last directions.
 * Cost: 2 V N^2 operations. Memory: 3 N^2 doubles and a few MB. The context's number of threads does not show in the
 * bits.
 * Errors: NECK_E_ARGUMENT, NECK_E_NONFINITE, NECK_E_OVERFLOW, NECK_E_CONVERGENCE, NECK_E_NOMEM, NECK_E_CANCELLED. */
NECK_API neck_status neck_hidden_size_measure(neck_context *context, const neck_matrix *logits, double *singular_values,
                                              neck_hidden_size *out);

#ifdef __cplusplus
}
#endif
#endif
