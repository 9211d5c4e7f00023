/* support_headrank_sweep.c - the order of a sweep: a grid of learning rates on the first seed, the best on the rest;
 * over as many ranks as there are. */
#include "support_headrank_sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support_headrank_train.h"
#include "support_ranks.h"
#include "support_text.h"
#include "support_work.h"

char *headrank_dense_file(const headrank_runs *runs)
{
    return headrank_runs_file(runs, "dense.safetensors");
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

/* What is to be done with a run of a group; runs are the grid on the first seed, then the other seeds. */
enum state { OPEN, UNDER_WAY, DONE };

/* A head kind at a rank. The other seeds open when its learning rate is known. */
typedef struct group {
    int32_t kind;
    int64_t rank;
    int64_t grid_done;
    int64_t chosen; /* the index of its rate; -1: not known yet, or all diverged */
    char *states;
} group;

/* What rank 0 knows; of the others only the groups are read. */
typedef struct schedule {
    headrank_sweep *sweep;
    group *groups;
    int64_t count, each; /* runs a group */
    int64_t *steps;      /* of each rank's run */
    char name[128];      /* of the run that is shown */
} schedule;

/* A line on standard error, where the bar may stand. */
static void say(const headrank_sweep *sweep, const char *what, const char *text)
{
    progress_clear(sweep->shown);
    fprintf(stderr, "%s: %s%s", sweep->tool, what, *what ? ": " : "");
    text_print(stderr, text);
    fputc('\n', stderr);
}

/* A unit of work is a run: group, rate and seed in one number that every rank can read. */
static int64_t unit_of(const schedule *self, int64_t index, int64_t rate, int64_t seed)
{
    const headrank_plan *plan = self->sweep->plan;
    return (index * plan->rate_count + rate) * plan->seed_count + seed;
}

static group *group_of(const schedule *self, int64_t unit)
{
    const headrank_plan *plan = self->sweep->plan;
    return &self->groups[unit / plan->seed_count / plan->rate_count];
}

static headrank_run run_of(const schedule *self, int64_t unit)
{
    const headrank_plan *plan = self->sweep->plan;
    const group *of = group_of(self, unit);
    int64_t seed = unit % plan->seed_count;
    return (headrank_run){.kind = of->kind,
                          .rank = of->rank,
                          .learning_rate = plan->rates[unit / plan->seed_count % plan->rate_count],
                          .seed = plan->seeds[seed],
                          .chosen = seed > 0};
}

/* Its place among the runs of its group. */
static char *state_of(const schedule *self, int64_t unit)
{
    const headrank_plan *plan = self->sweep->plan;
    int64_t seed = unit % plan->seed_count, rate = unit / plan->seed_count % plan->rate_count;
    return &group_of(self, unit)->states[seed == 0 ? rate : plan->rate_count + seed - 1];
}

/* ---- what is done ----------------------------------------------------------------------------------------------- */

static void mark_chosen(headrank_runs *runs, const group *of, double rate)
{
    for (int64_t i = 0; i < runs->count; i++) {
        headrank_run *run = &runs->items[i];
        if (run->kind == of->kind && run->rank == of->rank) run->chosen = run->learning_rate == rate;
    }
}

static void give_up(schedule *self, group *of)
{
    headrank_sweep *sweep = self->sweep;
    char what[64];
    snprintf(what, sizeof what, "%s, rank %" PRId64, neck_head_kind_name(of->kind), of->rank);
    say(sweep, what, "diverged at every learning rate");
    sweep->total -= sweep->plan->seed_count - 1;
    sweep->failed = 1;
    for (int64_t i = sweep->plan->rate_count; i < self->each; i++) of->states[i] = DONE;
}

static void mark_done(schedule *self, int64_t unit);

/* The grid is complete. Of the other seeds some may have been run before. */
static void choose_rate(schedule *self, group *of)
{
    headrank_sweep *sweep = self->sweep;
    const headrank_plan *plan = sweep->plan;
    double rate = headrank_best_rate(plan, sweep->runs, of->kind, of->rank);
    if (isnan(rate)) {
        give_up(self, of);
        return;
    }
    while (of->chosen < 0 || plan->rates[of->chosen] != rate) of->chosen++;
    mark_chosen(sweep->runs, of, rate);
    for (int64_t seed = 1; seed < plan->seed_count; seed++)
        if (headrank_runs_find(sweep->runs, of->kind, of->rank, rate, plan->seeds[seed]))
            mark_done(self, unit_of(self, of - self->groups, of->chosen, seed));
}

static void mark_done(schedule *self, int64_t unit)
{
    const headrank_plan *plan = self->sweep->plan;
    group *of = group_of(self, unit);
    *state_of(self, unit) = DONE;
    self->sweep->done++;
    if (unit % plan->seed_count == 0 && ++of->grid_done == plan->rate_count) choose_rate(self, of);
}

/* ---- the list of work ------------------------------------------------------------------------------------------- */

static int64_t next_of(const schedule *self, int64_t index)
{
    const headrank_plan *plan = self->sweep->plan;
    const group *of = &self->groups[index];
    int64_t last = of->chosen < 0 ? plan->rate_count : self->each;
    for (int64_t i = 0; i < last; i++) {
        int64_t seed = i < plan->rate_count ? 0 : i - plan->rate_count + 1;
        if (of->states[i] == OPEN) return unit_of(self, index, seed == 0 ? i : of->chosen, seed);
    }
    return -1;
}

/* Whether some run is on its way: others may wait for it. */
static int is_under_way(const schedule *self)
{
    for (int64_t i = 0; i < self->count; i++)
        if (memchr(self->groups[i].states, UNDER_WAY, (size_t)self->each)) return 1;
    return 0;
}

/* The first group first, so that its figures are there early. */
static int32_t next_run(void *user, int32_t rank, int64_t *unit)
{
    schedule *self = user;
    (void)rank;
    if (interrupt_seen()) return WORK_END;
    for (int64_t i = 0; i < self->count; i++) {
        int64_t found = next_of(self, i);
        if (found < 0) continue;
        *unit = found;
        *state_of(self, found) = UNDER_WAY;
        return WORK_UNIT;
    }
    return is_under_way(self) ? WORK_WAIT : WORK_END;
}

static neck_status run_one(void *user, int64_t unit)
{
    const schedule *self = user;
    headrank_training now;
    char text[1024];
    headrank_run run = run_of(self, unit);
    headrank_training_make(self->sweep->plan, self->sweep->data, self->sweep->runs, &run, &now);
    (void)work_tell(0);
    neck_status status = headrank_training_run(&now);
    if (status != NECK_OK && status != NECK_E_CANCELLED) {
        snprintf(text, sizeof text, "%s: %s", now.name, neck_last_error());
        (void)neck_error_set(status, text);
    }
    if (status == NECK_OK) status = work_give(&now.run, sizeof now.run);
    if (status == NECK_OK) status = work_give(now.note, sizeof now.note);
    headrank_training_free(&now);
    return status;
}

/* The full head that W-errors are of, when no model gives one: the dense one that validates best. Taken over before its
 * run is written down, so that the file is there whenever the line is. */
static int keep_dense(const headrank_sweep *sweep, const headrank_training *finished)
{
    const headrank_runs *runs = sweep->runs;
    const headrank_run *run = &finished->run;
    if (run->kind != NECK_HEAD_DENSE || run->diverged) return 1;
    for (int64_t i = 0; i < runs->count; i++)
        if (runs->items[i].kind == run->kind && runs->items[i].valid_loss <= run->valid_loss) return 1;
    char *from = headrank_training_head(finished), *to = headrank_dense_file(runs);
    int kept = rename(from, to) == 0;
    free(from);
    free(to);
    return kept;
}

static neck_status keep_run(void *user, int32_t rank, int64_t unit, const void *bytes, int64_t size)
{
    schedule *self = user;
    headrank_sweep *sweep = self->sweep;
    headrank_training finished;
    headrank_run run;
    char text[6400];
    (void)size;
    memcpy(&run, bytes, sizeof run);
    headrank_training_make(sweep->plan, sweep->data, sweep->runs, &run, &finished);
    const char *note = (const char *)bytes + sizeof run;
    if (*note) {
        say(sweep, finished.name, note);
        say(sweep, finished.name, "this run started afresh");
    }
    int kept = keep_dense(sweep, &finished);
    if (!kept) snprintf(sweep->runs->error, sizeof sweep->runs->error, "%s: %s", finished.name, strerror(errno));
    if (kept) headrank_runs_add(sweep->runs, &finished.run);
    if (kept) kept = headrank_runs_write(sweep->runs);
    if (kept) {
        headrank_training_clean(&finished);
        mark_done(self, unit);
        self->steps[rank] = 0;
    }
    headrank_training_free(&finished);
    if (kept) return NECK_OK;
    snprintf(text, sizeof text, "cannot keep a finished run: %s", sweep->runs->error);
    return neck_error_set(NECK_E_IO, text);
}

/* Ranks tell of one run each; the bar is about all of them. */
static void show_steps(void *user, int32_t rank, int64_t unit, int64_t steps)
{
    schedule *self = user;
    headrank_sweep *sweep = self->sweep;
    headrank_training of;
    headrank_run run = run_of(self, unit);
    neck_progress all = {sizeof all, "training", "steps", sweep->done * sweep->plan->steps,
                         sweep->total * sweep->plan->steps};
    self->steps[rank] = steps;
    for (int32_t i = 0; i < ranks_size(); i++) all.done += self->steps[i];
    headrank_training_make(sweep->plan, sweep->data, sweep->runs, &run, &of);
    snprintf(self->name, sizeof self->name, "%s", of.name);
    headrank_training_free(&of);
    sweep->shown->item = self->name;
    sweep->shown->index = sweep->done;
    sweep->shown->items = sweep->total;
    (void)progress_report(sweep->shown, &all);
}

/* ---- the sweep -------------------------------------------------------------------------------------------------- */

static void begin(schedule *self)
{
    headrank_sweep *sweep = self->sweep;
    const headrank_plan *plan = sweep->plan;
    self->each = plan->rate_count + plan->seed_count - 1;
    for (int64_t i = 0; i < plan->kind_count; i++) self->count += headrank_rank_count(plan, plan->kinds[i]);
    self->groups = text_alloc((size_t)self->count * sizeof *self->groups);
    self->steps = text_alloc((size_t)ranks_size() * sizeof *self->steps);
    memset(self->steps, 0, (size_t)ranks_size() * sizeof *self->steps);
    sweep->total = self->count * self->each;
    group *next = self->groups;
    for (int64_t i = 0; i < plan->kind_count; i++)
        for (int64_t j = 0; j < headrank_rank_count(plan, plan->kinds[i]); j++, next++) {
            int64_t rank = headrank_rank_at(plan, sweep->data, plan->kinds[i], j);
            char *states = text_alloc((size_t)self->each);
            *next = (group){.kind = plan->kinds[i], .rank = rank, .chosen = -1, .states = states};
            memset(states, OPEN, (size_t)self->each);
        }
}

/* Runs of an earlier sweep in this folder. */
static void take_up(schedule *self)
{
    const headrank_sweep *sweep = self->sweep;
    const headrank_plan *plan = sweep->plan;
    for (int64_t i = 0; i < self->count; i++)
        for (int64_t j = 0; j < plan->rate_count; j++) {
            const group *of = &self->groups[i];
            if (headrank_runs_find(sweep->runs, of->kind, of->rank, plan->rates[j], plan->seeds[0]))
                mark_done(self, unit_of(self, i, j, 0));
        }
}

/* Which runs were chosen may have changed without a new one. */
static void write_chosen(headrank_sweep *sweep)
{
    if (sweep->runs->count == 0 || headrank_runs_write(sweep->runs)) return;
    say(sweep, "cannot keep the finished runs", sweep->runs->error);
    sweep->failed = 1;
}

/* A process killed between writing a run down and removing its checkpoint has left that. */
static void clear_up(const headrank_sweep *sweep)
{
    for (int64_t i = 0; i < sweep->runs->count; i++) {
        headrank_training finished;
        headrank_training_make(sweep->plan, sweep->data, sweep->runs, &sweep->runs->items[i], &finished);
        headrank_training_clean(&finished);
        headrank_training_free(&finished);
    }
}

int headrank_sweep_run(headrank_sweep *sweep)
{
    schedule self = {.sweep = sweep};
    const work_list list = {&self, next_run, run_one, keep_run, show_steps};
    begin(&self);
    if (ranks_rank() == 0) {
        clear_up(sweep);
        take_up(&self);
    }
    progress_item(sweep->shown, "", 0, sweep->total);
    neck_status status = work_run(&list);
    progress_clear(sweep->shown);
    sweep->shown->item = "";
    int failed = status != NECK_OK && status != NECK_E_CANCELLED;
    if (failed) say(sweep, "", neck_last_error());
    else if (ranks_rank() == 0) write_chosen(sweep);
    sweep->failed |= failed;
    for (int64_t i = 0; i < self.count; i++) free(self.groups[i].states);
    free(self.groups);
    free(self.steps);
    return failed || (status == NECK_OK && (ranks_rank() > 0 || sweep->done == sweep->total));
}
