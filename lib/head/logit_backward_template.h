/* head/logit_backward_template.h - second pass: logits become their gradients in place, block by block, and each block
 * goes straight into the gradients of weights, states and bias. Follows logit_mixture_template.h. */

/* ---- gradients of a block of logits ------------------------------------------------------------------------------ */

static void pull_targets(const run *r, int64_t block, int64_t rows, REAL *y)
{
    for (int64_t i = 0; i < r->count; i++) {
        int64_t row = target_row(r, block, rows, i);
        for (int64_t k = 0; row >= 0 && k < r->plan->components; k++)
            y[row * r->ldz + k * r->group + i] -= r->pull[k * r->group + i];
    }
}

static void smooth_mixture_row(const run *r, lane *l, REAL *z)
{
    const REAL *sum = l->mixture + (r->plan->components + 1) * r->group;
    mix_row(r, l, z);
    for (int64_t c = 0; c < r->cols; c++) z[c] -= r->lse[c];
    EXP(r->cols, z);
    for (int64_t c = 0; c < r->cols; c++) z[c] = z[c] * r->alpha[c] - r->beta[c] * l->mixture[c] / sum[c % r->group];
}

/* Where the block's gradients are: in place of its logits, or in l->mapped. */
static REAL *differentiate(const run *r, lane *l, int64_t block, int64_t rows)
{
    REAL *z = block_logits(r, l, block), *y = r->map ? l->mapped : z;
    if (r->map) map_block(r, rows, z, y);
    if (r->plan->components > 1 && r->options->label_smoothing > 0)
        for (int64_t row = 0; row < rows; row++) smooth_mixture_row(r, l, y + row * r->ldz);
    else
        COLUMN_GRADIENT(rows, r->cols, y, r->ldz, r->lse, r->alpha, r->beta);
    pull_targets(r, block, rows, y);
    for (int64_t row = 0; r->map && row < rows; row++)
        r->map->OF(backward)(r->map->self, r->cols, z + row * r->ldz, y + row * r->ldz, l->map_gradient);
    return y;
}

static int adds(const run *r)
{
    return r->options->accumulate || r->first > 0;
}

static void sum_bias(const run *r, int64_t first, int64_t rows, const REAL *dz)
{
    REAL *bias = r->wanted->bias;
    for (int64_t row = 0; row < rows; row++) {
        double sum = 0;
        for (int64_t c = 0; c < r->cols; c++) sum += (double)dz[row * r->ldz + c];
        bias[first + row] = (REAL)(sum * r->plan->scale + (adds(r) ? (double)bias[first + row] : 0));
    }
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* The lane's gradient of states += dz^T weights. */
static void add_states(const run *r, lane *l, int64_t rows, const REAL *dz, const REAL *weights, int64_t ld)
{
    int64_t width = r->plan->width, stride = BLOCK * OF(neck__strip)();
    OF(neck__pack)(rows, width, weights, ld, 1, l->strips, stride);
    OF(neck__tiles)(r->cols, width, rows, dz, 1, r->ldz, l->strips, stride, l->states_gradient, width, l->started);
    l->started = 1;
}

static void add_weights(const run *r, int64_t rows, const REAL *dz, REAL *to, int accumulate)
{
    OF(neck__tiles)(rows, r->plan->width, r->cols, dz, r->ldz, 1, r->left, r->cols * OF(neck__strip)(), to,
                    r->plan->width, accumulate);
}

static void backward_lane(void *data, int64_t index)
{
    run *r = data;
    lane *l = &r->lanes[index];
    l->started = 0;
    for (int64_t block = index; block < r->blocks; block += r->plan->lanes) {
        int64_t rows = block_rows(r, block), first = block * BLOCK, ld;
        const REAL *dz = differentiate(r, l, block, rows);
        if (r->wanted->bias) sum_bias(r, first, rows, dz);
        if (r->wanted->weights) add_weights(r, rows, dz, (REAL *)r->wanted->weights + first * r->plan->width, adds(r));
        if (!r->wanted->states) continue;
        const REAL *weights = block_weights(r, l, first, rows, &ld);
        add_states(r, l, rows, dz, weights, ld);
    }
}

/* One row of the states' gradient from those of all lanes. */
static void join_states(void *data, int64_t index)
{
    const run *r = data;
    const neck__logit_plan *p = r->plan;
    int64_t k = index / r->count, i = index % r->count, at = (k * r->group + i) * p->width;
    REAL *to = (REAL *)r->wanted->states + (k * p->contexts + r->first + i) * p->width;
    for (int64_t j = 0; j < p->width; j++) {
        double sum = 0;
        for (int64_t n = 0; n < p->lanes; n++)
            if (r->lanes[n].started) sum += (double)r->lanes[n].states_gradient[at + j];
        to[j] = (REAL)(sum * p->scale + (r->options->accumulate ? (double)to[j] : 0));
    }
}

static void backward_exactly(run *r)
{
    neck__parallel(r->context, r->plan->lanes, backward_lane, r);
    if (r->wanted->states) neck__parallel(r->context, r->plan->components * r->count, join_states, r);
}
