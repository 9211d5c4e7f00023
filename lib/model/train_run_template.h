/* model/train_run_template.h - one batch on its way through a trainable model and back: where everything lies. The
 * templates of training are included by model/train_f32.c and model/train_f64.c, which define REAL, OF(name) (the name
 * with its precision), LOOPS (the table of loops) and LARGEST_STRIP. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/random.h"
#include "linalg/matmul.h"
#include "model/layers.h"
#include "model/trainable_object.h"

/* Rows (tokens) of a task: few enough that what it writes is still in the second-level cache when it is read. */
enum { TASK_ROWS = 64 };

enum { NORMS = 4 }; /* of a block: NECK__ATTENTION_NORM, _POST_NORM, NECK__MLP_NORM, _POST_NORM */
/* Linear maps of a block; QKV is the first alone where they are fused. */
enum { QUERY, KEY, VALUE, OUT, GATE, UP, DOWN, LINEARS };

/* Center and scale of each row, as a norm had them. */
typedef struct moments {
    REAL *center, *scale;
} moments;

/* What the backward pass needs of a block; R rows. */
typedef struct kept {
    moments norms[NORMS];
    REAL *attention_input;     /* R x hidden: after the norm */
    REAL *qkv;                 /* R x (queries + keys + values), rotated */
    REAL *mixed;               /* R x queries: what attention gives */
    REAL *normalizers;         /* R x heads: ln of the sum of exponentials */
    REAL *attention_output;    /* R x hidden, where a norm follows: its input */
    REAL *middle;              /* R x hidden: the residual stream between the branches */
    REAL *mlp_input;           /* R x hidden: after the norm */
    REAL *gate, *up;           /* R x inner, before the activation; gate only where there is one */
    REAL *mlp_output;          /* R x hidden, where a norm follows: its input */
} kept;

typedef struct run {
    neck_context *context;
    const neck_trainable *model;
    const neck__config *config;
    int64_t batch, length, rows, blocks; /* blocks of TASK_ROWS rows */
    int64_t queries, keys, qkv;          /* widths: of all heads' queries, of keys or values, of all three */
    int64_t strip, depth;                /* of a packed strip: columns, and rows when it holds all tokens */
    int32_t *tokens;
    REAL *cosines, *sines; /* length x rotated / 2 */
    REAL *embedded;        /* R x embedding, where it is projected */
    REAL *states;          /* (layers + 1) x R x hidden: the residual stream before each block, and after the last */
    kept kept_first;       /* of block 0; block l's is l * kept_size elements behind it */
    int64_t kept_size;     /* 0 when all blocks share one, to be computed again */
    moments final_norm;
    REAL *last_input, *last; /* R x hidden after the final norm; R x embedding after the last projection */

    /* Scratch. Gradients are named after what they are the gradient of. */
    REAL *packed_weights;
    REAL *inner;                          /* R x inner: after the activation */
    REAL *d_state, *d_attention, *d_mlp;  /* R x hidden: of the residual stream and of what each branch adds to it */
    REAL *d_input;                        /* R x hidden: of a branch's input */
    REAL *d_qkv, *d_mixed, *d_gate, *d_up;
    REAL *operands[LINEARS];              /* packed over all rows, for the gradients of weights */
    REAL *partials;                       /* blocks x partial_width: gradients of gains and biases from each block of
                                             rows */
    int64_t partial_width;
    int64_t bytes;
} run;

/* ---- layout of the memory --------------------------------------------------------------------------------------- */

/* Room that is handed out piece by piece, each at a multiple of 64 bytes; base NULL only counts. */
typedef struct arena {
    char *base;
    int64_t used;
    int overflow;
} arena;

static void *take_bytes(arena *a, int64_t count, int64_t size)
{
    int64_t bytes;
    void *at = a->base ? a->base + a->used : NULL;
    if (!neck__mul(count, size, &bytes) || !neck__add(bytes, 63, &bytes)
        || !neck__add(a->used, bytes / 64 * 64, &a->used))
        a->overflow = 1;
    return at;
}

static REAL *take(arena *a, int64_t rows, int64_t width)
{
    int64_t row;
    if (!neck__mul(width, (int64_t)sizeof(REAL), &row)) a->overflow = 1, row = 0;
    return take_bytes(a, rows, row);
}

static int64_t padded(const run *r, int64_t width)
{
    return (width + r->strip - 1) / r->strip * r->strip;
}

static int has_post_norms(const neck__config *c)
{
    return c->placement != NECK__NORM_BEFORE;
}

