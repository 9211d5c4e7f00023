/* support_ngram_corpus.c - text cut into bytes, words or a tokenizer's tokens, and kept as a token file. */
#include "support_ngram_corpus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_args.h"
#include "support_progress.h"
#include "support_text.h"
#include "support_tokenize.h"
#include "support_words.h"

/* ---- failing ---- */

/* Each returns 0. The library's message of a cancelled call says nothing: main tells of an interruption. */
static int fail(char error[CORPUS_ERROR_SIZE], const char *path, const char *message)
{
    if (strstr(message, path)) snprintf(error, CORPUS_ERROR_SIZE, "%s", message);
    else snprintf(error, CORPUS_ERROR_SIZE, "%s: %s", path, message);
    return 0;
}

static int fail_call(char error[CORPUS_ERROR_SIZE], const char *path, neck_status status)
{
    error[0] = '\0';
    return status == NECK_E_CANCELLED ? 0 : fail(error, path, neck_last_error());
}

/* ---- ways to cut ---- */

/* "words" or "words:N"; 0 when it is neither. */
static int parse_words(const char *asked, int64_t *most)
{
    char *end;
    if (strncmp(asked, "words", 5) != 0) return 0;
    if (asked[5] == '\0') return 1;
    if (asked[5] != ':') return 0;
    errno = 0;
    *most = strtoll(asked + 6, &end, 10);
    return asked[6] && !*end && errno == 0 && *most >= 2 && *most <= INT32_MAX;
}

int ngram_cutter_open(neck_context *context, const char *asked, ngram_cutter *out, char error[CORPUS_ERROR_SIZE])
{
    *out = (ngram_cutter){.path = asked};
    if (!asked) return 1;
    out->kind = strcmp(asked, "bytes") == 0             ? CUT_BY_BYTES
                : parse_words(asked, &out->most_words) ? CUT_BY_WORDS
                                                       : CUT_BY_FILE;
    if (out->kind != CUT_BY_FILE) return 1;
    if (strncmp(asked, "words:", 6) == 0 && access(asked, F_OK) != 0)
        return fail(error, asked, "how many words? A whole number from 2 on belongs behind the colon");
    neck_status status = neck_tokenizer_open(context, asked, NULL, &out->tokenizer);
    return status == NECK_OK ? 1 : fail_call(error, asked, status);
}

void ngram_cutter_close(ngram_cutter *cutter)
{
    neck_tokenizer_destroy(cutter->tokenizer);
}

/* ---- texts into a token file ---- */

typedef struct cutting {
    neck_context *context;
    const ngram_cutter *cutter;
    const char *scratch;
    neck_token_writer *writer;
    token_buffer buffer;
    words *words;  /* CUT_BY_WORDS: numbers are known when all words are */
    int64_t *ends; /* its documents */
    int64_t documents, room;
    char *error;
} cutting;

static int64_t vocabulary_of(const ngram_cutter *cutter)
{
    return cutter->kind == CUT_BY_BYTES ? 256 : neck_tokenizer_vocab_size(cutter->tokenizer);
}

static neck_status write_document(cutting *self, const int32_t *ids, int64_t count)
{
    neck_status status = neck_token_writer_push(self->writer, ids, count);
    return status == NECK_OK ? neck_token_writer_end_document(self->writer) : status;
}

static neck_status write_bytes(cutting *self, const document *text)
{
    int32_t ids[4096];
    int64_t most = (int64_t)(sizeof ids / sizeof *ids);
    for (int64_t at = 0, count; at < text->size; at += count) {
        count = text->size - at < most ? text->size - at : most;
        for (int64_t i = 0; i < count; i++) ids[i] = (unsigned char)text->text[at + i];
        neck_status status = neck_token_writer_push(self->writer, ids, count);
        if (status != NECK_OK) return status;
    }
    return neck_token_writer_end_document(self->writer);
}

static neck_status keep_words(cutting *self, const document *text)
{
    if (self->documents == self->room) {
        self->room = self->room ? 2 * self->room : 64;
        int64_t *larger = text_alloc((size_t)self->room * sizeof *larger);
        if (self->documents) memcpy(larger, self->ends, (size_t)self->documents * sizeof *larger);
        free(self->ends);
        self->ends = larger;
    }
    words_add(self->words, text->text, text->size);
    self->ends[self->documents++] = words_count(self->words);
    return NECK_OK;
}

