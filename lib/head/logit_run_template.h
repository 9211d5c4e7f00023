/* head/logit_run_template.h - a run of the engine in one precision: its memory, and the states of a chunk in the
 * layouts that the products want. Whoever includes the templates defines REAL, OF(name), REAL_DTYPE and the loops named
 * below.
 *
 * A chunk of contexts makes a block of columns: context i of component k is column k * group + i, group and so cols
 * being multiples of 48. Logits lie one row a token of the vocabulary, so that the weights are read as they lie, a
 * softmax runs down columns without a sum across vectors, and the rows are the left factor of the weights' gradient as
 * they are. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "head/logit_loss.h"
#include "head/soft_cap.h"
#include "linalg/matmul.h"
#include "linalg/view.h"

enum { BLOCK = NECK__VOCABULARY_BLOCK, MOST_LANES = 16, LEVELS = 8 };

/* What one lane of vocabulary blocks owns. */
typedef struct lane {
    REAL *most;      /* cols: largest logit so far; below, sums of exp(logit - most), of their squares, of logits */
    double *sum, *squares, *total;
    int32_t *best;   /* cols: the token of the largest logit */
    REAL *previous;  /* cols */
    REAL *weights;   /* BLOCK x width: converted */
    REAL *logits;    /* BLOCK x ldz: when they are not kept */
    REAL *mapped;    /* BLOCK x ldz */
    REAL *strips;    /* weights packed for the gradient of states */
    REAL *states_gradient;             /* cols x width */
    double *map_gradient;
    REAL *mixture;                     /* (components + 2) x group */
    double *shares, *log_sum, *peak;   /* mixture: cols, group, group */
    int32_t *mixture_best;             /* group */
    REAL *below;                       /* filter: LEVELS x cols */
    REAL *left_out;                    /* filter: cols: magnitudes that were left out, each times its token's
                                          |weights| */
    int32_t *selected;                 /* filter: cols: where a token's gradients are kept */
    int32_t *rows, *row_count;         /* filter: cols x BLOCK, cols: rows of the block that are kept for a context */
    REAL *kept_values;                 /* filter: cols or BLOCK, whichever is more */
    /* filter: rows for whole products: BLOCK x ldz, BLOCK x width, BLOCK x width */
    REAL *dense, *dense_weights, *dense_gradient;
    int64_t dense_tokens[BLOCK], dense_count;
    int64_t kept;                      /* filter: gradients of logits that were used */
    int started;                       /* states_gradient holds something */
} lane;

typedef struct run {
    neck_context *context;
    const neck__logit_plan *plan;
    const neck_cross_entropy_options *options;
    const neck_cross_entropy_gradients *wanted;
    neck_cross_entropy_result *result;
    neck__logit_map cap;
    const neck__logit_map *map;
    int64_t blocks, ldz, first, count, group, cols;
    REAL *states;       /* cols x width */
    REAL *right, *left; /* states packed: as right factor of logits, and of the weights' gradient */
    REAL *logits;       /* vocabulary (rounded up) x ldz, when kept */
    REAL *lse, *alpha, *beta, *pull; /* cols: gradient = exp(logit - lse) alpha - beta, and - pull at the target */
    double *target_logit, *lse_wide, *weight; /* cols, cols, group */
    REAL *log_weight;                /* mixture: cols: ln pi - lse */
    REAL *norm, *limit;              /* filter: cols: |x|; what is smaller is left out */
    REAL level;                      /* filter: the lowest limit */
    double *row_error;               /* filter: vocabulary: bounds on the errors of the rows of the weights' gradient */
    REAL *row_norm;                  /* filter: vocabulary: |weights| of a token */
    double *block_squares;           /* filter: vocabulary blocks: squares of the weights' gradient */
    double states_error_squared;
    int64_t kept;
    lane lanes[MOST_LANES];
} run;

/* ---- memory ----------------------------------------------------------------------------------------------------- */

typedef struct arena {
    char *base; /* NULL: only counting */
    int64_t used;
} arena;

static void *carve(arena *a, int wanted, int64_t count, int64_t size)
{
    if (!wanted) return NULL;
    void *place = a->base ? a->base + a->used : NULL;
    a->used += (count * size + 63) / 64 * 64;
    return place;
}
#define CARVE(field, wanted, count) ((field) = carve(a, (wanted), (count), (int64_t)sizeof *(field)))

