/* head/head_mos.c - a mixture of softmaxes (Yang et al. 2018): K softmaxes of tanh features with shared weights, mixed
 * by a prior that depends on the state. */
#include <math.h>

#include "core/error.h"
#include "head/head_numbers.h"
#include "head/head_pass.h"

enum { WEIGHT, PROJECTION, PROJECTION_BIAS, PRIOR };

static void list(neck_head *head)
{
    const neck_head_options *o = &head->options;
    neck__head_add(head, "weight", o->vocabulary, o->rank, NECK_PARAMETER_NO_MUON);
    neck__head_add(head, "projection", o->components * o->rank, o->hidden_size, 0);
    neck__head_add(head, "projection_bias", 1, o->components * o->rank, NECK_PARAMETER_NO_DECAY);
    neck__head_add(head, "prior", o->components, o->hidden_size, NECK_PARAMETER_NO_MUON);
}

static neck_status start(neck_context *context, neck_head *head, const neck_head_options *options)
{
    double std = options->init_std != 0 ? options->init_std : 1 / sqrt((double)options->hidden_size);
    neck__head_fill_normal(context, head, PROJECTION, std);
    neck__head_fill_normal(context, head, PRIOR, std);
    return neck__head_start_weight(context, head, options);
}

/* States as a factor of a product, and the block of the projection that makes component k. */
static neck__factor states_of(const neck__head_pass *pass)
{
    return (neck__factor){pass->states.data, pass->states.row_stride, 1};
}

static const void *projection_of(const neck__head_pass *pass, const void *array, int64_t k)
{
    const neck_head_options *o = &pass->head->options;
    return neck__head_at(o->dtype, array, k * o->rank * o->hidden_size);
}

/* Rows of component k: h = tanh(u + q) in place. */
static void squash(const neck__head_pass *pass, int64_t k, void *features, double *line, double *bias)
{
    const neck_head_options *o = &pass->head->options;
    const neck_parameter *q = &pass->head->parameters[PROJECTION_BIAS];
    neck__head_widen(o->dtype, neck__head_at(o->dtype, q->data, k * o->rank), o->rank, bias);
    for (int64_t i = 0; i < pass->states.rows; i++) {
        void *row = neck__head_at(o->dtype, features, i * o->rank);
        neck__head_widen(o->dtype, row, o->rank, line);
        for (int64_t j = 0; j < o->rank; j++) line[j] = tanh(line[j] + bias[j]);
        neck__head_narrow(o->dtype, line, o->rank, row);
    }
}

/* ln pi = log softmax(R x), N x K */
static neck_status log_prior(neck__head_pass *pass, double *out)
{
    const neck_head_options *o = &pass->head->options;
    int64_t n = pass->states.rows, components = o->components, d = o->hidden_size;
    void *logits = neck__head_scratch(pass, n, components, neck_dtype_size(o->dtype), "priors");
    if (!logits) return NECK_E_NOMEM;
    NECK_TRY(neck__head_product(pass->context, o->dtype, n, components, d, states_of(pass),
                                (neck__factor){pass->head->parameters[PRIOR].data, 1, d}, logits, 0));
    neck__head_widen(o->dtype, logits, n * components, out);
    for (int64_t i = 0; i < n; i++, out += components) {
        double most = out[0], sum = 0;
        for (int64_t k = 1; k < components; k++) most = fmax(most, out[k]);
        for (int64_t k = 0; k < components; k++) sum += exp(out[k] - most);
        for (int64_t k = 0; k < components; k++) out[k] -= most + log(sum);
    }
    return NECK_OK;
}

static neck_status forward(neck__head_pass *pass, int gradients)
{
    const neck_head_options *o = &pass->head->options;
    int64_t n = pass->states.rows, d = o->hidden_size, components = o->components, rank = o->rank;
    void *features = neck__head_scratch(pass, components * n, rank, neck_dtype_size(o->dtype), "features of a mixture");
    double *prior = neck__head_scratch(pass, n, components, sizeof *prior, "priors");
    double *lines = neck__head_scratch(pass, 2, rank, sizeof *lines, "features of a mixture");
    if (!features || !prior || !lines) return NECK_E_NOMEM;
    for (int64_t k = 0; k < components; k++) {
        void *part = neck__head_at(o->dtype, features, k * n * rank);
        const void *projection = projection_of(pass, pass->head->parameters[PROJECTION].data, k);
        NECK_TRY(neck__head_product(pass->context, o->dtype, n, rank, d, states_of(pass),
                                    (neck__factor){projection, 1, d}, part, 0));
        squash(pass, k, part, lines, lines + rank);
    }
    NECK_TRY(log_prior(pass, prior));
    pass->loss.states =
        (neck_matrix){.data = features, .rows = components * n, .cols = rank, .row_stride = rank, .dtype = o->dtype};
    pass->loss.components = components;
    if (components > 1) pass->loss.log_prior = prior;
    if (!gradients || components == 1) return NECK_OK;
    pass->loss.prior_gradient = neck__head_scratch(pass, n, components, sizeof *prior, "gradients of priors");
    return pass->loss.prior_gradient ? NECK_OK : NECK_E_NOMEM;
}