static neck_status cut_document(cutting *self, const document *text)
{
    if (self->cutter->kind == CUT_BY_WORDS) return keep_words(self, text);
    if (self->cutter->kind == CUT_BY_BYTES) return write_bytes(self, text);
    neck_status status = tokenize_document(self->context, self->cutter->tokenizer, text, &self->buffer);
    return status == NECK_OK ? write_document(self, self->buffer.ids, self->buffer.count) : status;
}

static int cut_file(cutting *self, const char *path)
{
    corpus text = {.documents = NULL};
    neck_status status = NECK_OK;
    int read = corpus_add(&text, path, self->error);
    for (int64_t i = 0; read && i < text.count && status == NECK_OK; i++)
        status = interrupt_seen() ? NECK_E_CANCELLED : cut_document(self, &text.documents[i]);
    corpus_free(&text);
    return !read ? 0 : status == NECK_OK ? 1 : fail_call(self->error, path, status);
}

static neck_status open_writer(cutting *self, int64_t vocabulary)
{
    return neck_token_writer_create(self->context, self->scratch, vocabulary, 0, &self->writer);
}

static neck_status write_words(cutting *self)
{
    int64_t vocabulary = words_rank(self->words, self->cutter->most_words), begin = 0;
    neck_status status = open_writer(self, vocabulary ? vocabulary : 1);
    for (int64_t d = 0; d < self->documents && status == NECK_OK; begin = self->ends[d++])
        status = write_document(self, words_ids(self->words) + begin, self->ends[d] - begin);
    return status;
}

static int cut_texts(cutting *self, char *const *paths)
{
    const int by_words = self->cutter->kind == CUT_BY_WORDS;
    neck_status status = NECK_OK;
    if (by_words) self->words = words_make();
    else status = open_writer(self, vocabulary_of(self->cutter));
    if (status != NECK_OK) return fail_call(self->error, self->scratch, status);
    for (; *paths; paths++)
        if (!cut_file(self, *paths)) return 0;
    if (by_words) status = write_words(self);
    if (status == NECK_OK) {
        status = neck_token_writer_commit(self->writer);
        self->writer = NULL;
    }
    return status == NECK_OK ? 1 : fail_call(self->error, self->scratch, status);
}

/* ---- corpora ---- */

/* What comes through a pipe is text: a look at it would take its beginning away. */
static int is_token_file(const char *path)
{
    char magic[8] = "";
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) return 0;
    FILE *file = fopen(path, "rb");
    if (!file) return 0; /* whoever reads it says why */
    size_t got = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return got == sizeof magic && memcmp(magic, "NECKTOKS", sizeof magic) == 0;
}

/* The files behind an argument, and the name it gives them. */
static char **files_of(const char *argument, char **name)
{
    const char *equals = strchr(argument, '=');
    if (equals && equals > argument && equals[1] && access(argument, F_OK) != 0) {
        *name = text_copy(argument);
        (*name)[equals - argument] = '\0';
        return args_split(equals + 1);
    }
    char **one = text_alloc(2 * sizeof *one + strlen(argument) + 1);
    one[0] = strcpy((char *)(one + 2), argument);
    *name = text_path_name(argument);
    return one;
}

/* own: just written here, all of it need not be read. */
static int add_file(neck_context *context, ngram_corpus *self, const char *path, int own, char error[CORPUS_ERROR_SIZE])
{
    const neck_token_file_options options = {.struct_size = sizeof options, .lazy = own};
    neck_token_file *file = NULL;
    neck_status status = neck_token_file_open(context, path, &options, &file);
    if (status != NECK_OK) return fail_call(error, path, status);
    self->files[self->count++] = file;
    self->tokens += neck_token_file_count(file);
    if (self->count == 1) self->vocab_size = neck_token_file_vocab_size(file);
    if (neck_token_file_vocab_size(file) == self->vocab_size) return 1;
    snprintf(error, CORPUS_ERROR_SIZE, "%s: a vocabulary of %" PRId64 ", not %" PRId64 " as in the rest of %s", path,
             neck_token_file_vocab_size(file), self->vocab_size, self->name);
    return 0;
}

