/* spectrum/density_object.h - the parts of a density and how they are made.
 *
 * Notation: lambda are the eigenvalues of A^T A in units of |A|_F^2, so that they sum to 1 (with the known values: to
 * `total`). Everything goes through one function, M(t) = sum min(lambda, t): concave, so that
 *     sum of all but the d largest lambda = max over t of M(t) - d t,
 * and a band on M over all t is a band on W-error over all d, and on whatever else is linear in M with positive
 * weights. */
#ifndef NECK_SPECTRUM_DENSITY_OBJECT_H
#define NECK_SPECTRUM_DENSITY_OBJECT_H

#include "core/memory.h"
#include "softneck/density.h"
#include "spectrum/density_block.h"

/* The operator as the parts see it: C = (1 - Q Q^T) A^T A (1 - Q Q^T) / unit, of order n. */
typedef struct neck__density_work {
    neck_context *context;
    neck__allocator allocator;
    const neck_operator *op;
    int64_t n;
    double unit;
    int64_t products, most; /* of single vectors with A or A^T; most < 0: no limit */
    neck__block top;        /* Q, orthonormal; its storage is owned */
    double *top_values;     /* of its columns, decreasing */
    double *residuals;      /* |C q - theta q|, measured */
    double *top_diagonal;   /* sum over the columns of Q of what they take from the diagonal of A^T A; n numbers */
} neck__density_work;

/* y = C x for a block of vectors; y and x packed, n x count. x must have no part in Q already. Tells progress. */
neck_status neck__density_apply(neck__density_work *work, int64_t count, const double *x, double *y);

/* Random signs, a stream of their own for each purpose and vector. */
enum { NECK__STREAM_TOP = 0x7470, NECK__STREAM_COUPLING = 0x6370, NECK__STREAM_PROBES = 0x7062,
       NECK__STREAM_DRAWS = 0x6472 };
void neck__density_signs(const neck__density_work *work, int64_t stream, int64_t vector, int64_t count, int64_t stride,
                         double *out);

/* Finds and takes out the largest values: at most count, by at most `basis` Krylov vectors. forget releases them. */
neck_status neck__density_top(neck__density_work *work, int64_t count, int64_t basis);
void neck__density_forget(neck__density_work *work);

/* How much smaller M(t) may be than with Q taken out: pinching shrinks the sum of any convex function. */
double neck__density_pinching(const neck__density_work *work, double t);

/* An estimate of M, and a band on it. The estimate is a spectrum with fractional multiplicities: nodes. */
typedef struct neck__curve {
    neck__allocator allocator;
    int64_t nodes;
    double *values;  /* decreasing */
    double *weights; /* as long */
    double *head;    /* nodes + 1: sum of weights before i */
    double *tail;    /* nodes + 1: sum of weight * value from i on */
    int64_t points;
    double *t;       /* increasing from 0 to beyond the largest value */
    double *at;      /* M by the nodes, at t */
    double *shift;   /* the estimate is at + shift */
    double *below;   /* M >= at + shift - below, at t */
    double *above;   /* M <= M by the nodes + above, from t to the next point */
} neck__curve;

/* Nodes may come in any order; they are copied, and sorted. Zero values are left out. The grid is laid where they
 * are. */
neck_status neck__curve_create(neck_context *context, int64_t nodes, const double *values, const double *weights,
                               neck__curve *curve);
void neck__curve_destroy(neck__curve *curve);
double neck__curve_at(const neck__curve *curve, double t);

/* count: the nodes' slope, the weight of those greater than t. cell: the last grid point that is not greater than t. */
double neck__curve_count(const neck__curve *curve, double t);
int64_t neck__curve_cell(const neck__curve *curve, double t);

/* The sum of all but the d largest. */
neck_band neck__curve_tail(const neck__curve *curve, double d);

struct neck_density {
    neck__allocator allocator;
    neck__curve curves[3]; /* each holds at its own confidence, all together at the density's */
    int count;
    double unit;           /* |A|_F^2, or its estimate */
    neck_band total;       /* of all lambda, in units of it */
    neck_density_report report;
};

/* Values known exactly, beside those of the nodes: of the caller, and of Q. */
typedef struct neck__density_known {
    int64_t count;
    const double *squares; /* in units */
} neck__density_known;

/* The curve from the diagonal of C and the norms of its blocks beside it; wrong with probability alpha at most.
 * *groups: how many there were, 0 when max_products did not suffice (then there is no curve). */
neck_status neck__density_coupling(neck__density_work *work, const double *diagonal, neck__density_known known,
                                   double alpha, int32_t *groups, neck__curve *curve);

/* Lanczos with each of many random vectors. alpha and beta: a row of `room` numbers a probe. */
typedef struct neck__probes {
    int64_t count, steps, room;
    double *alpha, *beta;
    double *mass;     /* |z|^2 */
    int64_t *lengths; /* steps until its Krylov space was exhausted */
} neck__probes;

typedef struct neck__lanczos neck__lanczos;
neck_status neck__lanczos_start(neck__density_work *work, neck__probes *probes, int64_t first, int64_t count,
                                neck__lanczos **out);
neck_status neck__lanczos_advance(neck__lanczos *lanczos, int64_t steps);
void neck__lanczos_destroy(neck__lanczos *lanczos);

/* The Gauss quadrature of a probe: nodes, increasing, and weights (sum: its mass); work: 2 steps numbers. */
void neck__gauss(int64_t steps, const double *alpha, const double *beta, double mass, double *nodes, double *weights,
                 double *work);

/* What Gauss quadrature may be wrong by in sum min(x, t). bracket prepares: over (a number a node) and under (one a
 * gap). Then the truth is at most gauss_over less, at t, and gauss_under more, anywhere in first .. last. */
void neck__gauss_bracket(int64_t steps, const double *alpha, const double *beta, double mass, const double *nodes,
                         const double *weights, double *over, double *under);
double neck__gauss_over(int64_t steps, const double *alpha, const double *beta, double mass, const double *nodes,
                        const double *over, double t);
double neck__gauss_under(int64_t steps, const double *nodes, const double *under, double first, double last);

/* Adds to shift, below and above of a curve what random vectors leave open. nodes: of C alone, weights averaged over
 * the probes; dimension: of the space the probes are drawn from; trace: of C, negative when not known; alpha 0: only
 * roughly. *widest: half the widest band. */
neck_status neck__density_sampling(neck__density_work *work, neck__curve *curve, int64_t nodes, const double *values,
                                   const double *weights, int64_t probes, double dimension, double trace, double alpha,
                                   double *widest);

/* What the stochastic route is to do. width: of W-error's band, 0: all the probes; trace: of C, negative when not
 * known. */
typedef struct neck__density_plan {
    int64_t probes, steps, block; /* steps 0: chosen */
    double width, alpha, trace;
} neck__density_plan;

/* Adds the curve of Lanczos quadrature to the density; where |A|_F is not known also the band of the total. */
neck_status neck__density_stochastic(neck__density_work *work, const neck__density_plan *plan,
                                     neck__density_known known, neck_density *density);

/* Narrows a band, at first with a value of NaN, by another that holds too. */
void neck__band_meet(neck_band *all, neck_band one);

/* The sum of all but the d largest lambda, by all curves; the widest band of W-error over all ranks. */
neck_band neck__density_tail(const neck_density *density, double d);
neck_band neck__density_w_error(const neck_density *density, int64_t rank);
double neck__density_width(const neck_density *density);

#endif
