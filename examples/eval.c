/* neck-eval - language models on tasks: log-likelihoods by the conventions of LM Evaluation Harness. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <getopt.h>

#include "support_args.h"
#include "support_evaluate.h"
#include "support_json.h"
#include "support_table.h"
#include "support_task.h"
#include "support_text.h"
#include "support_tool.h"

enum { OPT_TASK = 256, OPT_TOKENIZER, OPT_LIMIT, OPT_JSON };

static const tool_option options[] = {
    {"task", OPT_TASK, "NAME",
     "lambada: the last word of {\"text\"};\nmultiple-choice: {\"query\", \"choices\", \"gold\"};\nrolling: all of "
     "{\"text\"}"},
    {"tokenizer", OPT_TOKENIZER, "PATH", "its file or folder (default: beside the model)"},
    {"limit", OPT_LIMIT, "N", "only the first N items"},
    {"json", OPT_JSON, NULL, "one JSON object per model, not a table"},
    ARGS_COMMON("no progress on standard error"),
};

static const tool self = {
    .name = "neck-eval",
    .summary = "Language models on a task, one row a model. FILE holds one JSON object a line.\n"
               "MODEL is a model folder (config.json beside the weights), a GGUF or llama2.c\n"
               "file, or a folder of such checkpoints, taken in order of step.",
    .options = options,
    .operands = "MODEL... --task NAME FILE",
    .notes = "Exit status: 0 all evaluated, 1 something failed (the rest is printed),\n"
             "2 wrong usage, 130 interrupted (what was scored by then is printed).",
};

/* What the command line asks for. */
typedef struct settings {
    tool_common common;
    const task *task;
    const char *tokenizer;
    json_t *items;
    size_t limit;
    int json;
} settings;

/* What goes on while the models are worked through. */
typedef struct session {
    settings *asked;
    neck_context *context;
    progress progress;
    int printed;
    int failed;
} session;

/* ---- the command line ------------------------------------------------------------------------------------------- */

static const task *task_named(const char *name)
{
    const task *found = task_find(name);
    if (!found) args_usage_error(&self, "--task is '%s': it must be lambada, multiple-choice or rolling", name);
    return found;
}

static void take_option(settings *asked, int code)
{
    switch (code) {
    case OPT_TASK: asked->task = task_named(optarg); break;
    case OPT_TOKENIZER: asked->tokenizer = optarg; break;
    case OPT_LIMIT: asked->limit = (size_t)args_integer(&self, "limit", optarg, 1, INT64_MAX); break;
    case OPT_JSON: asked->json = 1; break;
    }
}

static void load_items(settings *asked, const char *path)
{
    char error[CORPUS_ERROR_SIZE];
    asked->items = corpus_items(path, error);
    if (!asked->items) args_complain(&self, error);
    else if (json_array_size(asked->items) == 0) args_complain(&self, "there are no items");
    else return;
    exit(TOOL_FAILED);
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

static void print_json(const session *now, const char *path, int64_t step, size_t items, const task_value *values,
                       int count)
{
    char name[64];
    json_t *object = json_object();
    json_put_text(object, "path", path);
    json_put(object, "step", step < 0 ? json_null() : json_integer(step));
    json_put_text(object, "task", now->asked->task->name);
    json_put_integer(object, "items", (int64_t)items);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s_stderr", values[i].name);
        json_put_number(object, values[i].name, values[i].value);
        json_put_number(object, name, values[i].standard_error);
    }
    json_print_line(object);
}

static void print_table(session *now, const char *path, int64_t step, size_t items, const task_value *values, int count)
{
    table_column columns[2 * TASK_MOST_VALUES + 3] = {{"step", NULL}, {"items", NULL}};
    size_t used = 2;
    char number[32] = "-";
    for (int i = 0; i < count; i++) {
        columns[used++] = (table_column){values[i].name, NULL};
        if (!isnan(values[i].standard_error)) columns[used++] = (table_column){"standard error", NULL};
    }
    columns[used++] = (table_column){"model", NULL};
    if (!now->printed) table_print_head(columns, used);
    if (step >= 0) snprintf(number, sizeof number, "%" PRId64, step);
    table_print_cell(&columns[0], number);
    table_print_cell(&columns[1], text_number(number, (double)items, 0));
    used = 2;
    for (int i = 0; i < count; i++) {
        table_print_cell(&columns[used++], text_number(number, values[i].value, 0));
        if (!isnan(values[i].standard_error))
            table_print_cell(&columns[used++], text_number(number, values[i].standard_error, 0));
    }
    printf("  ");
    text_print(stdout, text_base_name(path));
    putchar('\n');
    fflush(stdout);
}