static void lay_out_kept(run *r, arena *a, kept *k)
{
    const neck__config *c = r->config;
    int after = c->placement == NECK__NORM_AFTER;
    for (int n = 0; n < NORMS; n++) {
        k->norms[n].center = take(a, r->rows, 1);
        k->norms[n].scale = take(a, r->rows, 1);
    }
    k->attention_input = after ? NULL : take(a, r->rows, c->hidden);
    k->qkv = take(a, r->rows, r->qkv);
    k->mixed = take(a, r->rows, r->queries);
    k->normalizers = take(a, r->rows, c->heads);
    k->attention_output = has_post_norms(c) ? take(a, r->rows, c->hidden) : NULL;
    k->middle = take(a, r->rows, c->hidden);
    k->mlp_input = after ? NULL : take(a, r->rows, c->hidden);
    k->gate = c->gated ? take(a, r->rows, c->inner) : NULL;
    k->up = take(a, r->rows, c->inner);
    k->mlp_output = has_post_norms(c) ? take(a, r->rows, c->hidden) : NULL;
}

/* Inputs and outputs of each linear map; 0 x 0 where there is none. */
static void linear_shape(const run *r, int linear, int64_t *inputs, int64_t *outputs)
{
    const neck__config *c = r->config;
    int fused = c->layout->names[NECK__QKV] != NULL;
    *inputs = linear == OUT ? r->queries : linear == DOWN ? c->inner : c->hidden;
    switch (linear) {
    case QUERY: *outputs = fused ? r->qkv : r->queries; break;
    case KEY:
    case VALUE: *outputs = fused ? 0 : r->keys; break;
    case GATE: *outputs = c->gated ? c->inner : 0; break;
    case UP: *outputs = c->inner; break;
    default: *outputs = c->hidden; break;
    }
    if (*outputs == 0) *inputs = 0;
}

/* Weights that lie transposed have gradients of the form input^T x d_output, the others d_output^T x input: the factor
 * on the right is packed. Maps of the same input then share it. */
static int shares_operand(const run *r, int linear)
{
    return !r->config->layout->transposed && (linear == KEY || linear == VALUE || linear == GATE);
}

static void lay_out_weights(run *r, arena *a)
{
    int64_t most = 2 * padded(r, r->config->hidden) * padded(r, r->config->embedding), total = 0;
    for (int l = 0; l < LINEARS; l++) {
        int64_t inputs, outputs;
        linear_shape(r, l, &inputs, &outputs);
        total += padded(r, inputs) * padded(r, outputs);
        int64_t width = shares_operand(r, l) ? 0 : r->config->layout->transposed ? outputs : inputs;
        /* The first also serves the projections from and to the embedding. */
        if (l == QUERY && width < r->config->embedding) width = r->config->embedding;
        r->operands[l] = take(a, r->depth, padded(r, width));
    }
    r->packed_weights = take(a, 1, total > most ? total : most);
}

static void lay_out_scratch(run *r, arena *a)
{
    const neck__config *c = r->config;
    REAL **hidden[] = {&r->d_state, &r->d_attention, &r->d_mlp, &r->d_input};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) *hidden[i] = take(a, r->rows, c->hidden);
    r->inner = take(a, r->rows, c->inner);
    r->d_up = take(a, r->rows, c->inner);
    r->d_gate = c->gated ? take(a, r->rows, c->inner) : NULL;
    r->d_qkv = take(a, r->rows, r->qkv);
    r->d_mixed = take(a, r->rows, r->queries);
    r->partial_width = 2 * NORMS * c->hidden + r->qkv + 2 * c->hidden + 2 * c->inner;
    r->partials = take(a, r->blocks, r->partial_width);
    lay_out_weights(r, a);
}

static neck_status lay_out(const neck_trainable *model, int64_t batch, int64_t length, void *memory, run *r)
{
    const neck__config *c = &model->config;
    arena a = {.base = memory};
    *r = (run){.model = model, .config = c, .batch = batch, .length = length, .rows = batch * length,
               .queries = c->heads * c->head_size, .keys = c->kv_heads * c->head_size, .strip = OF(neck__strip)()};
    r->blocks = (r->rows + TASK_ROWS - 1) / TASK_ROWS;
    r->depth = r->blocks * TASK_ROWS;
    r->qkv = r->queries + 2 * r->keys;
    r->tokens = take_bytes(&a, r->rows, sizeof *r->tokens);
    int64_t pairs = c->positions == NECK__ROTARY ? c->rope.size / 2 : 0;
    r->cosines = take(&a, length, pairs);
    r->sines = take(&a, length, pairs);
    int projected = c->embedding != c->hidden;
    r->embedded = projected ? take(&a, r->rows, c->embedding) : NULL;
    r->last = projected ? take(&a, r->rows, c->embedding) : NULL;
    r->final_norm.center = take(&a, r->rows, 1);
    r->final_norm.scale = take(&a, r->rows, 1);
    r->last_input = c->has_final_norm ? take(&a, r->rows, c->hidden) : NULL;
    r->states = take(&a, (c->layers + 1) * r->rows, c->hidden);
    int64_t before = a.used;
    lay_out_kept(r, &a, &r->kept_first);
    if (!model->recompute) {
        r->kept_size = (a.used - before) / (int64_t)sizeof(REAL);
        take(&a, c->layers - 1, r->kept_size);
    }
    lay_out_scratch(r, &a);
    if (a.overflow)
        return neck__fail(NECK_E_OVERFLOW, "%lld x %lld tokens need more memory than can be addressed",
                          (long long)batch, (long long)length);
    r->bytes = a.used;
    return NECK_OK;
}

