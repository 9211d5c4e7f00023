/* neck-tokenize - trains tokenizers, turns text into token files and back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <getopt.h>

#include <softneck.h>
#include <softneck/token_file.h>
#include <softneck/tokenizer_training.h>

#include "support_args.h"
#include "support_tokenize.h"
#include "support_tokenize_report.h"
#include "support_tool.h"

enum { OPT_TRAIN = 256, OPT_VOCAB_SIZE, OPT_SPLIT, OPT_SPECIAL, OPT_MIN_FREQUENCY, OPT_TOKENIZER, OPT_NO_END, OPT_COUNT,
       OPT_SHOW, OPT_DECODE, OPT_JSON };

static const tool_option options[] = {
    {"train", OPT_TRAIN, NULL, "learn a byte-level BPE from the texts and write it\nto --output, a tokenizer.json"},
    {"vocab-size", OPT_VOCAB_SIZE, "N", "tokens to learn, at least 256 and the special ones"},
    {"split", OPT_SPLIT, "NAME", "where words end: gpt2 (default), llama3, qwen2 or\nnone"},
    {"special", OPT_SPECIAL, "TOKEN", "a special token, numbered from 0; may be given\nseveral times (default: "
                                      "<|endoftext|>)"},
    {"min-frequency", OPT_MIN_FREQUENCY, "N", "leave pairs apart that occur less often\n(default 1)"},
    {"tokenizer", OPT_TOKENIZER, "PATH", "encode or decode by this file or folder"},
    {"output", 'o', "FILE", "what is written: a tokenizer, or with --tokenizer a\ntoken file"},
    {"no-end", OPT_NO_END, NULL, "no end-of-text token behind each document"},
    {"count", OPT_COUNT, NULL, "count tokens, write nothing"},
    {"show", OPT_SHOW, NULL, "print the tokens with bars between them"},
    {"decode", OPT_DECODE, NULL, "print the text of token files"},
    {"json", OPT_JSON, NULL, "JSON objects, one a line, not text for people"},
    ARGS_COMMON("no progress on standard error"),
};

static const tool self = {
    .name = "neck-tokenize",
    .summary = "Tokenizers and token files.\n"
               "  --train --vocab-size N TEXT... -o tokenizer.json   learn a tokenizer\n"
               "  --tokenizer PATH TEXT... -o tokens.bin             text to a token file\n"
               "  --tokenizer PATH --count|--show TEXT...            look at the tokens\n"
               "  --tokenizer PATH --decode TOKENS...                a token file to text\n"
               "A TEXT is one document; a file named *.jsonl holds one a line, in its \"text\".",
    .options = options,
    .operands = "FILE...",
    .notes = "Exit status: 0 done, 1 something failed, 2 wrong usage, 130 interrupted. A file that\n"
             "is not finished does not appear.",
};

typedef enum mode { ENCODE, TRAIN, COUNT, SHOW, DECODE } mode;

#define MOST_SPECIALS 1024

/* What the command line asks for. */
typedef struct settings {
    tool_common common;
    mode mode;
    neck_tokenizer_training_options training;
    const char *specials[MOST_SPECIALS];
    const char *tokenizer;
    const char *output;
    char **files;
    int file_count;
    int no_end;
    int json;
} settings;

typedef struct session {
    settings *asked;
    neck_context *context;
    progress progress;
    neck_tokenizer *tokenizer;
    neck_tokenizer_training *training;
    neck_token_writer *writer;
    token_buffer tokens;
    tokenize_sum total;
} session;

/* ---- the command line ------------------------------------------------------------------------------------------- */

static int32_t split_of(const char *name)
{
    for (int32_t i = NECK_SPLIT_GPT2; i <= NECK_SPLIT_NONE; i++)
        if (strcmp(split_name(i), name) == 0) return i;
    args_usage_error(&self, "--split is '%s': it must be gpt2, llama3, qwen2 or none", name);
}

