/* support_headrank_asked.c - neck-headrank's table of options, and what they mean. */
#include "support_headrank_asked.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_gnuplot.h"
#include "support_text.h"

enum { OPT_STATES = 256, OPT_TARGETS, OPT_MODEL, OPT_VOCABULARY, OPT_RANKS, OPT_HEAD, OPT_COMPONENTS, OPT_RATES,
       OPT_SEEDS, OPT_OPTIMIZER, OPT_STEPS, OPT_BATCH, OPT_DECAY, OPT_CLIP, OPT_VALID, OPT_FROM_HEAD, OPT_PAPER,
       OPT_OUT, OPT_NO_TRAIN, OPT_CENTERED, OPT_SAVE, OPT_PLOT, OPT_JSON, OPT_MEMORY };

static const tool_option options[] = {
    {"states", OPT_STATES, "FILE", "the same as STATES"},
    {"targets", OPT_TARGETS, "FILE", "the tokens that follow the states, e.g. y.npy\n(default: 'targets' in STATES)"},
    {"model", OPT_MODEL, "PATH", "the model of the states: its head is compared\nwith, and tells the vocabulary"},
    {"vocabulary", OPT_VOCABULARY, "N", "tokens there are (default: --model's, else the\nlargest target + 1)"},
    {"ranks", OPT_RANKS, "N,N,...",
     "ranks of factored heads and widths of mixtures\n(default: powers of two from 1/32 of the states'\nwidth, and "
     "that width)"},
    {"head", OPT_HEAD, "NAME,...", "factored (default), dense, mos, sigsoftmax, plif"},
    {"components", OPT_COMPONENTS, "N", "softmaxes that a mos head mixes (default 4)"},
    {"lr-grid", OPT_RATES, "X,X,...",
     "peak learning rates to try on the first seed\n(default 1e-3,2e-3,5e-3,1e-2,2e-2,5e-2; with\n--from-head 1e-5,3e-5,1e-4,3e-4,1e-3)"},
    {"seeds", OPT_SEEDS, "N,N,...", "of initial heads and orders (default 1,2,3)"},
    {"optimizer", OPT_OPTIMIZER, "NAME", "adamw (default), sgd, muon"},
    {"steps", OPT_STEPS, "N", "of each training (default 1000)"},
    {"batch", OPT_BATCH, "N", "tokens a step (default 2048)"},
    {"weight-decay", OPT_DECAY, "X", "default 0.1"},
    {"clip", OPT_CLIP, "X", "greatest norm of a gradient (default 1)"},
    {"valid-fraction", OPT_VALID, "X",
     "of the states, from the end, kept for validation\n(default 0.1; with --no-train 0 uses all for both)"},
    {"from-head", OPT_FROM_HEAD, NULL, "start from --model's head, not at random"},
    {"paper-init", OPT_PAPER, NULL, "start factored heads from N(0, 1)"},
    {"out", OPT_OUT, "FOLDER", "finished runs, and what an interrupted one needs\nto go on; needed to train"},
    {"no-train", OPT_NO_TRAIN, NULL, "truncate --model's head instead, and measure"},
    {"centered", OPT_CENTERED, NULL, "with --no-train: minus its mean row"},
    {"save", OPT_SAVE, "RANK:FILE", "with --no-train: write the truncated head (a, b)"},
    {"plot", OPT_PLOT, "FILE", "draw loss and accuracy into FILE.svg or .png, and\nFILE-rates, FILE-werror beside it"},
    {"json", OPT_JSON, NULL, "one JSON object per head and rank, not a table"},
    ARGS_THREADS,
    {"memory", OPT_MEMORY, "MB", "what a loss may work in (default 128)"},
    ARGS_END("no progress on standard error"),
};

const tool headrank_tool = {
    .name = "neck-headrank",
    .summary = "What the rank of a language model's head is worth: heads trained on frozen\n"
               "hidden states, each at the learning rate it does best at; or, with --no-train,\n"
               "the model's own head truncated. STATES is what neck-layers --dump-states writes,\n"
               "or any file with a matrix of states.",
    .options = options,
    .operands = "STATES --out FOLDER",
    .notes = "A finished run is a line of FOLDER/runs.jsonl. The same command takes up what\n"
             "an interrupted one left; a folder of another configuration is refused.\n"
             "Exit status: 0 all done, 1 something failed (the rest is printed), 2 wrong\n"
             "usage, 130 interrupted.",
    .ranks = 1,
};

/* ---- lists ------------------------------------------------------------------------------------------------------ */

/* One item of the list of option --name, or a usage error. */
typedef double (*parse_fn)(const char *name, const char *text, double least);

static double parse_integer(const char *name, const char *text, double least)
{
    return (double)args_integer(&headrank_tool, name, text, (int64_t)least, INT32_MAX);
}

