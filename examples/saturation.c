/* neck-saturation - has a training run saturated, since when, and what turned with it? */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support_args.h"
#include "support_gnuplot.h"
#include "support_json.h"
#include "support_page.h"
#include "support_saturation_figure.h"
#include "support_table.h"
#include "support_text.h"
#include "support_tool.h"

/* With --gate; --help tells them. */
enum { GATE_SATURATED = 3, GATE_DIVERGED = 4 };

enum { OPT_COLUMN = 256, OPT_STEP, OPT_WHERE, OPT_LOSS, OPT_PERPLEXITY, OPT_SCORE, OPT_TEXT, OPT_TOKENIZER, OPT_MAX_TOKENS,
        OPT_EXCESS, OPT_DIVERGENCE, OPT_REPORT, OPT_PLOT, OPT_JSON, OPT_GATE, OPT_WATCH };

static const tool_option options[] = {
    {"column", OPT_COLUMN, "NAME", "the curve to judge (default: text.loss,\nvalidation_loss ..., loss ..., perplexity)"},
    {"step", OPT_STEP, "NAME", "the column of training steps (default: step,\nglobal_step, iteration ...)"},
    {"where", OPT_WHERE, "NAME=TEXT", "only rows whose column NAME is TEXT; may be\ngiven more than once"},
    {"loss", OPT_LOSS, NULL, "the curve is a loss in nats,"},
    {"perplexity", OPT_PERPLEXITY, NULL, "a perplexity (its logarithm is judged), or"},
    {"score", OPT_SCORE, NULL, "a score: higher is better (default: by name)"},
    {"text", OPT_TEXT, "FILE", "measure each checkpoint's loss on it, and the\nanisotropy of its last states; may be repeated"},
    {"tokenizer", OPT_TOKENIZER, "PATH", "for --text (default: beside the model)"},
    {"max-tokens", OPT_MAX_TOKENS, "N", "only the first N tokens of it"},
    {"minimum-excess", OPT_EXCESS, "X", "a rise of less is none (default 0.01)"},
    {"divergence", OPT_DIVERGENCE, "X", "an end that far above the best is divergence\n(default 1)"},
    {"report", OPT_REPORT, "FILE.html", "write a page that explains it all"},
    {"plot", OPT_PLOT, "FILE", "draw the curve into FILE.svg or FILE.png"},
    {"json", OPT_JSON, NULL, "one JSON object, not a table"},
    {"gate", OPT_GATE, NULL, "exit with 3 if saturated, 4 if diverged"},
    {"watch", OPT_WATCH, "SECONDS", "look again that often and tell what is new, until\nCtrl-C (with --gate: until saturated or diverged)"},
    ARGS_COMMON("no progress on standard error"),
};

static const tool self = {
    .name = "neck-saturation",
    .summary = "Has a training run saturated, since when, and what turned with it? RUN is a run\n"
               "folder (of neck-train, or checkpoints of any trainer, with its log.jsonl or\n"
               "trainer_state.json if there is one), or a log: FILE.csv, FILE.jsonl, FILE.json.",
    .options = options,
    .operands = "RUN",
    .notes = "Exit status: 0 judged, 1 something failed, 2 wrong usage, 130 interrupted; with --gate\n"
             "also 3 saturated, 4 diverged, so that 0 means neither.",
};

/* What the command line asks for. */
typedef struct settings {
    tool_common common;
    run_request run;
    verdict_request verdict;
    corpus text;
    curve_filter *filters;
    const char *report, *plot;
    double watch; /* seconds; 0: look once */
    int json, gate;
} settings;

typedef struct session {
    settings *asked;
    neck_context *context;
    progress progress;
    evaluate_progress track;
    run run;
    int64_t points;  /* of all curves, when last judged */
    int32_t verdict; /* the latest */
    int judged, failed;
} session;

/* ---- the command line ------------------------------------------------------------------------------------------- */

static void add_filter(settings *asked, const char *text)
{
    const char *sign = strchr(text, '=');
    if (!sign || sign == text) args_usage_error(&self, "--where is '%s': it must be NAME=TEXT", text);
    curve_request *reading = &asked->run.curve;
    curve_filter *larger = text_alloc((size_t)(reading->filter_count + 1) * sizeof *larger);
    if (asked->filters) memcpy(larger, asked->filters, (size_t)reading->filter_count * sizeof *larger);
    char *name = text_copy(text);
    name[sign - text] = '\0';
    larger[reading->filter_count++] = (curve_filter){name, name + (sign - text) + 1};
    free(asked->filters);
    reading->filters = asked->filters = larger;
}

static void add_text(settings *asked, const char *path)
{
    char error[CORPUS_ERROR_SIZE];
    asked->run.text = &asked->text;
    if (corpus_add(&asked->text, path, error)) return;
    args_complain(&self, error);
    exit(TOOL_FAILED);
}

