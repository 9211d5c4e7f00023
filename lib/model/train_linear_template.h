/* model/train_linear_template.h - linear maps and norms of a block, over some of the rows: forward, backward to the
 * input, and the gradients of weights, gains and biases. */

typedef struct linear {
    const REAL *weight, *bias; /* weight NULL: the family has no such map */
    REAL *weight_gradient, *bias_gradient;
    int64_t inputs, outputs;
    int64_t column;       /* of its output's first number, in rows of qkv */
    REAL *packed;
    int64_t packed_stride;
    int64_t bias_partial; /* where the bias is in a block of partials */
} linear;

typedef struct norm {
    const REAL *gain, *bias; /* gain NULL: there is no such norm */
    REAL *gain_gradient, *bias_gradient;
    int64_t gain_partial, bias_partial;
} norm;

typedef struct block {
    const run *r;
    int64_t layer;
    REAL *input, *output; /* of all rows */
    kept k;
    linear linears[LINEARS];
    norm norms[NORMS];
} block;

static void find_linear(const run *r, neck__place place, linear *l)
{
    l->weight = data_of(r, place.weight);
    l->bias = data_of(r, place.bias);
    l->weight_gradient = gradient_of(r, place.weight);
    l->bias_gradient = gradient_of(r, place.bias);
}

static void find_norm(const run *r, neck__place place, norm *n)
{
    n->gain = data_of(r, place.weight);
    n->bias = data_of(r, place.bias);
    n->gain_gradient = gradient_of(r, place.weight);
    n->bias_gradient = gradient_of(r, place.bias);
}

static block block_of(const run *r, int64_t layer)
{
    static const int norm_modules[NORMS] = {NECK__ATTENTION_NORM, NECK__ATTENTION_POST_NORM, NECK__MLP_NORM,
                                            NECK__MLP_POST_NORM};
    static const int linear_modules[LINEARS] = {NECK__Q, NECK__K, NECK__V, NECK__OUT, NECK__GATE, NECK__UP, NECK__DOWN};
    const neck__place *places = places_of(r, layer);
    int fused = r->config->layout->names[NECK__QKV] != NULL;
    block b = {.r = r, .layer = layer, .input = state_of(r, layer), .output = state_of(r, layer + 1),
               .k = kept_of(r, layer)};
    int64_t partial = 0;
    REAL *packed = r->packed_weights;
    for (int n = 0; n < NORMS; n++) {
        find_norm(r, places[norm_modules[n]], &b.norms[n]);
        b.norms[n].gain_partial = partial;
        b.norms[n].bias_partial = partial + r->config->hidden;
        partial += 2 * r->config->hidden;
    }
    for (int i = 0; i < LINEARS; i++) {
        linear *l = &b.linears[i];
        find_linear(r, places[i == QUERY && fused ? (int)NECK__QKV : linear_modules[i]], l);
        linear_shape(r, i, &l->inputs, &l->outputs);
        l->column = i == KEY ? r->queries : i == VALUE ? r->queries + r->keys : 0;
        l->packed = packed;
        l->bias_partial = partial;
        packed += padded(r, l->inputs) * padded(r, l->outputs);
        partial += l->outputs;
    }
    return b;
}

/* ---- packed weights --------------------------------------------------------------------------------------------- */

typedef struct packing {
    const run *r;
    linear *linears;
    int count, backward;
} packing;

static int64_t strips_of(const packing *p, const linear *l)
{
    return l->weight ? padded(p->r, p->backward ? l->inputs : l->outputs) / p->r->strip : 0;
}

static void pack_weights_task(void *data, int64_t index)
{
    const packing *p = data;
    const linear *l = p->linears;
    for (; index >= strips_of(p, l); l++) index -= strips_of(p, l);
    int64_t depth = p->backward ? l->outputs : l->inputs, n = p->backward ? l->inputs : l->outputs;
    /* Rows of the packed factor run along rows of the stored weights, or across them. */
    int along = p->backward != p->r->config->layout->transposed;
    int64_t row = along ? n : 1, step = along ? 1 : depth, first = index * p->r->strip;
    int64_t count = n - first < p->r->strip ? n - first : p->r->strip;
    OF(neck__pack)(depth, count, l->weight + first * step, row, step, l->packed + index * l->packed_stride,
                   l->packed_stride);
}