/* Behind, where there is something. */
static REAL *shifted(REAL *first, int64_t by)
{
    return first ? first + by : NULL;
}

static kept kept_of(const run *r, int64_t layer)
{
    kept k = r->kept_first;
    int64_t by = layer * r->kept_size;
    REAL **all[] = {&k.attention_input, &k.qkv, &k.mixed, &k.normalizers, &k.attention_output, &k.middle,
                    &k.mlp_input, &k.gate, &k.up, &k.mlp_output};
    for (int n = 0; n < NORMS; n++) k.norms[n].center += by, k.norms[n].scale += by;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) *all[i] = shifted(*all[i], by);
    return k;
}

static REAL *state_of(const run *r, int64_t layer)
{
    return r->states + layer * r->rows * r->config->hidden;
}

neck_status OF(neck__train_room)(const neck_trainable *model, int64_t batch, int64_t length, int64_t *bytes)
{
    run r;
    NECK_TRY(lay_out(model, batch, length, NULL, &r));
    *bytes = r.bytes;
    return NECK_OK;
}

void OF(neck__train_prepare)(neck_trainable *model)
{
    run r;
    if (lay_out(model, model->batch, model->length, model->memory, &r) != NECK_OK) return; /* counted before */
    model->tokens = r.tokens;
    int64_t pairs = r.config->positions == NECK__ROTARY ? r.config->rope.size / 2 : 0;
    for (int64_t pair = 0; pair < pairs; pair++) {
        double frequency = neck__rope_frequency(&r.config->rope, pair);
        for (int64_t position = 0; position < r.length; position++) {
            r.cosines[position * pairs + pair] = (REAL)cos((double)position * frequency);
            r.sines[position * pairs + pair] = (REAL)sin((double)position * frequency);
        }
    }
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static REAL *data_of(const run *r, int64_t parameter)
{
    return parameter < 0 ? NULL : r->model->parameters[parameter].data;
}

static REAL *gradient_of(const run *r, int64_t parameter)
{
    return parameter < 0 ? NULL : r->model->parameters[parameter].gradient;
}

/* Row 0 of the places is what stands outside blocks, row l + 1 is block l. */
static const neck__place *places_of(const run *r, int64_t layer)
{
    return r->model->places + (layer + 1) * NECK__MODULES;
}

/* ---- randomness ------------------------------------------------------------------------------------------------- */

/* Where something is dropped. */
enum { DROP_EMBEDDING, DROP_ATTENTION, DROP_ATTENTION_BRANCH, DROP_MLP_BRANCH, DROP_SITES };

static uint64_t site_key(const run *r, int site, int64_t layer)
{
    neck__random random = neck__random_seeded(r->model->seed, (uint64_t)r->model->step);
    random.state += (uint64_t)(layer * DROP_SITES + site);
    return neck__random_bits(&random);
}

static int drops(const run *r, const neck__dropout *dropout)
{
    return dropout->cut > 0 && r->model->step >= 0;
}

static void drop_row(const neck__dropout *dropout, uint64_t site, int64_t row, int64_t width, REAL *x)
{
    LOOPS->dropout(width, neck__random_seeded(site, (uint64_t)row).state, dropout, x);
}

static void drop_rows(const run *r, int site, int64_t layer, int64_t first, int64_t rows, REAL *x)
{
    const neck__dropout *dropout = &r->model->dropout;
    if (!drops(r, dropout)) return;
    uint64_t key = site_key(r, site, layer);
    int64_t width = r->config->hidden, before = r->model->first * r->length;
    for (int64_t row = first; row < first + rows; row++) drop_row(dropout, key, before + row, width, x + row * width);
}
