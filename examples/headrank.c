/* neck-headrank - what the rank of a language model's head is worth: heads trained, or truncated, on frozen states. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support_args.h"
#include "support_gnuplot.h"
#include "support_headrank_asked.h"
#include "support_headrank_figures.h"
#include "support_headrank_sweep.h"
#include "support_ranks.h"
#include "support_share.h"
#include "support_text.h"
#include "support_tool.h"

/* What goes on while it works. */
typedef struct session {
    headrank_asked *asked;
    neck_context *context;
    progress progress;
    headrank_data data;
    int failed;
} session;

static void complain(session *now, const char *text)
{
    progress_clear(&now->progress);
    args_complain(&headrank_tool, text);
    now->failed = 1;
}

/* ---- figures ---------------------------------------------------------------------------------------------------- */

static void tell_figure(session *now, int drawn, const char *file, const char *error)
{
    progress_clear(&now->progress);
    now->failed |= !tool_tell_file(&headrank_tool, &now->asked->common, drawn, file, error);
}

static void draw_sweep(session *now, const headrank_group *groups, int64_t count, const headrank_reference *reference)
{
    char error[512];
    const char *plot = now->asked->plot;
    int drawn = headrank_figures_loss(groups, count, reference, plot, error);
    tell_figure(now, drawn, plot, error);
    if (!drawn) return;
    char *rates = figure_beside(plot, "-rates"), *errors = figure_beside(plot, "-werror");
    tell_figure(now, headrank_figures_rates(groups, count, &now->asked->plan, rates, error), rates, error);
    if (headrank_figures_has_errors(groups, count))
        tell_figure(now, headrank_figures_errors(groups, count, errors, error), errors, error);
    free(errors);
    free(rates);
}

/* ---- training --------------------------------------------------------------------------------------------------- */

/* The head whose W-error is told: the model's, else the dense one that was trained. */
static neck_status full_spectrum(session *now, const headrank_runs *runs, neck_spectrum **out)
{
    if (now->data.head.data) return neck_spectrum_compute(now->context, &now->data.head, NULL, out);
    neck_head *dense = NULL;
    char *path = headrank_dense_file(runs);
    neck_status status = neck_head_load(now->context, path, &dense);
    free(path);
    if (status != NECK_OK) return status;
    int64_t count;
    const neck_parameter *weight = neck_head_parameters(dense, &count);
    neck_matrix matrix = {.data = weight->data, .rows = weight->rows, .cols = weight->cols, .dtype = weight->dtype};
    status = neck_spectrum_compute(now->context, &matrix, NULL, out);
    neck_head_destroy(dense);
    return status;
}

/* Without such a head the column stays empty. */
static void put_w_errors(session *now, const headrank_runs *runs, headrank_group *groups, int64_t count)
{
    neck_spectrum *spectrum = NULL;
    if (full_spectrum(now, runs, &spectrum) != NECK_OK) return;
    for (int64_t i = 0; i < count; i++) {
        neck_measure error;
        int is_linear = groups[i].kind == NECK_HEAD_DENSE || groups[i].kind == NECK_HEAD_FACTORED;
        if (is_linear && neck_w_error(spectrum, groups[i].rank, &error) == NECK_OK) groups[i].w_error = error.value;
    }
    neck_spectrum_destroy(spectrum);
}

static headrank_reference measure_model(session *now)
{
    headrank_reference reference = {NAN, NAN};
    const neck_labeled_states *valid = &now->data.valid;
    if (!now->data.head.data) return reference;
    progress_item(&now->progress, now->asked->source.model, 0, 1);
    neck_cross_entropy_options options = {.struct_size = sizeof options, .accuracy = 1,
                                          .memory_cap = now->asked->plan.memory};
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    neck_status status = neck_cross_entropy(now->context, &valid->states, &now->data.head, valid->targets, &options,
                                            NULL, &result);
    if (status != NECK_OK) complain(now, neck_last_error());
    else reference = (headrank_reference){result.loss, (double)result.correct / (double)result.tokens};
    return reference;
}

static void report_sweep(session *now, const headrank_runs *runs, int whole)
{
    int64_t count, finished = 0;
    headrank_group *groups = headrank_groups(&now->asked->plan, &now->data, runs, &count);
    for (int64_t i = 0; i < count; i++)
        if (groups[i].seeds > 0) groups[finished++] = groups[i];
    headrank_reference reference = {NAN, NAN};
    if (whole) {
        reference = measure_model(now);
        put_w_errors(now, runs, groups, finished);
    }
    if (finished > 0) headrank_report_groups(&now->data, groups, finished, &reference, now->asked->json);
    if (whole && now->asked->plot && finished > 0) draw_sweep(now, groups, finished, &reference);
    free(groups);
}

