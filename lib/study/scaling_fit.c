/* study/scaling_fit.c - Levenberg and Marquardt's method on Huber's loss, reweighted in every step. */
#include "study/scaling_fit.h"

#include <math.h>
#include <string.h>

enum { C = NECK__SCALING_CONSTANTS, ROUNDS = 400 };

/* Of the scaled normal matrix: what rounding leaves of a pivot that is 0. */
static const double SINGULAR = 1e-11;

/* Shares of the three terms in the loss, and the logarithm of their sum. */
static double terms(const neck__scaling_constants *constants, double parameters, double tokens, double *share)
{
    const double *at = constants->at;
    double log_term[3] = {at[0] - at[1] * parameters, at[2] - at[3] * tokens, at[4]};
    double largest = fmax(fmax(log_term[0], log_term[1]), log_term[2]), sum = 0;
    for (int i = 0; i < 3; i++) sum += share[i] = exp(log_term[i] - largest);
    for (int i = 0; i < 3; i++) share[i] /= sum;
    return largest + log(sum);
}

double neck__scaling_log_loss(const neck__scaling_constants *constants, double log_parameters, double log_tokens)
{
    double share[3];
    return terms(constants, log_parameters, log_tokens, share);
}

static double huber(double residual, double delta)
{
    double size = fabs(residual);
    return size <= delta ? 0.5 * size * size : delta * (size - 0.5 * delta);
}

static double objective(const neck__scaling_problem *problem, const neck__scaling_constants *constants)
{
    double sum = 0;
    for (int64_t i = 0; i < problem->count; i++) {
        const neck__scaling_datum *datum = &problem->data[i];
        double residual = datum->loss - neck__scaling_log_loss(constants, datum->parameters, datum->tokens);
        sum += huber(residual, problem->huber);
    }
    return sum / (double)problem->count;
}

/* Of the quadratic that touches the objective from above: sum of w (r - J step)^2, w = min(1, huber / |r|). Rows of
 * constants that are not fitted are 0. */
typedef struct normal_equations {
    double matrix[C][C], side[C];
} normal_equations;

static void add_datum(const neck__scaling_problem *problem, const neck__scaling_constants *constants,
                      const neck__scaling_datum *datum, normal_equations *equations)
{
    double share[3], residual = datum->loss - terms(constants, datum->parameters, datum->tokens, share);
    double slope[C] = {share[0], -share[0] * datum->parameters, share[1], -share[1] * datum->tokens, share[2]};
    double weight = fabs(residual) <= problem->huber ? 1 : problem->huber / fabs(residual);
    for (int i = 0; i < C; i++)
        if (!(problem->fitted >> i & 1)) slope[i] = 0;
    for (int i = 0; i < C; i++) {
        equations->side[i] += weight * slope[i] * residual;
        for (int j = 0; j < C; j++) equations->matrix[i][j] += weight * slope[i] * slope[j];
    }
}

/* Scaled to a unit diagonal, so that constants of any size are alike; 0 rows get a 1 there, which leaves them where
 * they are. */
static void form(const neck__scaling_problem *problem, const neck__scaling_constants *constants,
                 normal_equations *equations, double *unit)
{
    memset(equations, 0, sizeof *equations);
    for (int64_t i = 0; i < problem->count; i++) add_datum(problem, constants, &problem->data[i], equations);
    for (int i = 0; i < C; i++) unit[i] = equations->matrix[i][i] > 0 ? sqrt(equations->matrix[i][i]) : 1;
    for (int i = 0; i < C; i++) {
        equations->side[i] /= unit[i];
        for (int j = 0; j < C; j++) equations->matrix[i][j] /= unit[i] * unit[j];
        if (equations->matrix[i][i] == 0) equations->matrix[i][i] = 1;
    }
}

/* Cholesky of matrix + damping; the smallest pivot. */
static double factor(const normal_equations *equations, double damping, double lower[C][C])
{
    double smallest = INFINITY;
    for (int j = 0; j < C; j++) {
        double pivot = equations->matrix[j][j] + damping;
        for (int k = 0; k < j; k++) pivot -= lower[j][k] * lower[j][k];
        smallest = fmin(smallest, pivot);
        lower[j][j] = sqrt(fmax(pivot, 1e-300));
        for (int i = j + 1; i < C; i++) {
            double sum = equations->matrix[i][j];
            for (int k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
            lower[i][j] = sum / lower[j][j];
        }
    }
    return smallest;
}

static void solve(const normal_equations *equations, double damping, double *step)
{
    double lower[C][C];
    factor(equations, damping, lower);
    for (int i = 0; i < C; i++) {
        step[i] = equations->side[i];
        for (int k = 0; k < i; k++) step[i] -= lower[i][k] * step[k];
        step[i] /= lower[i][i];
    }
    for (int i = C - 1; i >= 0; i--) {
        for (int k = i + 1; k < C; k++) step[i] -= lower[k][i] * step[k];
        step[i] /= lower[i][i];
    }
}

double neck__scaling_descend(const neck__scaling_problem *problem, neck__scaling_constants *constants)
{
    double damping = 1e-3, now = objective(problem, constants), unit[C], step[C];
    normal_equations equations;
    for (int round = 0, still = 0; round < ROUNDS && still < 3 && damping < 1e12; round++) {
        form(problem, constants, &equations, unit);
        solve(&equations, damping, step);
        neck__scaling_constants tried = *constants;
        for (int i = 0; i < C; i++) tried.at[i] += step[i] / unit[i];
        double there = objective(problem, &tried);
        if (there < now) {
            still = now - there < 1e-10 * now ? still + 1 : 0;
            *constants = tried;
            now = there;
            damping = fmax(damping / 5, 1e-12);
        } else {
            damping *= 10;
        }
    }
    return now;
}

int neck__scaling_determined(const neck__scaling_problem *problem, const neck__scaling_constants *constants)
{
    double unit[C], lower[C][C];
    normal_equations equations;
    form(problem, constants, &equations, unit);
    return factor(&equations, 0, lower) > SINGULAR;
}
