/* head/logit_linear_template.h - between the passes, for one component: the loss of every context, and the coefficients
 * of its gradient. Follows logit_forward_template.h. */

/* weight of a context in the loss, 0 when it is not scored */
static double weight_of(const run *r, int64_t context)
{
    if (!neck__is_scored(r->options, r->plan->loss->targets[r->first + context])) return 0;
    return r->options->reduction == NECK_REDUCTION_SUM ? 1 : 1 / (double)r->plan->scored;
}

static void set_coefficients(run *r, int64_t c, double weight, double lse)
{
    double smoothing = r->options->label_smoothing;
    r->lse[c] = (REAL)lse;
    r->lse_wide[c] = lse;
    r->alpha[c] = (REAL)(weight * (1 + 2 * r->options->z_loss * lse));
    r->beta[c] = (REAL)(weight * smoothing / (double)r->plan->vocabulary);
    r->pull[c] = (REAL)(weight * (1 - smoothing));
}

static double context_loss(const run *r, double lse, double target_logit, double total)
{
    double smoothing = r->options->label_smoothing;
    double loss = (1 - smoothing) * (lse - target_logit) + r->options->z_loss * lse * lse;
    return smoothing > 0 ? loss + smoothing * (lse - total / (double)r->plan->vocabulary) : loss;
}

static neck_status finish_linear(run *r)
{
    const neck_cross_entropy_options *o = r->options;
    for (int64_t i = 0; i < r->count; i++) {
        column all = join_lanes(r, i);
        double weight = weight_of(r, i), loss = 0, norm = 0;
        if (o->gradient_norm && weight > 0) norm = take_gradient_norm(&all, r->target_logit[i]);
        double lse = all.most + log(all.sum);
        NECK_TRY(check_column(r, i, lse));
        r->weight[i] = weight;
        set_coefficients(r, i, weight, lse);
        if (weight > 0) {
            loss = context_loss(r, lse, r->target_logit[i], all.total);
            r->result->loss += weight * loss;
            r->result->correct += o->accuracy && all.best == r->plan->loss->targets[r->first + i];
        }
        if (o->token_loss) o->token_loss[r->first + i] = loss;
        if (o->log_normalizer) o->log_normalizer[r->first + i] = lse;
        if (o->best) o->best[r->first + i] = all.best;
        if (o->gradient_norm) o->gradient_norm[r->first + i] = norm;
    }
    for (int64_t c = r->count; c < r->cols; c++) r->lse[c] = r->alpha[c] = r->beta[c] = r->pull[c] = 0;
    return NECK_OK;
}
