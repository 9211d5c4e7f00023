/* neck-layers - language models over text: loss, perplexity, and the geometry of every layer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <getopt.h>

#include "support_args.h"
#include "support_gnuplot.h"
#include "support_layer_figures.h"
#include "support_layer_report.h"
#include "support_ranks.h"
#include "support_text.h"
#include "support_tool.h"

enum { OPT_TEXT = 256, OPT_TOKENIZER, OPT_CONTEXT, OPT_STRIDE, OPT_MAX_TOKENS, OPT_VARIANT, OPT_SAMPLE, OPT_DUMP,
        OPT_JSON, OPT_PLOT };

static const tool_option options[] = {
    {"text", OPT_TEXT, "FILE",
     "text to predict; may be given several times. A\nfile is one document; one named *.jsonl holds one\na line, in "
     "its \"text\""},
    {"tokenizer", OPT_TOKENIZER, "PATH", "its file or folder (default: beside the model)"},
    {"context", OPT_CONTEXT, "N", "tokens the model sees at once (default: what it\nwas trained for, at most 2048)"},
    {"stride", OPT_STRIDE, "N",
     "tokens from the start of one context to that of\nthe next; each token is predicted once (default:\nthe context)"},
    {"max-tokens", OPT_MAX_TOKENS, "N", "predict no more than these of each model"},
    {"variant", OPT_VARIANT, "NAME", "spectra of states as they are (raw, default) or\nminus their mean (centered)"},
    {"sample", OPT_SAMPLE, "N", "states kept of each layer for the centred\nanisotropy (default 1024)"},
    {"dump-states", OPT_DUMP, "FILE",
     "write the states after the final norm and the\ntokens they predict (safetensors: states,\ntargets); "
     "for one model"},
    {"json", OPT_JSON, NULL, "one JSON object per model, not tables"},
    {"plot", OPT_PLOT, "FILE",
     "draw into FILE.svg or FILE.png: anisotropy against\ndepth, a line a model; of checkpoints also loss\nagainst "
     "training step into FILE-loss.svg or .png"},
    ARGS_COMMON("no progress on standard error"),
};

static const tool self = {
    .name = "neck-layers",
    .summary = "Language models over text: loss, perplexity, and the geometry of every layer.\n"
               "MODEL is a model folder (config.json beside the weights), a GGUF or llama2.c\n"
               "file, or a folder of such checkpoints, taken in order of step.",
    .options = options,
    .operands = "MODEL... --text FILE...",
    .notes = "Exit status: 0 all evaluated, 1 something failed (the rest is printed),\n"
             "2 wrong usage, 130 interrupted (what was measured by then is printed).",
    .ranks = 1,
};

/* What the command line asks for. */
typedef struct settings {
    tool_common common;
    evaluate_request request;
    const char **texts; /* files */
    int text_count;
    const char *plot;
    int json;
} settings;

/* What goes on while the models are worked through. */
typedef struct session {
    settings *asked;
    neck_context *context;
    progress progress;
    evaluate_progress track;
    corpus text;
    evaluated_series *series; /* what figures are drawn from: all models, kept only when there is a figure to draw */
    int64_t series_count;
    int printed;
    int failed;
} session;

/* ---- the command line ------------------------------------------------------------------------------------------- */

static int32_t variant_of(const char *name)
{
    if (strcmp(name, "raw") == 0) return NECK_VARIANT_RAW;
    if (strcmp(name, "centered") == 0 || strcmp(name, "centred") == 0) return NECK_VARIANT_CENTERED;
    args_usage_error(&self, "--variant is '%s': it must be raw or centered", name);
}

static void take_option(settings *asked, int code)
{
    evaluate_request *request = &asked->request;
    switch (code) {
    case OPT_TEXT: asked->texts[asked->text_count++] = optarg; break;
    case OPT_TOKENIZER: request->tokenizer = optarg; break;
    case OPT_CONTEXT:
        request->evaluation.context_length = args_integer(&self, "context", optarg, 1, INT32_MAX);
        break;
    case OPT_STRIDE: request->evaluation.stride = args_integer(&self, "stride", optarg, 1, INT32_MAX); break;
    case OPT_MAX_TOKENS: request->max_tokens = args_integer(&self, "max-tokens", optarg, 1, INT64_MAX); break;
    case OPT_VARIANT: request->variant = variant_of(optarg); break;
    case OPT_SAMPLE: request->evaluation.sample_rows = args_integer(&self, "sample", optarg, 2, INT32_MAX); break;
    case OPT_DUMP: request->dump = optarg; break;
    case OPT_JSON: asked->json = 1; break;
    case OPT_PLOT: asked->plot = optarg; break;
    }
}