/* For products with the weights (forward), or with what takes gradients back through them. */
static void pack_weights(const run *r, linear *linears, int count, int backward)
{
    packing p = {r, linears, count, backward};
    int64_t strips = 0;
    for (int i = 0; i < count; i++) {
        linears[i].packed_stride = ((backward ? linears[i].outputs : linears[i].inputs) * r->strip + 15) / 16 * 16;
        strips += strips_of(&p, &linears[i]);
    }
    neck__parallel(r->context, strips, pack_weights_task, &p);
}

/* ---- linear maps over some rows --------------------------------------------------------------------------------- */

static void add_bias(const REAL *bias, int64_t rows, int64_t width, REAL *x, int64_t stride)
{
    if (bias)
        for (int64_t i = 0; i < rows; i++) LOOPS->add(width, bias, x + i * stride);
}

/* out = x W^T + bias */
static void apply_linear(const linear *l, int64_t rows, const REAL *x, REAL *out, int64_t stride)
{
    OF(neck__tiles)(rows, l->outputs, l->inputs, x, l->inputs, 1, l->packed, l->packed_stride, out, stride, 0);
    add_bias(l->bias, rows, l->outputs, out, stride);
}

/* d_x = [d_x if accumulate] + d_out W */
static void apply_transposed(const linear *l, int64_t rows, const REAL *d_out, int64_t stride, REAL *d_x,
                             int accumulate)
{
    OF(neck__tiles)(rows, l->inputs, l->outputs, d_out, stride, 1, l->packed, l->packed_stride, d_x, l->inputs,
                    accumulate);
}

static void sum_bias(const linear *l, int64_t rows, const REAL *d_out, int64_t stride, REAL *partial)
{
    if (l->bias)
        for (int64_t i = 0; i < rows; i++) LOOPS->add(l->outputs, d_out + i * stride, partial + l->bias_partial);
}

/* Packs rows [first, first + rows) of what stands on the right of a weight's gradient. */
static void pack_operand(const run *r, int linear_index, const linear *l, int64_t first, int64_t rows, const REAL *x,
                         const REAL *d_out, int64_t stride)
{
    if (!l->weight || shares_operand(r, linear_index)) return;
    REAL *to = r->operands[linear_index] + first * r->strip;
    if (r->config->layout->transposed)
        OF(neck__pack)(rows, l->outputs, d_out, stride, 1, to, r->depth * r->strip);
    else
        OF(neck__pack)(rows, l->inputs, x, l->inputs, 1, to, r->depth * r->strip);
}

/* ---- norms over some rows --------------------------------------------------------------------------------------- */

static void apply_norm(const run *r, const norm *n, const moments *m, int64_t first, int64_t rows, const REAL *x,
                       REAL *out)
{
    int64_t width = r->config->hidden;
    for (int64_t row = first; row < first + rows; row++) {
        double count = (double)width, sum, squares, mean = 0;
        LOOPS->moments(width, x + row * width, 0, &sum, &squares);
        if (r->config->norm == NECK__NORM_LAYER) {
            mean = sum / count;
            LOOPS->moments(width, x + row * width, mean, &sum, &squares);
        }
        m->center[row] = (REAL)mean;
        m->scale[row] = (REAL)(1 / sqrt(squares / count + r->config->norm_epsilon));
        LOOPS->norm(width, x + row * width, m->center[row], m->scale[row], n->gain, (REAL)r->config->norm_offset,
                    n->bias, out + row * width);
    }
}

