/* head/head_factored.c - W = A B: features B x meet A. */
#include <math.h>

#include "core/error.h"
#include "head/head_numbers.h"
#include "head/head_pass.h"

static void list(neck_head *head)
{
    neck__head_add(head, "a", head->options.vocabulary, head->options.rank, NECK_PARAMETER_NO_MUON);
    neck__head_add(head, "b", head->options.rank, head->options.hidden_size, 0);
}

/* An entry of A B sums rank products: its spread is sqrt(rank) times the product of theirs. */
static neck_status start(neck_context *context, neck_head *head, const neck_head_options *options)
{
    if (options->weights) return neck__head_start_truncated(context, head, options->weights);
    double wanted = options->init_std != 0 ? options->init_std : 0.02;
    double std = options->paper_init ? 1 : sqrt(wanted / sqrt((double)head->options.rank));
    neck__head_fill_normal(context, head, 0, std);
    neck__head_fill_normal(context, head, 1, std);
    return NECK_OK;
}

/* X = H B^T */
static neck_status forward(neck__head_pass *pass, int gradients)
{
    (void)gradients;
    const neck_head *head = pass->head;
    int32_t dtype = head->options.dtype;
    int64_t n = pass->states.rows, d = head->options.hidden_size, rank = head->options.rank;
    void *features = neck__head_scratch(pass, n, rank, neck_dtype_size(dtype), "features of a head");
    if (!features) return NECK_E_NOMEM;
    pass->loss.states = (neck_matrix){.data = features, .rows = n, .cols = rank, .row_stride = rank, .dtype = dtype};
    return neck__head_product(pass->context, dtype, n, rank, d,
                              (neck__factor){pass->states.data, pass->states.row_stride, 1},
                              (neck__factor){head->parameters[1].data, 1, d}, features, 0);
}

/* dB = dX^T H, dH = dX B */
static neck_status backward(neck__head_pass *pass)
{
    const neck_head *head = pass->head;
    const neck_parameter *b = &head->parameters[1];
    int32_t dtype = head->options.dtype;
    int64_t n = pass->states.rows, d = head->options.hidden_size, rank = head->options.rank;
    NECK_TRY(neck__head_product(pass->context, dtype, rank, d, n, (neck__factor){pass->feature_gradient, 1, rank},
                                (neck__factor){pass->states.data, pass->states.row_stride, 1}, b->gradient,
                                pass->accumulate));
    if (!pass->states_gradient) return NECK_OK;
    return neck__head_product(pass->context, dtype, n, d, rank, (neck__factor){pass->feature_gradient, rank, 1},
                              (neck__factor){b->data, d, 1}, pass->states_gradient, pass->accumulate);
}

static int64_t rank_limit(const neck_head *head)
{
    return neck__head_linear_rank(head, head->options.rank);
}

const neck__head_kind neck__head_factored = {
    .name = "factored",
    .number = NECK_HEAD_FACTORED,
    .has = NECK__HEAD_RANK | NECK__HEAD_SOFT_CAP | NECK__HEAD_PAPER,
    .transforms = 1,
    .list = list,
    .start = start,
    .forward = forward,
    .backward = backward,
    .rank_limit = rank_limit,
};
