/* neck-train - train a language model on text, with its head's spectrum watched, and never lose a step. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <getopt.h>

#include "support_args.h"
#include "support_ranks.h"
#include "support_text.h"
#include "support_tool.h"
#include "support_train_log.h"
#include "support_train_ranks.h"
#include "support_train_run.h"

enum { OPT_OUT = 256, OPT_RESUME, OPT_KEY };
enum { MOST_OPTIONS = 60, FIRST_LOG_STEPS = 512 };

static const tool_option own_options[] = {
    {"out", OPT_OUT, "RUN", "a new folder for everything"},
    {"resume", OPT_RESUME, "RUN", "go on with a run that was stopped, bit for bit"},
    ARGS_COMMON("nothing on standard error but failures"),
};

static tool_option options[MOST_OPTIONS];

static const tool self = {
    .name = "neck-train",
    .summary = "Train a language model on text files. CONFIG.json is an object with any of the keys\n"
               "below, written with _ for -; flags come after it. RUN gets checkpoints that\n"
               "transformers opens, log.jsonl, and what it takes to go on after a stop of any kind.",
    .options = options,
    .ranks = 1,
    .operands = "[CONFIG.json] --text FILE... --out RUN | --resume RUN",
    .notes = "Exit status: 0 trained to the end, 1 something failed (the run folder keeps its last\n"
             "state), 2 wrong usage, 130 interrupted (a state was saved).",
};

/* A flag as given; they are applied after the configuration file, wherever that stands. */
typedef struct given_flag {
    const train_key *key;
    const char *text;
} given_flag;

typedef struct command {
    tool_common common;
    const char *out, *resume;
    given_flag *flags;
    int flag_count;
} command;

static train_run run = {.tool = "neck-train"};
static train_log journal = {.fd = -1, .tool = "neck-train"};

/* ---- the command line ------------------------------------------------------------------------------------------- */

static void make_options(void)
{
    size_t used = 0;
    for (size_t i = 0; i < train_key_count; i++) {
        const train_key *key = &train_keys[i];
        options[used++] = (tool_option){key->name, OPT_KEY + (int)i, key->argument, key->help};
    }
    memcpy(options + used, own_options, sizeof own_options);
}

static void take_option(command *asked, int code)
{
    switch (code) {
    case OPT_OUT: asked->out = optarg; break;
    case OPT_RESUME: asked->resume = optarg; break;
    default: asked->flags[asked->flag_count++] = (given_flag){&train_keys[code - OPT_KEY], optarg};
    }
}

static int is_json(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".json") == 0;
}

/* Paths in the configuration are kept whole, so that --resume works from any folder. */
static void make_absolute(char **path)
{
    char *whole = *path ? realpath(*path, NULL) : NULL;
    if (!whole) return; /* opening it will say why */
    free(*path);
    *path = whole;
}

static void make_texts_absolute(json_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        char *whole = realpath(json_string_value(json_array_get(texts, i)), NULL);
        if (whole) json_array_set_new(texts, i, json_string(whole));
        free(whole);
    }
}

/* Operands are the configuration and, since "--text a b c" reads well, more texts. */
static void configure(const command *asked, char **operands)
{
    char error[TRAIN_CONFIG_ERROR];
    for (char **at = operands; *at; at++) {
        int good = is_json(*at) ? train_config_read(&run.config, *at, error)
                                : train_config_set(&run.config, train_keys, *at, error); /* text is the first key */
        if (!good) args_usage_error(&self, "%s", error);
    }
    for (int i = 0; i < asked->flag_count; i++)
        if (!train_config_set(&run.config, asked->flags[i].key, asked->flags[i].text, error))
            args_usage_error(&self, "--%s", error);
    make_texts_absolute(run.config.text);
    make_absolute(&run.config.tokenizer);
    make_absolute(&run.config.from);
}

static void parse(command *asked, int argc, char **argv)
{
    asked->flags = text_alloc((size_t)argc * sizeof *asked->flags);
    for (int code; (code = args_next(&self, argc, argv, &asked->common)) != -1;) take_option(asked, code);
    if (!asked->out == !asked->resume) args_usage_error(&self, "say either --out RUN or --resume RUN");
    if (asked->resume && (asked->flag_count > 0 || optind < argc))
        args_usage_error(&self, "--resume goes on as the run began: no other settings can be given");
    run.folder = asked->resume ? asked->resume : asked->out;
    run.quiet = journal.quiet = asked->common.quiet;
    if (!asked->resume) configure(asked, argv + optind);
}

/* ---- the run folder --------------------------------------------------------------------------------------------- */

static int fail(const char *text)
{
    train_log_clear(&journal);
    args_complain(&self, text);
    return TOOL_FAILED;
}