static void add_special(settings *asked, const char *token)
{
    if (asked->training.special_count == MOST_SPECIALS)
        args_usage_error(&self, "--special is given more than %d times", MOST_SPECIALS);
    asked->training.special_tokens = asked->specials;
    asked->specials[asked->training.special_count++] = token;
}

static void set_mode(settings *asked, mode wanted)
{
    if (asked->mode != ENCODE && asked->mode != wanted)
        args_usage_error(&self, "--train, --count, --show and --decode exclude each other");
    asked->mode = wanted;
}

static void take_option(settings *asked, int code)
{
    switch (code) {
    case OPT_TRAIN: set_mode(asked, TRAIN); break;
    case OPT_VOCAB_SIZE: asked->training.vocab_size = args_integer(&self, "vocab-size", optarg, 256, INT32_MAX); break;
    case OPT_SPLIT: asked->training.split = split_of(optarg); break;
    case OPT_SPECIAL: add_special(asked, optarg); break;
    case OPT_MIN_FREQUENCY:
        asked->training.min_frequency = args_integer(&self, "min-frequency", optarg, 1, INT64_MAX);
        break;
    case OPT_TOKENIZER: asked->tokenizer = optarg; break;
    case 'o': asked->output = optarg; break;
    case OPT_NO_END: asked->no_end = 1; break;
    case OPT_COUNT: set_mode(asked, COUNT); break;
    case OPT_SHOW: set_mode(asked, SHOW); break;
    case OPT_DECODE: set_mode(asked, DECODE); break;
    case OPT_JSON: asked->json = 1; break;
    }
}

/* Options that make sense only together. */
static void check_settings(const settings *asked)
{
    const int trains = asked->mode == TRAIN, writes = trains || asked->mode == ENCODE;
    if (asked->file_count == 0) args_usage_error(&self, "no FILE given");
    if (trains && !asked->training.vocab_size) args_usage_error(&self, "--train needs --vocab-size");
    if (trains && asked->tokenizer) args_usage_error(&self, "--train makes a tokenizer: --tokenizer is not for it");
    if (!trains && !asked->tokenizer) args_usage_error(&self, "no --tokenizer given (or --train, to make one)");
    if (!trains && (asked->training.vocab_size || asked->training.split || asked->training.special_count ||
                    asked->training.min_frequency))
        args_usage_error(&self, "--vocab-size, --split, --special and --min-frequency are for --train");
    if (writes && !asked->output) args_usage_error(&self, "no --output given (or --count, --show, --decode)");
    if (!writes && asked->output) args_usage_error(&self, "--output is for --train and for token files");
    if (asked->no_end && asked->mode != ENCODE) args_usage_error(&self, "--no-end is for token files");
    if (asked->json && asked->mode == DECODE) args_usage_error(&self, "--decode prints text: --json is not for it");
}

/* ---- failing ---------------------------------------------------------------------------------------------------- */

/* One line about a file, whose name the message may hold already; returns 0. */
static int complain(session *now, const char *path, const char *message)
{
    char text[CORPUS_ERROR_SIZE];
    progress_clear(&now->progress);
    if (strstr(message, path)) snprintf(text, sizeof text, "%s", message);
    else snprintf(text, sizeof text, "%s: %s", path, message);
    args_complain(&self, text);
    return 0;
}

/* The same for a call that failed; of an interruption main tells. */
static int fail(session *now, neck_status status, const char *path)
{
    progress_clear(&now->progress);
    return status == NECK_E_CANCELLED ? 0 : complain(now, path, neck_last_error());
}

/* ---- what is done with each document ---------------------------------------------------------------------------- */

static neck_status write_document(session *now)
{
    const int32_t end = neck_tokenizer_special(now->tokenizer, NECK_TOKEN_EOS);
    neck_status status = neck_token_writer_push(now->writer, now->tokens.ids, now->tokens.count);
    if (status == NECK_OK && end >= 0 && !now->asked->no_end) {
        status = neck_token_writer_push(now->writer, &end, 1);
        now->total.tokens++;
    }
    return status == NECK_OK ? neck_token_writer_end_document(now->writer) : status;
}