static void take_option(settings *asked, int code)
{
    neck_saturation_options *assess = &asked->verdict.assess;
    switch (code) {
    case OPT_COLUMN: asked->verdict.column = optarg; break;
    case OPT_STEP: asked->run.curve.step = optarg; break;
    case OPT_WHERE: add_filter(asked, optarg); break;
    case OPT_LOSS: asked->verdict.kind = VERDICT_NATS; break;
    case OPT_PERPLEXITY: asked->verdict.kind = VERDICT_PERPLEXITY; break;
    case OPT_SCORE: asked->verdict.kind = VERDICT_SCORE; break;
    case OPT_TEXT: add_text(asked, optarg); break;
    case OPT_TOKENIZER: asked->run.evaluation.tokenizer = optarg; break;
    case OPT_MAX_TOKENS:
        asked->run.evaluation.max_tokens = args_integer(&self, "max-tokens", optarg, 1, INT64_MAX);
        break;
    case OPT_EXCESS: assess->minimum_excess = args_real(&self, "minimum-excess", optarg, 1e-9, 1e6); break;
    case OPT_DIVERGENCE: assess->divergence_excess = args_real(&self, "divergence", optarg, 1e-9, 1e9); break;
    case OPT_REPORT: asked->report = optarg; break;
    case OPT_PLOT: asked->plot = optarg; break;
    case OPT_JSON: asked->json = 1; break;
    case OPT_GATE: asked->gate = 1; break;
    case OPT_WATCH: asked->watch = args_real(&self, "watch", optarg, 0.1, 86400); break;
    }
}

