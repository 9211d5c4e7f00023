/* head/logit_forward_template.h - first pass over the vocabulary: logits, and for every column its largest one and the
 * sum of exponentials, in one sweep (Milakov & Gimelshein 2018). Follows logit_run_template.h. */

static REAL *block_logits(const run *r, lane *l, int64_t block)
{
    return r->plan->keeps ? r->logits + block * BLOCK * r->ldz : l->logits;
}

static void make_logits(const run *r, lane *l, int64_t block, REAL *z)
{
    const neck__logit_plan *p = r->plan;
    int64_t rows = block_rows(r, block), ld;
    const REAL *w = block_weights(r, l, block * BLOCK, rows, &ld), *bias = p->loss->bias;
    for (int64_t row = 0; bias && row < rows; row++) {
        REAL value = bias[block * BLOCK + row] * (REAL)p->scale;
        for (int64_t c = 0; c < r->cols; c++) z[row * r->ldz + c] = value;
    }
    OF(neck__tiles)(rows, r->cols, p->width, w, ld, 1, r->right, p->width * OF(neck__strip)(), z, r->ldz, bias != NULL);
}

/* z through the map; to may be z. */
static void map_block(const run *r, int64_t rows, const REAL *z, REAL *to)
{
    for (int64_t row = 0; row < rows; row++)
        r->map->OF(apply)(r->map->self, r->cols, z + row * r->ldz, to + row * r->ldz);
}

/* The row of the block that is column c's target, or -1. */
static int64_t target_row(const run *r, int64_t block, int64_t rows, int64_t context)
{
    int32_t target = r->plan->loss->targets[r->first + context];
    int64_t row = target - block * BLOCK;
    return neck__is_scored(r->options, target) && row >= 0 && row < rows ? row : -1;
}

static void take_targets(const run *r, int64_t block, int64_t rows, const REAL *y)
{
    for (int64_t i = 0; i < r->count; i++) {
        int64_t row = target_row(r, block, rows, i);
        for (int64_t k = 0; row >= 0 && k < r->plan->components; k++)
            r->target_logit[k * r->group + i] = (double)y[row * r->ldz + k * r->group + i];
    }
}

static void take_best(const run *r, lane *l, int64_t block, const REAL *y)
{
    for (int64_t c = 0; c < r->cols; c++) {
        if (!(l->most[c] > l->previous[c])) continue;
        int64_t row = 0;
        while (y[row * r->ldz + c] != l->most[c]) row++;
        l->best[c] = (int32_t)(block * BLOCK + row);
    }
}

/* For norms of gradients the sums leave the target out: beside it they would lose their digits. */
static void hide_targets(const run *r, int64_t block, int64_t rows, REAL *y, int hide)
{
    for (int64_t i = 0; i < r->count; i++) {
        int64_t row = target_row(r, block, rows, i);
        if (row >= 0) y[row * r->ldz + i] = hide ? -(REAL)INFINITY : (REAL)r->target_logit[i];
    }
}

static void take_sums(const run *r, lane *l, int64_t block, int64_t rows, REAL *y)
{
    if (l->squares) hide_targets(r, block, rows, y, 1);
    for (int64_t c = 0; c < r->cols; c++) {
        double shrink = exp((double)l->previous[c] - (double)l->most[c]);
        if (l->sum[c] > 0) l->sum[c] *= shrink;
        if (l->squares && l->squares[c] > 0) l->squares[c] *= shrink * shrink;
    }
    COLUMN_EXP_SUM(rows, r->cols, y, r->ldz, l->most, l->sum, l->squares);
    if (l->squares) hide_targets(r, block, rows, y, 0);
    for (int64_t row = 0; l->total && row < rows; row++)
        for (int64_t c = 0; c < r->cols; c++) l->total[c] += (double)y[row * r->ldz + c];
}

static void clear_lane(const run *r, lane *l)
{
    for (int64_t c = 0; c < r->cols; c++) {
        l->most[c] = -(REAL)INFINITY;
        l->sum[c] = 0;
        if (l->squares) l->squares[c] = 0;
        if (l->total) l->total[c] = 0;
    }
}

static void forward_lane(void *data, int64_t index)
{
    run *r = data;
    lane *l = &r->lanes[index];
    clear_lane(r, l);
    for (int64_t block = index; block < r->blocks; block += r->plan->lanes) {
        int64_t rows = block_rows(r, block);
        REAL *z = block_logits(r, l, block), *y = r->map && r->plan->keeps ? l->mapped : z;
        make_logits(r, l, block, z);
        if (r->map) map_block(r, rows, z, y);
        take_targets(r, block, rows, y);
        memcpy(l->previous, l->most, (size_t)r->cols * sizeof *l->most);
        COLUMN_MAX(rows, r->cols, y, r->ldz, l->most);
        if (l->best) take_best(r, l, block, y);
        take_sums(r, l, block, rows, y);
    }
}

/* ---- the lanes together ----------------------------------------------------------------------------------------- */

typedef struct column {
    double most, sum, squares, total;
    int32_t best;
} column;

static column join_lanes(const run *r, int64_t c)
{
    column all = {-INFINITY, 0, 0, 0, NECK_NO_TARGET};
    for (int64_t i = 0; i < r->plan->lanes; i++) {
        const lane *l = &r->lanes[i];
        if ((double)l->most[c] > all.most) {
            all.most = (double)l->most[c];
            if (l->best) all.best = l->best[c];
        } else if (l->best && (double)l->most[c] == all.most && l->best[c] < all.best) {
            all.best = l->best[c];
        }
    }
    for (int64_t i = 0; i < r->plan->lanes; i++) {
        const lane *l = &r->lanes[i];
        double shrink = exp((double)l->most[c] - all.most);
        all.sum += l->sum[c] * shrink;
        if (l->squares) all.squares += l->squares[c] * shrink * shrink;
        if (l->total) all.total += l->total[c];
    }
    return all;
}

static neck_status check_column(const run *r, int64_t context, double lse)
{
    if (isfinite(lse)) return NECK_OK;
    return neck__fail(NECK_E_NONFINITE, "the logits of row %lld overflow", (long long)(r->first + context));
}

/* |softmax - target|_2, from sums without the target; the target joins the sum. */
static double take_gradient_norm(column *c, double target_logit)
{
    double others = c->sum;
    c->sum += exp(target_logit - c->most);
    return sqrt(others * others + c->squares) / c->sum;
}
