/* support_run.c - a run folder: log.jsonl and its like, checkpoints, their heads and their loss on a text. */
#include "support_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support_text.h"

static char *joined(const char *folder, const char *name)
{
    size_t room = strlen(folder) + strlen(name) + 2;
    char *path = text_alloc(room);
    snprintf(path, room, "%s/%s", folder, name);
    return path;
}

static int is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static int is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static int fail(measure_error *error, neck_status status, const char *text)
{
    error->status = status;
    snprintf(error->text, sizeof error->text, "%s", text);
    return 0;
}

/* ---- logs ------------------------------------------------------------------------------------------------------- */

/* neck-train's, neck_monitor's, and that of Hugging Face's Trainer. */
static int read_folder_log(run *self, const char *folder, const run_request *request, char error[CURVES_ERROR_SIZE])
{
    static const char *const names[] = {"log.jsonl", "monitor.jsonl", "trainer_state.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = joined(folder, names[i]);
        int there = is_file(path), good = !there || curves_read(&self->curves, path, &request->curve, error);
        if (there) snprintf(self->log, sizeof self->log, "%s", names[i]);
        free(path);
        if (there || !good) return good;
    }
    return 1;
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------ */

static double metric(const measured *row, const char *name)
{
    int64_t index;
    return neck_metric_find(name, &index) == NECK_OK ? row->metrics[index].value : NAN;
}

static void take_spectrum(const measured *row, run_head *head)
{
    const double *values = neck_spectrum_values(row->spectrum);
    int64_t count = neck_spectrum_count(row->spectrum);
    head->rows = row->rows;
    head->cols = row->cols;
    head->ranks = count < RUN_RANKS ? count : RUN_RANKS;
    for (int64_t i = 0; i < head->ranks; i++) head->ratios[i] = values[0] > 0 ? values[i] / values[0] : NAN;
    head->w_error = text_alloc((size_t)(head->cols + 1) * sizeof *head->w_error);
    double tail = 0;
    for (int64_t i = count - 1; i >= 0; i--) head->w_error[i] = sqrt(tail += values[i] * values[i]);
    double whole = head->w_error[0];
    for (int64_t i = 0; i < count && whole > 0; i++) head->w_error[i] /= whole;
    head->singular_entropy = metric(row, "singular_entropy");
    head->effective_rank = metric(row, "effective_rank");
    head->top_component_share = metric(row, "top_component_share");
}

static int take_text(const run_worker *worker, const run_request *request, run_head *head, measure_error *error)
{
    evaluated model;
    head->loss = head->loss_error = head->anisotropy = NAN;
    if (!request->text) return 1;
    if (!evaluate_model(worker->context, worker->track, head->path, head->step, request->text, &request->evaluation,
                        &model, error))
        return 0;
    int whole = model.loss.tokens == model.wanted;
    head->loss = model.loss.loss;
    head->loss_error = model.loss.standard_error;
    if (model.layer_count > 0) head->anisotropy = model.layers[model.layer_count - 1].measures[LAYER_ANISOTROPY].value;
    evaluated_free(&model);
    return whole ? 1 : fail(error, NECK_E_CANCELLED, "interrupted");
}

static void head_free(run_head *head)
{
    free(head->path);
    free(head->w_error);
}

static int measure_head(const run_worker *worker, const run_request *request, const char *path, int64_t step,
                        run_head *out, measure_error *error)
{
    measure_request spectrum = {.spectrum = {.struct_size = sizeof spectrum.spectrum}};
    measured row;
    if (!measure_checkpoint(worker->context, path, step, &spectrum, &row, error)) return 0;
    *out = (run_head){.path = text_copy(path), .step = step};
    take_spectrum(&row, out);
    measured_free(&row);
    if (take_text(worker, request, out, error)) return 1;
    head_free(out);
    return 0;
}

static int known(const run *self, const char *path)
{
    for (int64_t i = 0; i < self->head_count; i++)
        if (strcmp(self->heads[i].path, path) == 0) return 1;
    return 0;
}

/* Kept in order of step. */
static void insert(run *self, const run_head *head)
{
    int64_t place = self->head_count;
    run_head *larger = text_alloc((size_t)(self->head_count + 1) * sizeof *larger);
    while (place > 0 && self->heads[place - 1].step > head->step) place--;
    if (self->heads) memcpy(larger, self->heads, (size_t)place * sizeof *larger);
    larger[place] = *head;
    if (self->heads)
        memcpy(larger + place + 1, self->heads + place, (size_t)(self->head_count - place) * sizeof *larger);
    free(self->heads);
    self->heads = larger;
    self->head_count++;
}

static int same_model(const run *self, const run_head *head, measure_error *error)
{
    const run_head *first = self->head_count ? &self->heads[0] : head;
    if (first->rows == head->rows && first->cols == head->cols) return 1;
    error->status = NECK_E_ARGUMENT;
    snprintf(error->text, sizeof error->text,
             "different models in one folder: the head of %.900s is %" PRId64 " x %" PRId64 ", that of %.900s %" PRId64 " x %" PRId64,
             text_base_name(first->path), first->rows, first->cols, text_base_name(head->path), head->rows, head->cols);
    return 0;
}

/* Checkpoints without a step in their name (best.pt, a final copy) belong nowhere on the axis. 0 ends the reading. */
static int measure_entry(run *self, const run_worker *worker, const run_request *request, const char *path,
                         int64_t step, int64_t *done, measure_error *error)
{
    run_head head;
    if (step < 0 || known(self, path)) return 1;
    if (!measure_head(worker, request, path, step, &head, error)) {
        progress_clear(worker->track->shown);
        if (error->status == NECK_E_CANCELLED) return 0;
        worker->complain(error->text);
        self->failed = 1;
        return 1;
    }
    progress_clear(worker->track->shown);
    if (!same_model(self, &head, error)) {
        head_free(&head);
        return 0;
    }
    insert(self, &head);
    ++*done;
    return 1;
}

static int measure_checkpoints(run *self, const run_worker *worker, const char *folder, const run_request *request,
                               int64_t *done, measure_error *error)
{
    neck_series *series;
    neck_status status = neck_series_open(worker->context, folder, &series);
    if (status == NECK_E_NOT_FOUND && self->curves.count > 0) return 1;
    if (status != NECK_OK) return measure_fail(error, status, folder);
    int64_t count = neck_series_count(series);
    int going = 1;
    for (int64_t i = 0; going && i < count; i++) {
        const char *path = neck_series_path(series, i);
        progress_item(worker->track->shown, path, i, count);
        going = interrupt_seen() ? fail(error, NECK_E_CANCELLED, "interrupted")
                                 : measure_entry(self, worker, request, path, neck_series_step(series, i), done, error);
    }
    /* Trainer keeps the whole log in each of its checkpoints: the last one's is the longest. */
    if (going && self->curves.count == 0 && count > 0 && is_folder(neck_series_path(series, count - 1))) {
        char said[CURVES_ERROR_SIZE];
        going = read_folder_log(self, neck_series_path(series, count - 1), request, said)
            || fail(error, NECK_E_FORMAT, said);
    }
    neck_series_destroy(series);
    return going;
}

static void add_measured(run *self)
{
    for (int64_t i = 0; i < self->head_count; i++) {
        const run_head *head = &self->heads[i];
        curves_add(&self->curves, "head.singular_entropy", head->step, head->singular_entropy, NAN);
        curves_add(&self->curves, "head.effective_rank", head->step, head->effective_rank, NAN);
        curves_add(&self->curves, "head.top_component_share", head->step, head->top_component_share, NAN);
        if (isnan(head->loss)) continue;
        curves_add(&self->curves, "text.loss", head->step, head->loss, head->loss_error);
        curves_add(&self->curves, "text.anisotropy", head->step, head->anisotropy, NAN);
    }
}

static int read_folder(run *self, const run_worker *worker, const run_request *request, int64_t *done,
                       measure_error *error)
{
    char said[CURVES_ERROR_SIZE];
    if (!read_folder_log(self, self->path, request, said)) return fail(error, NECK_E_FORMAT, said);
    char *inner = joined(self->path, "checkpoints");
    int good = measure_checkpoints(self, worker, is_folder(inner) ? inner : self->path, request, done, error);
    free(inner);
    if (good) add_measured(self);
    return good;
}

int run_read(run *self, const run_worker *worker, const char *path, const run_request *request, int64_t *done,
             measure_error *error)
{
    char said[CURVES_ERROR_SIZE];
    curves_free(&self->curves);
    self->path = path;
    self->is_folder = is_folder(path);
    self->failed = 0;
    *done = 0;
    if (self->is_folder) return read_folder(self, worker, request, done, error);
    if (request->text) return fail(error, NECK_E_ARGUMENT, "--text needs a folder of checkpoints");
    return curves_read(&self->curves, path, &request->curve, said) || fail(error, NECK_E_FORMAT, said);
}

void run_free(run *self)
{
    curves_free(&self->curves);
    for (int64_t i = 0; i < self->head_count; i++) head_free(&self->heads[i]);
    free(self->heads);
}
