/* neck-ngram - how many dimensions a corpus has: the spectrum of its matrix of next-token distributions. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <getopt.h>

#include <softneck.h>

#include "support_args.h"
#include "support_gnuplot.h"
#include "support_ngram_figure.h"
#include "support_ngram_measure.h"
#include "support_ngram_report.h"
#include "support_ranks.h"
#include "support_text.h"
#include "support_tool.h"

enum { OPT_ORDER = 256, OPT_TOKENIZER, OPT_EXACT, OPT_TOP, OPT_DENSITY, OPT_WIDTH, OPT_WEIGHT, OPT_RANKS, OPT_GROW, OPT_MEMORY,
        OPT_PLOT, OPT_JSON, OPT_VALUES, OPT_SEED };

static const tool_option options[] = {
    {"order", OPT_ORDER, "N", "tokens of an n-gram, 2 to 8 (default 5): contexts have\none less"},
    {"tokenizer", OPT_TOKENIZER, "HOW", "how text is cut: a tokenizer's file or folder, bytes,\nwords, or words:N for a "
                                        "vocabulary of N; token files\nneed none"},
    {"exact", OPT_EXACT, NULL, "all singular values, whatever that takes in time"},
    {"top", OPT_TOP, "K", "the K largest singular values"},
    {"density", OPT_DENSITY, NULL, "the whole curve from few products, within a band that\nholds it with 95 % confidence\n"
                                   "(default: exact where memory and two minutes suffice,\nelse density)"},
    {"width", OPT_WIDTH, "W", "widest band of W-error that density is to leave\n(default: what 32 random vectors give)"},
    {"weight", OPT_WEIGHT, "NAME", "what a context's row weighs: uniform (default, as in\nthe paper), count or root_count"},
    {"ranks", OPT_RANKS, "D[,D...]", "where W-error is told (default 1000,2000,5000,8000,\n10000,12500,15000)"},
    {"grow", OPT_GROW, NULL, "also for the first half of each corpus, its quarter and\nso on to a 32nd"},
    {"memory", OPT_MEMORY, "SIZE", "most memory of a process, for counting and for exact\nspectra, as 500M or 2G (default: half of the "
                                   "machine's)"},
    {"plot", OPT_PLOT, "FILE", "draw W-error against rank (.svg or .png; needs gnuplot)"},
    {"json", OPT_JSON, NULL, "JSON objects, one a line, not a table"},
    {"values", OPT_VALUES, NULL, "print the singular values too"},
    {"seed", OPT_SEED, "N", "of the random vectors of --top and --density (default 0)"},
    ARGS_COMMON("no progress and no estimates on standard error"),
};

static const tool self = {
    .name = "neck-ngram",
    .summary = "How many dimensions does the data have? Counts n-grams, and measures the spectrum of\n"
               "the matrix of their next-token distributions, a row a context (arXiv 2404.07647, Fig. 7).\n"
               "A CORPUS is a file, or NAME=FILE,FILE... for several: text (one document; a file named\n"
               "*.jsonl holds one a line, in its \"text\") or token files of neck-tokenize.",
    .options = options,
    .operands = "CORPUS...",
    .ranks = 1,
    .notes = "Exit status: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.",
};

/* The smallest part of a corpus that --grow measures. */
enum { GROWTH_STEPS = 6 };

typedef struct settings {
    tool_common common;
    ngram_request request;
    const char *tokenizer, *plot;
    int64_t seed;
    int method_given, json, values;
} settings;

typedef struct session {
    const settings *asked;
    neck_context *context;
    progress progress;
    ngram_cutter cutter;
    ngram_report report;
    ngram_session measuring;
    ngram_curve *curves; /* with --plot */
    int64_t curve_count;
    char tokens[4200], ngrams[4200]; /* what is written meanwhile */
} session;

/* ---- the command line ------------------------------------------------------------------------------------------- */

static void set_method(settings *asked, int method)
{
    if (asked->method_given && asked->request.method != method)
        args_usage_error(&self, "--exact, --top and --density exclude each other");
    asked->request.method = method;
    asked->method_given = 1;
}

static int32_t weight_of(const char *name)
{
    int32_t weight = 0;
    for (; ngram_weight_name(weight); weight++)
        if (strcmp(name, ngram_weight_name(weight)) == 0) return weight;
    args_usage_error(&self, "--weight is '%s': it must be uniform, count or root_count", name);
}

