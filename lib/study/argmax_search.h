/* study/argmax_search.h - states at which a token wins, by cheap guesses and by reflection; and the verdicts they
 * give. */
#ifndef NECK_STUDY_ARGMAX_SEARCH_H
#define NECK_STUDY_ARGMAX_SEARCH_H

#include "study/argmax_contest.h"
#include "study/argmax_object.h"

/* What all ways of finding out share. */
typedef struct neck__argmax_run {
    neck_context *context;
    neck__contest contest;
    neck_argmax *found;
    double *basis;     /* rank x cols, B: rows minus their mean have covariance 1 in its coordinates, and are 0 beyond
                          them */
    int64_t rank;
    int64_t *open;     /* contenders without a verdict, open_count of them, in order */
    int64_t open_count;
    int64_t reflections;
    int search_only;   /* there will be no linear programs */
    double tolerance;
} neck__argmax_run;

/* Fills run->basis (room for min(rows, cols) of its rows) and run->rank. Heads have directions in which rows hardly
 * differ beside others in which they differ a lot; cones of states and what mirrors them are found in coordinates that
 * make all alike. */
neck_status neck__argmax_whiten(neck__argmax_run *run);

/* rank numbers out = B row; cols numbers out = B^T coordinates. On the calling thread alone. */
void neck__argmax_coordinates(const neck__argmax_run *run, const double *row, double *out);
void neck__argmax_state(const neck__argmax_run *run, const double *coordinates, double *out);

/* The states of one of the cheap proofs for count contenders: count x cols. */
neck_status neck__argmax_guess(const neck__argmax_run *run, int32_t proof, int64_t count, const int64_t *who,
                               double *states);

/* When the standing has a lead: the verdict on the contender and all tokens that share its row and bias. Returns
 * whether. */
int neck__argmax_settle(neck__argmax_run *run, int64_t contender, int32_t proof, const double *state,
                        const neck__standing *standing);

/* Works through run->open, which shrinks. */
neck_status neck__argmax_search(neck__argmax_run *run);

/* Brings a state that stands for (state, height) beside rows (w, b / bias_unit) to what a head takes: height bias_unit
 * or, without a bias, length 1. */
void neck__argmax_normalize(const neck__contest *contest, double *state, double height);

#endif
