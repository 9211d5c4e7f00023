/* head/logit_filter_template.h - the second pass with a filter: gradients of logits that are negligible stay out of its
 * products, which become sparse. Follows logit_backward_template.h.
 *
 * Magnitudes below each of LEVELS limits are summed for every context; each context takes the highest limit whose sum
 * stays within the tolerance. What is left out is so known exactly, and the error it makes is bounded, not guessed. The
 * lowest limit, tolerance / vocabulary, is always safe. Rows of which much is kept, frequent tokens, take part as a
 * whole. */

/* A gradient alone costs about as much as this many in a dense product. */
enum { SPARSE_COST = 10 };

/* Bounds are sums of magnitudes, one for each token of a lane, which round like any sum; this covers it in single
 * precision. */
static double rounding(const run *r)
{
    return 1.001 + 0x1p-23 * (double)(r->plan->vocabulary / r->plan->lanes);
}

static double squares_of(int64_t count, const REAL *x)
{
    enum { WAYS = 8 }; /* sums of their own, so that none waits for the last */
    double part[WAYS] = {0}, sum = 0;
    int64_t j = 0;
    for (; j + WAYS <= count; j += WAYS)
        for (int w = 0; w < WAYS; w++) part[w] += (double)x[j + w] * (double)x[j + w];
    for (; j < count; j++) sum += (double)x[j] * (double)x[j];
    for (int w = 0; w < WAYS; w++) sum += part[w];
    return sum;
}

/* What may be left out of a context: the tolerance times the mean |softmax - target|_1, times its weight. */
static double allowance(const run *r)
{
    double sum = 0, weight = r->options->reduction == NECK_REDUCTION_SUM ? 1 : 1 / (double)r->plan->scored;
    int64_t scored = 0;
    for (int64_t i = 0; i < r->count; i++) {
        if (!(r->weight[i] > 0)) continue;
        sum += -2 * expm1(r->target_logit[i] - r->lse_wide[i]);
        scored++;
    }
    return scored > 0 ? r->options->filter_tolerance * weight * sum / (double)scored : 0;
}

static void weigh_lane(void *data, int64_t index)
{
    run *r = data;
    lane *l = &r->lanes[index];
    memset(l->below, 0, (size_t)(LEVELS * r->cols) * sizeof *l->below);
    for (int64_t block = index; block < r->blocks; block += r->plan->lanes) {
        int64_t rows = block_rows(r, block);
        REAL *dz = differentiate(r, l, block, rows), *kept = block_logits(r, l, block);
        if (r->wanted->bias) sum_bias(r, block * BLOCK, rows, dz);
        if (dz != kept) memcpy(kept, dz, (size_t)(rows * r->ldz) * sizeof *kept);
        for (int64_t row = 0; row < rows; row++)
            SUM_BELOW(r->cols, LEVELS, dz + row * r->ldz, r->level, l->below, r->cols);
    }
}

/* Every context's limit. */
static void choose_limits(run *r, double allowed)
{
    double slack = rounding(r);
    for (int64_t c = 0; c < r->cols; c++) {
        double limit = (double)r->level;
        for (int64_t n = 0; n < LEVELS; n++) {
            double sum = 0;
            for (int64_t i = 0; i < r->plan->lanes; i++) sum += (double)r->lanes[i].below[n * r->cols + c];
            if (sum * slack > allowed) break;
            limit = ldexp((double)r->level, (int)(2 * n));
        }
        r->limit[c] = c < r->count ? (REAL)limit : (REAL)INFINITY;
    }
}

/* ---- products of what is kept ------------------------------------------------------------------------------------ */

static void add_dense(run *r, lane *l)
{
    int64_t width = r->plan->width, rows = l->dense_count;
    l->dense_count = 0;
    if (rows == 0) return;
    if (r->wanted->states) add_states(r, l, rows, l->dense, l->dense_weights, width);
    if (!r->wanted->weights) return;
    add_weights(r, rows, l->dense, l->dense_gradient, 0);
    for (int64_t n = 0; n < rows; n++) {
        REAL *to = (REAL *)r->wanted->weights + l->dense_tokens[n] * width;
        for (int64_t j = 0; j < width; j++) to[j] += l->dense_gradient[n * width + j];
    }
}

static void keep_whole(run *r, lane *l, int64_t token, const REAL *dz, const REAL *weights)
{
    int64_t width = r->plan->width, place = l->dense_count++;
    memcpy(l->dense + place * r->ldz, dz, (size_t)r->cols * sizeof *dz);
    if (weights) memcpy(l->dense_weights + place * width, weights, (size_t)width * sizeof *weights);
    l->dense_tokens[place] = token;
    l->kept += r->count;
    if (l->dense_count == BLOCK) add_dense(r, l);
}

/* A token's gradient of weights, and a note of it for the contexts. */
static void filter_row(run *r, lane *l, int64_t first, int64_t row, const REAL *dz, const REAL *weights)
{
    int64_t width = r->plan->width, token = first + row, count = SELECT(r->cols, dz, r->limit, l->selected);
    REAL *to = r->wanted->weights ? (REAL *)r->wanted->weights + token * width : NULL;
    if (to && !adds(r)) memset(to, 0, (size_t)width * sizeof *to);
    if (count * SPARSE_COST > r->cols) {
        keep_whole(r, l, token, dz, weights);
        return;
    }
    l->kept += count;
    r->row_error[token] += ADD_BELOW(r->cols, dz, r->limit, r->norm, r->row_norm[token], l->left_out);
    for (int64_t n = 0; n < count; n++) {
        int64_t c = l->selected[n];
        l->kept_values[n] = dz[c];
        l->rows[c * BLOCK + l->row_count[c]++] = (int32_t)row;
    }
    if (to) ADD_ROWS(width, count, l->kept_values, r->states, width, l->selected, to);
}