static void take_ranks(ngram_request *request, const char *text)
{
    char **parts = args_split(text);
    for (request->rank_count = 0; parts[request->rank_count]; request->rank_count++) {
        if (request->rank_count == NGRAM_MOST_RANKS)
            args_usage_error(&self, "--ranks has more than %d", NGRAM_MOST_RANKS);
        request->ranks[request->rank_count] = args_integer(&self, "ranks", parts[request->rank_count], 0, INT64_MAX);
    }
    free(parts);
}

/* "500M", "2G", "1.5G", plain bytes. */
static int64_t size_of(const char *text)
{
    static const char units[] = "KMGT";
    char *end;
    double size = strtod(text, &end);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (unit) end++;
    for (const char *u = units; unit && u <= unit; u++) size *= 1024;
    if (end == text || *end || !(size >= 0x1p20 && size < 0x1p62))
        args_usage_error(&self, "--memory is '%s': it must be a size from 1M on, as 500M or 2G", text);
    return (int64_t)size;
}

static void take_option(settings *asked, int code)
{
    switch (code) {
    case OPT_ORDER: asked->request.order = (int32_t)args_integer(&self, "order", optarg, 2, 8); break;
    case OPT_TOKENIZER: asked->tokenizer = optarg; break;
    case OPT_EXACT: set_method(asked, NGRAM_EXACT); break;
    case OPT_TOP:
        set_method(asked, NGRAM_TOP);
        asked->request.top = args_integer(&self, "top", optarg, 1, INT32_MAX);
        break;
    case OPT_DENSITY: set_method(asked, NGRAM_DENSITY); break;
    case OPT_WIDTH: asked->request.width = args_real(&self, "width", optarg, 1e-6, 1); break;
    case OPT_WEIGHT: asked->request.weight = weight_of(optarg); break;
    case OPT_RANKS: take_ranks(&asked->request, optarg); break;
    case OPT_GROW: asked->request.steps = GROWTH_STEPS; break;
    case OPT_MEMORY: asked->request.memory = size_of(optarg); break;
    case OPT_PLOT: asked->plot = optarg; break;
    case OPT_JSON: asked->json = 1; break;
    case OPT_VALUES: asked->values = 1; break;
    case OPT_SEED: asked->seed = args_integer(&self, "seed", optarg, 0, INT64_MAX); break;
    }
}

static void check_settings(settings *asked, int corpora)
{
    if (corpora == 0) args_usage_error(&self, "no CORPUS given");
    if (asked->request.width > 0 && asked->method_given && asked->request.method != NGRAM_DENSITY)
        args_usage_error(&self, "--width is for --density");
    if (asked->values && asked->request.method == NGRAM_DENSITY)
        args_usage_error(&self, "--density knows no single values: --values is for --exact and --top");
    figure_check(&self, asked->plot);
    asked->request.curve = asked->plot != NULL;
}

/* ---- the work --------------------------------------------------------------------------------------------------- */

/* Each returns 0 when it failed or was interrupted; complain always. */

static int complain(session *now, const char *message)
{
    progress_clear(&now->progress);
    if (*message && !interrupt_seen()) args_complain(&self, message);
    return 0;
}

/* A failure of any rank is everyone's, each of which has its own message or another's. */
static int all_well(session *now, int good, const char *error)
{
    neck_status status = good ? NECK_OK : neck_error_set(*error ? NECK_E_IO : NECK_E_CANCELLED, error);
    status = ranks_agree(status);
    if (status == NECK_OK) return 1;
    return complain(now, !good ? error : status == NECK_E_CANCELLED ? "" : neck_last_error());
}

static void tell(void *user, const char *line)
{
    session *now = user;
    progress_clear(&now->progress);
    if (!now->asked->common.quiet) args_complain(&self, line);
}

static void keep_curve(session *now, const char *name, ngram_row *row)
{
    size_t size = strlen(name) + 64;
    char *full = text_alloc(size);
    snprintf(full, size, now->asked->request.steps > 1 ? "%s, %" PRId64 " tokens" : "%s", name, row->counts.tokens);
    now->curves[now->curve_count++] = (ngram_curve){full, *row};
}