/* d_x = [d_x if accumulate] + what d_out is for the norm's input x. */
static void norm_back(const run *r, const norm *n, const moments *m, int64_t first, int64_t rows, const REAL *x,
                      const REAL *d_out, REAL *partial, int accumulate, REAL *d_x)
{
    int64_t width = r->config->hidden;
    for (int64_t row = first; row < first + rows; row++)
        LOOPS->norm_gradient(width, x + row * width, m->center[row], m->scale[row], n->gain,
                             (REAL)r->config->norm_offset, r->config->norm == NECK__NORM_LAYER, d_out + row * width,
                             partial + n->gain_partial, n->bias ? partial + n->bias_partial : NULL, accumulate,
                             d_x + row * width);
}

/* ---- gradients of parameters ------------------------------------------------------------------------------------ */

/* One weight's gradient (m x n): a^T b over all rows, b packed. */
typedef struct product {
    const REAL *a, *packed;
    int64_t stride, m, n; /* of rows of a */
    REAL *gradient;
} product;

enum { PRODUCT_ROWS = 96, PRODUCT_STRIPS = 6 };

typedef struct products {
    const run *r;
    int count;
    product list[LINEARS];
} products;

static int64_t row_parts(const product *p)
{
    return (p->m + PRODUCT_ROWS - 1) / PRODUCT_ROWS;
}

static int64_t parts(const run *r, const product *p)
{
    int64_t width = PRODUCT_STRIPS * r->strip;
    return row_parts(p) * ((p->n + width - 1) / width);
}

static void product_task(void *data, int64_t index)
{
    const products *all = data;
    const run *r = all->r;
    const product *p = all->list;
    for (; index >= parts(r, p); p++) index -= parts(r, p);
    int64_t width = PRODUCT_STRIPS * r->strip, row = index % row_parts(p) * PRODUCT_ROWS,
        col = index / row_parts(p) * width;
    int64_t rows = p->m - row < PRODUCT_ROWS ? p->m - row : PRODUCT_ROWS,
        cols = p->n - col < width ? p->n - col : width;
    OF(neck__tiles)(rows, cols, r->rows, p->a + row, 1, p->stride, p->packed + col * r->depth, r->depth * r->strip,
                    p->gradient + row * p->n + col, p->n, 1);
}

static void add_product(products *all, int linear_index, const linear *l, const REAL *x, const REAL *d_out,
                        int64_t stride)
{
    const run *r = all->r;
    int owner = !shares_operand(r, linear_index) ? linear_index : linear_index == GATE ? (int)UP : (int)QUERY;
    if (!l->weight) return;
    all->list[all->count++] = r->config->layout->transposed
                                  ? (product){x, r->operands[owner], l->inputs, l->inputs, l->outputs,
                                              l->weight_gradient}
                                  : (product){d_out, r->operands[owner], stride, l->outputs, l->inputs,
                                              l->weight_gradient};
}

static void run_products(const products *all)
{
    int64_t tasks = 0;
    for (int i = 0; i < all->count; i++) tasks += parts(all->r, &all->list[i]);
    neck__parallel(all->r->context, tasks, product_task, (void *)all);
}

/* Gains and biases: sums over blocks of rows, in their order. */
typedef struct summing {
    const run *r;
    int count;
    struct {
        REAL *gradient;
        int64_t at, width;
    } list[2 * NORMS + LINEARS];
} summing;

static void add_sum(summing *s, REAL *gradient, int64_t at, int64_t width)
{
    if (gradient) s->list[s->count].gradient = gradient, s->list[s->count].at = at, s->list[s->count++].width = width;
}

static void sum_task(void *data, int64_t index)
{
    const summing *s = data;
    const run *r = s->r;
    for (int64_t b = 0; b < r->blocks; b++)
        LOOPS->add(s->list[index].width, r->partials + b * r->partial_width + s->list[index].at,
                   s->list[index].gradient);
}

static void run_sums(const summing *s)
{
    neck__parallel(s->r->context, s->count, sum_task, (void *)s);
}
