/* support_counts.c - counts from token files, arrays and texts. */
#include "support_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_evaluate.h"
#include "support_progress.h"
#include "support_text.h"
#include "support_tokenize.h"

static double *no_counts(int64_t count)
{
    double *counts = text_alloc((size_t)count * sizeof *counts);
    for (int64_t i = 0; i < count; i++) counts[i] = 0;
    return counts;
}

/* Tokens are read piece by piece: a file may be larger than memory. */
static double *count_token_file(neck_context *context, const char *path, int64_t *count, measure_error *error)
{
    enum { PIECE = 4096 };
    int32_t ids[PIECE];
    neck_token_file *file;
    neck_status status = neck_token_file_open(context, path, NULL, &file);
    if (status != NECK_OK) {
        measure_fail(error, status, path);
        return NULL;
    }
    int64_t tokens = neck_token_file_count(file);
    *count = neck_token_file_vocab_size(file);
    double *counts = no_counts(*count);
    for (int64_t begin = 0; begin < tokens && status == NECK_OK; begin += PIECE) {
        int64_t now = tokens - begin < PIECE ? tokens - begin : PIECE;
        status = neck_token_file_read(file, begin, now, ids);
        for (int64_t i = 0; status == NECK_OK && i < now; i++) counts[ids[i]]++;
    }
    neck_token_file_destroy(file);
    if (status == NECK_OK) return counts;
    free(counts);
    measure_fail(error, status, path);
    return NULL;
}

static neck_status count_documents(neck_context *context, const neck_tokenizer *tokenizer, const corpus *text,
                                   double *counts)
{
    token_buffer buffer = {.ids = NULL};
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < text->count && status == NECK_OK; i++) {
        status = interrupt_seen() ? NECK_E_CANCELLED
                                  : tokenize_document(context, tokenizer, &text->documents[i], &buffer);
        for (int64_t k = 0; status == NECK_OK && k < buffer.count; k++) counts[buffer.ids[k]]++;
    }
    free(buffer.ids);
    return status;
}

static double *count_text(neck_context *context, const counts_source *from, int64_t *count, measure_error *error)
{
    corpus text = {.documents = NULL};
    neck_tokenizer *tokenizer = evaluate_tokenizer(context, from->tokenizer, from->model, error);
    if (!tokenizer) return NULL;
    double *counts = NULL;
    neck_status status = NECK_E_IO;
    error->status = status;
    if (corpus_add(&text, from->path, error->text)) {
        *count = neck_tokenizer_vocab_size(tokenizer);
        counts = no_counts(*count);
        status = count_documents(context, tokenizer, &text, counts);
        if (status != NECK_OK) measure_fail(error, status, from->path);
    }
    corpus_free(&text);
    neck_tokenizer_destroy(tokenizer);
    if (status == NECK_OK) return counts;
    free(counts);
    return NULL;
}

int counts_read(neck_context *context, const counts_source *from, measure_request *request, measure_error *error)
{
    char magic[8] = {0};
    FILE *file = fopen(from->path, "rb");
    size_t read = file ? fread(magic, 1, sizeof magic, file) : 0;
    if (file) fclose(file);
    int is_tokens = read == sizeof magic && memcmp(magic, "NECKTOKS", sizeof magic) == 0;
    int is_array = !file || (read == sizeof magic && memcmp(magic, "\x93NUMPY", 6) == 0);
    request->counts_of_tokens = !is_array;
    if (is_tokens) request->counts = count_token_file(context, from->path, &request->count_count, error);
    else if (is_array) request->counts = measure_weights(context, from->path, &request->count_count, error);
    else request->counts = count_text(context, from, &request->count_count, error);
    return request->counts != NULL;
}
