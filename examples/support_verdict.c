/* support_verdict.c - which curve is the loss, and what the library says about it. */
#include "support_verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_json.h"
#include "support_text.h"

static int fail(measure_error *error, const char *text)
{
    error->status = NECK_E_ARGUMENT;
    snprintf(error->text, sizeof error->text, "%s", text);
    return 0;
}

/* ---- the curve as it is judged ---------------------------------------------------------------------------------- */

/* Some trainers write 0 for a loss that is not a number any more. Nobody's loss falls to exactly that at once. */
static void strike_zeros(curve *out)
{
    int64_t end = out->count;
    while (end > 0 && out->values[end - 1] == 0) end--;
    if (end == 0 || out->count - end < 3 || !(fabs(out->values[end - 1]) > 0.1)) return;
    for (int64_t i = end; i < out->count; i++) out->values[i] = NAN;
}

static int copy_judged(const curve *from, int32_t kind, curve *out, measure_error *error)
{
    size_t count = (size_t)from->count;
    *out = (curve){.name = text_copy(from->name), .count = from->count, .room = from->count};
    out->steps = text_alloc(count * sizeof *out->steps);
    out->values = text_alloc(count * sizeof *out->values);
    out->errors = text_alloc(count * sizeof *out->errors);
    for (size_t i = 0; i < count; i++) {
        int logged = kind == VERDICT_PERPLEXITY;
        if (logged && from->values[i] <= 0)
            return fail(error, "a perplexity is not positive: is it one? (--loss says it is none)");
        if (from->steps[i] < 0) return fail(error, "a step is negative");
        out->steps[i] = from->steps[i];
        out->values[i] = logged ? log(from->values[i]) : from->values[i];
        out->errors[i] = logged ? from->errors[i] / from->values[i] : from->errors[i];
    }
    if (kind == VERDICT_NATS && strstr(from->name, "loss")) strike_zeros(out);
    return 1;
}

/* ---- the verdict ------------------------------------------------------------------------------------------------ */

static neck_curve view_of(const curve *of)
{
    return (neck_curve){of->steps, of->values, of->errors, of->count};
}

/* What turns in the paper's saturated models; how far it must rise to count as turned. */
static double sign_excess(const char *name)
{
    static const struct {
        const char *ending;
        double excess;
    } signs[] = {{"singular_entropy", 0.5}, {"anisotropy", 0.3}};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t ending = strlen(signs[i].ending);
        if (length >= ending && strcmp(name + length - ending, signs[i].ending) == 0) return signs[i].excess;
    }
    return 0;
}

/* Without a loss: when it turned, and nothing else. */
static neck_status find_alone(neck_context *context, const neck_curve *rising, double excess, neck_co_occurrence *out)
{
    neck_saturation found = {.struct_size = sizeof found};
    neck_saturation_options options = {.struct_size = sizeof options, .minimum_excess = excess,
                                       .divergence_excess = 1e99, .skip_start = 1};
    neck_status status = neck_saturation_assess(context, rising, &options, &found);
    *out = (neck_co_occurrence){.first_onset = -1, .first_low = -1, .first_high = -1, .second_onset = found.onset_step,
                                .second_low = found.onset_low, .second_high = found.onset_high, .lag = NAN,
                                .lag_low = NAN, .lag_high = NAN, .correlation = NAN, .correlation_low = NAN,
                                .correlation_high = NAN, .change_correlation = NAN, .change_low = NAN,
                                .change_high = NAN};
    return status;
}

/* What a trainer logged of the head at every few steps, and what its checkpoints say of it, are one thing: the denser
 * one does. */
static int told_better(const curves *all, const curve *of)
{
    const char *dot = strchr(of->name, '.');
    const curve *logged = dot ? curves_find(all, dot + 1) : NULL;
    return logged && logged->count >= of->count;
}

