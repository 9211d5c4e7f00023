/* neck-argmax - tokens that no hidden state can make the most probable one, one row a checkpoint. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <getopt.h>

#include <softneck.h>
#include <softneck/unargmaxable.h>

#include "support_args.h"
#include "support_argmax_report.h"
#include "support_measure.h"
#include "support_text.h"
#include "support_tool.h"

enum { OPT_BIAS = 256, OPT_TENSOR, OPT_TOKENIZER, OPT_SHOW, OPT_REFLECTIONS, OPT_NO_PROGRAM, OPT_TOLERANCE, OPT_RESUME,
        OPT_JSON };

static const tool_option options[] = {
    {"bias", OPT_BIAS, "NAME", "the head's bias: a tensor of the checkpoint, or a\nfile FILE.npy"},
    {"tensor", OPT_TENSOR, "NAME", "this matrix instead of the LM head"},
    {"tokenizer", OPT_TOKENIZER, "PATH", "its file or folder: tokens are told by their\nspelling too"},
    {"show", OPT_SHOW, "N", "below each row, the first N tokens that are not\nargmaxable (default 0; --json has all)"},
    {"reflections", OPT_REFLECTIONS, "N", "states tried for a token before its linear program\n(default 100)"},
    {"no-program", OPT_NO_PROGRAM, NULL, "no linear programs: what is left is undecided"},
    {"tolerance", OPT_TOLERANCE, "X", "how near, relatively, a row must be to a mean of\nothers to count as one (default 1e-12)"},
    {"resume", OPT_RESUME, "FILE", "keep verdicts in FILE: an interrupted run goes on\nfrom there (one checkpoint)"},
    {"json", OPT_JSON, NULL, "one JSON object per checkpoint, not a table"},
    ARGS_COMMON("no progress on standard error"),
};

static const tool self = {
    .name = "neck-argmax",
    .summary = "Which tokens of a head can no hidden state make the most probable? One row a head.\n"
               "PATH is a checkpoint, a model folder or a folder of checkpoints, as for\n"
               "neck-spectrum.",
    .options = options,
    .operands = "PATH...",
    .notes = "Exit status: 0 all read, 1 something failed (the rest is printed), 2 wrong usage, 130 interrupted.",
};

/* What the command line asks for. */
typedef struct settings {
    tool_common common;
    neck_argmax_options search;
    argmax_report report;
    const char *bias, *tensor, *tokenizer;
} settings;

/* What goes on while the paths are worked through. */
typedef struct session {
    settings *asked;
    neck_context *context;
    progress progress;
    int failed;
} session;

/* ---- the command line -------------------------------------------------------------------------------------------- */

static void take_option(settings *asked, int code)
{
    switch (code) {
    case OPT_BIAS: asked->bias = optarg; break;
    case OPT_TENSOR: asked->tensor = optarg; break;
    case OPT_TOKENIZER: asked->tokenizer = optarg; break;
    case OPT_SHOW: asked->report.show = args_integer(&self, "show", optarg, 0, INT64_MAX); break;
    case OPT_REFLECTIONS:
        asked->search.reflections = (int32_t)args_integer(&self, "reflections", optarg, 1, INT32_MAX);
        break;
    case OPT_NO_PROGRAM: asked->search.skip_program = 1; break;
    case OPT_TOLERANCE: asked->search.tolerance = args_real(&self, "tolerance", optarg, 0, 0.5); break;
    case OPT_RESUME: asked->search.resume = optarg; break;
    case OPT_JSON: asked->report.json = 1; break;
    }
}

/* ---- the work ---------------------------------------------------------------------------------------------------- */

static int ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* The bias as numbers (release with free), or NULL and *error. */
static double *load_bias(session *now, neck_checkpoint *checkpoint, const char *name, int64_t rows,
                         measure_error *error)
{
    double *bias = NULL;
    int64_t count = 0;
    if (ends_with(name, ".npy")) {
        bias = measure_weights(now->context, name, &count, error);
        if (!bias) return NULL;
    } else {
        int64_t index;
        neck_matrix vector;
        neck_status status = neck_checkpoint_find(checkpoint, name, &index);
        if (status == NECK_OK) status = neck_checkpoint_matrix(now->context, checkpoint, index, &vector);
        if (status == NECK_OK) {
            count = vector.rows * vector.cols;
            bias = text_alloc((size_t)count * sizeof *bias);
            status = neck_matrix_to_f64(now->context, &vector, bias);
        }
        if (status != NECK_OK) measure_fail(error, status, neck_checkpoint_path(checkpoint));
        if (status != NECK_OK) free(bias);
        if (status != NECK_OK) return NULL;
    }
    if (count == rows) return bias;
    error->status = NECK_E_ARGUMENT;
    snprintf(error->text, sizeof error->text, "%s: %" PRId64 " biases for a head of %" PRId64 " tokens", name, count,
             rows);
    free(bias);
    return NULL;
}

