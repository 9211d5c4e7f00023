/* study/linear_program.c - the program over Clp's C interface. The columns are y and, last, the radius. */
#include "study/linear_program.h"

#include <float.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <coin/Clp_C_Interface.h>

/* What the solver counts as satisfied; the rows have length 1. At 1e-9 it was seen to end a step before the multipliers
 * are right. */
#define TOLERANCE 1e-11

/* The radius of unit rows over a box of width w is at most sqrt(w). */
#define RADIUS_BOUND 1e6

struct neck__program {
    Clp_Simplex *solver;
    int width;
};

static int add_columns(neck__program *made)
{
    int width = made->width;
    double *numbers = calloc(3 * ((size_t)width + 1), sizeof *numbers);
    int *starts = calloc((size_t)width + 2, sizeof *starts);
    int good = numbers && starts;
    if (good) {
        double *lower = numbers, *upper = lower + width + 1, *objective = upper + width + 1;
        for (int k = 0; k < width; k++) {
            lower[k] = -1;
            upper[k] = 1;
        }
        upper[width] = RADIUS_BOUND;
        objective[width] = 1;
        Clp_addColumns(made->solver, width + 1, lower, upper, objective, starts, NULL, NULL);
    }
    free(numbers);
    free(starts);
    return good;
}

neck__program *neck__program_create(int64_t width)
{
    if (width >= INT_MAX - 2) return NULL;
    neck__program *made = malloc(sizeof *made);
    if (!made) return NULL;
    *made = (neck__program){Clp_newModel(), (int)width};
    Clp_setLogLevel(made->solver, 0);
    Clp_setOptimizationDirection(made->solver, -1);
    Clp_setPrimalTolerance(made->solver, TOLERANCE);
    Clp_setDualTolerance(made->solver, TOLERANCE);
    if (add_columns(made)) return made;
    neck__program_destroy(made);
    return NULL;
}

void neck__program_destroy(neck__program *program)
{
    if (!program) return;
    Clp_deleteModel(program->solver);
    free(program);
}

/* Row i of the solver: 0 <= rows_i . y - radius. */
static void fill_rows(int width, int count, const double *rows, int *starts, int *columns, double *elements)
{
    for (int i = 0; i < count; i++) {
        starts[i] = i * (width + 1);
        for (int k = 0; k <= width; k++) columns[starts[i] + k] = k;
        memcpy(elements + starts[i], rows + (size_t)i * (size_t)width, (size_t)width * sizeof *rows);
        elements[starts[i] + width] = -1;
    }
    starts[count] = count * (width + 1);
}

int neck__program_add(neck__program *program, int64_t count, const double *rows)
{
    int64_t width = program->width, held = Clp_numberRows(program->solver);
    if (count > INT_MAX / (width + 1) - held) return 0;
    size_t size = (size_t)(count * (width + 1));
    int *starts = malloc(((size_t)count + 1 + size) * sizeof *starts), *columns = starts + count + 1;
    double *elements = malloc((size + 2 * (size_t)count) * sizeof *elements);
    int good = starts && elements;
    if (good) {
        double *lower = elements + size, *upper = lower + count;
        for (int64_t i = 0; i < count; i++) {
            lower[i] = 0;
            upper[i] = DBL_MAX;
        }
        fill_rows((int)width, (int)count, rows, starts, columns, elements);
        Clp_addRows(program->solver, (int)count, lower, upper, starts, columns, elements);
    }
    free(starts);
    free(elements);
    return good;
}

/* Added rows leave the old optimum dual feasible, so the dual simplex goes on from it. Clp_dual and Clp_primal keep
 * their hands off signals, which Clp_initialSolve does not. */
int neck__program_solve(neck__program *program, double *y, double *radius, double *multipliers)
{
    Clp_Simplex *solver = program->solver;
    Clp_dual(solver, 0);
    if (Clp_status(solver) != 0) Clp_primal(solver, 0);
    if (Clp_status(solver) != 0) return 0;
    const double *columns = Clp_getColSolution(solver), *prices = Clp_getRowPrice(solver);
    memcpy(y, columns, (size_t)program->width * sizeof *y);
    *radius = columns[program->width];
    for (int i = 0; i < Clp_numberRows(solver); i++) multipliers[i] = prices[i] < 0 ? -prices[i] : 0;
    return 1;
}