static int measure_part(session *now, const ngram_corpus *text, int64_t tokens)
{
    char error[CORPUS_ERROR_SIZE];
    ngram_row row;
    if (!ngram_measure(&now->measuring, text, tokens, &row, error)) return complain(now, error);
    progress_clear(&now->progress);
    ngram_report_row(&now->report, text->name, &row);
    if (now->asked->plot) keep_curve(now, text->name, &row);
    else ngram_row_free(&row);
    return !ranks_any(ferror(stdout)); /* whoever read it has gone */
}

/* The smallest part first: each has half of the tokens of the next. A part too small for an n-gram is left out. */
static int measure_corpus(session *now, const ngram_corpus *text)
{
    for (int step = now->asked->request.steps - 1; step >= 0; step--) {
        int64_t tokens = text->tokens >> step;
        if (step > 0 && tokens < 100) continue;
        if (!measure_part(now, text, tokens)) return 0;
    }
    return 1;
}

static int one_corpus(session *now, const char *argument)
{
    char error[CORPUS_ERROR_SIZE];
    ngram_corpus text;
    int good = ngram_corpus_open(now->context, argument, &now->cutter, now->tokens, &text, error);
    good = all_well(now, good, error) && measure_corpus(now, &text);
    ngram_corpus_close(&text);
    return good;
}

static int draw(session *now)
{
    char error[512];
    if (!ngram_figure(now->curves, now->curve_count, now->asked->plot, error)) return complain(now, error);
    return tool_tell_file(&self, &now->asked->common, 1, now->asked->plot, error);
}

/* Of this rank's own, for files that have them no longer than it takes to open what was written. */
static int make_names(session *now, char error[CORPUS_ERROR_SIZE])
{
    const char *parent = getenv("TMPDIR");
    char unique[4096];
    snprintf(unique, sizeof unique, "%.4000s/neck-ngram-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(unique)) {
        snprintf(error, CORPUS_ERROR_SIZE, "%.4000s: %s (TMPDIR names another place)", unique, strerror(errno));
        return 0;
    }
    rmdir(unique);
    snprintf(now->tokens, sizeof now->tokens, "%s.tokens", unique);
    snprintf(now->ngrams, sizeof now->ngrams, "%s.ngrams", unique);
    return 1;
}

static int begin(session *now, char error[CORPUS_ERROR_SIZE])
{
    return make_names(now, error) && ngram_cutter_open(now->context, now->asked->tokenizer, &now->cutter, error);
}

static int run(session *now, char **corpora, int count)
{
    char error[CORPUS_ERROR_SIZE];
    if (!all_well(now, begin(now, error), error)) return 0;
    now->curves = text_alloc((size_t)count * GROWTH_STEPS * sizeof *now->curves);
    for (int i = 0; i < count; i++) {
        progress_item(&now->progress, corpora[i], i, count);
        if (ranks_any(interrupt_seen()) || !one_corpus(now, corpora[i])) return 0;
    }
    ngram_report_end(&now->report);
    return now->asked->plot && ranks_rank() == 0 ? draw(now) : 1;
}

static void finish(session *now)
{
    for (int64_t i = 0; i < now->curve_count; i++) {
        ngram_row_free(&now->curves[i].row);
        free(now->curves[i].name);
    }
    free(now->curves);
    ngram_cutter_close(&now->cutter);
}

int main(int argc, char **argv)
{
    settings asked = {.request = {.order = 5, .steps = 1, .rank_count = 7,
                                  .ranks = {1000, 2000, 5000, 8000, 10000, 12500, 15000}}};
    for (int code; (code = args_next(&self, argc, argv, &asked.common)) != -1;) take_option(&asked, code);
    check_settings(&asked, argc - optind);

    session now = {.asked = &asked, .progress = progress_make(self.name, asked.common.quiet)};
    now.context = tool_begin(&self, &asked.common, (uint64_t)asked.seed, progress_report, &now.progress);
    now.report = (ngram_report){.asked = &asked.request, .tokenizer = asked.tokenizer, .json = asked.json,
                                .values = asked.values};
    now.measuring = (ngram_session){.context = now.context, .asked = &asked.request, .ways = ngram_ways_here(),
                                    .scratch = now.ngrams, .tell = tell, .user = &now};
    if (!asked.request.memory) asked.request.memory = tool_half_of_memory() / now.measuring.ways->processes();
    signal(SIGPIPE, SIG_IGN); /* a failed write ends the work in order, without leaving files behind */
    int good = run(&now, argv + optind, argc - optind);
    finish(&now);
    return tool_end(&self, now.context, tool_status(!interrupt_seen(), !good), "interrupted");
}