/* Rank 0 keeps the folder. 0 when it cannot, which it has told. */
static int open_runs(session *now, headrank_runs *runs)
{
    int dropped = 0, opened = 1;
    json_t *configuration = headrank_configuration(&now->asked->plan, &now->data);
    if (ranks_rank() > 0) headrank_runs_follow(now->asked->out, runs);
    else opened = headrank_runs_open(now->asked->out, configuration, runs, &dropped);
    json_decref(configuration);
    if (!opened) complain(now, runs->error);
    if (dropped) args_complain(&headrank_tool, "note: the last line of runs.jsonl was torn; its run is made again");
    return !ranks_any(!opened);
}

/* 0 when interrupted. */
static int sweep(session *now)
{
    headrank_runs runs;
    int going = 1;
    if (open_runs(now, &runs)) {
        headrank_sweep all = {.plan = &now->asked->plan, .data = &now->data, .runs = &runs, .shown = &now->progress,
                              .tool = headrank_tool.name};
        going = headrank_sweep_run(&all);
        now->failed |= all.failed;
        if (ranks_rank() == 0) report_sweep(now, &runs, going);
        if (!going)
            fprintf(stderr, "%s: interrupted: %" PRId64 " of %" PRId64 " runs are finished; the same command goes on\n",
                    headrank_tool.name, all.done, all.total);
    }
    headrank_runs_close(&runs);
    return going;
}

/* ---- closed forms ----------------------------------------------------------------------------------------------- */

static int truncate_head(session *now)
{
    const headrank_asked *asked = now->asked;
    measure_error error = {.status = NECK_OK};
    int64_t made;
    progress_item(&now->progress, asked->source.model, 0, 1);
    headrank_truncated *rows = headrank_closed(now->context, &now->data, asked->plan.ranks, asked->plan.rank_count,
                                               asked->centered, &made, &error);
    progress_clear(&now->progress);
    headrank_report_closed(&now->data, rows, made, asked->centered, asked->json);
    int going = error.status != NECK_E_CANCELLED;
    if (!going) args_complain(&headrank_tool, "interrupted: what was measured by then is printed");
    else if (error.status != NECK_OK) complain(now, error.text);
    if (going && asked->plot && made > 0) {
        char text[512];
        tell_figure(now, headrank_figures_gaps(rows, made, asked->plot, text), asked->plot, text);
    }
    free(rows);
    return going;
}

static int save_head(session *now)
{
    const headrank_asked *asked = now->asked;
    measure_error error;
    if (headrank_closed_save(now->context, &now->data, asked->save_rank, asked->centered, asked->save, &error)) {
        progress_clear(&now->progress);
        if (!asked->common.quiet) args_tell_written(&headrank_tool, asked->save);
        return 1;
    }
    if (error.status == NECK_E_CANCELLED) return 0;
    complain(now, error.text);
    return 1;
}

/* ---- the tool --------------------------------------------------------------------------------------------------- */

static int alike(const session *now, measure_error *error)
{
    const uint64_t marks[] = {now->data.mark, now->data.head_mark};
    neck_status status = share_alike("states, targets or head", share_mark(0, marks, sizeof marks));
    return status == NECK_OK ? 1 : measure_fail(error, status, now->asked->source.states);
}

static int work(session *now)
{
    measure_error error;
    headrank_asked *asked = now->asked;
    int opened = headrank_data_open(now->context, &asked->source, &now->data, &error);
    if (!measure_agree(opened, &error) || !alike(now, &error)) {
        if (error.status == NECK_E_CANCELLED) return 0;
        complain(now, error.text);
        return 1;
    }
    headrank_asked_complete(asked, &now->data);
    if (now->data.vocabulary_is_guess && !asked->common.quiet)
        fprintf(stderr, "%s: note: the vocabulary is taken to be the %" PRId64 " tokens up to the largest target; "
                "--vocabulary or --model tells it\n", headrank_tool.name, now->data.vocabulary);
    if (!asked->no_train) return sweep(now);
    if (ranks_rank() > 0) return 1; /* closed forms are soon done: one rank does */
    return truncate_head(now) && (!asked->save || save_head(now));
}

int main(int argc, char **argv)
{
    headrank_asked asked;
    headrank_asked_read(&asked, argc, argv);
    session now = {.asked = &asked, .progress = progress_make(headrank_tool.name, asked.common.quiet)};
    now.context = tool_begin(&headrank_tool, &asked.common, 0, progress_report, &now.progress);
    progress_item(&now.progress, asked.source.states, 0, 1);
    int going = work(&now);
    progress_clear(&now.progress);
    headrank_data_close(&now.data);
    headrank_asked_free(&asked);
    return tool_end(&headrank_tool, now.context, tool_status(going, now.failed), NULL);
}
