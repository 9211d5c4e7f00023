/* head/head_probabilities.c - log-probabilities of every token: all in double, all at once. */
#include <math.h>

#include "core/error.h"
#include "head/head_numbers.h"
#include "head/head_pass.h"

/* An array of the head as doubles, memory of the pass. */
static const double *widened(neck__head_pass *pass, const void *data, int64_t rows, int64_t cols)
{
    double *wide = neck__head_scratch(pass, rows, cols, sizeof *wide, "log-probabilities");
    if (wide) neck__head_widen(pass->head->options.dtype, data, rows * cols, wide);
    return wide;
}

/* z = products with the weights, in place: logits, then log softmax. */
static void normalise(const neck__head_pass *pass, const double *bias, double *z)
{
    const neck_head_options *o = &pass->head->options;
    double most = -INFINITY, sum = 0;
    for (int64_t v = 0; v < o->vocabulary; v++) {
        z[v] = o->logit_scale * (z[v] + (bias ? bias[v] : 0));
        if (o->soft_cap != 0) z[v] = o->soft_cap * tanh(z[v] / o->soft_cap);
    }
    if (pass->loss.map) pass->loss.map->apply_f64(pass->loss.map->self, o->vocabulary, z, z);
    for (int64_t v = 0; v < o->vocabulary; v++) most = fmax(most, z[v]);
    for (int64_t v = 0; v < o->vocabulary; v++) sum += exp(z[v] - most);
    double normalizer = most + log(sum);
    for (int64_t v = 0; v < o->vocabulary; v++) z[v] -= normalizer;
}

/* out = ln(exp(out) + exp(more)) */
static double log_add(double out, double more)
{
    double high = fmax(out, more), low = fmin(out, more);
    return high == -INFINITY ? high : high + log1p(exp(low - high));
}

/* Component k: its products for all contexts into z, then row by row into out. */
static neck_status add_component(neck__head_pass *pass, int64_t k, const double *features, const double *weights,
                                 const double *bias, double *z, double *out)
{
    int64_t n = pass->states.rows, v = pass->head->options.vocabulary, width = pass->loss.weights.cols;
    NECK_TRY(neck__head_product(pass->context, NECK_F64, n, v, width,
                                (neck__factor){features + k * n * width, width, 1}, (neck__factor){weights, 1, width},
                                z, 0));
    for (int64_t i = 0; i < n; i++) {
        double *from = z + i * v, *to = out + i * v;
        normalise(pass, bias, from);
        double prior = pass->loss.log_prior ? pass->loss.log_prior[i * pass->loss.components + k] : 0;
        for (int64_t j = 0; j < v; j++) to[j] = k == 0 ? prior + from[j] : log_add(to[j], prior + from[j]);
    }
    return NECK_OK;
}

static neck_status run(neck__head_pass *pass, double *out)
{
    const neck__logit_loss *loss = &pass->loss;
    int64_t n = pass->states.rows, v = pass->head->options.vocabulary, width = loss->weights.cols;
    /* Rows of states may be further apart than their width. */
    double *features = neck__head_scratch(pass, loss->states.rows, width, sizeof *features, "log-probabilities");
    const double *weights = widened(pass, loss->weights.data, v, width);
    const double *bias = loss->bias ? widened(pass, loss->bias, 1, v) : NULL;
    double *z = neck__head_scratch(pass, n, v, sizeof *z, "log-probabilities");
    double *sum = neck__head_scratch(pass, n, v, sizeof *sum, "log-probabilities");
    if (!features || !weights || (loss->bias && !bias) || !z || !sum) return NECK_E_NOMEM;
    NECK_TRY(neck_matrix_to_f64(pass->context, &loss->states, features));
    for (int64_t k = 0; k < loss->components; k++) NECK_TRY(add_component(pass, k, features, weights, bias, z, sum));
    for (int64_t i = 0; i < n * v; i++)
        if (!isfinite(sum[i]))
            return neck__fail(NECK_E_NONFINITE, "the logits of state %lld overflow", (long long)(i / v));
    for (int64_t i = 0; i < n * v; i++) out[i] = sum[i];
    return NECK_OK;
}

neck_status neck_head_log_probabilities(neck_context *context, neck_head *head, const neck_matrix *states, double *out)
{
    if (!head || !out) return neck__fail(NECK_E_ARGUMENT, "head or out is NULL");
    neck__head_pass pass;
    neck_status status = neck__head_pass_begin(context, head, states, 0, &pass);
    if (status == NECK_OK) status = run(&pass, out);
    neck__head_pass_end(&pass);
    return status;
}