static int fail_at(const char *path, const char *reason)
{
    snprintf(run.error, sizeof run.error, "%s: %s", path, reason);
    return 0;
}

/* run.json comes first: with it --resume can make everything else. */
static int begin_folder(const char *settings)
{
    if (access(settings, F_OK) == 0)
        return fail_at(run.folder, "there is a run in this folder: --resume goes on with it");
    train_start_note(&run);
    if (mkdir(run.folder, 0777) != 0 && errno != EEXIST) return fail_at(run.folder, strerror(errno));
    char *text = train_config_write(&run.config);
    int good = text && train_file_write(settings, text, strlen(text));
    if (!good) fail_at(settings, strerror(errno));
    free(text);
    return good;
}

static int read_settings(const char *settings)
{
    char error[TRAIN_CONFIG_ERROR];
    return train_config_read(&run.config, settings, error) || fail_at("cannot resume", error);
}

/* The first rank's. */
static int open_folder(const command *asked)
{
    char *settings = train_run_path(&run, "run.json");
    int good = asked->resume ? read_settings(settings) : begin_folder(settings);
    free(settings);
    return good;
}

/* The other ranks take up what the first has made. */
static int join_folder(const command *asked)
{
    int good = train_ranks_files(&run);
    if (ranks_rank() > 0 && good) {
        char *settings = train_run_path(&run, "run.json");
        good = (!asked->resume || read_settings(settings)) && train_run_prepare(&run);
        free(settings);
    }
    return train_run_agree(&run, good);
}

/* ---- what is due after a step ----------------------------------------------------------------------------------- */

static int every(int64_t interval, int64_t step)
{
    return step % interval == 0 || step == run.config.steps;
}

/* 0, 1, 2, 4 ... 512 and every so many: as the checkpoints of Pythia. */
static int is_checkpoint(int64_t step)
{
    return every(run.config.checkpoint_every, step) || (step <= FIRST_LOG_STEPS && (step & (step - 1)) == 0);
}

static int evaluate(train_row *row)
{
    neck_training_evaluation found = {.struct_size = sizeof found};
    if (run.config.validation_share == 0) return 1;
    if (neck_training_evaluate(run.context, run.training, &found) != NECK_OK) return train_run_fail(&run, NULL);
    row->validation_loss = found.loss;
    row->validation_accuracy = found.accuracy;
    return 1;
}

/* The value of a series if it was observed at this step. */
static double observed(const char *name, int64_t step)
{
    int64_t index;
    if (neck_monitor_series_find(run.monitor, name, &index) != NECK_OK) return NAN;
    int64_t last = neck_monitor_series_length(run.monitor, index) - 1;
    if (last < 0 || neck_monitor_series_steps(run.monitor, index)[last] != step) return NAN;
    return neck_monitor_series_values(run.monitor, index)[last];
}

static void tell_events(int64_t first)
{
    for (int64_t i = first; i < neck_monitor_event_count(run.monitor); i++) {
        neck_monitor_event event = {.struct_size = sizeof event};
        if (neck_monitor_event_at(run.monitor, i, &event) != NECK_OK) return;
        train_log_clear(&journal);
        train_run_tell(&run, "step %" PRId64 ": %s of %s, %.4g, since step %" PRId64, event.step,
                       neck_monitor_event_name(event.kind), neck_monitor_series_name(run.monitor, event.series),
                       event.value, event.onset_step);
    }
}

/* States are those of the step's last micro-batch: an evaluation would replace them, so this goes first. */
static int watch(train_row *row)
{
    static const char *const names[] = {"loss", "gradient_norm", "learning_rate"};
    double values[] = {row->loss, row->gradient_norm, row->learning_rate};
    int64_t events = neck_monitor_event_count(run.monitor);
    if (!train_run_watch(&run, names, values, isnan(row->loss) ? 0 : 3)) return 0;
    row->singular_entropy = observed("head.raw.singular_entropy", row->step);
    row->anisotropy = observed("states.raw.anisotropy", row->step);
    tell_events(events);
    return 1;
}

/* What the first rank alone does, and all must know. */
static int first_rank(int (*act)(train_row *row), train_row *row)
{
    return train_run_agree(&run, ranks_rank() > 0 || act(row));
}

static int log_row(train_row *row)
{
    return train_log_step(&journal, row, run.error);
}

/* The state comes last: what it holds has been logged and exported. */
static int settle(train_row *row)
{
    int64_t step = row->step;
    if (every(run.config.monitor_every, step) && !first_rank(watch, row)) return 0;
    if (every(run.config.evaluate_every, step) && !evaluate(row)) return 0;
    if (is_checkpoint(step) && !train_run_export(&run)) return 0;
    if (!first_rank(log_row, row)) return 0;
    return !(is_checkpoint(step) || every(run.config.save_every, step)) || train_run_save(&run);
}

