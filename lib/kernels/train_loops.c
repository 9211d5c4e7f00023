/* kernels/train_loops.c - the loops of training in double precision, in portable C. */
#include "kernels/kernels.h"

#define TARGET
#define REAL double
#include "kernels/loops_train.h"

#define EACH for (int i = 0; i < TRAIN_LANES; i++)

static void silu_train_lanes(const double *x, double *f, double *slope)
{
    EACH {
        double s = 1 / (1 + exp(-x[i]));
        f[i] = x[i] * s;
        if (slope) slope[i] = s + f[i] * (1 - s);
    }
}

static void gelu_tanh_train_lanes(const double *x, double *f, double *slope)
{
    const double c = 0.79788456080286535588;
    EACH {
        double t = tanh(c * (x[i] + 0.044715 * x[i] * x[i] * x[i]));
        f[i] = 0.5 * x[i] * (1 + t);
        if (slope) slope[i] = 0.5 * (1 + t) + 0.5 * x[i] * (1 - t * t) * c * (1 + 3 * 0.044715 * x[i] * x[i]);
    }
}

static void gelu_train_lanes(const double *x, double *f, double *slope)
{
    EACH {
        double area = 0.5 * erfc(-x[i] * 0.70710678118654752440);
        f[i] = x[i] * area;
        if (slope) slope[i] = area + x[i] * 0.39894228040143267794 * exp(-0.5 * x[i] * x[i]);
    }
}

static void relu_train_lanes(const double *x, double *f, double *slope)
{
    EACH {
        f[i] = x[i] < 0 ? 0 : x[i];
        if (slope) slope[i] = x[i] > 0 ? 1 : 0;
    }
}

LOOPS_TRAIN_ACTIVATION(silu)
LOOPS_TRAIN_ACTIVATION(gelu_tanh)
LOOPS_TRAIN_ACTIVATION(gelu)
LOOPS_TRAIN_ACTIVATION(relu)

static void train_soft_cap(int64_t count, double cap, double *x)
{
    for (int64_t k = 0; k < count; k++) x[k] = cap * tanh(x[k] / cap);
}

static void train_column_exp(int64_t rows, int64_t width, const double *shift, double *x)
{
    train_column_subtract(rows, width, shift, x);
    for (int64_t k = 0; k < rows * width; k++) x[k] = exp(x[k]);
}

const neck__train_loops_f64 neck__train_loops_double = {LOOPS_TRAIN_TABLE};