static int filters(const run *r)
{
    return r->options->filter_tolerance > 0 && (r->wanted->states || r->wanted->weights);
}

static int asks_best(const run *r)
{
    return r->options->accuracy || r->options->best;
}

/* The weights can be multiplied as they lie. */
static int as_they_lie(const run *r)
{
    const neck_matrix *w = &r->plan->loss->weights;
    return w->dtype == REAL_DTYPE && (uintptr_t)w->data % sizeof(REAL) == 0;
}

static int sums_mixture(const run *r)
{
    return r->plan->components > 1 && (asks_best(r) || r->options->label_smoothing > 0);
}

static void lay_lane(run *r, lane *l, arena *a)
{
    const neck__logit_plan *p = r->plan;
    int64_t padded = (p->width + OF(neck__strip)() - 1) / OF(neck__strip)() * OF(neck__strip)();
    int single = p->components == 1, mixture = sums_mixture(r), filter = filters(r);
    CARVE(l->most, 1, r->cols);
    CARVE(l->previous, 1, r->cols);
    CARVE(l->sum, 1, r->cols);
    CARVE(l->squares, single && r->options->gradient_norm, r->cols);
    CARVE(l->total, single && r->options->label_smoothing > 0, r->cols);
    CARVE(l->best, single && asks_best(r), r->cols);
    CARVE(l->weights, !as_they_lie(r), BLOCK * p->width);
    CARVE(l->logits, !p->keeps, BLOCK * r->ldz);
    CARVE(l->mapped, r->map && p->keeps, BLOCK * r->ldz);
    CARVE(l->strips, r->wanted->states != NULL, BLOCK * padded);
    CARVE(l->states_gradient, r->wanted->states != NULL, r->cols * p->width);
    CARVE(l->map_gradient, p->loss->map_gradient != NULL, p->loss->map ? p->loss->map->parameters : 0);
    CARVE(l->mixture, mixture, (p->components + 2) * r->group);
    CARVE(l->shares, mixture, r->cols);
    CARVE(l->log_sum, mixture, r->group);
    CARVE(l->peak, mixture, r->group);
    CARVE(l->mixture_best, mixture, r->group);
    CARVE(l->below, filter, LEVELS * r->cols);
    CARVE(l->left_out, filter, r->cols);
    CARVE(l->selected, filter, r->cols);
    CARVE(l->rows, filter, r->cols * BLOCK);
    CARVE(l->row_count, filter, r->cols);
    CARVE(l->kept_values, filter, r->cols > BLOCK ? r->cols : BLOCK);
    CARVE(l->dense, filter, BLOCK * r->ldz);
    CARVE(l->dense_weights, filter, BLOCK * p->width);
    CARVE(l->dense_gradient, filter && r->wanted->weights, BLOCK * p->width);
}

static void lay_out(run *r, arena *a)
{
    const neck__logit_plan *p = r->plan;
    int64_t padded = (p->width + OF(neck__strip)() - 1) / OF(neck__strip)() * OF(neck__strip)();
    int filter = filters(r);
    CARVE(r->states, 1, r->cols * p->width);
    CARVE(r->right, 1, r->cols * p->width);
    CARVE(r->left, r->wanted->weights != NULL, r->cols * padded);
    CARVE(r->logits, p->keeps, r->blocks * BLOCK * r->ldz);
    CARVE(r->lse, 1, r->cols);
    CARVE(r->alpha, 1, r->cols);
    CARVE(r->beta, 1, r->cols);
    CARVE(r->pull, 1, r->cols);
    CARVE(r->target_logit, 1, r->cols);
    CARVE(r->lse_wide, 1, r->cols);
    CARVE(r->weight, 1, r->group);
    CARVE(r->log_weight, p->components > 1, r->cols);
    CARVE(r->norm, filter, r->cols);
    CARVE(r->limit, filter, r->cols);
    CARVE(r->row_error, filter, p->vocabulary);
    CARVE(r->row_norm, filter, p->vocabulary);
    CARVE(r->block_squares, filter, r->blocks);
    for (int64_t l = 0; l < p->lanes; l++) lay_lane(r, &r->lanes[l], a);
}

