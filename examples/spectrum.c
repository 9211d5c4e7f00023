/* neck-spectrum - singular spectra and rank metrics of language-model heads in checkpoints, one row per checkpoint. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support_args.h"
#include "support_counts.h"
#include "support_figures.h"
#include "support_gnuplot.h"
#include "support_measure.h"
#include "support_progress.h"
#include "support_report.h"
#include "support_text.h"

enum { OPT_JSON = 256, OPT_VALUES, OPT_TENSOR, OPT_VARIANT, OPT_ROW_WEIGHTS, OPT_FREQUENCY, OPT_TOKENIZER, OPT_TOP,
       OPT_METRIC, OPT_METHOD, OPT_TOLERANCE, OPT_PLOT, OPT_LIST, OPT_THREADS, OPT_QUIET, OPT_VERSION };

static const tool_option options[] = {
    {"json", OPT_JSON, NULL, "one JSON object per checkpoint, not a table"},
    {"metric", OPT_METRIC, "NAME,...",
     "show these metrics (names below); otherwise a\ntelling few in tables, all in JSON"},
    {"values", OPT_VALUES, NULL, "show every singular value with its error bound"},
    {"top", OPT_TOP, "K", "show the K largest; with --plot also: how many\nranks are drawn (default 100)"},
    {"tensor", OPT_TENSOR, "NAME", "this matrix instead of the LM head"},
    {"list", OPT_LIST, NULL, "list the tensors of each checkpoint and stop"},
    {"variant", OPT_VARIANT, "NAME",
     "raw (default), centered (minus the mean row),\nfrequency_centered (minus the weighted mean\nrow), drop_top "
     "(without the top component)"},
    {"row-weights", OPT_ROW_WEIGHTS, "FILE.npy",
     "token counts or frequencies, one per row,\nfor --variant frequency_centered"},
    {"frequency", OPT_FREQUENCY, "FILE",
     "compare the largest components (--top K, default 3)\nwith how often tokens occur in FILE: text, a token\n"
     "file, or counts as a .npy, one per row"},
    {"tokenizer", OPT_TOKENIZER, "PATH", "for --frequency of a text (default: beside the\nfirst model)"},
    {"method", OPT_METHOD, "NAME",
     "gram (fast), qr (accurate to the smallest\nvalue) or auto (default: qr where needed)"},
    {"tolerance", OPT_TOLERANCE, "X",
     "relative error of a singular value from which\nauto goes on to qr (default 1e-5; 0: never)"},
    {"plot", OPT_PLOT, "FILE",
     "draw into FILE.svg or FILE.png: singular values\nover training steps as a heat map, and singular\nentropy into "
     "FILE-entropy.svg or .png; without\ntraining steps: singular values against rank"},
    {"threads", OPT_THREADS, "N", "how many threads (default: SOFTNECK_NUM_THREADS,\nelse the CPUs at hand)"},
    {"quiet", OPT_QUIET, NULL, "no progress on standard error"},
    {"help", 'h', NULL, "this text"},
    {"version", OPT_VERSION, NULL, "version and build"},
    {NULL, 0, NULL, NULL},
};

static const tool self = {
    "neck-spectrum",
    "Singular spectra and rank metrics of language-model heads, one row a checkpoint.\n"
    "PATH is a checkpoint (safetensors, PyTorch .pt or .bin, llama2.c .bin, .gguf,\n"
    ".npy, .npz), a model folder, or a folder of checkpoints, taken in order of step.",
    options,
    "PATH...",
};

/* Compared with token frequency unless asked otherwise. */
enum { COMPONENTS = 3 };

/* What the command line asks for. */
typedef struct settings {
    measure_request request;
    report report;
    const char *row_weights;
    const char *frequency;
    const char *tokenizer;
    const char *plot;
    int64_t *metrics;
    int32_t threads;
    int tolerance_given;
    int list;
    int quiet;
} settings;

/* What goes on while the paths are worked through. */
typedef struct session {
    settings *asked;
    neck_context *context;
    progress progress;
    measured_series *series; /* what figures are drawn from: every row, kept only when there is a figure to draw */
    int64_t series_count;
    int failed;
} session;

/* ---- the command line ----------------------------------------------------------------------------------------- */

static void print_help(void)
{
    args_help(&self);
    printf("\nMetrics:\n");
    for (int64_t i = 0; i < neck_metric_count(); i++)
        printf("  %-28s %-12s %s\n", neck_metric_name(i), neck_metric_unit(i), neck_metric_summary(i));
    printf("\nExit status: 0 all read, 1 something failed (the rest is printed), 2 wrong usage, 130 interrupted.\n");
}

static int32_t method_of(const char *name)
{
    if (strcmp(name, "auto") == 0) return NECK_METHOD_AUTO;
    for (int32_t method = NECK_METHOD_GRAM; method <= NECK_METHOD_QR; method++)
        if (strcmp(name, neck_method_name(method)) == 0) return method;
    args_usage_error(&self, "--method is '%s': it must be auto, gram or qr", name);
}