static double parse_real(const char *name, const char *text, double least)
{
    return args_real(&headrank_tool, name, text, least, 1e12);
}

static double parse_kind(const char *name, const char *text, double least)
{
    int32_t kind;
    (void)least;
    if (neck_head_kind_find(text, &kind) != NECK_OK || kind == NECK_HEAD_TIED)
        args_usage_error(&headrank_tool, "--%s has '%s': heads are factored, dense, mos, sigsoftmax, plif", name, text);
    return kind;
}

/* Items are told apart: two equal seeds would pass for two measurements. */
static double *numbers(const char *name, const char *text, parse_fn parse, double least, int64_t *count)
{
    char **parts = args_split(text);
    for (*count = 0; parts[*count];) ++*count;
    double *list = text_alloc((size_t)*count * sizeof *list);
    for (int64_t i = 0; i < *count; i++) {
        list[i] = parse(name, parts[i], least);
        for (int64_t j = 0; j < i; j++)
            if (list[i] == list[j]) args_usage_error(&headrank_tool, "--%s has '%s' twice", name, parts[i]);
    }
    free(parts);
    return list;
}

static int64_t *integers(const char *name, const char *text, int64_t least, int64_t *count)
{
    double *list = numbers(name, text, parse_integer, (double)least, count);
    int64_t *out = text_alloc((size_t)*count * sizeof *out);
    for (int64_t i = 0; i < *count; i++) out[i] = (int64_t)list[i];
    free(list);
    return out;
}

static int32_t *kinds(const char *text, int64_t *count)
{
    double *list = numbers("head", text, parse_kind, 0, count);
    int32_t *out = text_alloc((size_t)*count * sizeof *out);
    for (int64_t i = 0; i < *count; i++) out[i] = (int32_t)list[i];
    free(list);
    return out;
}

