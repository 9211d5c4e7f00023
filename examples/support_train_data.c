/* support_train_data.c - text to RUN/tokenizer.json and RUN/tokens.bin, or what is there of them. */
#include <softneck/tokenizer_training.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_corpus.h"
#include "support_progress.h"
#include "support_text.h"
#include "support_train_run.h"

/* ---- text ------------------------------------------------------------------------------------------------------- */

static int load_text(train_run *self, corpus *out)
{
    size_t i;
    json_t *path;
    json_array_foreach(self->config.text, i, path)
        if (!corpus_add(out, json_string_value(path), self->error)) return 0;
    if (out->bytes > 0) return 1;
    const char *reason = i ? "the text is empty" : "no text: --text FILE... says what to learn from";
    snprintf(self->error, sizeof self->error, "%s", reason);
    return 0;
}

/* ---- the tokenizer ---------------------------------------------------------------------------------------------- */

/* Other kinds of tokenizers would lie in checkpoints under a name that is not theirs. */
static int begins_as_json(const char *path)
{
    FILE *file = fopen(path, "rb");
    int first = ' ';
    while (file && isspace(first)) first = getc(file);
    int other = file && first != '{';
    if (file) fclose(file);
    return !other;
}

/* Of a folder its tokenizer.json. */
static int copy_tokenizer(train_run *self, const char *from, const char *to)
{
    size_t room = strlen(from) + 32;
    char *inner = text_alloc(room);
    snprintf(inner, room, "%s/tokenizer.json", from);
    struct stat about;
    const char *source = stat(from, &about) == 0 && S_ISDIR(about.st_mode) ? inner : from;
    int json = begins_as_json(source), good = json && train_file_copy(source, to);
    if (!json) snprintf(self->error, sizeof self->error, "%s: no tokenizer.json, which training needs", source);
    else if (!good) snprintf(self->error, sizeof self->error, "%s: %s", source, strerror(errno));
    free(inner);
    return good;
}

static neck_status learn_tokens(train_run *self, neck_tokenizer_training *training, const corpus *text, const char *to)
{
    for (int64_t i = 0; i < text->count; i++) {
        neck_status status = neck_tokenizer_training_push(self->context, training, text->documents[i].text,
                                                          text->documents[i].size);
        if (status != NECK_OK) return status;
    }
    neck_status status = neck_tokenizer_training_finish(self->context, training);
    return status == NECK_OK ? neck_tokenizer_training_save(self->context, training, to) : status;
}

static int train_tokenizer(train_run *self, const corpus *text, const char *to)
{
    neck_tokenizer_training *training = NULL;
    neck_tokenizer_training_options options = {.struct_size = sizeof options, .vocab_size = self->config.vocab_size};
    neck_status status = neck_tokenizer_training_create(self->context, &options, &training);
    if (status == NECK_OK) status = learn_tokens(self, training, text, to);
    if (status == NECK_OK) train_run_tell(self, "trained a tokenizer of %" PRId64 " tokens",
                                          neck_tokenizer_training_vocab_size(training));
    neck_tokenizer_training_destroy(training);
    return status == NECK_OK || train_run_fail(self, "tokenizer");
}

static int get_tokenizer(train_run *self, const corpus *text, const char *path)
{
    const char *given = self->config.tokenizer ? self->config.tokenizer : self->config.from;
    int good = access(path, F_OK) == 0;
    if (!good) good = given ? copy_tokenizer(self, given, path) : train_tokenizer(self, text, path);
    if (!good) return 0;
    if (neck_tokenizer_open(self->context, path, NULL, &self->tokenizer) == NECK_OK) return 1;
    return train_run_fail(self, NULL);
}

/* ---- tokens ----------------------------------------------------------------------------------------------------- */

/* A document is followed by the token that ends one, where the tokenizer has it. */
static neck_status write_document(train_run *self, neck_token_writer *writer, const document *item, int32_t *ids)
{
    int64_t count;
    int32_t end = neck_tokenizer_special(self->tokenizer, NECK_TOKEN_EOS);
    if (end < 0) (void)neck_tokenizer_find(self->tokenizer, "<|endoftext|>", 13, &end);
    neck_encode_options plain = {.struct_size = sizeof plain, .no_special_tokens = 1};
    neck_status status = neck_tokenizer_encode(self->context, self->tokenizer, item->text, item->size, &plain, ids,
                                               item->size, &count);
    if (status == NECK_OK) status = neck_token_writer_push(writer, ids, count);
    if (status == NECK_OK && end >= 0) status = neck_token_writer_push(writer, &end, 1);
    return status == NECK_OK ? neck_token_writer_end_document(writer) : status;
}

static int write_tokens(train_run *self, const corpus *text, const char *path)
{
    neck_token_writer *writer = NULL;
    int64_t longest = 1;
    for (int64_t i = 0; i < text->count; i++)
        if (text->documents[i].size > longest) longest = text->documents[i].size;
    int32_t *ids = text_alloc((size_t)longest * sizeof *ids);
    neck_status status = neck_token_writer_create(self->context, path, neck_tokenizer_vocab_size(self->tokenizer),
                                                  neck_tokenizer_hash(self->tokenizer), &writer);
    for (int64_t i = 0; status == NECK_OK && i < text->count; i++) {
        status = write_document(self, writer, &text->documents[i], ids);
        if (interrupt_seen()) break;
    }
    free(ids);
    if (status == NECK_OK && !interrupt_seen()) {
        status = neck_token_writer_commit(writer);
        return status == NECK_OK || train_run_fail(self, NULL);
    }
    if (status != NECK_OK) train_run_fail(self, NULL);
    neck_token_writer_destroy(writer);
    return 0;
}

static int open_tokens(train_run *self, const char *path)
{
    if (neck_token_file_open(self->context, path, NULL, &self->tokens) != NECK_OK) return train_run_fail(self, NULL);
    if (neck_token_file_tokenizer_hash(self->tokens) == neck_tokenizer_hash(self->tokenizer)) return 1;
    snprintf(self->error, sizeof self->error, "%s: tokens of another tokenizer than the one beside it", path);
    return 0;
}

/* The text is read only when it is needed. */
int train_run_prepare(train_run *self)
{
    corpus text = {0};
    char *tokenizer = train_run_path(self, "tokenizer.json"), *tokens = train_run_path(self, "tokens.bin");
    int have = access(tokenizer, F_OK) == 0 && access(tokens, F_OK) == 0;
    int good = have || load_text(self, &text);
    good = good && get_tokenizer(self, &text, tokenizer);
    good = good && (have || write_tokens(self, &text, tokens));
    good = good && open_tokens(self, tokens);
    corpus_free(&text);
    free(tokenizer);
    free(tokens);
    return good;
}