/* Gradients of states from a block, context by context. */
static void filter_columns(run *r, lane *l, const REAL *dz, const REAL *weights, int64_t ld)
{
    int64_t width = r->plan->width;
    for (int64_t c = 0; c < r->cols; c++) {
        const int32_t *rows = l->rows + c * BLOCK;
        for (int64_t n = 0; n < l->row_count[c]; n++) l->kept_values[n] = dz[rows[n] * r->ldz + c];
        ADD_ROWS(width, l->row_count[c], l->kept_values, weights, ld, rows, l->states_gradient + c * width);
    }
}

static void filter_lane(void *data, int64_t index)
{
    run *r = data;
    lane *l = &r->lanes[index];
    int64_t width = r->plan->width, ld = 0;
    l->kept = l->dense_count = 0;
    l->started = r->wanted->states != NULL;
    memset(l->left_out, 0, (size_t)r->cols * sizeof *l->left_out);
    if (l->started) memset(l->states_gradient, 0, (size_t)(r->cols * width) * sizeof *l->states_gradient);
    for (int64_t block = index; block < r->blocks; block += r->plan->lanes) {
        const REAL *dz = block_logits(r, l, block);
        int64_t rows = block_rows(r, block), first = block * BLOCK;
        const REAL *weights = l->started ? block_weights(r, l, first, rows, &ld) : NULL;
        memset(l->row_count, 0, (size_t)r->cols * sizeof *l->row_count);
        for (int64_t row = 0; row < rows; row++)
            filter_row(r, l, first, row, dz + row * r->ldz, weights ? weights + row * ld : NULL);
        if (weights) filter_columns(r, l, dz, weights, ld);
    }
    add_dense(r, l);
}

static void backward_filtered(run *r)
{
    double allowed = allowance(r);
    r->level = (REAL)(allowed / rounding(r) / (double)r->plan->vocabulary);
    for (int64_t c = 0; c < r->cols; c++)
        r->norm[c] = (REAL)sqrt(squares_of(r->plan->width, r->states + c * r->plan->width));
    neck__parallel(r->context, r->plan->lanes, weigh_lane, r);
    choose_limits(r, allowed);
    neck__parallel(r->context, r->plan->lanes, filter_lane, r);
    if (r->wanted->states) neck__parallel(r->context, r->count, join_states, r);
    for (int64_t n = 0; n < r->plan->lanes; n++) r->kept += r->lanes[n].kept;
    for (int64_t c = 0; c < r->count; c++) {
        double error = 0;
        for (int64_t n = 0; n < r->plan->lanes; n++) error += (double)r->lanes[n].left_out[c] * r->plan->scale;
        r->states_error_squared += error * error;
    }
}

/* ---- before and after all chunks --------------------------------------------------------------------------------- */

static void weigh_rows(void *data, int64_t index)
{
    run *r = data;
    lane *l = &r->lanes[index];
    int64_t ld;
    for (int64_t block = index; block < r->blocks; block += r->plan->lanes) {
        int64_t rows = block_rows(r, block), first = block * BLOCK;
        const REAL *weights = block_weights(r, l, first, rows, &ld);
        for (int64_t row = 0; row < rows; row++)
            r->row_norm[first + row] = (REAL)sqrt(squares_of(r->plan->width, weights + row * ld));
    }
}

static void begin_filter(run *r)
{
    memset(r->row_error, 0, (size_t)r->plan->vocabulary * sizeof *r->row_error);
    neck__parallel(r->context, r->plan->lanes, weigh_rows, r);
}

static void square_block(void *data, int64_t block)
{
    const run *r = data;
    int64_t width = r->plan->width;
    r->block_squares[block] = squares_of(block_rows(r, block) * width,
                                         (const REAL *)r->wanted->weights + block * BLOCK * width);
}

static double weights_norm(run *r)
{
    double sum = 0;
    neck__parallel(r->context, r->blocks, square_block, r);
    for (int64_t block = 0; block < r->blocks; block++) sum += r->block_squares[block];
    return sqrt(sum);
}

static void finish_filter(run *r)
{
    const neck__logit_plan *p = r->plan;
    neck_cross_entropy_result *result = r->result;
    double sum = 0;
    for (int64_t token = 0; token < p->vocabulary; token++) sum += r->row_error[token] * r->row_error[token];
    result->kept_fraction = (double)r->kept / ((double)p->vocabulary * (double)p->contexts);
    if (r->wanted->states) result->states_error = sqrt(r->states_error_squared) * rounding(r);
    if (r->wanted->weights) result->weights_error = sqrt(sum) * rounding(r);
    if (r->wanted->states) result->states_norm = sqrt(squares_of(p->contexts * p->width, r->wanted->states));
    if (r->wanted->weights) result->weights_norm = weights_norm(r);
}
