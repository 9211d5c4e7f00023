/* study/scaling_fit.h - the constants of a scaling law by robust least squares from one start. */
#ifndef NECK_STUDY_SCALING_FIT_H
#define NECK_STUDY_SCALING_FIT_H

#include "softneck/scaling_law.h"

enum { NECK__SCALING_CONSTANTS = 5 };

/* log A, alpha, log B, beta, log E. */
typedef struct neck__scaling_constants {
    double at[NECK__SCALING_CONSTANTS];
} neck__scaling_constants;

/* A point in logarithms. */
typedef struct neck__scaling_datum {
    double parameters, tokens, loss;
} neck__scaling_datum;

typedef struct neck__scaling_problem {
    const neck__scaling_datum *data;
    int64_t count;
    int32_t fitted; /* NECK_SCALING_* */
    double huber;
} neck__scaling_problem;

/* log of the law's loss. */
double neck__scaling_log_loss(const neck__scaling_constants *constants, double log_parameters, double log_tokens);

/* Moves the fitted constants downhill to a minimum; the mean Huber loss there. */
double neck__scaling_descend(const neck__scaling_problem *problem, neck__scaling_constants *constants);

/* Whether the points tell the fitted constants apart at this place. */
int neck__scaling_determined(const neck__scaling_problem *problem, const neck__scaling_constants *constants);

#endif
