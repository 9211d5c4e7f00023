/* kernels/train_loops.h - the elementwise loops of training, one table a precision: single on every instruction set,
 * double in portable C, the yardstick of the other. */
#ifndef NECK_KERNELS_TRAIN_LOOPS_H
#define NECK_KERNELS_TRAIN_LOOPS_H

#include <stdint.h>

#define NECK__TRAIN_ACTIVATIONS 4

/* Which elements a dropout keeps: those whose 32 bits, made from the row's key and their place in it, are not below
 * cut. */
typedef struct neck__dropout {
    uint32_t cut;
    double scale; /* of what is kept */
} neck__dropout;

/* Of a norm: out = (x - center) scale (gain + offset) + bias. Rows and gradients are as long as count; bias may be
 * NULL.
 *   norm_gradient: dgain += d x^, dbias += d (unless NULL), dx = [dx if accumulate] + scale (g - [mean g if centered] -
 *   x^ mean(g x^)), with x^ = (x - center) scale, g = d (gain + offset). dx may be d.
 * Of activations f (NECK__GELU ...): activate: h = f(x). activate_gradient: h = f(x), d = d f'(x).
 *   gate: h = f(g) u. gate_gradient: from d, the gradient of h: h = f(g) u, dg = d u f'(g), d = d f(g).
 * Of attention, on columns of an array of rows x width, packed, width a multiple of 8:
 *   column_max: most_j = max(most_j, x_ij);  column_exp: x_ij = exp(x_ij - shift_j), cut as exp_sum_f32 cuts;
 *   column_sum: total_j += x_ij;  column_scale: x_ij *= factor_j
 *   softmax_gradient: d_ij = p_ij (d_ij - mean_j) scale;  cap_gradient: d_ij *= 1 - (x_ij / cap)^2. */
#define NECK__TRAIN_LOOPS(name, REAL)                                                                                  \
    typedef struct name {                                                                                              \
        void (*moments)(int64_t count, const REAL *x, double shift, double *sum, double *squares);                     \
        void (*norm)(int64_t count, const REAL *x, REAL center, REAL scale, const REAL *gain, REAL offset,             \
                     const REAL *bias, REAL *out);                                                                     \
        void (*norm_gradient)(int64_t count, const REAL *x, REAL center, REAL scale, const REAL *gain, REAL offset,    \
                              int centered, const REAL *d, REAL *dgain, REAL *dbias, int accumulate, REAL *dx);        \
        void (*add)(int64_t count, const REAL *x, REAL *y); /* y += x */                                               \
        void (*dropout)(int64_t count, uint64_t key, const neck__dropout *dropout, REAL *x);                           \
        void (*activate[NECK__TRAIN_ACTIVATIONS])(int64_t count, const REAL *x, REAL *h);                              \
        void (*activate_gradient[NECK__TRAIN_ACTIVATIONS])(int64_t count, const REAL *x, REAL *d, REAL *h);            \
        void (*gate[NECK__TRAIN_ACTIVATIONS])(int64_t count, const REAL *g, const REAL *u, REAL *h);                   \
        void (*gate_gradient[NECK__TRAIN_ACTIVATIONS])(int64_t count, const REAL *g, const REAL *u, REAL *d, REAL *dg, \
                                                       REAL *h);                                                       \
        void (*soft_cap)(int64_t count, REAL cap, REAL *x);                                                            \
        void (*column_max)(int64_t rows, int64_t width, const REAL *x, REAL *most);                                    \
        void (*column_exp)(int64_t rows, int64_t width, const REAL *shift, REAL *x);                                   \
        void (*column_sum)(int64_t rows, int64_t width, const REAL *x, double *total);                                 \
        void (*column_scale)(int64_t rows, int64_t width, const REAL *factor, REAL *x);                                \
        void (*softmax_gradient)(int64_t rows, int64_t width, const REAL *p, const REAL *mean, REAL scale, REAL *d);   \
        void (*cap_gradient)(int64_t count, const REAL *x, REAL cap, REAL *d);                                         \
    } name

NECK__TRAIN_LOOPS(neck__train_loops_f32, float);
NECK__TRAIN_LOOPS(neck__train_loops_f64, double);

extern const neck__train_loops_f64 neck__train_loops_double;

#endif