static neck_status find_signs(const run *from, neck_context *context, const verdict_request *request, verdict *out)
{
    neck_curve loss = view_of(&out->judged);
    for (int64_t i = 0; i < from->curves.count && out->sign_count < VERDICT_MOST_SIGNS; i++) {
        const curve *other = &from->curves.list[i];
        double excess = sign_excess(other->name);
        if (excess == 0 || strcmp(other->name, out->judged.name) == 0 || told_better(&from->curves, other)) continue;
        neck_curve rising = view_of(other);
        verdict_sign *sign = &out->signs[out->sign_count];
        neck_co_occurrence_options options = {.struct_size = sizeof options,
                                              .first_higher_is_better = out->kind == VERDICT_SCORE,
                                              .first_minimum_excess = request->assess.minimum_excess,
                                              .second_minimum_excess = excess,
                                              .resamples = request->assess.simulations,
                                              .skip_start = 2};
        *sign = (verdict_sign){other->name, {.struct_size = sizeof sign->found}};
        neck_status status = loss.count > 0 ? neck_co_occurrence_measure(context, &loss, &rising, &options, &sign->found)
                                            : find_alone(context, &rising, excess, &sign->found);
        if (status != NECK_OK) return status;
        out->sign_count++;
    }
    return NECK_OK;
}

/* Several runs in one table look like one run that goes back all the time. */
static int one_run(const verdict *self, const run *from, measure_error *error)
{
    if (2 * self->found.repeated <= self->found.points) return 1;
    if (from->curves.fractional)
        return fail(error, "its steps are fractions, as epochs are, and most round to one already there: name a column of "
                           "whole numbers by --step");
    return fail(error, "most steps come more than once: are there several runs in it? Choose one by --where COLUMN=VALUE, "
                       "or cut the log to the run that counts");
}

/* Per cent, or a game's points: 0.01 of them is nothing, and 1 is no divergence. */
static void count_in_points(const curve *of, neck_saturation_options *assess)
{
    double most = 0;
    for (int64_t i = 0; i < of->count; i++)
        if (isfinite(of->values[i])) most = fmax(most, fabs(of->values[i]));
    if (most <= 2) return;
    if (assess->minimum_excess == 0) assess->minimum_excess = 1;
    if (assess->divergence_excess == 0) assess->divergence_excess = fmax(100, 2 * assess->minimum_excess);
}

/* Checkpoints alone tell what their heads did, but not whether the model is any worse for it. */
static int reach_without_loss(const run *from, neck_context *context, const verdict_request *request, verdict *out,
                              measure_error *error)
{
    verdict made = {.unit = "nats", .judged = {.name = text_copy("loss")},
                    .found = {.struct_size = sizeof made.found, .verdict = NECK_VERDICT_UNCLEAR,
                              .reason = NECK_REASON_FEW_POINTS, .first_step = -1, .last_step = -1, .minimum_step = -1,
                              .minimum_level = NAN, .onset_step = -1, .onset_low = -1, .onset_high = -1,
                              .excess_nats = NAN, .excess_low = NAN, .excess_high = NAN, .sustained_excess = NAN,
                              .peak_excess = NAN, .peak_step = -1, .gain = NAN, .gain_low = NAN, .gain_high = NAN,
                              .p_value = NAN, .noise = NAN, .autocorrelation = NAN}};
    neck_status status = find_signs(from, context, request, &made);
    if (status == NECK_OK) *out = made;
    else verdict_free(&made);
    return status == NECK_OK ? 1 : measure_fail(error, status, from->path);
}

int verdict_reach(const run *from, neck_context *context, const verdict_request *request, verdict *out,
                  measure_error *error)
{
    if (!request->column && from->head_count > 0 && !verdict_has_loss(from))
        return reach_without_loss(from, context, request, out, error);
    const curve *chosen = verdict_choose(from, request->column, error);
    if (!chosen) return 0;
    int32_t kind = request->kind >= 0 ? request->kind : verdict_kind_of(chosen->name);
    verdict made = {.kind = kind, .unit = kind == VERDICT_SCORE ? "score" : "nats",
                    .found = {.struct_size = sizeof made.found}};
    verdict_request asked = *request;
    asked.assess.higher_is_better = kind == VERDICT_SCORE;
    int good = copy_judged(chosen, kind, &made.judged, error);
    if (good) {
        neck_curve judged = view_of(&made.judged);
        if (kind == VERDICT_SCORE) count_in_points(&made.judged, &asked.assess);
        neck_status status = neck_saturation_assess(context, &judged, &asked.assess, &made.found);
        if (status == NECK_OK) status = find_signs(from, context, &asked, &made);
        good = status == NECK_OK ? one_run(&made, from, error) : measure_fail(error, status, chosen->name);
    }
    if (good) *out = made;
    else verdict_free(&made);
    return good;
}