static neck_status one_document(session *now, const char *path, int64_t number, const document *text)
{
    if (now->training) return neck_tokenizer_training_push(now->context, now->training, text->text, text->size);
    neck_status status = tokenize_document(now->context, now->tokenizer, text, &now->tokens);
    if (status != NECK_OK) return status;
    now->total.tokens += now->tokens.count;
    if (now->asked->mode == SHOW && now->asked->json) tokens_report(now->tokenizer, path, number, &now->tokens);
    else if (now->asked->mode == SHOW) tokenize_show(now->tokenizer, &now->tokens);
    return now->writer ? write_document(now) : NECK_OK;
}

static neck_status all_documents(session *now, const char *path, const corpus *text)
{
    int64_t done = 0;
    for (int64_t i = 0; i < text->count; i++) {
        neck_progress told = {sizeof told, "encoding", "bytes", done, text->bytes};
        if (!now->training && progress_report(&now->progress, &told)) return NECK_E_CANCELLED;
        neck_status status = one_document(now, path, i, &text->documents[i]);
        if (status != NECK_OK) return status;
        done += text->documents[i].size;
        now->total.documents++;
        now->total.bytes += text->documents[i].size;
    }
    return NECK_OK;
}

/* Returns 0 when it failed or was interrupted. */
static int one_file(session *now, const char *path)
{
    char error[CORPUS_ERROR_SIZE];
    corpus text = {.documents = NULL};
    if (!corpus_add(&text, path, error)) {
        corpus_free(&text);
        return complain(now, path, error);
    }
    neck_status status = all_documents(now, path, &text);
    corpus_free(&text);
    return status == NECK_OK ? 1 : fail(now, status, path);
}

/* ---- the jobs --------------------------------------------------------------------------------------------------- */

/* Each returns 0 when it failed or was interrupted. */

static int all_files(session *now)
{
    const settings *asked = now->asked;
    for (int i = 0; i < asked->file_count; i++) {
        progress_item(&now->progress, asked->files[i], i, asked->file_count);
        if (interrupt_seen() || !one_file(now, asked->files[i])) return 0;
    }
    progress_clear(&now->progress);
    return 1;
}

static void tell_shortage(const session *now)
{
    const int64_t size = neck_tokenizer_training_vocab_size(now->training);
    char text[96];
    if (size == now->asked->training.vocab_size) return;
    snprintf(text, sizeof text, "the text has pairs for no more than %" PRId64 " tokens", size);
    args_complain(&self, text);
}

static int run_train(session *now)
{
    const settings *asked = now->asked;
    neck_status status = neck_tokenizer_training_create(now->context, &asked->training, &now->training);
    if (status != NECK_OK) args_usage_error(&self, "%s", neck_last_error());
    if (!all_files(now)) return 0;
    progress_item(&now->progress, asked->output, 0, 1);
    status = neck_tokenizer_training_finish(now->context, now->training);
    progress_clear(&now->progress);
    if (status == NECK_OK) status = neck_tokenizer_training_save(now->context, now->training, asked->output);
    if (status != NECK_OK) return fail(now, status, asked->output);
    training_report(now->training, asked->output, asked->training.split, &now->total, asked->json);
    tell_shortage(now);
    return 1;
}

static int run_encode(session *now)
{
    const settings *asked = now->asked;
    const uint64_t hash = neck_tokenizer_hash(now->tokenizer);
    neck_status status = neck_token_writer_create(now->context, asked->output,
                                                  neck_tokenizer_vocab_size(now->tokenizer), hash, &now->writer);
    if (status != NECK_OK) return fail(now, status, asked->output);
    if (!all_files(now)) return 0;
    if (now->total.bytes == 0) return complain(now, asked->output, "there is no text to encode");
    status = neck_token_writer_commit(now->writer);
    now->writer = NULL;
    if (status != NECK_OK) return fail(now, status, asked->output);
    encoding_report(now->tokenizer, hash, asked->output, &now->total, asked->json);
    return 1;
}

