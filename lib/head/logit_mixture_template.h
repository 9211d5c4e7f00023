/* head/logit_mixture_template.h - between the passes, for a mixture of softmaxes p = sum_k pi_k softmax(z_k), in
 * logarithms throughout. Follows logit_linear_template.h.
 *
 * With r_kv = pi_k p_kv / p_v and target distribution q, S_k = sum_v q_v r_kv is the share of component k, and
 *   d loss / d z_ku = p_ku S_k - q_u r_ku,   d loss / d prior logit k = pi_k - S_k. */

/* ---- what needs the mixture of every token ----------------------------------------------------------------------- */

/* Of one token: l->mixture row k becomes pi_k p_k exp(-shift), row K the shift, row K + 1 their sum. */
static void mix_row(const run *r, lane *l, const REAL *z)
{
    int64_t components = r->plan->components, group = r->group;
    REAL *shift = l->mixture + components * group, *sum = shift + group;
    for (int64_t i = 0; i < group; i++) shift[i] = sum[i] = 0;
    for (int64_t k = 0; k < components; k++) {
        REAL *t = l->mixture + k * group;
        for (int64_t i = 0; i < group; i++) t[i] = z[k * group + i] + r->log_weight[k * group + i];
        if (r->options->label_smoothing > 0) /* a rare token's probability may underflow; its logarithm counts */
            for (int64_t i = 0; i < group; i++) shift[i] = k == 0 || t[i] > shift[i] ? t[i] : shift[i];
    }
    for (int64_t k = 0; k < components; k++) {
        REAL *t = l->mixture + k * group;
        for (int64_t i = 0; i < group; i++) t[i] -= shift[i];
        EXP(group, t);
        for (int64_t i = 0; i < group; i++) sum[i] += t[i];
    }
}

static void take_shares(const run *r, lane *l)
{
    int64_t components = r->plan->components, group = r->group;
    const REAL *shift = l->mixture + components * group, *sum = shift + group;
    for (int64_t i = 0; i < r->count; i++) l->log_sum[i] += (double)shift[i] + log((double)sum[i]);
    for (int64_t c = 0; c < r->cols; c++) l->shares[c] += (double)l->mixture[c] / (double)sum[c % group];
}

static void take_mixture_best(const run *r, lane *l, int64_t token)
{
    const REAL *shift = l->mixture + r->plan->components * r->group, *sum = shift + r->group;
    int smooth = r->options->label_smoothing > 0;
    for (int64_t i = 0; i < r->count; i++) {
        double p = (double)sum[i];
        if (smooth) p *= exp((double)shift[i]);
        if (p > l->peak[i]) {
            l->peak[i] = p;
            l->mixture_best[i] = (int32_t)token;
        }
    }
}

static void mixture_lane(void *data, int64_t index)
{
    run *r = data;
    lane *l = &r->lanes[index];
    for (int64_t c = 0; c < r->cols; c++) l->shares[c] = 0;
    for (int64_t i = 0; i < r->group; i++) l->log_sum[i] = 0, l->peak[i] = -1, l->mixture_best[i] = NECK_NO_TARGET;
    for (int64_t block = index; block < r->blocks; block += r->plan->lanes)
        for (int64_t row = 0; row < block_rows(r, block); row++) {
            mix_row(r, l, block_logits(r, l, block) + row * r->ldz);
            if (r->options->label_smoothing > 0) take_shares(r, l);
            if (asks_best(r)) take_mixture_best(r, l, block * BLOCK + row);
        }
}

/* ---- a context --------------------------------------------------------------------------------------------------- */

typedef struct mixed {
    double log_sum;
    int32_t best;
} mixed;

static mixed join_mixture(const run *r, int64_t context)
{
    mixed all = {0, NECK_NO_TARGET};
    double peak = -1;
    for (int64_t i = 0; i < r->plan->lanes && r->lanes[i].peak; i++) {
        const lane *l = &r->lanes[i];
        all.log_sum += l->log_sum[context];
        if (l->peak[context] > peak || (l->peak[context] == peak && l->mixture_best[context] < all.best)) {
            peak = l->peak[context];
            all.best = l->mixture_best[context];
        }
    }
    return all;
}

