/* support_headrank_sweep.c - the order of a sweep: a grid of learning rates on the first seed, the best on the rest. */
#include "support_headrank_sweep.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support_headrank_closed.h"
#include "support_text.h"

enum { LEAST_CHECKPOINT = 100 }; /* steps */

/* One training on its way. */
typedef struct training {
    headrank_sweep *sweep;
    headrank_run run;
    char name[128];
    char *checkpoint;
} training;

char *headrank_dense_file(const headrank_runs *runs)
{
    return headrank_runs_file(runs, "dense.safetensors");
}

/* A line on standard error, where the bar may stand. */
static void say(const headrank_sweep *sweep, const char *what, const char *text)
{
    progress_clear(sweep->shown);
    fprintf(stderr, "%s: %s: ", sweep->tool, what);
    text_print(stderr, text);
    fputc('\n', stderr);
}

/* ---- one training ----------------------------------------------------------------------------------------------- */

/* The library tells of one run; the bar is about all of them. */
static int32_t report(void *user, const neck_progress *told)
{
    const training *now = user;
    const headrank_sweep *sweep = now->sweep;
    if (strcmp(told->task, "training") != 0) return interrupt_seen();
    neck_progress all = *told;
    all.done += sweep->done * sweep->plan->steps;
    all.total = sweep->total * sweep->plan->steps;
    return progress_report(sweep->shown, &all);
}

static neck_status make_head(neck_context *context, const training *now, neck_head **out)
{
    const headrank_plan *plan = now->sweep->plan;
    const headrank_data *data = now->sweep->data;
    int32_t kind = now->run.kind;
    if (plan->from_head && kind == NECK_HEAD_FACTORED)
        return headrank_closed_head(context, data, now->run.rank, 0, out); /* starts nearer than the plain truncation */
    neck_head_options options = {.struct_size = sizeof options,
                                 .kind = kind,
                                 .vocabulary = data->vocabulary,
                                 .hidden_size = data->train.states.cols,
                                 .rank = headrank_has_rank(kind) ? now->run.rank : 0,
                                 .components = kind == NECK_HEAD_MOS ? plan->components : 0,
                                 .paper_init = kind == NECK_HEAD_FACTORED && plan->paper_init,
                                 .weights = plan->from_head ? &data->head : NULL};
    return neck_head_create(context, &options, out);
}

/* A tenth of the steps, but never so few that writing takes the time. */
static int64_t checkpoint_every(int64_t steps)
{
    return steps / 10 > LEAST_CHECKPOINT ? steps / 10 : LEAST_CHECKPOINT;
}

static neck_status train(neck_context *context, training *now, neck_head *head)
{
    const headrank_plan *plan = now->sweep->plan;
    neck_optimizer_options rule = plan->rule;
    rule.learning_rate = now->run.learning_rate;
    neck_cross_entropy_options loss = {.struct_size = sizeof loss, .memory_cap = plan->memory};
    neck_head_training_options options = {.struct_size = sizeof options,
                                          .steps = plan->steps,
                                          .batch = plan->batch,
                                          .optimizer = &rule,
                                          .loss = &loss,
                                          .clip_norm = plan->clip,
                                          .seed = (uint64_t)now->run.seed,
                                          .checkpoint = now->checkpoint,
                                          .checkpoint_every = checkpoint_every(plan->steps)};
    neck_head_training_result result = {.struct_size = sizeof result};
    neck_status status = neck_head_train(context, head, &now->sweep->data->train, &now->sweep->data->valid, &options,
                                         &result);
    if (status != NECK_OK) return status;
    now->run.diverged = result.diverged;
    now->run.valid_loss = result.valid_loss;
    now->run.accuracy = result.valid_accuracy;
    now->run.train_loss = result.train_loss;
    now->run.tokens = result.tokens;
    now->run.parameters = neck_head_parameter_count(head);
    now->run.rank_limit = neck_head_rank_limit(head);
    return NECK_OK;
}

/* The full head that W-errors are of, when no model gives one: the dense one that validates best. Kept before its run
 * is written down, so that the file is there whenever the line is. */
static neck_status keep_dense(neck_context *context, const training *now, const neck_head *head)
{
    const headrank_runs *runs = now->sweep->runs;
    if (now->run.kind != NECK_HEAD_DENSE || now->run.diverged) return NECK_OK;
    for (int64_t i = 0; i < runs->count; i++)
        if (runs->items[i].kind == now->run.kind && runs->items[i].valid_loss <= now->run.valid_loss) return NECK_OK;
    char *path = headrank_dense_file(runs);
    neck_status status = neck_head_save(context, head, path);
    free(path);
    return status;
}

/* With what belongs to it: the optimizer's files beside it, and those a killed process was writing. */
static void remove_checkpoint(const training *now)
{
    const headrank_runs *runs = now->sweep->runs;
    const char *name = text_base_name(now->checkpoint);
    DIR *folder = opendir(runs->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strncmp(entry->d_name, name, strlen(name)) != 0) continue;
        char *path = headrank_runs_file(runs, entry->d_name);
        unlink(path);
        free(path);
    }
    if (folder) closedir(folder);
}

static neck_status make_and_train(neck_context *context, training *now)
{
    neck_head *head = NULL;
    neck_status status = make_head(context, now, &head);
    if (status == NECK_OK) status = train(context, now, head);
    if (status == NECK_OK) status = keep_dense(context, now, head);
    neck_head_destroy(head);
    return status;
}

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* With a context of its own: its seed makes the head. A checkpoint that does not fit is of no use; without it the run
 * starts afresh. */