/* du = dh (1 - h^2) for the rows of component k, and its sum over them into sum. */
static void unsquash(const neck__head_pass *pass, int64_t k, void *out, double *lines, double *sum)
{
    const neck_head_options *o = &pass->head->options;
    int64_t n = pass->states.rows, rank = o->rank;
    double *h = lines, *dh = lines + rank;
    for (int64_t j = 0; j < rank; j++) sum[j] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t place = (k * n + i) * rank;
        neck__head_widen(o->dtype, neck__head_at(o->dtype, pass->loss.states.data, place), rank, h);
        neck__head_widen(o->dtype, neck__head_at(o->dtype, pass->feature_gradient, place), rank, dh);
        for (int64_t j = 0; j < rank; j++) {
            dh[j] *= (1 - h[j]) * (1 + h[j]);
            sum[j] += dh[j];
        }
        neck__head_narrow(o->dtype, dh, rank, neck__head_at(o->dtype, out, i * rank));
    }
}

/* Gradients of the projection, its bias and the states through component k: dP = dU^T H, dq = sum of dU, dH += dU P. */
static neck_status backward_component(neck__head_pass *pass, int64_t k, void *du, double *lines)
{
    const neck_head_options *o = &pass->head->options;
    const neck_parameter *p = &pass->head->parameters[PROJECTION], *q = &pass->head->parameters[PROJECTION_BIAS];
    int64_t n = pass->states.rows, d = o->hidden_size, rank = o->rank;
    double *sum = lines + 2 * rank;
    unsquash(pass, k, du, lines, sum);
    neck__head_add_to(o->dtype, sum, rank, neck__head_at(o->dtype, q->gradient, k * rank), pass->accumulate);
    NECK_TRY(neck__head_product(pass->context, o->dtype, rank, d, n, (neck__factor){du, 1, rank}, states_of(pass),
                                neck__head_at(o->dtype, p->gradient, k * rank * d), pass->accumulate));
    if (!pass->states_gradient) return NECK_OK;
    return neck__head_product(pass->context, o->dtype, n, d, rank, (neck__factor){du, rank, 1},
                              (neck__factor){projection_of(pass, p->data, k), d, 1}, pass->states_gradient,
                              pass->accumulate || k > 0);
}

/* Through the prior: dR = dL^T H, dH += dL R. One component has no prior to speak of. */
static neck_status backward_prior(neck__head_pass *pass)
{
    const neck_head_options *o = &pass->head->options;
    const neck_parameter *r = &pass->head->parameters[PRIOR];
    int64_t n = pass->states.rows, d = o->hidden_size, components = o->components;
    void *dl = neck__head_scratch(pass, n, components, neck_dtype_size(o->dtype), "gradients of priors");
    if (!dl) return NECK_E_NOMEM;
    if (pass->loss.prior_gradient) neck__head_narrow(o->dtype, pass->loss.prior_gradient, n * components, dl);
    NECK_TRY(neck__head_product(pass->context, o->dtype, components, d, n, (neck__factor){dl, 1, components},
                                states_of(pass), r->gradient, pass->accumulate));
    if (!pass->states_gradient) return NECK_OK;
    return neck__head_product(pass->context, o->dtype, n, d, components, (neck__factor){dl, components, 1},
                              (neck__factor){r->data, d, 1}, pass->states_gradient, 1);
}

static neck_status backward(neck__head_pass *pass)
{
    const neck_head_options *o = &pass->head->options;
    void *du = neck__head_scratch(pass, pass->states.rows, o->rank, neck_dtype_size(o->dtype), "gradients of features");
    double *lines = neck__head_scratch(pass, 3, o->rank, sizeof *lines, "gradients of features");
    if (!du || !lines) return NECK_E_NOMEM;
    for (int64_t k = 0; k < o->components; k++) NECK_TRY(backward_component(pass, k, du, lines));
    return backward_prior(pass);
}

/* One softmax of tanh features is linear in them. */
static int64_t rank_limit(const neck_head *head)
{
    return head->options.components == 1 ? neck__head_linear_rank(head, head->options.rank) : head->options.vocabulary;
}

const neck__head_kind neck__head_mos = {
    .name = "mos",
    .number = NECK_HEAD_MOS,
    .has = NECK__HEAD_RANK | NECK__HEAD_COMPONENTS,
    .transforms = 1,
    .list = list,
    .start = start,
    .forward = forward,
    .backward = backward,
    .rank_limit = rank_limit,
};