static void begin(run *r, neck_context *context, const neck__logit_plan *plan, neck_cross_entropy_result *result)
{
    *r = (run){.context = context, .plan = plan, .options = plan->options, .wanted = plan->gradients, .result = result};
    r->cap = neck__soft_cap_map(&plan->options->soft_cap);
    r->map = plan->loss->map ? plan->loss->map : plan->options->soft_cap > 0 ? &r->cap : NULL;
    r->blocks = (plan->vocabulary + BLOCK - 1) / BLOCK;
    r->group = plan->chunk;
    r->cols = plan->components * plan->chunk;
    /* An odd number of cache lines: columns spread over all sets of a cache. */
    r->ldz = r->cols / 16 % 2 ? r->cols : r->cols + 16;
}

int64_t OF(neck__logit_memory)(const neck__logit_plan *plan)
{
    run r;
    arena a = {NULL, 0};
    begin(&r, NULL, plan, NULL);
    lay_out(&r, &a);
    return a.used;
}

/* ---- a chunk's states ------------------------------------------------------------------------------------------- */

/* Row `row` of a view in this precision. */
static void read_row(const neck_matrix *view, int64_t row, REAL *to)
{
    enum { PART = 256 };
    double wide[PART];
    if (view->dtype == REAL_DTYPE) {
        memcpy(to, neck__view_row(view, row), (size_t)view->cols * sizeof *to);
        return;
    }
    for (int64_t col = 0; col < view->cols; col += PART) {
        int64_t part = view->cols - col < PART ? view->cols - col : PART;
        neck__view_read(view, row, col, part, wide);
        for (int64_t j = 0; j < part; j++) to[col + j] = (REAL)wide[j];
    }
}

/* Columns beyond a component's contexts are zero states: their logits are finite and nobody looks at them. */
static void load_states(run *r)
{
    const neck__logit_plan *p = r->plan;
    for (int64_t k = 0; k < p->components; k++)
        for (int64_t i = 0; i < r->group; i++) {
            REAL *to = r->states + (k * r->group + i) * p->width;
            if (i < r->count) {
                read_row(&p->loss->states, k * p->contexts + r->first + i, to);
                for (int64_t j = 0; p->scale != 1 && j < p->width; j++) to[j] *= (REAL)p->scale;
            } else {
                memset(to, 0, (size_t)p->width * sizeof *to);
            }
        }
}

static void pack_right(void *data, int64_t strip)
{
    const run *r = data;
    int64_t width = OF(neck__strip)(), depth = r->plan->width;
    OF(neck__pack)(depth, width, r->states + strip * width * depth, 1, depth, r->right + strip * width * depth,
                   depth * width);
}

static void pack_left(void *data, int64_t strip)
{
    const run *r = data;
    int64_t width = OF(neck__strip)(), d = r->plan->width, col = strip * width;
    OF(neck__pack)(r->cols, d - col < width ? d - col : width, r->states + col, d, 1, r->left + strip * r->cols * width,
                   r->cols * width);
}

static void open_chunk(run *r, int64_t first)
{
    const neck__logit_plan *p = r->plan;
    int64_t strip = OF(neck__strip)();
    r->first = first;
    r->count = p->contexts - first < p->chunk ? p->contexts - first : p->chunk;
    r->group = (r->count + 47) / 48 * 48;
    r->cols = p->components * r->group;
    load_states(r);
    neck__parallel(r->context, r->cols / strip, pack_right, r);
    if (r->left) neck__parallel(r->context, (p->width + strip - 1) / strip, pack_left, r);
}

/* ---- a block of weights ----------------------------------------------------------------------------------------- */

static int64_t block_rows(const run *r, int64_t block)
{
    int64_t left = r->plan->vocabulary - block * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

/* The weights of tokens [first, first + rows) and their leading dimension. */
static const REAL *block_weights(const run *r, lane *l, int64_t first, int64_t rows, int64_t *ld)
{
    const neck_matrix *w = &r->plan->loss->weights;
    if (as_they_lie(r)) {
        *ld = w->row_stride;
        return neck__view_row(w, first);
    }
    for (int64_t row = 0; row < rows; row++) read_row(w, first + row, l->weights + row * w->cols);
    *ld = w->cols;
    return l->weights;
}
