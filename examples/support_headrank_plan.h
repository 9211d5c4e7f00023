/* support_headrank_plan.h - which heads are trained how, and what came out of it. */
#ifndef SUPPORT_HEADRANK_PLAN_H
#define SUPPORT_HEADRANK_PLAN_H

#include "support_headrank_data.h"
#include "support_headrank_runs.h"

/* What is asked for. */
typedef struct headrank_plan {
    int32_t *kinds; /* NECK_HEAD_* */
    int64_t kind_count;
    int64_t *ranks; /* of heads that have one */
    int64_t rank_count;
    double *rates; /* the first seed tries all of them, the others take the best */
    int64_t rate_count;
    int64_t *seeds;
    int64_t seed_count;
    neck_optimizer_options rule; /* but for learning_rate */
    int64_t steps;
    int64_t batch;
    double clip;
    int64_t components; /* of a mixture */
    int64_t memory;     /* bytes the loss may work in */
    int from_head;      /* start from the model's head */
    int paper_init;
    int32_t threads;
} headrank_plan;

/* A head kind at a rank: all its runs together. Kinds without a rank have the width of the states. */
typedef struct headrank_group {
    int32_t kind;
    int64_t rank;
    double learning_rate; /* chosen; NaN: none did not diverge, or none is finished */
    int at_edge;          /* the lowest or highest of those tried */
    int64_t seeds;        /* runs at that rate that are finished and did not diverge */
    double loss, loss_error; /* mean over seeds, and its standard error (NaN for one seed) */
    double accuracy, accuracy_error;
    int64_t parameters, rank_limit;
    double w_error; /* of the full head at that rank; NaN: not known */
} headrank_group;

/* headrank_has_rank      - whether heads of that kind are made with a rank; others have one, the width of the states.
 * headrank_rank_count, headrank_rank_at - the ranks of a kind in the plan.
 * headrank_configuration - all that a run's result depends on besides head, rank, learning rate and seed. Owned by the
 *                          caller.
 * headrank_best_rate     - the rate whose run on the first seed validates best; NaN when all diverged or one is not
 *                          there.
 * headrank_groups        - one group for each head and rank of the plan, from what is finished; *count of them. Release
 *                          with free. */
int headrank_has_rank(int32_t kind);
int64_t headrank_rank_count(const headrank_plan *plan, int32_t kind);
int64_t headrank_rank_at(const headrank_plan *plan, const headrank_data *data, int32_t kind, int64_t index);
json_t *headrank_configuration(const headrank_plan *plan, const headrank_data *data);
double headrank_best_rate(const headrank_plan *plan, const headrank_runs *runs, int32_t kind, int64_t rank);
headrank_group *headrank_groups(const headrank_plan *plan, const headrank_data *data, const headrank_runs *runs,
                                int64_t *count);

#endif
