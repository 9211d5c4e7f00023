/* neck-hidden-size - how wide a model is, from its logits. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <getopt.h>

#include <softneck.h>
#include <softneck/hidden_size.h>

#include "support_args.h"
#include "support_json.h"
#include "support_measure.h"
#include "support_table.h"
#include "support_text.h"
#include "support_tool.h"

enum { OPT_TENSOR = 256, OPT_VALUES, OPT_JSON };

static const tool_option options[] = {
    {"tensor", OPT_TENSOR, "NAME", "the matrix of logits, where a file holds several"},
    {"values", OPT_VALUES, NULL, "with --json: all singular values too"},
    {"json", OPT_JSON, NULL, "one JSON object per file, not a table"},
    ARGS_COMMON("no progress on standard error"),
};

static const tool self = {
    .name = "neck-hidden-size",
    .summary = "How wide is the model that gave these logits? FILE holds a matrix (.npy, .npz,\n"
               "safetensors, .pt), a vector of logits or log-probabilities a row: more of them\n"
               "than the model is wide.",
    .options = options,
    .operands = "FILE...",
    .notes = "Exit status: 0 all read, 1 something failed (the rest is printed), 2 wrong usage, 130 interrupted.",
};

/* What the command line asks for, and what goes on. */
typedef struct session {
    tool_common common;
    const char *tensor;
    int values, json;
    neck_context *context;
    progress progress;
    int begun, failed;
} session;

static void take_option(session *now, int code)
{
    switch (code) {
    case OPT_TENSOR: now->tensor = optarg; break;
    case OPT_VALUES: now->values = 1; break;
    case OPT_JSON: now->json = 1; break;
    }
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

static void print_json(const session *now, const char *path, const neck_hidden_size *size, const double *values)
{
    json_t *object = json_object();
    json_put_text(object, "path", path);
    json_put_integer(object, "vectors", size->vectors);
    json_put_integer(object, "vocabulary", size->vocabulary);
    json_put(object, "determined", json_boolean(size->determined));
    json_put_integer(object, "hidden_size", size->hidden_size);
    json_put_integer(object, "alternative", size->alternative);
    json_put_integer(object, "rank", size->rank);
    json_put_number(object, "gap", size->gap);
    json_put_integer(object, "runner_up", size->runner_up);
    json_put_number(object, "runner_up_gap", size->runner_up_gap);
    json_put_integer(object, "centered_rank", size->centered_rank);
    json_put_number(object, "centered_gap", size->centered_gap);
    json_put_integer(object, "centered_runner_up", size->centered_runner_up);
    json_put_number(object, "centered_runner_up_gap", size->centered_runner_up_gap);
    if (now->values) json_put_numbers(object, "singular_values", values, size->vectors);
    json_print_line(object);
}

static void print_table(session *now, const char *path, const neck_hidden_size *size)
{
    static const table_column columns[] = {{"vectors", NULL},       {"tokens", NULL},        {"hidden size", NULL},
                                           {"or", NULL},            {"rank", NULL},          {"gap", "nats"},
                                           {"runner-up gap", "nats"}, {"centered rank", NULL}, {"centered gap", "nats"},
                                           {"file", NULL}};
    const double cells[] = {(double)size->vectors, (double)size->vocabulary, (double)size->hidden_size,
                            (double)size->alternative, (double)size->rank, size->gap, size->runner_up_gap,
                            (double)size->centered_rank, size->centered_gap};
    size_t count = sizeof columns / sizeof *columns;
    char number[32];
    if (!now->begun) table_print_head(columns, count);
    now->begun = 1;
    for (size_t i = 0; i + 1 < count; i++) {
        int unknown = !size->determined && (i == 2 || i == 3);
        table_print_cell(&columns[i], unknown ? "-" : text_number(number, cells[i], 0));
    }
    printf("  ");
    text_print(stdout, text_base_name(path));
    const char *more = size->vocabulary > size->vectors ? "vectors" : "tokens";
    if (!size->determined) printf("  (not determined: more %s?)", more);
    putchar('\n');
    fflush(stdout);
}

/* ---- the work ---------------------------------------------------------------------------------------------------- */

/* Every k-th vector. The work takes 3 N^2 doubles for N of them, and their rank is no more than there are tokens. */
static void thin_out(neck_matrix *logits, const char *path)
{
    double all = (double)logits->rows, room = sqrt((double)tool_half_of_memory() / (3 * sizeof(double)));
    double wanted = fmin(room, fmax(2.0 * (double)logits->cols, 4096));
    int64_t every = (int64_t)ceil(all / wanted);
    if (every <= 1) return;
    args_note("%s: one vector in %" PRId64 " of %" PRId64 " is taken, %s", path, every, logits->rows,
              wanted < room ? "since more tell nothing new" : "for more of them memory is short");
    if (logits->row_stride == 0) logits->row_stride = logits->cols;
    logits->rows /= every;
    logits->row_stride *= every;
}

static neck_status measure(session *now, neck_checkpoint *file, const char *path)
{
    neck_hidden_size size = {.struct_size = sizeof size};
    neck_matrix logits;
    int64_t index = 0;
    neck_status status = NECK_OK;
    if (now->tensor) status = neck_checkpoint_find(file, now->tensor, &index);
    else if (neck_checkpoint_tensor_count(file) > 1) status = neck_checkpoint_head(file, &index, NULL);
    if (status == NECK_OK) status = neck_checkpoint_matrix(now->context, file, index, &logits);
    if (status != NECK_OK) return status;
    thin_out(&logits, path);
    double *values = text_alloc((size_t)logits.rows * sizeof *values);
    status = neck_hidden_size_measure(now->context, &logits, values, &size);
    progress_clear(&now->progress);
    if (status == NECK_OK && now->json) print_json(now, path, &size, values);
    else if (status == NECK_OK) print_table(now, path, &size);
    free(values);
    return status;
}

/* 0 when the work was interrupted. */
static int one_file(session *now, const char *path)
{
    neck_checkpoint *file;
    measure_error error;
    neck_status status = neck_checkpoint_open(now->context, path, NULL, &file);
    if (status == NECK_OK) {
        status = measure(now, file, path);
        if (status != NECK_OK) measure_fail(&error, status, path);
        neck_checkpoint_destroy(file);
    } else {
        measure_fail(&error, status, path);
    }
    progress_clear(&now->progress);
    if (status == NECK_OK) return 1;
    if (status == NECK_E_CANCELLED) return 0;
    args_complain(&self, error.text);
    now->failed = 1;
    return 1;
}

int main(int argc, char **argv)
{
    session now = {0};
    for (int code; (code = args_next(&self, argc, argv, &now.common)) != -1;) take_option(&now, code);
    if (optind == argc) args_usage_error(&self, "no FILE given");
    if (now.values && !now.json) args_usage_error(&self, "--values needs --json");
    now.progress = progress_make(self.name, now.common.quiet);
    now.context = tool_begin(&self, &now.common, 0, progress_report, &now.progress);
    int going = 1;
    for (int i = optind; i < argc && going; i++) {
        progress_item(&now.progress, argv[i], i - optind, argc - optind);
        going = !interrupt_seen() && one_file(&now, argv[i]);
    }
    return tool_end(&self, now.context, tool_status(going, now.failed),
                    "interrupted: what was done by then is printed");
}
