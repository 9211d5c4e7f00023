/* head/head_plif.c - logits through a learnt increasing function, linear between equally spaced knots. */
#include <math.h>

#include "core/error.h"
#include "head/head_numbers.h"
#include "head/head_pass.h"

/* f(z) = offset_j + slope_j z in the j-th interval, the outermost ones going on for ever. */
typedef struct plif {
    double range, inverse; /* intervals begin at -range; 1 / their width */
    int64_t knots;
    double *offset, *slope;
    float *offset_f32, *slope_f32;
} plif;

/* apply, and backward with the two sums an interval has in f's gradient: of dy, then of dy z. */
#define PLIF_LOOPS(suffix, real)                                                                              \
    static inline int64_t interval_##suffix(const plif *f, real z)                                            \
    {                                                                                                         \
        real place = (z + (real)f->range) * (real)f->inverse, last = (real)(f->knots - 1);                    \
        place = place > 0 ? place : 0;                                                                        \
        return (int64_t)(place < last ? place : last);                                                        \
    }                                                                                                         \
    static void apply_##suffix(const void *self, int64_t count, const real *z, real *y)                       \
    {                                                                                                         \
        const plif *f = self;                                                                                 \
        const real *offset = OFFSET_##suffix(f), *slope = SLOPE_##suffix(f);                                  \
        for (int64_t i = 0; i < count; i++) {                                                                 \
            int64_t j = interval_##suffix(f, z[i]);                                                           \
            y[i] = offset[j] + slope[j] * z[i];                                                               \
        }                                                                                                     \
    }                                                                                                         \
    static void backward_##suffix(const void *self, int64_t count, const real *z, real *dy, double *gradient) \
    {                                                                                                         \
        const plif *f = self;                                                                                 \
        const real *slope = SLOPE_##suffix(f);                                                                \
        for (int64_t i = 0; i < count; i++) {                                                                 \
            int64_t j = interval_##suffix(f, z[i]);                                                           \
            if (gradient) {                                                                                   \
                gradient[2 * j] += (double)dy[i];                                                             \
                gradient[2 * j + 1] += (double)dy[i] * (double)z[i];                                          \
            }                                                                                                 \
            dy[i] *= slope[j];                                                                                \
        }                                                                                                     \
    }
#define OFFSET_f32(f) (f)->offset_f32
#define OFFSET_f64(f) (f)->offset
#define SLOPE_f32(f) (f)->slope_f32
#define SLOPE_f64(f) (f)->slope
PLIF_LOOPS(f32, float)
PLIF_LOOPS(f64, double)

/* ---- from parameters to the function, and back ------------------------------------------------------------------- */

static double knot_of(const plif *f, int64_t j)
{
    return -f->range + (double)j / f->inverse;
}

/* How much of the j-th interval lies left of 0: f(-range) = -sum slope_j left_j anchors f(0) = 0. */
static double left_of_zero(const plif *f, int64_t j)
{
    return fmin(fmax(-knot_of(f, j), 0), 1 / f->inverse);
}

static void fill_tables(const neck_parameter *slopes, plif *f)
{
    double value = 0; /* at the knot */
    neck__head_widen(slopes->dtype, slopes->data, f->knots, f->slope);
    for (int64_t j = 0; j < f->knots; j++) {
        f->slope[j] = fmax(f->slope[j], 0) + log1p(exp(-fabs(f->slope[j])));
        value -= f->slope[j] * left_of_zero(f, j);
    }
    for (int64_t j = 0; j < f->knots; j++) {
        f->offset[j] = value - f->slope[j] * knot_of(f, j);
        f->offset_f32[j] = (float)f->offset[j];
        f->slope_f32[j] = (float)f->slope[j];
        value += f->slope[j] / f->inverse;
    }
}

static neck_status forward(neck__head_pass *pass, int gradients)
{
    const neck_head_options *o = &pass->head->options;
    plif *f = neck__head_scratch(pass, 1, 1, sizeof *f, "a map of logits");
    double *tables = neck__head_scratch(pass, 2, o->knots, sizeof *tables, "a map of logits");
    float *tables_f32 = neck__head_scratch(pass, 2, o->knots, sizeof *tables_f32, "a map of logits");
    if (!f || !tables || !tables_f32) return NECK_E_NOMEM;
    *f = (plif){.range = o->range, .inverse = (double)o->knots / (2 * o->range), .knots = o->knots};
    f->offset = tables;
    f->slope = tables + o->knots;
    f->offset_f32 = tables_f32;
    f->slope_f32 = tables_f32 + o->knots;
    fill_tables(&pass->head->parameters[1], f);
    pass->map = (neck__logit_map){apply_f32, apply_f64, backward_f32, backward_f64, f, 2 * o->knots};
    pass->loss.map = &pass->map;
    if (!gradients) return NECK_OK;
    pass->loss.map_gradient = neck__head_scratch(pass, 2, o->knots, sizeof(double), "gradients of a map of logits");
    return pass->loss.map_gradient ? NECK_OK : NECK_E_NOMEM;
}

/* With f(z) = value_b + slope_b (z - knot_b) in interval b and value_b the sum of what lies before it less the anchor,
 * slope_j moves f everywhere right of its interval by a width, inside by z - knot_j, and everywhere by its part of the
 * anchor. */
static neck_status backward(neck__head_pass *pass)
{
    const plif *f = pass->map.self;
    const neck_parameter *slopes = &pass->head->parameters[1];
    double *sums = pass->loss.map_gradient, *gradient = f->offset; /* no longer needed */
    double all = 0, right = 0;
    for (int64_t j = 0; j < f->knots; j++) all += sums[2 * j];
    for (int64_t j = f->knots - 1; j >= 0; j--) {
        double inside = sums[2 * j + 1] - knot_of(f, j) * sums[2 * j];
        double sigmoid = -expm1(-f->slope[j]); /* softplus' in terms of softplus */
        gradient[j] = sigmoid * (right / f->inverse + inside - all * left_of_zero(f, j));
        right += sums[2 * j];
    }
    neck__head_add_to(slopes->dtype, gradient, f->knots, slopes->gradient, pass->accumulate);
    return NECK_OK;
}

/* ---- the kind ---------------------------------------------------------------------------------------------------- */

static void list(neck_head *head)
{
    neck__head_add(head, "weight", head->options.vocabulary, head->options.hidden_size, NECK_PARAMETER_NO_MUON);
    neck__head_add(head, "slopes", 1, head->options.knots, NECK_PARAMETER_NO_DECAY);
}

/* The identity: every slope is 1. */
static neck_status start(neck_context *context, neck_head *head, const neck_head_options *options)
{
    const neck_parameter *slopes = &head->parameters[1];
    const double one = log(expm1(1));
    for (int64_t j = 0; j < slopes->cols; j++)
        neck__head_narrow(slopes->dtype, &one, 1, neck__head_at(slopes->dtype, slopes->data, j));
    return neck__head_start_weight(context, head, options);
}

static int64_t rank_limit(const neck_head *head)
{
    return head->options.vocabulary;
}

const neck__head_kind neck__head_plif = {
    .name = "plif",
    .number = NECK_HEAD_PLIF,
    .has = NECK__HEAD_MAP,
    .list = list,
    .start = start,
    .forward = forward,
    .backward = backward,
    .rank_limit = rank_limit,
};