/* ---- the work --------------------------------------------------------------------------------------------------- */

static int32_t stop_when_interrupted(void *user, const neck_progress *told)
{
    (void)user;
    (void)told;
    return interrupt_seen();
}

/* How many items were scored; an item that cannot be ends the model's turn with error. */
static size_t score_items(session *now, const char *path, const task_subject *subject, task_score *score,
                          measure_error *error)
{
    const settings *asked = now->asked;
    size_t all = json_array_size(asked->items), done = 0;
    if (asked->limit && asked->limit < all) all = asked->limit;
    error->status = NECK_OK;
    for (; done < all && !interrupt_seen(); done++) {
        neck_progress told = {sizeof told, asked->task->name, "items", (int64_t)done, (int64_t)all};
        progress_report(&now->progress, &told);
        neck_status status = asked->task->item(subject, json_array_get(asked->items, done), score);
        if (status == NECK_OK) continue;
        error->status = status;
        int missing = status == NECK_E_FORMAT;
        snprintf(error->text, sizeof error->text, "%s: item %zu: %s%s", path, done + 1,
                 missing ? "it needs " : neck_last_error(), missing ? asked->task->needs : "");
        break;
    }
    progress_clear(&now->progress);
    return done;
}

static void report(session *now, const char *path, int64_t step, size_t items, const task_score *score)
{
    task_value values[TASK_MOST_VALUES];
    int count = items > 0 ? now->asked->task->values(score, values) : 0;
    if (count == 0) return;
    if (now->asked->json) print_json(now, path, step, items, values, count);
    else print_table(now, path, step, items, values, count);
    now->printed = 1;
}

static int open_subject(session *now, const char *path, task_subject *out, measure_error *error)
{
    *out = (task_subject){.context = now->context};
    neck_status status = neck_model_open(now->context, path, NULL, &out->model);
    if (status != NECK_OK) return measure_fail(error, status, path);
    out->tokenizer = evaluate_tokenizer(now->context, now->asked->tokenizer, path, error);
    if (out->tokenizer) {
        measure_compare_tokens(neck_tokenizer_vocab_size(out->tokenizer), neck_model_vocabulary(out->model));
        return 1;
    }
    neck_model_destroy(out->model);
    return 0;
}

static void one_model(session *now, const char *path, int64_t step)
{
    task_subject subject;
    task_score score = {.rolling = NULL};
    measure_error error;
    int opened = open_subject(now, path, &subject, &error);
    if (opened) report(now, path, step, score_items(now, path, &subject, &score, &error), &score);
    if (error.status != NECK_OK && error.status != NECK_E_CANCELLED) {
        args_complain(&self, error.text);
        now->failed = 1;
    }
    if (!opened) return;
    task_score_free(&score);
    neck_model_destroy(subject.model);
    neck_tokenizer_destroy(subject.tokenizer);
}

static void one_path(session *now, const char *path)
{
    neck_series *series = tool_series(&self, now->context, path);
    now->failed |= !series;
    if (!series) return;
    int64_t count = neck_series_count(series);
    for (int64_t i = 0; i < count && !interrupt_seen(); i++) {
        const char *entry = neck_series_path(series, i);
        progress_item(&now->progress, entry, i, count);
        one_model(now, entry, neck_series_step(series, i));
    }
    neck_series_destroy(series);
}

int main(int argc, char **argv)
{
    settings asked = {.items = NULL};
    for (int code; (code = args_next(&self, argc, argv, &asked.common)) != -1;) take_option(&asked, code);
    if (argc - optind < 2) args_usage_error(&self, "MODEL and FILE are needed");
    if (!asked.task) args_usage_error(&self, "no --task given");
    load_items(&asked, argv[argc - 1]);

    session now = {.asked = &asked, .progress = progress_make(self.name, asked.common.quiet)};
    now.context = tool_begin(&self, &asked.common, 0, stop_when_interrupted, NULL);
    for (int i = optind; i < argc - 1 && !interrupt_seen(); i++) one_path(&now, argv[i]);
    json_decref(asked.items);
    return tool_end(&self, now.context, tool_status(!interrupt_seen(), now.failed),
                    "interrupted: what was scored by then is printed");
}
