/* support_headrank_train.c - a head made, trained, kept; its checkpoint taken up where a stopped run left it. */
#include "support_headrank_train.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support_headrank_closed.h"
#include "support_progress.h"
#include "support_text.h"
#include "support_work.h"

enum { LEAST_CHECKPOINT = 100 }; /* steps */

void headrank_training_make(const headrank_plan *plan, const headrank_data *data, const headrank_runs *runs,
                            const headrank_run *run, headrank_training *out)
{
    *out = (headrank_training){.plan = plan, .data = data, .runs = runs, .run = *run};
    snprintf(out->name, sizeof out->name, "%s-rank%" PRId64 "-lr%g-seed%" PRId64, neck_head_kind_name(run->kind),
             run->rank, run->learning_rate, run->seed);
    char file[sizeof out->name + 8];
    snprintf(file, sizeof file, "%s.run", out->name);
    out->checkpoint = headrank_runs_file(runs, file);
}

void headrank_training_free(headrank_training *training)
{
    free(training->checkpoint);
}

/* ---- training --------------------------------------------------------------------------------------------------- */

static int32_t report(void *user, const neck_progress *told)
{
    (void)user;
    int stopped = strcmp(told->task, "training") == 0 && work_tell(told->done) == NECK_E_CANCELLED;
    return interrupt_seen() || stopped;
}

static neck_status make_head(neck_context *context, const headrank_training *now, neck_head **out)
{
    const headrank_plan *plan = now->plan;
    const headrank_data *data = now->data;
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

static neck_status train(neck_context *context, headrank_training *now, neck_head *head)
{
    const headrank_plan *plan = now->plan;
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
    neck_status status = neck_head_train(context, head, &now->data->train, &now->data->valid, &options,
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

/* Beside the checkpoint, which it is cleaned away with unless somebody takes it. */
char *headrank_training_head(const headrank_training *training)
{
    char *path = text_alloc(strlen(training->checkpoint) + sizeof ".head");
    sprintf(path, "%s.head", training->checkpoint);
    return path;
}

static neck_status keep_head(neck_context *context, const headrank_training *now, const neck_head *head)
{
    if (now->run.kind != NECK_HEAD_DENSE || now->run.diverged) return NECK_OK;
    char *path = headrank_training_head(now);
    neck_status status = neck_head_save(context, head, path);
    free(path);
    return status;
}

/* With what belongs to it: the optimizer's files beside it, and those a killed process was writing. */
void headrank_training_clean(const headrank_training *now)
{
    const char *name = text_base_name(now->checkpoint);
    DIR *folder = opendir(now->runs->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strncmp(entry->d_name, name, strlen(name)) != 0) continue;
        char *path = headrank_runs_file(now->runs, entry->d_name);
        unlink(path);
        free(path);
    }
    if (folder) closedir(folder);
}

static neck_status make_and_train(neck_context *context, headrank_training *now)
{
    neck_head *head = NULL;
    neck_status status = make_head(context, now, &head);
    if (status == NECK_OK) status = train(context, now, head);
    if (status == NECK_OK) status = keep_head(context, now, head);
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
neck_status headrank_training_run(headrank_training *now)
{
    neck_context_options options = {.struct_size = sizeof options,
                                    .threads = now->plan->threads,
                                    .seed = (uint64_t)now->run.seed,
                                    .progress = report};
    neck_context *context;
    double began = seconds_now();
    neck_status status = neck_context_create(&options, &context);
    if (status != NECK_OK) return status;
    status = make_and_train(context, now);
    if (status == NECK_E_FORMAT && access(now->checkpoint, F_OK) == 0) {
        snprintf(now->note, sizeof now->note, "%s", neck_last_error());
        headrank_training_clean(now);
        status = make_and_train(context, now);
    }
    neck_context_destroy(context);
    now->run.seconds = seconds_now() - began;
    return status;
}
