/* support_tokenize.c - text to tokens and back. */
#include "support_tokenize.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_text.h"

#define PIECE 4096 /* tokens decoded at a time */

static void make_room(token_buffer *buffer, int64_t count)
{
    if (count <= buffer->capacity) return;
    free(buffer->ids);
    buffer->ids = text_alloc((size_t)count * sizeof *buffer->ids);
    buffer->capacity = count;
}

neck_status tokenize_document(neck_context *context, const neck_tokenizer *tokenizer, const document *text,
                              token_buffer *buffer)
{
    const neck_encode_options options = {.struct_size = sizeof options, .no_special_tokens = 1};
    make_room(buffer, text->size + 1); /* enough unless a normalizer makes the text longer */
    for (int attempt = 0;; attempt++) {
        neck_status status = neck_tokenizer_encode(context, tokenizer, text->text, text->size, &options, buffer->ids,
                                                   buffer->capacity, &buffer->count);
        if (status != NECK_E_OVERFLOW || attempt > 0) return status;
        make_room(buffer, buffer->count);
    }
}

/* The text of a few tokens in new memory, NUL-terminated. */
static neck_status decode(const neck_tokenizer *tokenizer, const int32_t *ids, int64_t count,
                          const neck_decode_options *options, char **text, int64_t *size)
{
    neck_status status = neck_tokenizer_decode(tokenizer, ids, count, options, NULL, 0, size);
    if (status != NECK_OK && status != NECK_E_OVERFLOW) return status;
    *text = text_alloc((size_t)*size + 1);
    status = neck_tokenizer_decode(tokenizer, ids, count, options, *text, *size, size);
    if (status == NECK_OK) (*text)[*size] = '\0';
    else free(*text);
    return status;
}

static void show_bytes(const char *text, int64_t size)
{
    for (const char *end = text + size;;) {
        text_print(stdout, text);
        text += strlen(text) + 1; /* behind a NUL, which is part of the text or its end */
        if (text > end) return;
        fputs("\\0", stdout);
    }
}

void tokenize_show(const neck_tokenizer *tokenizer, const token_buffer *buffer)
{
    const neck_decode_options as_is = {.struct_size = sizeof as_is, .keep_leading_space = 1};
    int at_start = 1;
    for (int64_t i = 0; i < buffer->count; i++) {
        char *text;
        int64_t size = 0;
        if (decode(tokenizer, buffer->ids + i, 1, &as_is, &text, &size) != NECK_OK) continue;
        if (!at_start) putchar('|');
        show_bytes(text, size);
        at_start = size > 0 && text[size - 1] == '\n';
        if (at_start) putchar('\n');
        free(text);
    }
    if (!at_start) putchar('\n');
}

neck_status tokenize_decode(const neck_tokenizer *tokenizer, const neck_token_file *file, int64_t begin, int64_t end)
{
    int32_t ids[PIECE];
    for (int64_t at = begin; at < end; at += PIECE) {
        const neck_decode_options options = {
            .struct_size = sizeof options, .skip_special_tokens = 1, .keep_leading_space = at > begin};
        const int64_t count = end - at < PIECE ? end - at : PIECE;
        char *text;
        int64_t size = 0;
        neck_status status = neck_token_file_read(file, at, count, ids);
        if (status == NECK_OK) status = decode(tokenizer, ids, count, &options, &text, &size);
        if (status != NECK_OK) return status;
        fwrite(text, 1, (size_t)size, stdout);
        free(text);
    }
    return NECK_OK;
}
