/* support_headrank_plan.c - a plan's ranks, its identity, and the means over its seeds. */
#include "support_headrank_plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "support_json.h"
#include "support_text.h"

int headrank_has_rank(int32_t kind)
{
    return kind == NECK_HEAD_FACTORED || kind == NECK_HEAD_MOS;
}

int64_t headrank_rank_count(const headrank_plan *plan, int32_t kind)
{
    return headrank_has_rank(kind) ? plan->rank_count : 1;
}

int64_t headrank_rank_at(const headrank_plan *plan, const headrank_data *data, int32_t kind, int64_t index)
{
    return headrank_has_rank(kind) ? plan->ranks[index] : data->train.states.cols;
}

/* ---- what is asked, for the folder ------------------------------------------------------------------------------ */

static void put_mark(json_t *object, const char *name, uint64_t mark)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, mark);
    json_put_text(object, name, text);
}

json_t *headrank_configuration(const headrank_plan *plan, const headrank_data *data)
{
    static const char *const rules[] = {"?", "adamw", "sgd", "muon"};
    json_t *object = json_object();
    json_put_integer(object, "format", 1);
    put_mark(object, "states", data->mark);
    json_put_integer(object, "train_states", data->train.states.rows);
    json_put_integer(object, "valid_states", data->valid.states.rows);
    json_put_integer(object, "hidden_size", data->train.states.cols);
    json_put_integer(object, "vocabulary", data->vocabulary);
    json_put_text(object, "optimizer", rules[plan->rule.rule]);
    json_put_number(object, "weight_decay", plan->rule.weight_decay);
    json_put_integer(object, "steps", plan->steps);
    json_put_integer(object, "batch", plan->batch);
    json_put_number(object, "clip", plan->clip);
    json_put_integer(object, "components", plan->components);
    json_put_text(object, "init", plan->from_head ? "model" : plan->paper_init ? "paper" : "default");
    if (plan->from_head) put_mark(object, "model_head", data->head_mark);
    return object;
}

/* ---- what came out ---------------------------------------------------------------------------------------------- */

double headrank_best_rate(const headrank_plan *plan, const headrank_runs *runs, int32_t kind, int64_t rank)
{
    const headrank_run *best = NULL;
    for (int64_t i = 0; i < plan->rate_count; i++) {
        const headrank_run *run = headrank_runs_find(runs, kind, rank, plan->rates[i], plan->seeds[0]);
        if (!run) return NAN;
        if (!run->diverged && (!best || run->valid_loss < best->valid_loss)) best = run;
    }
    return best ? best->learning_rate : NAN;
}

/* Mean and standard error (from the sample standard deviation) of numbers that come one by one. */
typedef struct tally {
    double count, mean, squares;
} tally;

static void add(tally *to, double value)
{
    double deviation = value - to->mean;
    to->mean += deviation / ++to->count;
    to->squares += deviation * (value - to->mean);
}

static double standard_error(const tally *of)
{
    return of->count > 1 ? sqrt(of->squares / (of->count - 1) / of->count) : NAN;
}

static headrank_group group_of(const headrank_plan *plan, const headrank_runs *runs, int32_t kind, int64_t rank)
{
    double rate = headrank_best_rate(plan, runs, kind, rank), lowest = rate, highest = rate;
    headrank_group group = {.kind = kind, .rank = rank, .learning_rate = rate, .w_error = NAN};
    tally loss = {0, 0, 0}, accuracy = {0, 0, 0};
    for (int64_t i = 0; i < plan->rate_count; i++) {
        lowest = fmin(lowest, plan->rates[i]);
        highest = fmax(highest, plan->rates[i]);
    }
    for (int64_t i = 0; i < plan->seed_count; i++) {
        const headrank_run *run = headrank_runs_find(runs, kind, rank, rate, plan->seeds[i]);
        if (!run || run->diverged) continue;
        add(&loss, run->valid_loss);
        add(&accuracy, run->accuracy);
        group.parameters = run->parameters;
        group.rank_limit = run->rank_limit;
    }
    group.at_edge = lowest < highest && (rate == lowest || rate == highest);
    group.seeds = (int64_t)loss.count;
    group.loss = loss.mean;
    group.loss_error = standard_error(&loss);
    group.accuracy = accuracy.mean;
    group.accuracy_error = standard_error(&accuracy);
    return group;
}

headrank_group *headrank_groups(const headrank_plan *plan, const headrank_data *data, const headrank_runs *runs,
                                      int64_t *count)
{
    int64_t most = 0;
    for (int64_t i = 0; i < plan->kind_count; i++) most += headrank_rank_count(plan, plan->kinds[i]);
    headrank_group *groups = text_alloc((size_t)most * sizeof *groups);
    *count = 0;
    for (int64_t i = 0; i < plan->kind_count; i++)
        for (int64_t j = 0; j < headrank_rank_count(plan, plan->kinds[i]); j++)
            groups[(*count)++] = group_of(plan, runs, plan->kinds[i], headrank_rank_at(plan, data, plan->kinds[i], j));
    return groups;
}