/* Coefficients and prior gradient of component k, whose responsibility for the target is r_ky. */
static void set_component(run *r, int64_t context, int64_t k, double responsibility)
{
    const neck__logit_loss *loss = r->plan->loss;
    int64_t c = k * r->group + context, place = (r->first + context) * r->plan->components + k;
    double weight = r->weight[context], smoothing = r->options->label_smoothing, share = responsibility;
    if (smoothing > 0) {
        double even = 0;
        for (int64_t i = 0; i < r->plan->lanes; i++) even += r->lanes[i].shares[c];
        share = (1 - smoothing) * responsibility + smoothing * even / (double)r->plan->vocabulary;
    }
    double z_loss = 2 * r->options->z_loss * r->lse_wide[c] / (double)r->plan->components;
    r->alpha[c] = (REAL)(weight * (share + z_loss));
    r->beta[c] = (REAL)(weight * smoothing / (double)r->plan->vocabulary);
    r->pull[c] = (REAL)(weight * (1 - smoothing) * responsibility);
    if (loss->prior_gradient)
        loss->prior_gradient[place] = weight > 0 ? weight * (exp(loss->log_prior[place]) - share) : 0;
}

/* ln p of the target, from its logit in every component. */
static double mixture_log_p(const run *r, int64_t context)
{
    const double *prior = r->plan->loss->log_prior + (r->first + context) * r->plan->components;
    double most = -INFINITY, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = 0; k < r->plan->components; k++) {
            int64_t c = k * r->group + context;
            double t = prior[k] + (r->target_logit[c] - r->lse_wide[c]);
            if (pass == 0 && t > most) most = t;
            if (pass == 1) sum += exp(t - most);
        }
    return most + log(sum);
}

static double finish_context(run *r, int64_t context, const mixed *all)
{
    const double *prior = r->plan->loss->log_prior + (r->first + context) * r->plan->components;
    double smoothing = r->options->label_smoothing, squares = 0;
    int scored = r->weight[context] > 0;
    double log_p = scored ? mixture_log_p(r, context) : 0;
    for (int64_t k = 0; k < r->plan->components; k++) {
        int64_t c = k * r->group + context;
        set_component(r, context, k, scored ? exp(prior[k] + (r->target_logit[c] - r->lse_wide[c]) - log_p) : 0);
        squares += r->lse_wide[c] * r->lse_wide[c];
    }
    return -(1 - smoothing) * log_p - smoothing * all->log_sum / (double)r->plan->vocabulary +
           r->options->z_loss * squares / (double)r->plan->components;
}

static neck_status finish_columns(run *r)
{
    for (int64_t c = 0; c < r->cols; c++) {
        int64_t k = c / r->group, i = c % r->group;
        r->lse[c] = r->log_weight[c] = r->alpha[c] = r->beta[c] = r->pull[c] = 0;
        if (i >= r->count) continue;
        column all = join_lanes(r, c);
        double lse = all.most + log(all.sum);
        NECK_TRY(check_column(r, i, lse));
        r->lse_wide[c] = lse;
        r->lse[c] = (REAL)lse;
        r->log_weight[c] = (REAL)(r->plan->loss->log_prior[(r->first + i) * r->plan->components + k] - lse);
    }
    return NECK_OK;
}

static neck_status finish_mixture(run *r)
{
    const neck_cross_entropy_options *o = r->options;
    NECK_TRY(finish_columns(r));
    if (sums_mixture(r)) neck__parallel(r->context, r->plan->lanes, mixture_lane, r);
    for (int64_t i = 0; i < r->count; i++) {
        mixed all = join_mixture(r, i);
        r->weight[i] = weight_of(r, i);
        double loss = finish_context(r, i, &all);
        if (!(r->weight[i] > 0)) loss = 0;
        r->result->loss += r->weight[i] * loss;
        r->result->correct += o->accuracy && r->weight[i] > 0 && all.best == r->plan->loss->targets[r->first + i];
        if (o->token_loss) o->token_loss[r->first + i] = loss;
        if (o->best) o->best[r->first + i] = all.best;
    }
    return NECK_OK;
}
