/* support_task.c - lambada, multiple-choice and rolling. */
#include "support_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support_text.h"

/* ---- means ------------------------------------------------------------------------------------------------------ */

/* Welford's update. */
static void add(tally *to, double value)
{
    double deviation = value - to->mean;
    to->count++;
    to->mean += deviation / (double)to->count;
    to->squares += deviation * (value - to->mean);
}

/* Of the mean, from the sample standard deviation. */
static double standard_error(const tally *of)
{
    double n = (double)of->count;
    return n > 1 ? sqrt(of->squares / (n - 1) / n) : NAN;
}

static task_value mean_value(const char *name, const tally *of)
{
    return (task_value){name, of->mean, standard_error(of)};
}

/* ---- text of an item -------------------------------------------------------------------------------------------- */

typedef struct span {
    const char *text;
    size_t size;
} span;

static int get(const json_t *item, const char *name, span *out)
{
    const json_t *text = json_object_get(item, name);
    if (!json_is_string(text)) return 0;
    *out = (span){json_string_value(text), json_string_length(text)};
    return 1;
}

static neck_status likelihood(const task_subject *subject, span prefix, span continuation, neck_likelihood *out)
{
    *out = (neck_likelihood){.struct_size = sizeof *out};
    return neck_continuation_likelihood(subject->context, subject->model, subject->tokenizer, prefix.text,
                                        (int64_t)prefix.size, continuation.text, (int64_t)continuation.size, out);
}

/* " text", which is how a continuation follows what was said before. */
static neck_status likelihood_after_space(const task_subject *subject, span prefix, span rest, neck_likelihood *out)
{
    char *spaced = text_alloc(rest.size + 1);
    spaced[0] = ' ';
    memcpy(spaced + 1, rest.text, rest.size);
    neck_status status = likelihood(subject, prefix, (span){spaced, rest.size + 1}, out);
    free(spaced);
    return status;
}

static double characters(span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += ((unsigned char)text.text[i] & 0xc0) != 0x80;
    return (double)count;
}

/* ---- lambada: the last word ------------------------------------------------------------------------------------- */

static neck_status lambada_item(const task_subject *subject, const json_t *item, task_score *score)
{
    span text;
    neck_likelihood found;
    if (!get(item, "text", &text)) return NECK_E_FORMAT;
    size_t start = text.size;
    while (start > 0 && text.text[start - 1] != ' ') start--;
    span prefix = {text.text, start > 0 ? start - 1 : 0}, word = {text.text + start, text.size - start};
    neck_status status = likelihood_after_space(subject, prefix, word, &found);
    if (status != NECK_OK) return status;
    add(&score->log_likelihood, found.log_likelihood);
    add(&score->acc, (double)found.greedy);
    return NECK_OK;
}

/* The perplexity's standard error is that of the mean log-likelihood, carried over to first order. */
static int lambada_values(const task_score *score, task_value out[TASK_MOST_VALUES])
{
    double perplexity = exp(-score->log_likelihood.mean);
    out[0] = (task_value){"perplexity", perplexity, perplexity * standard_error(&score->log_likelihood)};
    out[1] = mean_value("acc", &score->acc);
    return 2;
}

/* ---- multiple-choice -------------------------------------------------------------------------------------------- */

/* Of equal ones the first wins. */
static neck_status choice_item(const task_subject *subject, const json_t *item, task_score *score)
{
    span query, text;
    size_t i, best = 0, best_norm = 0;
    json_t *choice;
    double most = -INFINITY, most_norm = -INFINITY;
    const json_t *choices = json_object_get(item, "choices"), *gold = json_object_get(item, "gold");
    json_int_t right = json_integer_value(gold);
    if (!get(item, "query", &query) || !json_is_array(choices) || !json_is_integer(gold)) return NECK_E_FORMAT;
    if (right < 0 || (size_t)right >= json_array_size(choices)) return NECK_E_FORMAT;
    json_array_foreach(choices, i, choice) {
        neck_likelihood found;
        if (!json_is_string(choice) || json_string_length(choice) == 0) return NECK_E_FORMAT;
        text = (span){json_string_value(choice), json_string_length(choice)};
        neck_status status = likelihood_after_space(subject, query, text, &found);
        if (status != NECK_OK) return status;
        double norm = found.log_likelihood / characters(text);
        if (found.log_likelihood > most) most = found.log_likelihood, best = i;
        if (norm > most_norm) most_norm = norm, best_norm = i;
    }
    add(&score->acc, best == (size_t)right);
    add(&score->acc_norm, best_norm == (size_t)right);
    return NECK_OK;
}

static int choice_values(const task_score *score, task_value out[TASK_MOST_VALUES])
{
    out[0] = mean_value("acc", &score->acc);
    out[1] = mean_value("acc_norm", &score->acc_norm);
    return 2;
}

/* ---- rolling: whole texts --------------------------------------------------------------------------------------- */

static neck_status rolling_item(const task_subject *subject, const json_t *item, task_score *score)
{
    span text;
    if (!get(item, "text", &text)) return NECK_E_FORMAT;
    if (!score->rolling) {
        neck_evaluation_options options = {.struct_size = sizeof options,
                                           .context_length = neck_model_context_length(subject->model),
                                           .reach_back = 1};
        neck_status status = neck_evaluation_create(subject->context, subject->model, &options, &score->rolling);
        if (status != NECK_OK) return status;
    }
    return neck_evaluation_push_text(subject->context, score->rolling, subject->tokenizer, text.text,
                                     (int64_t)text.size);
}

static int rolling_values(const task_score *score, task_value out[TASK_MOST_VALUES])
{
    neck_text_loss loss = {.struct_size = sizeof loss};
    if (!score->rolling || neck_evaluation_loss(score->rolling, &loss) != NECK_OK) return 0;
    out[0] = (task_value){"word_perplexity", loss.word_perplexity, NAN};
    out[1] = (task_value){"byte_perplexity", loss.byte_perplexity, NAN};
    out[2] = (task_value){"bits_per_byte", loss.bits_per_byte, NAN};
    out[3] = (task_value){"loss", loss.loss, loss.standard_error};
    return 4;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static const task tasks[] = {
    {"lambada", "a string \"text\"", lambada_item, lambada_values},
    {"multiple-choice",
     "strings \"query\" and \"choices\" (none empty), and \"gold\", the number of the right one from 0", choice_item,
     choice_values},
    {"rolling", "a string \"text\"", rolling_item, rolling_values},
};

const task *task_find(const char *name)
{
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (strcmp(tasks[i].name, name) == 0) return &tasks[i];
    return NULL;
}

void task_score_free(task_score *score)
{
    neck_evaluation_destroy(score->rolling);
}