void verdict_free(verdict *self)
{
    free(self->judged.name);
    free(self->judged.steps);
    free(self->judged.values);
    free(self->judged.errors);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void put_step(json_t *object, const char *name, int64_t step)
{
    json_put(object, name, step < 0 ? json_null() : json_integer(step));
}

static void put_steps(json_t *object, const char *name, int64_t low, int64_t high)
{
    json_put(object, name, low < 0 ? json_null() : json_pack("[I,I]", (json_int_t)low, (json_int_t)high));
}

static void put_interval(json_t *object, const char *name, double low, double high)
{
    if (isnan(low)) json_put(object, name, json_null());
    else json_put_numbers(object, name, (double[]){low, high}, 2);
}

static json_t *sign_json(const verdict_sign *sign)
{
    const neck_co_occurrence *found = &sign->found;
    json_t *object = json_object();
    json_put_text(object, "curve", sign->name);
    put_step(object, "onset_step", found->second_onset);
    put_steps(object, "onset_step_interval", found->second_low, found->second_high);
    json_put_number(object, "lag_steps", found->lag);
    put_interval(object, "lag_steps_interval", found->lag_low, found->lag_high);
    json_put_integer(object, "common_levels", found->common);
    json_put_number(object, "rank_correlation", found->correlation);
    put_interval(object, "rank_correlation_interval", found->correlation_low, found->correlation_high);
    json_put_number(object, "rank_correlation_of_changes", found->change_correlation);
    put_interval(object, "rank_correlation_of_changes_interval", found->change_low, found->change_high);
    return object;
}

const char *verdict_reason(const verdict *self)
{
    const char *reason = neck_verdict_reason_text(self->found.reason);
    if (self->judged.count == 0) return "no loss was logged or measured";
    return *reason ? reason : NULL;
}

json_t *verdict_json(const verdict *self, const run *from)
{
    const neck_saturation *found = &self->found;
    json_t *object = json_object(), *signs = json_array();
    json_put_text(object, "path", from->path);
    json_put_text(object, "curve", self->judged.name);
    json_put_text(object, "unit", self->unit);
    json_put_text(object, "verdict", neck_verdict_name(found->verdict));
    json_put_text(object, "reason", verdict_reason(self));
    put_step(object, "onset_step", found->onset_step);
    put_steps(object, "onset_step_interval", found->onset_low, found->onset_high);
    put_step(object, "minimum_step", found->minimum_step);
    json_put_number(object, "minimum_level", found->minimum_level);
    json_put_number(object, "excess_nats", found->excess_nats);
    put_interval(object, "excess_nats_interval", found->excess_low, found->excess_high);
    json_put_number(object, "sustained_excess", found->sustained_excess);
    json_put_number(object, "peak_excess", found->peak_excess);
    put_step(object, "peak_step", found->peak_step);
    json_put_number(object, "gain", found->gain);
    put_interval(object, "gain_interval", found->gain_low, found->gain_high);
    json_put_number(object, "p_value", found->p_value);
    json_put_number(object, "noise", found->noise);
    json_put_number(object, "autocorrelation", found->autocorrelation);
    json_put_integer(object, "points", found->points);
    json_put_integer(object, "not_finite", found->not_finite);
    json_put_integer(object, "repeated", found->repeated);
    put_step(object, "first_step", found->first_step);
    put_step(object, "last_step", found->last_step);
    for (int64_t i = 0; i < self->sign_count; i++) json_array_append_new(signs, sign_json(&self->signs[i]));
    json_put(object, "co_occurs_with", signs);
    return object;
}