static neck_status run_training(training *now)
{
    neck_context_options options = {.struct_size = sizeof options,
                                    .threads = now->sweep->plan->threads,
                                    .seed = (uint64_t)now->run.seed,
                                    .progress = report,
                                    .progress_user = now};
    neck_context *context;
    double began = seconds_now();
    neck_status status = neck_context_create(&options, &context);
    if (status != NECK_OK) return status;
    status = make_and_train(context, now);
    if (status == NECK_E_FORMAT && access(now->checkpoint, F_OK) == 0) {
        say(now->sweep, now->name, neck_last_error());
        say(now->sweep, now->name, "this run starts afresh");
        remove_checkpoint(now);
        status = make_and_train(context, now);
    }
    neck_context_destroy(context);
    now->run.seconds = seconds_now() - began;
    return status;
}

/* ---- the sweep -------------------------------------------------------------------------------------------------- */

/* What became of a run. */
enum outcome { DONE, FAILED, INTERRUPTED };

static enum outcome finish(training *now, neck_status status)
{
    headrank_sweep *sweep = now->sweep;
    if (status == NECK_OK) {
        headrank_runs_add(sweep->runs, &now->run);
        if (!headrank_runs_write(sweep->runs)) {
            say(sweep, "cannot keep a finished run", sweep->runs->error);
            return FAILED;
        }
        remove_checkpoint(now);
        sweep->done++;
        return DONE;
    }
    if (status == NECK_E_CANCELLED) return INTERRUPTED;
    say(sweep, now->name, neck_last_error());
    return FAILED;
}

static enum outcome ensure(headrank_sweep *sweep, int32_t kind, int64_t rank, double rate, int64_t seed, int chosen)
{
    if (headrank_runs_find(sweep->runs, kind, rank, rate, seed)) {
        sweep->done++;
        return DONE;
    }
    if (interrupt_seen()) return INTERRUPTED;
    training now = {.sweep = sweep,
                    .run = {.kind = kind, .rank = rank, .learning_rate = rate, .seed = seed, .chosen = chosen}};
    snprintf(now.name, sizeof now.name, "%s-rank%" PRId64 "-lr%g-seed%" PRId64, neck_head_kind_name(kind), rank, rate,
             seed);
    now.checkpoint = text_alloc(strlen(sweep->runs->folder) + sizeof now.name + 16);
    sprintf(now.checkpoint, "%s/%s.run", sweep->runs->folder, now.name);
    sweep->shown->item = now.name;
    sweep->shown->index = sweep->done;
    sweep->shown->items = sweep->total;
    enum outcome outcome = finish(&now, run_training(&now));
    sweep->shown->item = "";
    free(now.checkpoint);
    return outcome;
}

static void mark_chosen(headrank_runs *runs, int32_t kind, int64_t rank, double rate)
{
    for (int64_t i = 0; i < runs->count; i++) {
        headrank_run *run = &runs->items[i];
        if (run->kind == kind && run->rank == rank) run->chosen = run->learning_rate == rate;
    }
}

static enum outcome one_group(headrank_sweep *sweep, int32_t kind, int64_t rank)
{
    const headrank_plan *plan = sweep->plan;
    enum outcome outcome = DONE;
    for (int64_t i = 0; i < plan->rate_count && outcome == DONE; i++)
        outcome = ensure(sweep, kind, rank, plan->rates[i], plan->seeds[0], 0);
    if (outcome != DONE) return outcome;
    double rate = headrank_best_rate(plan, sweep->runs, kind, rank);
    if (isnan(rate)) {
        char what[64];
        snprintf(what, sizeof what, "%s, rank %" PRId64, neck_head_kind_name(kind), rank);
        say(sweep, what, "diverged at every learning rate");
        sweep->total -= plan->seed_count - 1;
        sweep->failed = 1;
        return DONE;
    }
    mark_chosen(sweep->runs, kind, rank, rate);
    for (int64_t i = 1; i < plan->seed_count && outcome == DONE; i++)
        outcome = ensure(sweep, kind, rank, rate, plan->seeds[i], 1);
    return outcome;
}

int headrank_sweep_run(headrank_sweep *sweep)
{
    const headrank_plan *plan = sweep->plan;
    enum outcome outcome = DONE;
    for (int64_t i = 0; i < plan->kind_count; i++)
        sweep->total += headrank_rank_count(plan, plan->kinds[i]) * (plan->rate_count + plan->seed_count - 1);
    progress_item(sweep->shown, "", 0, sweep->total);
    for (int64_t i = 0; i < plan->kind_count && outcome == DONE; i++)
        for (int64_t j = 0; j < headrank_rank_count(plan, plan->kinds[i]) && outcome == DONE; j++)
            outcome = one_group(sweep, plan->kinds[i], headrank_rank_at(plan, sweep->data, plan->kinds[i], j));
    progress_clear(sweep->shown);
    /* Which runs were chosen may have changed without a new one. */
    if (outcome != FAILED && sweep->runs->count > 0 && !headrank_runs_write(sweep->runs)) {
        say(sweep, "cannot keep the finished runs", sweep->runs->error);
        outcome = FAILED;
    }
    sweep->failed |= outcome == FAILED;
    return outcome != INTERRUPTED;
}