/* Texts first, so that they are one file. */
static int open_files(cutting *cut, char **paths, ngram_corpus *out)
{
    int64_t count = 0, texts = 0;
    while (paths[count]) count++;
    char **text_paths = text_alloc((size_t)(count + 1) * sizeof *text_paths);
    out->files = text_alloc((size_t)(count + 1) * sizeof(neck_token_file *));
    for (int64_t i = 0; i < count; i++)
        if (!is_token_file(paths[i])) text_paths[texts++] = paths[i];
    int good = 1;
    if (texts && cut->cutter->kind == CUT_BY_NOTHING)
        good = fail(cut->error, text_paths[0], "not a token file: say --tokenizer for text");
    else if (texts)
        good = cut_texts(cut, text_paths) && add_file(cut->context, out, cut->scratch, 1, cut->error);
    unlink(cut->scratch); /* mapped by now: it goes with the mapping, however this ends */
    free(text_paths);
    for (int64_t i = 0; i < count && good; i++)
        if (is_token_file(paths[i])) good = add_file(cut->context, out, paths[i], 0, cut->error);
    return good;
}

int ngram_corpus_open(neck_context *context, const char *argument, const ngram_cutter *cutter, const char *scratch,
                      ngram_corpus *out, char error[CORPUS_ERROR_SIZE])
{
    cutting cut = {.context = context, .cutter = cutter, .scratch = scratch, .error = error};
    *out = (ngram_corpus){.name = NULL};
    char **paths = files_of(argument, &out->name);
    error[0] = '\0';
    int good = open_files(&cut, paths, out);
    neck_token_writer_destroy(cut.writer);
    words_free(cut.words);
    free(cut.buffer.ids);
    free(cut.ends);
    free(paths);
    return good;
}

void ngram_corpus_close(ngram_corpus *self)
{
    for (int64_t i = 0; i < self->count; i++) neck_token_file_destroy(self->files[i]);
    free(self->files);
    free(self->name);
    *self = (ngram_corpus){.name = NULL};
}

/* ---- counting ---- */

#define PIECE 65536 /* tokens read at a time */

static neck_status push_range(neck_context *context, const neck_token_file *file, int64_t begin, int64_t end,
                              int32_t *ids, neck_ngram_counter *counter)
{
    for (int64_t at = begin; at < end; at += PIECE) {
        int64_t count = end - at < PIECE ? end - at : PIECE;
        neck_status status = interrupt_seen() ? NECK_E_CANCELLED : neck_token_file_read(file, at, count, ids);
        if (status == NECK_OK) status = neck_ngram_counter_push(context, counter, ids, count);
        if (status != NECK_OK) return status;
    }
    return neck_ngram_counter_end_document(context, counter);
}

/* A file that does not know its documents is one. */
static neck_status push_file(neck_context *context, const neck_token_file *file, int64_t tokens, int32_t *ids,
                             neck_ngram_counter *counter)
{
    int64_t documents = neck_token_file_documents(file), begin = 0, end = 0;
    if (documents == 0) return push_range(context, file, 0, tokens, ids, counter);
    neck_status status = NECK_OK;
    for (int64_t d = 0; d < documents && status == NECK_OK; d++) {
        status = neck_token_file_document(file, d, &begin, &end);
        if (begin >= tokens) return status;
        if (status == NECK_OK) status = push_range(context, file, begin, end < tokens ? end : tokens, ids, counter);
    }
    return status;
}

neck_status ngram_corpus_push(neck_context *context, const ngram_corpus *self, int64_t tokens,
                              neck_ngram_counter *counter)
{
    int32_t *ids = text_alloc(PIECE * sizeof *ids);
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < self->count && tokens > 0 && status == NECK_OK; i++) {
        int64_t here = neck_token_file_count(self->files[i]);
        status = push_file(context, self->files[i], tokens < here ? tokens : here, ids, counter);
        tokens -= here;
    }
    free(ids);
    return status;
}