static int run_count(session *now)
{
    const settings *asked = now->asked;
    tokenize_sum all = {.documents = 0};
    for (int i = 0; i < asked->file_count; i++) {
        progress_item(&now->progress, asked->files[i], i, asked->file_count);
        now->total = (tokenize_sum){.documents = 0};
        if (interrupt_seen() || !one_file(now, asked->files[i])) return 0;
        progress_clear(&now->progress);
        if (i == 0 && !asked->json) count_report_head();
        count_report(asked->files[i], &now->total, asked->json);
        all.documents += now->total.documents;
        all.bytes += now->total.bytes;
        all.tokens += now->total.tokens;
    }
    if (asked->file_count > 1 && !asked->json) count_report("all", &all, 0);
    return 1;
}

static neck_status decode_file(session *now, const neck_token_file *file)
{
    const int64_t documents = neck_token_file_documents(file);
    neck_status status = NECK_OK;
    if (documents == 0) return tokenize_decode(now->tokenizer, file, 0, neck_token_file_count(file));
    for (int64_t i = 0, begin, end; i < documents && status == NECK_OK && !interrupt_seen(); i++) {
        status = neck_token_file_document(file, i, &begin, &end);
        if (status == NECK_OK) status = tokenize_decode(now->tokenizer, file, begin, end);
    }
    return status;
}

static int run_decode(session *now)
{
    const settings *asked = now->asked;
    for (int i = 0; i < asked->file_count && !interrupt_seen(); i++) {
        neck_token_file *file = NULL;
        progress_item(&now->progress, asked->files[i], i, asked->file_count);
        neck_status status = neck_token_file_open(now->context, asked->files[i], NULL, &file);
        progress_clear(&now->progress);
        if (status != NECK_OK) return fail(now, status, asked->files[i]);
        const uint64_t hash = neck_token_file_tokenizer_hash(file);
        const int right = hash == 0 || hash == neck_tokenizer_hash(now->tokenizer);
        if (right) status = decode_file(now, file);
        neck_token_file_destroy(file);
        if (status != NECK_OK) return fail(now, status, asked->files[i]);
        if (!right) return complain(now, asked->files[i], "its tokens are those of another tokenizer");
    }
    return 1;
}

static int run(session *now)
{
    static int (*const jobs[])(session *) = {
        [ENCODE] = run_encode, [TRAIN] = run_train, [COUNT] = run_count, [SHOW] = all_files, [DECODE] = run_decode};
    const char *path = now->asked->tokenizer;
    neck_status status = path ? neck_tokenizer_open(now->context, path, NULL, &now->tokenizer) : NECK_OK;
    return status == NECK_OK ? jobs[now->asked->mode](now) : fail(now, status, path);
}

static void finish(session *now)
{
    neck_token_writer_destroy(now->writer);
    neck_tokenizer_training_destroy(now->training);
    neck_tokenizer_destroy(now->tokenizer);
    free(now->tokens.ids);
}

int main(int argc, char **argv)
{
    settings asked = {.training = {.struct_size = sizeof asked.training}};
    for (int code; (code = args_next(&self, argc, argv, &asked.common)) != -1;) take_option(&asked, code);
    asked.files = argv + optind;
    asked.file_count = argc - optind;
    check_settings(&asked);

    session now = {.asked = &asked, .progress = progress_make(self.name, asked.common.quiet)};
    now.context = tool_begin(&self, &asked.common, 0, progress_report, &now.progress);
    int good = run(&now);
    finish(&now);
    return tool_end(&self, now.context, tool_status(!interrupt_seen(), !good), "interrupted");
}
