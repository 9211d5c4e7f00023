/* head/logit_filter_template.h - the second pass with a filter: tokens whose gradients are negligible in every context of the
 * chunk stay out of its products. Follows logit_backward_template.h.
 *
 * Tokens fall into bins by their largest |gradient| over the chunk's contexts, halving from bin to bin, in units of weight *
 * mean |softmax - target|_1. Bins are dropped from the smallest up while what is dropped stays below the tolerance in
 * every context; its sum is known exactly, so the error it makes is bounded, not guessed. */

/* Bounds are sums of single-precision magnitudes; this covers their rounding. */
static const double rounding = 1.001;

static double mean_gradient(const run *r)
{
    double sum = 0;
    int64_t scored = 0;
    for (int64_t i = 0; i < r->count; i++) {
        if (!(r->weight[i] > 0)) continue;
        sum += -2 * expm1(r->target_logit[i] - r->lse_wide[i]);
        scored++;
    }
    return scored > 0 ? sum / (double)scored : 0;
}

static double norm_of(int64_t count, const REAL *x)
{
    double sum = 0;
    for (int64_t j = 0; j < count; j++) sum += (double)x[j] * (double)x[j];
    return sqrt(sum);
}

static void set_unit(run *r)
{
    double weight = r->options->reduction == NECK_REDUCTION_SUM ? 1 : 1 / (double)r->plan->scored, mean = mean_gradient(r);
    for (int64_t c = 0; c < r->cols; c++) {
        r->unit[c] = (REAL)(mean > 0 ? 1 / (weight * mean) : 0);
        r->norm_real[c] = (REAL)norm_of(r->plan->width, r->states + c * r->plan->width);
    }
}

static unsigned char bin_of(double most)
{
    int exponent;
    if (!(most > 0)) return BINS - 1;
    frexp(most, &exponent);
    return (unsigned char)(exponent > 0 ? 0 : -exponent < BINS - 1 ? -exponent : BINS - 1);
}

static void weigh_lane(void *data, int64_t index)
{
    run *r = data;
    lane *l = &r->lanes[index];
    memset(l->mass, 0, (size_t)(BINS * r->cols) * sizeof *l->mass);
    for (int64_t block = index; block < r->blocks; block += r->plan->lanes) {
        int64_t rows = block_rows(r, block), first = block * BLOCK;
        REAL *dz = differentiate(r, l, block, rows), *kept = block_logits(r, l, block);
        if (r->wanted->bias) sum_bias(r, first, rows, dz);
        if (dz != kept) memcpy(kept, dz, (size_t)(rows * r->ldz) * sizeof *kept);
        for (int64_t row = 0; row < rows; row++) {
            REAL most;
            WEIGH(r->cols, dz + row * r->ldz, r->unit, r->norm_real, &most, &r->pulls[first + row]);
            r->bins[first + row] = bin_of((double)most);
            ADD_MAGNITUDE(r->cols, dz + row * r->ldz, r->unit, l->mass + r->bins[first + row] * r->cols);
        }
    }
}

/* The first bin that is dropped; the error this makes in the gradients of states is added up. */
static void choose_cutoff(run *r)
{
    double *sums = r->target_logit; /* its chunk's use is over */
    double limit = r->options->filter_tolerance / rounding;
    for (int64_t c = 0; c < r->cols; c++) sums[c] = 0;
    for (r->cutoff = BINS; r->cutoff > 0; r->cutoff--) {
        double most = 0;
        for (int64_t c = 0; c < r->count; c++) {
            double sum = sums[c];
            for (int64_t n = 0; n < r->plan->lanes; n++) sum += (double)r->lanes[n].mass[(r->cutoff - 1) * r->cols + c];
            most = sum > most ? sum : most;
        }
        if (most > limit) break;
        for (int64_t c = 0; c < r->count; c++)
            for (int64_t n = 0; n < r->plan->lanes; n++) sums[c] += (double)r->lanes[n].mass[(r->cutoff - 1) * r->cols + c];
    }
    for (int64_t c = 0; c < r->count; c++) {
        double mass = r->unit[c] > 0 ? sums[c] * rounding / (double)r->unit[c] : 0, error = mass * r->largest_weight * fabs(r->plan->scale);
        r->states_error_squared += error * error;
    }
}

