/* model/train_block_template.h - a block forward and backward. But for attention all of it stays within rows, so a task
 * takes some rows through everything that lies between two attentions. */

static int64_t rows_of(const run *r, int64_t first)
{
    return r->rows - first < TASK_ROWS ? r->rows - first : TASK_ROWS;
}

static void add_rows(const run *r, int64_t first, int64_t rows, const REAL *from, REAL *to)
{
    int64_t width = r->config->hidden;
    LOOPS->add(rows * width, from + first * width, to + first * width);
}

static void copy_rows(const run *r, int64_t first, int64_t rows, const REAL *from, REAL *to)
{
    int64_t width = r->config->hidden;
    memcpy(to + first * width, from + first * width, (size_t)(rows * width) * sizeof *to);
}

/* What a branch reads: the stream itself, or its norm. */
static const REAL *branch_input(const block *b, const REAL *stream, const REAL *normed)
{
    return b->r->config->placement == NECK__NORM_AFTER ? stream : normed;
}

/* The norm before a branch reads this. */
static const REAL *mlp_stream(const block *b)
{
    return b->r->config->parallel ? b->input : b->k.middle;
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static void project_task(void *data, int64_t index)
{
    const block *b = data;
    const run *r = b->r;
    int64_t first = index * TASK_ROWS, rows = rows_of(r, first), hidden = r->config->hidden;
    if (b->k.attention_input)
        apply_norm(r, &b->norms[0], &b->k.norms[0], first, rows, b->input, b->k.attention_input);
    const REAL *input = branch_input(b, b->input, b->k.attention_input) + first * hidden;
    for (int i = QUERY; i <= VALUE; i++)
        if (b->linears[i].weight)
            apply_linear(&b->linears[i], rows, input, b->k.qkv + first * r->qkv + b->linears[i].column, r->qkv);
    rotate_rows(r, first, rows, 1, b->k.qkv);
}

/* stream + branch, with the norms that stand after a branch; the branch's output is in out, or in kept where a norm
 * follows. */
static void join(const block *b, int norm_after, int norm_around, int64_t first, int64_t rows, const REAL *stream,
                 REAL *kept_output, REAL *out)
{
    const run *r = b->r;
    switch (r->config->placement) {
    case NECK__NORM_AFTER:
        add_rows(r, first, rows, stream, kept_output);
        apply_norm(r, &b->norms[norm_after], &b->k.norms[norm_after], first, rows, kept_output, out);
        break;
    case NECK__NORM_AROUND:
        apply_norm(r, &b->norms[norm_around], &b->k.norms[norm_around], first, rows, kept_output, out);
        add_rows(r, first, rows, stream, out);
        break;
    default: add_rows(r, first, rows, stream, out);
    }
}

static void attention_end(const block *b, int64_t first, int64_t rows)
{
    const run *r = b->r;
    int64_t hidden = r->config->hidden;
    REAL *out = b->k.attention_output ? b->k.attention_output : b->k.middle;
    apply_linear(&b->linears[OUT], rows, b->k.mixed + first * r->queries, out + first * hidden, hidden);
    drop_rows(r, DROP_ATTENTION_BRANCH, b->layer, first, rows, out);
    join(b, 0, 1, first, rows, b->input, b->k.attention_output, b->k.middle);
}

static void mlp(const block *b, int64_t first, int64_t rows)
{
    const run *r = b->r;
    const neck__config *c = r->config;
    int64_t hidden = c->hidden, inner = c->inner, from = first * inner;
    if (b->k.mlp_input) apply_norm(r, &b->norms[2], &b->k.norms[2], first, rows, mlp_stream(b), b->k.mlp_input);
    const REAL *input = branch_input(b, b->k.middle, b->k.mlp_input) + first * hidden;
    apply_linear(&b->linears[UP], rows, input, b->k.up + from, inner);
    if (c->gated) {
        apply_linear(&b->linears[GATE], rows, input, b->k.gate + from, inner);
        LOOPS->gate[c->activation](rows * inner, b->k.gate + from, b->k.up + from, r->inner + from);
    } else {
        LOOPS->activate[c->activation](rows * inner, b->k.up + from, r->inner + from);
    }
    REAL *out = b->k.mlp_output ? b->k.mlp_output : b->output;
    apply_linear(&b->linears[DOWN], rows, r->inner + from, out + first * hidden, hidden);
    drop_rows(r, DROP_MLP_BRANCH, b->layer, first, rows, out);
    join(b, 2, 3, first, rows, b->k.middle, b->k.mlp_output, b->output);
}

static void rest_task(void *data, int64_t index)
{
    const block *b = data;
    int64_t first = index * TASK_ROWS, rows = rows_of(b->r, first);
    attention_end(b, first, rows);
    mlp(b, first, rows);
}

static void block_forward(const run *r, int64_t layer)
{
    block b = block_of(r, layer);
    pack_weights(r, b.linears, LINEARS, 0);
    neck__parallel(r->context, r->blocks, project_task, &b);
    attend(r, &b.k, layer);
    neck__parallel(r->context, r->blocks, rest_task, &b);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

static REAL *partial_of(const run *r, int64_t index)
{
    return r->partials + index * r->partial_width;
}

/* Back through what join did: from d_state to the gradient of the branch's output, leaving in d_state that of the
 * stream. */
static void unjoin(const block *b, int norm_after, int norm_around, int site, int64_t first, int64_t rows,
                   const REAL *kept_output, REAL *partial, REAL *d_branch)
{
    const run *r = b->r;
    switch (r->config->placement) {
    case NECK__NORM_AFTER:
        norm_back(r, &b->norms[norm_after], &b->k.norms[norm_after], first, rows, kept_output, r->d_state, partial, 0,
                  r->d_state);
        copy_rows(r, first, rows, r->d_state, d_branch);
        break;
    case NECK__NORM_AROUND:
        norm_back(r, &b->norms[norm_around], &b->k.norms[norm_around], first, rows, kept_output, r->d_state, partial, 0,
                  d_branch);
        break;
    default: copy_rows(r, first, rows, r->d_state, d_branch);
    }
    drop_rows(r, site, b->layer, first, rows, d_branch);
}

/* From the gradient of a branch's input, in d_input, to that of the stream it reads. */
static void enter_stream(const block *b, int norm_before, int64_t first, int64_t rows, const REAL *stream,
                         REAL *partial)
{
    const run *r = b->r;
    if (r->config->placement == NECK__NORM_AFTER)
        add_rows(r, first, rows, r->d_input, r->d_state);
    else
        norm_back(r, &b->norms[norm_before], &b->k.norms[norm_before], first, rows, stream, r->d_input, partial, 1,
                  r->d_state);
}

static void mlp_back(const block *b, int64_t first, int64_t rows, REAL *partial)
{
    const run *r = b->r;
    const neck__config *c = r->config;
    const linear *up = &b->linears[UP], *gate = &b->linears[GATE], *down = &b->linears[DOWN];
    int64_t hidden = c->hidden, inner = c->inner, from = first * inner;
    const REAL *input = branch_input(b, b->k.middle, b->k.mlp_input) + first * hidden,
        *d_out = r->d_mlp + first * hidden;
    REAL *d_up = r->d_up + from, *d_gate = c->gated ? r->d_gate + from : NULL, *h = r->inner + from;
    apply_transposed(down, rows, d_out, hidden, d_up, 0);
    if (c->gated)
        LOOPS->gate_gradient[c->activation](rows * inner, b->k.gate + from, b->k.up + from, d_up, d_gate, h);
    else
        LOOPS->activate_gradient[c->activation](rows * inner, b->k.up + from, d_up, h);
    apply_transposed(up, rows, d_up, inner, r->d_input + first * hidden, 0);
    if (c->gated) apply_transposed(gate, rows, d_gate, inner, r->d_input + first * hidden, 1);
    sum_bias(down, rows, d_out, hidden, partial);
    sum_bias(up, rows, d_up, inner, partial);
    if (c->gated) sum_bias(gate, rows, d_gate, inner, partial);
    pack_operand(r, DOWN, down, first, rows, h, d_out, hidden);
    pack_operand(r, UP, up, first, rows, input, d_up, inner);
    pack_operand(r, GATE, gate, first, rows, input, d_gate, inner);
    enter_stream(b, 2, first, rows, mlp_stream(b), partial);
}

static void attention_end_back(const block *b, int64_t first, int64_t rows, REAL *partial)
{
    const run *r = b->r;
    const linear *out = &b->linears[OUT];
    int64_t hidden = r->config->hidden;
    const REAL *d_out = r->d_attention + first * hidden;
    apply_transposed(out, rows, d_out, hidden, r->d_mixed + first * r->queries, 0);
    sum_bias(out, rows, d_out, hidden, partial);
    pack_operand(r, OUT, out, first, rows, b->k.mixed + first * r->queries, d_out, hidden);
}

/* Both branches of a parallel block get the gradient of its output. */
static void rest_back_task(void *data, int64_t index)
{
    const block *b = data;
    const run *r = b->r;
    int64_t first = index * TASK_ROWS, rows = rows_of(r, first);
    REAL *partial = partial_of(r, index);
    memset(partial, 0, (size_t)r->partial_width * sizeof *partial);
    unjoin(b, 2, 3, DROP_MLP_BRANCH, first, rows, b->k.mlp_output, partial, r->d_mlp);
    if (r->config->parallel)
        unjoin(b, 0, 1, DROP_ATTENTION_BRANCH, first, rows, b->k.attention_output, partial, r->d_attention);
    mlp_back(b, first, rows, partial);
    if (!r->config->parallel)
        unjoin(b, 0, 1, DROP_ATTENTION_BRANCH, first, rows, b->k.attention_output, partial, r->d_attention);
    attention_end_back(b, first, rows, partial);
}

static void project_back_task(void *data, int64_t index)
{
    const block *b = data;
    const run *r = b->r;
    int64_t first = index * TASK_ROWS, rows = rows_of(r, first), hidden = r->config->hidden;
    const REAL *input = branch_input(b, b->input, b->k.attention_input) + first * hidden;
    REAL *partial = partial_of(r, index);
    rotate_rows(r, first, rows, -1, r->d_qkv);
    for (int i = QUERY; i <= VALUE; i++) {
        const linear *l = &b->linears[i];
        const REAL *d_out = r->d_qkv + first * r->qkv + l->column;
        if (!l->weight) continue;
        apply_transposed(l, rows, d_out, r->qkv, r->d_input + first * hidden, i > QUERY);
        sum_bias(l, rows, d_out, r->qkv, partial);
        pack_operand(r, i, l, first, rows, input, d_out, r->qkv);
    }
    enter_stream(b, 0, first, rows, b->input, partial);
}

static void block_gradients(const block *b)
{
    const run *r = b->r;
    products all = {.r = r};
    summing sums = {.r = r};
    const REAL *attention_input = branch_input(b, b->input, b->k.attention_input);
    const REAL *mlp_input = branch_input(b, b->k.middle, b->k.mlp_input);
    for (int i = QUERY; i <= VALUE; i++)
        add_product(&all, i, &b->linears[i], attention_input, r->d_qkv + b->linears[i].column, r->qkv);
    add_product(&all, OUT, &b->linears[OUT], b->k.mixed, r->d_attention, r->config->hidden);
    add_product(&all, GATE, &b->linears[GATE], mlp_input, r->d_gate, r->config->inner);
    add_product(&all, UP, &b->linears[UP], mlp_input, r->d_up, r->config->inner);
    add_product(&all, DOWN, &b->linears[DOWN], r->inner, r->d_mlp, r->config->hidden);
    run_products(&all);
    for (int i = 0; i < LINEARS; i++)
        add_sum(&sums, b->linears[i].bias_gradient, b->linears[i].bias_partial, b->linears[i].outputs);
    for (int n = 0; n < NORMS; n++) {
        add_sum(&sums, b->norms[n].gain_gradient, b->norms[n].gain_partial, r->config->hidden);
        add_sum(&sums, b->norms[n].bias_gradient, b->norms[n].bias_partial, r->config->hidden);
    }
    run_sums(&sums);
}

/* r->d_state: from the gradient of the block's output to that of its input. */
static void block_backward(const run *r, int64_t layer)
{
    if (r->model->recompute) block_forward(r, layer);
    block b = block_of(r, layer);
    pack_weights(r, b.linears, LINEARS, 1);
    neck__parallel(r->context, r->blocks, rest_back_task, &b);
    unattend(r, &b.k, layer);
    neck__parallel(r->context, r->blocks, project_back_task, &b);
    block_gradients(&b);
}