static double *reals(const char *name, const char *text, int64_t *count)
{
    return numbers(name, text, parse_real, 1e-12, count);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

static int32_t rule_of(const char *name)
{
    if (strcmp(name, "adamw") == 0) return NECK_OPTIMIZER_ADAMW;
    if (strcmp(name, "sgd") == 0) return NECK_OPTIMIZER_SGD;
    if (strcmp(name, "muon") == 0) return NECK_OPTIMIZER_MUON;
    args_usage_error(&headrank_tool, "--optimizer is '%s': it must be adamw, sgd or muon", name);
}

/* "64:head.safetensors" */
static void take_save(headrank_asked *asked, char *text)
{
    char *colon = strchr(text, ':');
    if (!colon || !colon[1]) args_usage_error(&headrank_tool, "--save is '%s': it must be RANK:FILE", text);
    *colon = '\0';
    asked->save_rank = args_integer(&headrank_tool, "save", text, 1, INT32_MAX);
    asked->save = colon + 1;
}

static void take_option(headrank_asked *asked, int code)
{
    const tool *self = &headrank_tool;
    headrank_plan *plan = &asked->plan;
    switch (code) {
    case OPT_STATES: asked->source.states = optarg; break;
    case OPT_TARGETS: asked->source.targets = optarg; break;
    case OPT_MODEL: asked->source.model = optarg; break;
    case OPT_VOCABULARY: asked->source.vocabulary = args_integer(self, "vocabulary", optarg, 2, INT32_MAX); break;
    case OPT_RANKS: free(plan->ranks); plan->ranks = integers("ranks", optarg, 1, &plan->rank_count); break;
    case OPT_HEAD: free(plan->kinds); plan->kinds = kinds(optarg, &plan->kind_count); break;
    case OPT_COMPONENTS: plan->components = args_integer(self, "components", optarg, 1, 64); break;
    case OPT_RATES: free(plan->rates); plan->rates = reals("lr-grid", optarg, &plan->rate_count); break;
    case OPT_SEEDS: free(plan->seeds); plan->seeds = integers("seeds", optarg, 0, &plan->seed_count); break;
    case OPT_OPTIMIZER: plan->rule.rule = rule_of(optarg); break;
    case OPT_STEPS: plan->steps = args_integer(self, "steps", optarg, 1, INT32_MAX); break;
    case OPT_BATCH: plan->batch = args_integer(self, "batch", optarg, 1, INT32_MAX); break;
    case OPT_DECAY: plan->rule.weight_decay = args_real(self, "weight-decay", optarg, 0, 1e6); break;
    case OPT_CLIP: plan->clip = args_real(self, "clip", optarg, 1e-12, 1e12); break;
    case OPT_VALID: asked->source.valid_fraction = args_real(self, "valid-fraction", optarg, 0, 0.9); break;
    case OPT_FROM_HEAD: plan->from_head = 1; break;
    case OPT_PAPER: plan->paper_init = 1; break;
    case OPT_OUT: asked->out = optarg; break;
    case OPT_NO_TRAIN: asked->no_train = 1; break;
    case OPT_CENTERED: asked->centered = 1; break;
    case OPT_SAVE: take_save(asked, optarg); break;
    case OPT_PLOT: asked->plot = optarg; break;
    case OPT_JSON: asked->json = 1; break;
    case OPT_MEMORY: plan->memory = args_integer(self, "memory", optarg, 1, 1 << 20) << 20; break;
    }
}

/* Options that make sense only together. */
static void check(const headrank_asked *asked)
{
    const tool *self = &headrank_tool;
    if (!asked->source.states) args_usage_error(self, "no STATES given");
    if (asked->no_train && !asked->source.model)
        args_usage_error(self, "--no-train needs --model, whose head is truncated");
    if (!asked->no_train && !asked->out)
        args_usage_error(self, "training needs --out FOLDER, where finished runs are kept");
    if (!asked->no_train && asked->source.valid_fraction == 0)
        args_usage_error(self, "--valid-fraction 0 leaves nothing to choose a learning rate by");
    if (!asked->no_train && (asked->centered || asked->save))
        args_usage_error(self, "--%s needs --no-train", asked->save ? "save" : "centered");
    if (asked->plan.from_head && !asked->source.model) args_usage_error(self, "--from-head needs --model");
    if (asked->plan.from_head && asked->plan.paper_init)
        args_usage_error(self, "--from-head and --paper-init exclude each other");
    figure_check(self, asked->plot);
}

void headrank_asked_read(headrank_asked *asked, int argc, char **argv)
{
    *asked = (headrank_asked){.source = {.valid_fraction = 0.1}};
    headrank_plan *plan = &asked->plan;
    /* Those of Pythia, whose recipe the paper follows. */
    plan->rule = (neck_optimizer_options){.struct_size = sizeof plan->rule, .rule = NECK_OPTIMIZER_ADAMW,
                                          .weight_decay = 0.1, .beta2 = 0.95};
    plan->steps = 1000;
    plan->batch = 2048;
    plan->clip = 1;
    plan->components = 4;
    plan->kinds = kinds("factored", &plan->kind_count);
    plan->seeds = integers("seeds", "1,2,3", 0, &plan->seed_count);
    for (int code; (code = args_next(&headrank_tool, argc, argv, &asked->common)) != -1;) take_option(asked, code);
    /* The paper's range; a head that is trained already wants less. */
    const char *grid = plan->from_head ? "1e-5,3e-5,1e-4,3e-4,1e-3" : "1e-3,2e-3,5e-3,1e-2,2e-2,5e-2";
    if (!plan->rates) plan->rates = reals("lr-grid", grid, &plan->rate_count);
    plan->threads = asked->common.threads;
    if (plan->rule.rule == NECK_OPTIMIZER_SGD) plan->rule.momentum = 0.9;
    if (optind < argc) asked->source.states = argv[optind++];
    if (optind < argc) args_usage_error(&headrank_tool, "one STATES at a time: what is '%s'?", argv[optind]);
    check(asked);
}

static void default_ranks(headrank_plan *plan, int64_t width)
{
    plan->ranks = text_alloc(64 * sizeof *plan->ranks);
    for (int64_t rank = 1; rank < width; rank *= 2)
        if (32 * rank >= width) plan->ranks[plan->rank_count++] = rank;
    plan->ranks[plan->rank_count++] = width;
}

void headrank_asked_complete(headrank_asked *asked, const headrank_data *data)
{
    int64_t width = data->train.states.cols;
    headrank_plan *plan = &asked->plan;
    if (!plan->ranks) default_ranks(plan, width);
    qsort(plan->ranks, (size_t)plan->rank_count, sizeof *plan->ranks, ascending);
    for (int64_t i = 0; i < plan->rank_count; i++)
        if (plan->ranks[i] > width)
            args_usage_error(&headrank_tool, "--ranks has %" PRId64 ": the states are %" PRId64 " wide", plan->ranks[i],
                             width);
    if (asked->save_rank > width)
        args_usage_error(&headrank_tool, "--save has rank %" PRId64 ": the states are %" PRId64 " wide",
                         asked->save_rank, width);
    for (int64_t i = 0; i < plan->kind_count; i++)
        if (plan->from_head && plan->kinds[i] == NECK_HEAD_MOS)
            args_usage_error(&headrank_tool, "--from-head: a mos head does not start from another");
}

void headrank_asked_free(headrank_asked *asked)
{
    free(asked->plan.ranks);
    free(asked->plan.kinds);
    free(asked->plan.rates);
    free(asked->plan.seeds);
}