static int work_on(session *now, neck_checkpoint *checkpoint, int64_t step, measure_error *error)
{
    const settings *asked = now->asked;
    const char *path = neck_checkpoint_path(checkpoint);
    argmax_row row = {.path = path, .step = step};
    neck_argmax_options search = asked->search;
    neck_tensor tensor = {.struct_size = sizeof tensor};
    int64_t index;
    double *bias = NULL;
    neck_status status = asked->tensor ? neck_checkpoint_find(checkpoint, asked->tensor, &index)
                                       : neck_checkpoint_head(checkpoint, &index, NULL);
    if (status == NECK_OK) status = neck_checkpoint_tensor(checkpoint, index, &tensor);
    if (status == NECK_OK) status = neck_checkpoint_matrix(now->context, checkpoint, index, &row.head);
    if (status != NECK_OK) return measure_fail(error, status, path);
    row.tensor = tensor.name;
    if (asked->report.tokenizer)
        measure_compare_tokens(neck_tokenizer_vocab_size(asked->report.tokenizer), row.head.rows);
    if (asked->bias && !(bias = load_bias(now, checkpoint, asked->bias, row.head.rows, error))) return 0;
    search.bias = bias;
    status = neck_argmax_compute(now->context, &row.head, &search, &row.argmax);
    free(bias);
    if (status != NECK_OK) return measure_fail(error, status, path);
    progress_clear(&now->progress);
    argmax_report_row(&now->asked->report, &row);
    neck_argmax_destroy(row.argmax);
    return 1;
}

/* 0 when the work was interrupted. */
static int one_checkpoint(session *now, const char *path, int64_t step)
{
    neck_checkpoint *checkpoint;
    measure_error error;
    int good;
    neck_status status = neck_checkpoint_open(now->context, path, NULL, &checkpoint);
    if (status == NECK_OK) {
        good = work_on(now, checkpoint, step, &error);
        neck_checkpoint_destroy(checkpoint);
    } else {
        good = measure_fail(&error, status, path);
    }
    progress_clear(&now->progress);
    if (good) return 1;
    if (error.status == NECK_E_CANCELLED) return 0;
    args_complain(&self, error.text);
    now->failed = 1;
    return 1;
}

/* 0 when the work was interrupted. */
static int one_path(session *now, const char *path, int alone)
{
    neck_series *series = tool_series(&self, now->context, path);
    now->failed |= !series;
    if (!series) return 1;
    int64_t count = neck_series_count(series);
    if (now->asked->search.resume && (!alone || count > 1))
        args_usage_error(&self, "--resume is for one checkpoint: the file holds the verdicts on one head");
    int going = 1;
    for (int64_t i = 0; i < count && going; i++) {
        const char *entry = neck_series_path(series, i);
        progress_item(&now->progress, entry, i, count);
        going = !interrupt_seen() && one_checkpoint(now, entry, neck_series_step(series, i));
    }
    neck_series_destroy(series);
    return going;
}

static void open_tokenizer(session *now)
{
    measure_error error;
    if (!now->asked->tokenizer) return;
    neck_status status = neck_tokenizer_open(now->context, now->asked->tokenizer, NULL, &now->asked->report.tokenizer);
    if (status == NECK_OK) return;
    measure_fail(&error, status, now->asked->tokenizer);
    args_complain(&self, error.text);
    exit(TOOL_FAILED);
}

int main(int argc, char **argv)
{
    settings asked = {.search.struct_size = sizeof asked.search};
    for (int code; (code = args_next(&self, argc, argv, &asked.common)) != -1;) take_option(&asked, code);
    if (optind == argc) args_usage_error(&self, "no PATH given");

    session now = {.asked = &asked, .progress = progress_make(self.name, asked.common.quiet)};
    now.context = tool_begin(&self, &asked.common, 0, progress_report, &now.progress);
    open_tokenizer(&now);
    int going = 1;
    for (int i = optind; i < argc && going; i++) going = one_path(&now, argv[i], argc - optind == 1);
    neck_tokenizer_destroy(asked.report.tokenizer);
    return tool_end(&self, now.context, tool_status(going, now.failed),
                    asked.search.resume ? "interrupted: what was found by then is in the file of --resume"
                                        : "interrupted: what was done by then is printed");
}
