/* study/argmax_contest.h - the head as a contest of tokens: who takes part, and who wins at given states. */
#ifndef NECK_STUDY_ARGMAX_CONTEST_H
#define NECK_STUDY_ARGMAX_CONTEST_H

#include "core/memory.h"
#include "softneck/matrix.h"

/* Contenders are tokens with different rows: of those with equal rows only the first with the largest bias can win.
 * They are numbered 0 .. count-1 in the order of tokens. */
typedef struct neck__contest {
    neck__allocator allocator;
    neck_matrix view;    /* checked, finite */
    const double *bias;  /* a number a token, or NULL: there is none, or it is the same for all */
    double bias_unit;    /* the biases' standard deviation; 1 without a bias */
    int64_t count;
    int64_t *token;      /* of a contender */
    int64_t *contender;  /* of a token: the one with its row */
    int64_t *pair_first; /* of a token: the first one with the same row and bias */
    int64_t *pair_next;  /* of a token: the next such one, or -1 */
    int64_t *pair_size;  /* of the first one */
    double *norm;        /* of a contender's row, rounded up */
    double *ahead;       /* of a contender: of those with its row but less bias, at least this far; INFINITY: there are
                            none */
    double norm_max;
    double *mean;        /* of all rows */
    uint64_t fingerprint; /* of rows, biases and tolerance */
    void (*told)(void *user); /* called now and then from the calling thread, between blocks; may be NULL */
    void *told_user;
    int64_t settled;     /* contenders with a verdict, for progress */
} neck__contest;

/* view: checked and finite. tolerance goes into the fingerprint. NECK_E_OVERFLOW when the square of a row is not a
 * double. */
neck_status neck__contest_create(neck_context *context, const neck_matrix *view, const double *bias, double tolerance,
                                 neck__contest *out);
void neck__contest_destroy(neck__contest *contest);

#define NECK__RIVALS 32

/* Where a contender stands at a state. */
typedef struct neck__standing {
    double norm;   /* of the state, rounded up */
    double lead;   /* at most its logit minus the largest other, whatever roundings did to both */
    int32_t count; /* of rivals: those with the largest logits, largest first */
    int64_t rivals[NECK__RIVALS];
    double scores[NECK__RIVALS];
} neck__standing;

/* who[i] at states[i] (count x cols doubles), against all other contenders. Tells progress. */
neck_status neck__standings_measure(neck_context *context, const neck__contest *contest, int64_t count,
                                    const int64_t *who, const double *states, neck__standing *out);

/* Row and bias of contender a minus those of contender b: cols numbers, and the bias in bias_units as the result. */
double neck__contest_difference(const neck__contest *contest, int64_t a, int64_t b, double *out);

#endif
