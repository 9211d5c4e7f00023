/* study/linear_program.h - the only door to a solver of linear programs (Clp): a direction that is as far as can be
 * inside given half-spaces, which may be added to.
 * Everything here may run on worker threads, one call at a time on one program: memory is the solver's own, not the
 * context's. */
#ifndef NECK_STUDY_LINEAR_PROGRAM_H
#define NECK_STUDY_LINEAR_PROGRAM_H

#include <stdint.h>

/* Largest radius >= 0 with row . y >= radius for every row and |y_k| <= 1. */
typedef struct neck__program neck__program;

/* NULL when memory runs out. */
neck__program *neck__program_create(int64_t width);
void neck__program_destroy(neck__program *program);

/* Adds count rows of width numbers each, best of length 1. What was solved before is where the next solution starts.
 * Returns 0 when memory runs out or the rows are more than the solver can count. */
int neck__program_add(neck__program *program, int64_t count, const double *rows);

/* y: width. multipliers: a number >= 0 for every row so far; when the radius is 0 they tell why: the rows times them
 * sum to (nearly) nothing. Returns 0 when the solver found no optimum. */
int neck__program_solve(neck__program *program, double *y, double *radius, double *multipliers);

#endif
