/* head/head_dense.c - a linear head, its weights its own or shared with an embedding. */
#include "head/head_object.h"

static void list(neck_head *head)
{
    neck__head_add(head, "weight", head->options.vocabulary, head->options.hidden_size, NECK_PARAMETER_NO_MUON);
}

static neck_status start_nothing(neck_context *context, neck_head *head, const neck_head_options *options)
{
    (void)context, (void)head, (void)options;
    return NECK_OK;
}

static int64_t rank_limit(const neck_head *head)
{
    return neck__head_linear_rank(head, head->options.hidden_size);
}

const neck__head_kind neck__head_dense = {
    .name = "dense",
    .number = NECK_HEAD_DENSE,
    .has = NECK__HEAD_SOFT_CAP,
    .list = list,
    .start = neck__head_start_weight,
    .rank_limit = rank_limit,
};

const neck__head_kind neck__head_tied = {
    .name = "tied",
    .number = NECK_HEAD_TIED,
    .has = NECK__HEAD_SOFT_CAP | NECK__HEAD_BORROWS,
    .list = list,
    .start = start_nothing,
    .rank_limit = rank_limit,
};