static void check_settings(const settings *asked, int paths)
{
    const neck_saturation_options *assess = &asked->verdict.assess;
    double least = assess->minimum_excess > 0 ? assess->minimum_excess : 0.01;
    double most = assess->divergence_excess > 0 ? assess->divergence_excess : 1;
    if (paths != 1) args_usage_error(&self, paths == 0 ? "no RUN given" : "one RUN at a time");
    if (most <= least) args_usage_error(&self, "--divergence, %g, must exceed --minimum-excess, %g", most, least);
    figure_check(&self, asked->plot);
    if (asked->text.count == 0 && asked->run.text) args_usage_error(&self, "there is nothing in the --text files");
    if (!asked->run.text && (asked->run.evaluation.tokenizer || asked->run.evaluation.max_tokens))
        args_usage_error(&self, "--tokenizer and --max-tokens need --text");
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

static void complain(const char *text)
{
    args_complain(&self, text);
}

static void print_curve(const table_column *columns, const curve *of)
{
    char number[32], step[32];
    drawn_curve drawn = curve_draw(of);
    int64_t count = drawn.count, lowest = 0, highest = 0;
    for (int64_t i = 1; i < count; i++) {
        if (drawn.smooth[i] < drawn.smooth[lowest]) lowest = i;
        if (drawn.smooth[i] > drawn.smooth[highest]) highest = i;
    }
    double cells[] = {(double)count, count ? drawn.x[0] : NAN, count ? drawn.x[count - 1] : NAN,
                      count ? drawn.y[0] : NAN, count ? drawn.smooth[lowest] : NAN, count ? drawn.smooth[highest] : NAN,
                      count ? drawn.y[count - 1] : NAN};
    for (int i = 0; i < 7; i++) {
        if (i < 3 && count) snprintf(step, sizeof step, "%.0f", cells[i]);
        table_print_cell(&columns[i], i < 3 && count ? step : text_number(number, cells[i], 0));
    }
    printf("  ");
    text_print(stdout, of->name);
    putchar('\n');
    drawn_curve_free(&drawn);
}

/* Lines of at most 100 columns, broken between words. */
static void print_wrapped(const char *sentence)
{
    char *shown = text_visible(sentence);
    size_t column = 0;
    for (const char *word = strtok(shown, " "); word; word = strtok(NULL, " ")) {
        size_t length = strlen(word);
        if (column > 0 && column + 1 + length > 98) column = 0, putchar('\n');
        printf(column == 0 ? "  %s" : " %s", word);
        column += column > 0 ? 1 + length : length;
    }
    putchar('\n');
    free(shown);
}

static void print_sentences(int count, verdict_sentence *sentences)
{
    for (int i = 0; i < count; i++) print_wrapped(sentences[i]);
    if (count > 0) putchar('\n');
}

static void print_table(const session *now, const verdict *judged)
{
    static const table_column columns[] = {{"points", NULL}, {"first step", NULL}, {"last step", NULL},
                                           {"first value", NULL}, {"lowest level", NULL}, {"highest level", NULL},
                                           {"last value", NULL}, {"curve", NULL}};
    verdict_sentence sentences[VERDICT_MOST_SENTENCES];
    table_print_head(columns, sizeof columns / sizeof *columns);
    for (int64_t i = 0; i < now->run.curves.count; i++) print_curve(columns, &now->run.curves.list[i]);
    verdict_headline(judged, sentences[0]);
    printf("\n%s\n\n", sentences[0]);
    print_sentences(verdict_findings(judged, &now->run, sentences), sentences);
    print_sentences(verdict_co_occurred(judged, sentences), sentences);
    print_sentences(verdict_advice(judged, &now->run, sentences), sentences);
    fflush(stdout);
}

static void tell_file(session *now, int written, const char *file, const char *error)
{
    now->failed |= !tool_tell_file(&self, &now->asked->common, written, file, error);
}

static void tell(session *now, const verdict *judged)
{
    const settings *asked = now->asked;
    char error[512];
    if (asked->json) json_print_line(verdict_json(judged, &now->run));
    else print_table(now, judged);
    if (asked->report) tell_file(now, page_write(asked->report, &now->run, judged, error), asked->report, error);
    if (asked->plot) tell_file(now, saturation_figure(judged, asked->plot, error), asked->plot, error);
}

/* ---- the work --------------------------------------------------------------------------------------------------- */

static int64_t count_points(const run *of)
{
    int64_t points = 0;
    for (int64_t i = 0; i < of->curves.count; i++) points += of->curves.list[i].count;
    return points;
}

/* 0 when interrupted. What fails in watch mode, a log that does not exist yet say, may be there the next time. */
static int look(session *now, const char *path)
{
    verdict judged;
    measure_error error;
    int64_t newly;
    run_worker worker = {now->context, &now->track, complain};
    int good = run_read(&now->run, &worker, path, &now->asked->run, &newly, &error);
    progress_clear(&now->progress);
    int64_t points = good ? count_points(&now->run) : 0;
    int is_new = !now->judged || points != now->points;
    if (good && !is_new) return 1;
    good = good && verdict_reach(&now->run, now->context, &now->asked->verdict, &judged, &error);
    progress_clear(&now->progress);
    if (!good) {
        if (error.status == NECK_E_CANCELLED) return 0;
        args_complain(&self, error.text);
        now->failed = 1;
        return 1;
    }
    now->failed = now->run.failed;
    now->judged = 1;
    now->points = points;
    now->verdict = judged.found.verdict;
    tell(now, &judged);
    verdict_free(&judged);
    return 1;
}

static int gate_shut(const session *now)
{
    return now->verdict == NECK_VERDICT_SATURATED || now->verdict == NECK_VERDICT_DIVERGED;
}

/* In naps, so that a Ctrl-C that comes just before one is not slept through. */
static void pause_for(double seconds)
{
    const double nap = 0.1;
    for (; seconds > 0 && !interrupt_seen(); seconds -= nap) {
        struct timespec rest = {0, (long)(1e9 * (seconds < nap ? seconds : nap))};
        nanosleep(&rest, NULL);
    }
}

static int work(session *now, const char *path)
{
    int going = look(now, path);
    while (going && now->asked->watch > 0 && !(now->asked->gate && gate_shut(now))) {
        pause_for(now->asked->watch);
        going = !interrupt_seen() && look(now, path);
    }
    return going;
}

static void finish(session *now)
{
    run_free(&now->run);
    corpus_free(&now->asked->text);
    for (int64_t i = 0; i < now->asked->run.curve.filter_count; i++) free((char *)now->asked->filters[i].column);
    free(now->asked->filters);
}

static int status_of(const session *now, int going)
{
    const int status = tool_status(going, now->failed);
    if (status != TOOL_OK || !now->asked->gate || !gate_shut(now)) return status;
    return now->verdict == NECK_VERDICT_DIVERGED ? GATE_DIVERGED : GATE_SATURATED;
}

int main(int argc, char **argv)
{
    settings asked = {.verdict = {.kind = -1, .assess = {.struct_size = sizeof asked.verdict.assess}},
                      .run.evaluation.evaluation = {.struct_size = sizeof(neck_evaluation_options), .watch_layers = 1}};
    for (int code; (code = args_next(&self, argc, argv, &asked.common)) != -1;) take_option(&asked, code);
    check_settings(&asked, argc - optind);

    session now = {.asked = &asked, .progress = progress_make(self.name, asked.common.quiet),
                   .verdict = NECK_VERDICT_UNCLEAR};
    now.track.shown = &now.progress;
    now.context = tool_begin(&self, &asked.common, 0, evaluate_report, &now.track);
    int going = work(&now, argv[optind]);
    int status = status_of(&now, going), watched = asked.watch > 0 && now.judged;
    finish(&now);
    return tool_end(&self, now.context, status, watched ? NULL : "interrupted: nothing is judged");
}