/* ---- products of what is kept ------------------------------------------------------------------------------------ */

static void flush(run *r, lane *l)
{
    int64_t width = r->plan->width, rows = l->kept_count;
    if (rows == 0) return;
    if (r->wanted->states) {
        for (int64_t n = 0; n < rows; n++) read_row(&r->plan->loss->weights, l->kept_ids[n], l->weights + n * width);
        add_states(r, l, rows, l->kept, l->weights, width);
    }
    if (r->wanted->weights) {
        add_weights(r, rows, l->kept, l->kept_gradient, 0);
        for (int64_t n = 0; n < rows; n++) {
            REAL *to = (REAL *)r->wanted->weights + l->kept_ids[n] * width;
            const REAL *from = l->kept_gradient + n * width;
            for (int64_t j = 0; j < width; j++) to[j] += from[j];
        }
    }
    l->kept_total += rows;
    l->kept_count = 0;
}

static void filter_lane(void *data, int64_t index)
{
    run *r = data;
    lane *l = &r->lanes[index];
    l->started = 0;
    l->kept_count = l->kept_total = 0;
    for (int64_t block = index; block < r->blocks; block += r->plan->lanes) {
        const REAL *dz = block_logits(r, l, block);
        for (int64_t row = 0; row < block_rows(r, block); row++) {
            int64_t token = block * BLOCK + row;
            if (r->bins[token] >= r->cutoff) {
                r->dropped[token] += r->pulls[token];
                continue;
            }
            memcpy(l->kept + l->kept_count * r->ldz, dz + row * r->ldz, (size_t)r->cols * sizeof *dz);
            l->kept_ids[l->kept_count++] = token;
            if (l->kept_count == BLOCK) flush(r, l);
        }
    }
    flush(r, l);
}

static void backward_filtered(run *r)
{
    set_unit(r);
    neck__parallel(r->context, r->plan->lanes, weigh_lane, r);
    choose_cutoff(r);
    neck__parallel(r->context, r->plan->lanes, filter_lane, r);
    if (r->wanted->states) neck__parallel(r->context, r->count, join_states, r);
    for (int64_t n = 0; n < r->plan->lanes; n++) r->kept_rows += r->lanes[n].kept_total;
}

/* ---- before and after all chunks --------------------------------------------------------------------------------- */

static void begin_filter(run *r)
{
    const neck__logit_plan *p = r->plan;
    lane *l = &r->lanes[0];
    memset(r->dropped, 0, (size_t)p->vocabulary * sizeof *r->dropped);
    for (int64_t token = 0; token < p->vocabulary; token++) {
        read_row(&p->loss->weights, token, l->weights);
        double norm = norm_of(p->width, l->weights);
        r->largest_weight = norm > r->largest_weight ? norm : r->largest_weight;
    }
    if (r->wanted->weights && !r->options->accumulate)
        memset(r->wanted->weights, 0, (size_t)(p->vocabulary * p->width) * sizeof(REAL));
}

static void finish_filter(run *r)
{
    const neck__logit_plan *p = r->plan;
    neck_cross_entropy_result *result = r->result;
    double sum = 0;
    int64_t chunks = (p->contexts + p->chunk - 1) / p->chunk;
    for (int64_t token = 0; token < p->vocabulary; token++) sum += r->dropped[token] * r->dropped[token];
    result->kept_fraction = (double)r->kept_rows / ((double)p->vocabulary * (double)chunks);
    if (r->wanted->states) result->states_error = sqrt(r->states_error_squared);
    if (r->wanted->weights) result->weights_error = sqrt(sum) * rounding;
    if (r->wanted->states) result->states_norm = norm_of(p->contexts * p->width, r->wanted->states);
    if (r->wanted->weights) result->weights_norm = norm_of(p->vocabulary * p->width, r->wanted->weights);
}
