/* head/logit_loss_f64.c - the engine in double precision, in portable C. */
#include <math.h>
#include <stdint.h>

static void column_max(int64_t rows, int64_t cols, const double *x, int64_t ldx, double *most)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t c = 0; c < cols; c++) most[c] = x[row * ldx + c] > most[c] ? x[row * ldx + c] : most[c];
}

static void column_exp_sum(int64_t rows, int64_t cols, const double *x, int64_t ldx, const double *shift, double *sum,
                           double *squares)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t c = 0; c < cols; c++) {
            double y = exp(x[row * ldx + c] - shift[c]);
            sum[c] += y;
            if (squares) squares[c] += y * y;
        }
}

static void column_gradient(int64_t rows, int64_t cols, double *x, int64_t ldx, const double *shift,
                            const double *scale, const double *offset)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t c = 0; c < cols; c++) x[row * ldx + c] = exp(x[row * ldx + c] - shift[c]) * scale[c] - offset[c];
}

static void sum_below(int64_t count, int64_t levels, const double *x, double level, double *sums, int64_t stride)
{
    for (int64_t l = 0; l < levels; l++, level *= 4)
        for (int64_t c = 0; c < count; c++) sums[l * stride + c] += fabs(x[c]) < level ? fabs(x[c]) : 0;
}

static int64_t choose(int64_t count, const double *x, const double *limit, int32_t *index)
{
    int64_t found = 0;
    for (int64_t c = 0; c < count; c++)
        if (fabs(x[c]) >= limit[c]) index[found++] = (int32_t)c;
    return found;
}

static double add_below(int64_t count, const double *x, const double *limit, const double *weight, double scale,
                        double *sums)
{
    double total = 0;
    for (int64_t c = 0; c < count; c++) {
        double y = fabs(x[c]) < limit[c] ? fabs(x[c]) : 0;
        sums[c] += y * scale;
        total += y * weight[c];
    }
    return total;
}

static void add_rows(int64_t count, int64_t rows, const double *alpha, const double *x, int64_t ldx,
                     const int32_t *index, double *y)
{
    for (int64_t n = 0; n < rows; n++)
        for (int64_t j = 0; j < count; j++) y[j] += alpha[n] * x[index[n] * ldx + j];
}

static void exponentials(int64_t count, double *x)
{
    for (int64_t i = 0; i < count; i++) x[i] = exp(x[i]);
}

#define REAL double
#define OF(name) name##_f64
#define REAL_DTYPE NECK_F64
#define COLUMN_MAX column_max
#define COLUMN_EXP_SUM column_exp_sum
#define COLUMN_GRADIENT column_gradient
#define SUM_BELOW sum_below
#define SELECT choose
#define ADD_BELOW add_below
#define ADD_ROWS add_rows
#define EXP exponentials
#include "head/logit_work_template.h"