/* Options that make sense only together. */
static void check_settings(const settings *asked, int models)
{
    const neck_evaluation_options *windows = &asked->request.evaluation;
    if (models == 0) args_usage_error(&self, "no MODEL given");
    if (asked->request.dump && models > 1) args_usage_error(&self, "--dump-states takes one MODEL");
    if (asked->text_count == 0) args_usage_error(&self, "no --text FILE given");
    if (windows->context_length > 0 && windows->stride > windows->context_length)
        args_usage_error(&self, "--stride %" PRId64 " is longer than --context %" PRId64, windows->stride,
                         windows->context_length);
    figure_check(&self, asked->plot);
}

/* ---- the work --------------------------------------------------------------------------------------------------- */

/* A file may be missing on one rank alone. */
static int read_texts(session *now)
{
    measure_error error = {NECK_E_ARGUMENT, "the text is empty"};
    int good = 1;
    for (int i = 0; i < now->asked->text_count && good; i++)
        good = corpus_add(&now->text, now->asked->texts[i], error.text);
    good = measure_agree(good && now->text.bytes > 0, &error);
    if (!good) args_complain(&self, error.text);
    now->failed |= !good;
    return good;
}

/* 0 when the work was interrupted. */
static int one_model(session *now, evaluated_series *into, const char *path, int64_t step)
{
    evaluated model;
    measure_error error;
    const settings *asked = now->asked;
    int good = evaluate_model(now->context, &now->track, path, step, &now->text, &asked->request, &model, &error);
    progress_clear(&now->progress);
    if (!good && error.status == NECK_E_CANCELLED) return 0;
    if (!good) args_complain(&self, error.text);
    now->failed |= !good;
    if (!good) return 1;
    if (asked->json) layer_report_json(&model, asked->request.variant);
    else layer_report_table(&model, asked->request.variant, !now->printed);
    now->printed = 1;
    int whole = model.loss.tokens == model.wanted;
    if (asked->plot && ranks_rank() == 0) into->models[into->count++] = model;
    else evaluated_free(&model);
    return whole;
}

/* 0 when the work was interrupted. */
static int one_path(session *now, const char *path)
{
    neck_series *series = tool_series(&self, now->context, path);
    now->failed |= !series;
    if (!series) return 1;
    int64_t count = neck_series_count(series);
    if (now->asked->request.dump && count > 1)
        args_usage_error(&self, "--dump-states takes one model: there are %" PRId64 " in '%s'", count, path);
    evaluated_series *into = &now->series[now->series_count++];
    into->name = text_path_name(path);
    into->models = text_alloc((size_t)count * sizeof *into->models);
    int going = 1;
    for (int64_t i = 0; i < count && going; i++) {
        const char *entry = neck_series_path(series, i);
        progress_item(&now->progress, entry, i, count);
        going = !ranks_any(interrupt_seen());
        if (going) going = one_model(now, into, entry, neck_series_step(series, i));
    }
    neck_series_destroy(series);
    return going;
}

static void tell_figure(session *now, int drawn, const char *file, const char *error)
{
    now->failed |= !tool_tell_file(&self, &now->asked->common, drawn, file, error);
}

static void draw(session *now)
{
    char error[512];
    int64_t models = 0;
    const char *plot = now->asked->plot;
    for (int64_t i = 0; i < now->series_count; i++) models += now->series[i].count;
    if (models == 0) return;
    int drawn = layer_figures_depth(now->series, now->series_count, plot, error);
    tell_figure(now, drawn, plot, error);
    if (!drawn || !layer_figures_have_steps(now->series, now->series_count)) return;
    char *file = figure_beside(plot, "-loss");
    drawn = layer_figures_loss(now->series, now->series_count, file, error);
    tell_figure(now, drawn, file, error);
    free(file);
}

static void finish(session *now)
{
    for (int64_t i = 0; i < now->series_count; i++) {
        evaluated_series *series = &now->series[i];
        for (int64_t j = 0; j < series->count; j++) evaluated_free(&series->models[j]);
        free(series->models);
        free(series->name);
    }
    free(now->series);
    corpus_free(&now->text);
    free(now->asked->texts);
}

int main(int argc, char **argv)
{
    settings asked = {.request.evaluation = {.struct_size = sizeof asked.request.evaluation, .watch_layers = 1}};
    asked.texts = text_alloc((size_t)argc * sizeof *asked.texts);
    for (int code; (code = args_next(&self, argc, argv, &asked.common)) != -1;) take_option(&asked, code);
    check_settings(&asked, argc - optind);

    session now = {.asked = &asked, .progress = progress_make(self.name, asked.common.quiet)};
    now.track.shown = &now.progress;
    now.context = tool_begin(&self, &asked.common, 0, evaluate_report, &now.track);
    now.series = text_alloc((size_t)(argc - optind) * sizeof *now.series);
    int going = 1;
    if (!read_texts(&now)) optind = argc;
    for (int i = optind; i < argc && going; i++) going = one_path(&now, argv[i]);
    if (going && asked.plot) draw(&now);
    finish(&now);
    return tool_end(&self, now.context, tool_status(going, now.failed),
                    "interrupted: what was done by then is printed");
}