static int32_t variant_of(const char *name)
{
    static const char *const spellings[][2] = {{"centred", "centered"}, {"frequency_centred", "frequency_centered"}};
    int32_t variant;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (strcmp(name, spellings[i][0]) == 0) name = spellings[i][1];
    if (neck_variant_find(name, &variant) == NECK_OK) return variant;
    args_usage_error(&self, "--variant is '%s': it must be raw, centered, frequency_centered or drop_top", name);
}

static void choose_metrics(settings *asked, const char *names)
{
    char **parts = args_split(names);
    int64_t count = 0;
    while (parts[count]) count++;
    free(asked->metrics);
    asked->metrics = text_alloc((size_t)count * sizeof *asked->metrics);
    for (int64_t i = 0; i < count; i++)
        if (neck_metric_find(parts[i], &asked->metrics[i]) != NECK_OK)
            args_usage_error(&self, "--metric: there is no metric '%s'", parts[i]);
    asked->report.metrics = asked->metrics;
    asked->report.metric_count = count;
    free(parts);
}

static void take_option(settings *asked, int code)
{
    switch (code) {
    case OPT_JSON: asked->report.json = 1; break;
    case OPT_VALUES: asked->report.values = 1; break;
    case OPT_TOP: asked->report.top = args_integer(&self, "top", optarg, 1, INT32_MAX); break;
    case OPT_METRIC: choose_metrics(asked, optarg); break;
    case OPT_TENSOR: asked->request.tensor = optarg; break;
    case OPT_LIST: asked->list = 1; break;
    case OPT_VARIANT: asked->request.spectrum.variant = variant_of(optarg); break;
    case OPT_ROW_WEIGHTS: asked->row_weights = optarg; break;
    case OPT_FREQUENCY: asked->frequency = optarg; break;
    case OPT_TOKENIZER: asked->tokenizer = optarg; break;
    case OPT_METHOD: asked->request.spectrum.method = method_of(optarg); break;
    case OPT_TOLERANCE:
        asked->request.spectrum.tolerance = args_real(&self, "tolerance", optarg, 0, 1);
        asked->tolerance_given = 1;
        break;
    case OPT_PLOT: asked->plot = optarg; break;
    case OPT_THREADS: asked->threads = (int32_t)args_integer(&self, "threads", optarg, 1, 1024); break;
    case OPT_QUIET: asked->quiet = 1; break;
    case OPT_VERSION:
        printf("%s %s\n%s\n", self.name, neck_version_string(), neck_build_info());
        exit(TOOL_OK);
    default: print_help(); exit(TOOL_OK);
    }
}

/* Options that make sense only together. */
static void check_settings(settings *asked, int paths)
{
    neck_spectrum_options *spectrum = &asked->request.spectrum;
    int by_frequency = spectrum->variant == NECK_VARIANT_FREQUENCY_CENTERED;
    if (paths == 0) args_usage_error(&self, "no PATH given");
    if (by_frequency && !asked->row_weights)
        args_usage_error(&self, "--variant frequency_centered needs --row-weights");
    if (!by_frequency && asked->row_weights)
        args_usage_error(&self, "--row-weights needs --variant frequency_centered");
    if (asked->frequency && spectrum->variant == NECK_VARIANT_DROP_TOP)
        args_usage_error(&self, "--frequency does not go with --variant drop_top");
    if (asked->tokenizer && !asked->frequency) args_usage_error(&self, "--tokenizer needs --frequency");
    if (asked->tolerance_given && spectrum->method != NECK_METHOD_AUTO)
        args_usage_error(&self, "--tolerance needs --method auto");
    if (asked->plot && !figure_type_known(asked->plot))
        args_usage_error(&self, "--plot is '%s': the name must end in .svg or .png", asked->plot);
    if (!asked->tolerance_given && spectrum->method == NECK_METHOD_AUTO) spectrum->tolerance = TEXT_ACCURACY;
}

/* ---- the work ------------------------------------------------------------------------------------------------- */

/* 0 when the work was interrupted. */
static int one_checkpoint(session *now, measured_series *into, const char *path, int64_t step)
{
    measured row;
    measure_error error;
    int good = now->asked->list
                   ? report_tensors(&now->asked->report, now->context, path, &error)
                   : measure_checkpoint(now->context, path, step, &now->asked->request, &row, &error);
    progress_clear(&now->progress);
    if (!good && error.status == NECK_E_CANCELLED) return 0;
    if (!good) args_complain(&self, error.text);
    now->failed |= !good;
    if (!good || now->asked->list) return 1;
    report_row(&now->asked->report, into->name, &row);
    if (now->asked->plot) into->rows[into->count++] = row;
    else measured_free(&row);
    return 1;
}