static train_row blank(void)
{
    return (train_row){.step = neck_training_steps(run.training), .tokens = neck_training_tokens(run.training),
                       .loss = NAN, .gradient_norm = NAN, .learning_rate = NAN, .seconds = NAN, .validation_loss = NAN,
                       .validation_accuracy = NAN, .singular_entropy = NAN, .anisotropy = NAN};
}

static int step(void)
{
    double start = train_clock();
    neck_training_report report = {.struct_size = sizeof report};
    if (neck_training_step(run.context, run.training, &report) != NECK_OK) return train_run_fail(&run, NULL);
    train_row row = blank();
    row.loss = report.loss;
    row.gradient_norm = report.gradient_norm;
    row.learning_rate = report.learning_rate;
    row.seconds = train_clock() - start;
    return settle(&row);
}

/* ---- the course of it ------------------------------------------------------------------------------------------- */

static int say_interrupted(void)
{
    train_log_clear(&journal);
    fprintf(stderr, "%s: stopped after step %" PRId64 "; go on with: %s --resume %s\n", self.name,
            run.training ? neck_training_steps(run.training) : (int64_t)0, self.name, run.folder);
    return TOOL_INTERRUPTED;
}

/* The last good state is on disk whatever happened; this says so. */
static int say_failed(void)
{
    int status = fail(run.error);
    train_run_tell(&run, "%s keeps its last state; %s --resume %s goes on from it", run.folder, self.name, run.folder);
    return status;
}

/* The same folder is then free for better settings. */
static int say_not_begun(const command *asked)
{
    if (!asked->resume && ranks_rank() == 0) train_start_undo(&run);
    return fail(run.error);
}

static void introduce(int resumed)
{
    const train_config *c = &run.config;
    train_run_tell(&run,
                   "%s %" PRId64 " parameters, %" PRId64 " tokens of text, %" PRId64 " a step, %" PRId64 " in all",
                   neck_trainable_family(run.model), neck_trainable_size(run.model), neck_token_file_count(run.tokens),
                   c->batch * c->context * c->accumulation, c->batch * c->context * c->accumulation * c->steps);
    if (ranks_size() > 1) train_run_tell(&run, "%d ranks share each step", ranks_size());
    if (resumed) train_run_tell(&run, "going on after step %" PRId64, neck_training_steps(run.training));
}

/* Both logs lose what came after the state, and go on from there. */
static int open_logs(int resumed)
{
    if (ranks_rank() > 0) return 1;
    char *steps = train_run_path(&run, "log.jsonl"), *monitor = train_run_path(&run, "monitor.jsonl");
    int good = train_log_open(&journal, steps, resumed ? neck_training_steps(run.training) : -1, run.error);
    if (good && neck_monitor_log(run.monitor, monitor) != NECK_OK) good = train_run_fail(&run, NULL);
    free(steps);
    free(monitor);
    return good;
}

static int prepare(const command *asked)
{
    return train_run_agree(&run, ranks_rank() > 0 || train_run_prepare(&run)) && join_folder(asked);
}

static int train(const command *asked)
{
    int resumed;
    if (!prepare(asked)) return ranks_any(interrupt_seen()) ? say_interrupted() : say_not_begun(asked);
    if (!train_run_build(&run, &resumed)) return say_not_begun(asked);
    if (!train_run_agree(&run, open_logs(resumed))) return fail(run.error);
    journal.steps = run.config.steps;
    introduce(resumed);
    train_row first = blank();
    if (resumed ? !train_run_save(&run) : !settle(&first)) return say_failed(); /* saving: removes what a kill has left */
    while (neck_training_steps(run.training) < run.config.steps) {
        if (ranks_any(interrupt_seen())) return train_run_save(&run) ? say_interrupted() : say_failed();
        if (!step()) return say_failed();
    }
    return TOOL_OK;
}

static int start(const command *asked)
{
    if (!ranks_begin(&self)) return TOOL_FAILED;
    if (!train_run_agree(&run, ranks_rank() > 0 || open_folder(asked))) return fail(run.error);
    run.context = tool_begin(&self, &asked->common, (uint64_t)run.config.seed, NULL, NULL);
    return train(asked);
}

int main(int argc, char **argv)
{
    command asked = {0};
    make_options();
    train_config_begin(&run.config);
    parse(&asked, argc, argv);
    int status = start(&asked);
    train_log_clear(&journal);
    if (status == TOOL_OK) printf("%s/checkpoints/step-%" PRId64 "\n", run.folder, run.config.steps);
    train_log_close(&journal);
    train_run_free(&run);
    free(asked.flags);
    train_ranks_end();
    return ranks_end(status);
}
