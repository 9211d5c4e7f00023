/* study/token_gap.h - what one token contributes to the loss gap, from its logits under two heads, seen a stretch of
 * the vocabulary at a time. */
#ifndef NECK_STUDY_TOKEN_GAP_H
#define NECK_STUDY_TOKEN_GAP_H

#include <stdint.h>

enum { NECK__FULL, NECK__REDUCED, NECK__HEADS };

/* delta is the reduced head's logit minus the full head's. Its sums are kept of delta - origin, origin the first
 * token's: what all logits share, which a loss does not see, would drown the rest. */
typedef struct neck__token_gap {
    int64_t target, best[NECK__HEADS];
    double at_target[NECK__HEADS];
    double top[NECK__HEADS], sum[NECK__HEADS];  /* sum of exp(z - top) */
    double origin, drift;                       /* drift: sum of exp(z - top) (delta - origin), z of the full head */
    double delta_sum, delta_squares, low, high; /* low, high: of delta itself */
} neck__token_gap;

void neck__token_gap_start(neck__token_gap *token, int64_t target);

/* Logits of vocabulary entries first .. first + count - 1, in order from 0 on. */
void neck__token_gap_add(neck__token_gap *token, int64_t first, int64_t count, const double *full,
                         const double *reduced);

/* Of a token whose whole vocabulary was added; the bounds hold between these very numbers, whatever rounded the logits.
 * finite: 0 when a logit was not. */
typedef struct neck__gap_terms {
    double loss[NECK__HEADS], first_order, quadratic, range, delta_squares;
    int finite;
} neck__gap_terms;

neck__gap_terms neck__token_gap_finish(const neck__token_gap *token, int64_t vocabulary);

#endif