/* 0 when the work was interrupted. */
static int one_path(session *now, const char *path)
{
    neck_series *series;
    measure_error error;
    neck_status status = neck_series_open(now->context, path, &series);
    if (status != NECK_OK) {
        measure_fail(&error, status, path);
        args_complain(&self, error.text);
        now->failed = 1;
        return 1;
    }
    int64_t count = neck_series_count(series);
    measured_series *into = &now->series[now->series_count++];
    into->name = text_path_name(path);
    into->rows = text_alloc((size_t)count * sizeof *into->rows);
    int going = 1;
    for (int64_t i = 0; i < count && going; i++) {
        const char *entry = neck_series_path(series, i);
        progress_item(&now->progress, entry, i, count);
        going = !interrupt_seen() && one_checkpoint(now, into, entry, neck_series_step(series, i));
    }
    neck_series_destroy(series);
    return going;
}

static void tell_figure(session *now, int drawn, const char *file, const char *error)
{
    if (!drawn) args_complain(&self, error);
    else if (!now->asked->quiet) args_tell_written(&self, file);
    now->failed |= !drawn;
}

/* A heat map needs steps; next to paths that have them, a path without is not drawn. */
static void note_left_out(const session *now)
{
    if (!figures_have_steps(now->series, now->series_count)) return;
    for (int64_t i = 0; i < now->series_count; i++) {
        char line[512];
        if (figures_have_steps(&now->series[i], 1)) continue;
        snprintf(line, sizeof line, "%s has fewer than two training steps: it is not in the figures",
                 now->series[i].name);
        args_complain(&self, line);
    }
}

static void draw(session *now)
{
    char error[512];
    int64_t rows = 0;
    for (int64_t i = 0; i < now->series_count; i++) rows += now->series[i].count;
    if (rows == 0) return;
    note_left_out(now);
    int drawn = figures_spectrum(now->series, now->series_count, now->asked->report.top, now->asked->plot, error);
    tell_figure(now, drawn, now->asked->plot, error);
    if (!drawn || !figures_have_steps(now->series, now->series_count)) return;
    char *file = figure_beside(now->asked->plot, "-entropy");
    drawn = figures_entropy(now->series, now->series_count, file, error);
    tell_figure(now, drawn, file, error);
    free(file);
}

static void load_weights(session *now, const char *model)
{
    measure_error error;
    settings *asked = now->asked;
    measure_request *request = &asked->request;
    int failed = 0;
    if (asked->row_weights) {
        request->spectrum.row_weights = measure_weights(now->context, asked->row_weights, &request->weight_count, &error);
        failed = !request->spectrum.row_weights;
    }
    if (asked->frequency && !failed) {
        request->components = asked->report.top > 0 ? asked->report.top : COMPONENTS;
        progress_item(&now->progress, asked->frequency, 0, 1);
        counts_source from = {asked->frequency, asked->tokenizer, model};
        failed = !counts_read(now->context, &from, request, &error);
    }
    progress_clear(&now->progress);
    if (!failed) return;
    args_complain(&self, error.text);
    exit(TOOL_FAILED);
}

static void finish(session *now)
{
    for (int64_t i = 0; i < now->series_count; i++) {
        measured_series *series = &now->series[i];
        for (int64_t j = 0; j < series->count; j++) measured_free(&series->rows[j]);
        free(series->rows);
        free(series->name);
    }
    free(now->series);
    free((double *)now->asked->request.spectrum.row_weights);
    free((double *)now->asked->request.counts);
    free(now->asked->metrics);
    report_free(&now->asked->report);
    neck_context_destroy(now->context);
    if (fflush(stdout) == 0 && !ferror(stdout)) return;
    args_complain(&self, "cannot write to standard output");
    now->failed = 1;
}

int main(int argc, char **argv)
{
    settings asked = {.request.spectrum.struct_size = sizeof asked.request.spectrum};
    for (int code; (code = args_next(&self, argc, argv)) != -1;) take_option(&asked, code);
    check_settings(&asked, argc - optind);

    session now = {.asked = &asked, .progress = progress_make(self.name, asked.quiet)};
    neck_context_options wanted = {.struct_size = sizeof wanted,
                                   .threads = asked.threads,
                                   .progress = progress_report,
                                   .progress_user = &now.progress};
    if (neck_context_create(&wanted, &now.context) != NECK_OK) {
        args_complain(&self, neck_last_error());
        return TOOL_FAILED;
    }
    interrupt_catch();
    load_weights(&now, argv[optind]);
    now.series = text_alloc((size_t)(argc - optind) * sizeof *now.series);
    int going = 1;
    for (int i = optind; i < argc && going; i++) going = one_path(&now, argv[i]);
    if (!going) args_complain(&self, "interrupted: what was done by then is printed");
    else if (asked.plot && !asked.list) draw(&now);
    finish(&now);
    return !going ? TOOL_INTERRUPTED : now.failed ? TOOL_FAILED : TOOL_OK;
}
