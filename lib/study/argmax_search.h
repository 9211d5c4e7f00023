/* study/argmax_search.h - states at which a token wins, by cheap guesses and by reflection; and the verdicts they give. */
#ifndef NECK_STUDY_ARGMAX_SEARCH_H
#define NECK_STUDY_ARGMAX_SEARCH_H

#include "study/argmax_contest.h"
#include "study/argmax_object.h"

/* What all ways of finding out share. */
typedef struct neck__argmax_run {
    neck_context *context;
    neck__contest contest;
    neck_argmax *found;
    double *whitening; /* cols x cols: the inverse of the rows' covariance, where it has one */
    int64_t *open;     /* contenders without a verdict, open_count of them, in order */
    int64_t open_count;
    int64_t reflections;
    double tolerance;
} neck__argmax_run;

/* Makes run->whitening. */
neck_status neck__argmax_whiten(neck__argmax_run *run);

/* The states of one of the cheap proofs for count contenders: count x cols. */
neck_status neck__argmax_guess(const neck__argmax_run *run, int32_t proof, int64_t count, const int64_t *who, double *states);

/* When the standing has a lead: the verdict on the contender and all tokens that share its row and bias. Returns whether. */
int neck__argmax_settle(neck__argmax_run *run, int64_t contender, int32_t proof, const double *state,
                        const neck__standing *standing);

/* Works through run->open, which shrinks. */
neck_status neck__argmax_search(neck__argmax_run *run);

/* Brings a state that stands for (state, height) beside rows (w, b / bias_unit) to what a head takes: height bias_unit or, without a
 * bias, length 1. */
void neck__argmax_normalize(const neck__contest *contest, double *state, double height);

#endif
