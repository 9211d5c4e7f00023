/* text/tokenizer_json_write.c - tokenizer.json of a byte-level BPE: two spaces a level, one value a line. */
#include "text/tokenizer_json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "softneck/tokenizer_training.h"
#include "text/pretokenizer.h"

/* The text under way. The first failure stays; everything after it does nothing. */
typedef struct json_writer {
    neck__buffer *out;
    const neck__learned *learned;
    neck_status status;
} json_writer;

static void put_bytes(json_writer *w, const void *bytes, int64_t size)
{
    if (w->status == NECK_OK) w->status = neck__buffer_append(w->out, bytes, size);
}

static void put(json_writer *w, const char *text)
{
    put_bytes(w, text, (int64_t)strlen(text));
}

static void put_number(json_writer *w, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    put(w, digits);
}

static void put_escaped(json_writer *w, unsigned char byte)
{
    static const char named[] = {['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                 ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char escape[8];
    if (byte < sizeof named && named[byte])
        snprintf(escape, sizeof escape, "\\%c", named[byte]);
    else
        snprintf(escape, sizeof escape, "\\u%04x", byte);
    put(w, escape);
}

static void put_string(json_writer *w, const void *text, int64_t size)
{
    const unsigned char *bytes = text;
    int64_t plain = 0;
    put(w, "\"");
    for (int64_t i = 0; i < size; i++) {
        if (bytes[i] >= 0x20 && bytes[i] != '"' && bytes[i] != '\\') continue;
        put_bytes(w, bytes + plain, i - plain);
        put_escaped(w, bytes[i]);
        plain = i + 1;
    }
    put_bytes(w, bytes + plain, size - plain);
    put(w, "\"");
}

static void put_spelling(json_writer *w, int64_t id)
{
    const neck__vocabulary *vocabulary = &w->learned->vocabulary;
    const neck__token *token = neck__vocabulary_token(vocabulary, id);
    put_string(w, neck__vocabulary_spelling(vocabulary, token), token->length);
}

static void put_added_tokens(json_writer *w, int64_t special_count)
{
    put(w, "  \"added_tokens\": [");
    for (int64_t id = 0; id < special_count; id++) {
        put(w, id > 0 ? ",\n    {\n      \"id\": " : "\n    {\n      \"id\": ");
        put_number(w, id);
        put(w, ",\n      \"content\": ");
        put_spelling(w, id);
        put(w, ",\n      \"single_word\": false,\n      \"lstrip\": false,\n      \"rstrip\": false,\n"
               "      \"normalized\": false,\n      \"special\": true\n    }");
    }
    put(w, special_count > 0 ? "\n  ],\n" : "],\n");
}

static void put_split(json_writer *w, const char *expression)
{
    put(w, "  \"pre_tokenizer\": {\n    \"type\": \"Sequence\",\n    \"pretokenizers\": [\n      {\n"
           "        \"type\": \"Split\",\n        \"pattern\": {\n          \"Regex\": ");
    put_string(w, expression, (int64_t)strlen(expression));
    put(w, "\n        },\n        \"behavior\": \"Isolated\",\n        \"invert\": false\n      },\n      {\n"
           "        \"type\": \"ByteLevel\",\n        \"add_prefix_space\": false,\n        \"trim_offsets\": true,\n"
           "        \"use_regex\": false\n      }\n    ]\n  },\n");
}

/* A ByteLevel part. */
static void put_byte_level(json_writer *w, const char *part, const char *prefix, const char *trim, const char *regex)
{
    const char *const pieces[] = {"  \"", part, "\": {\n    \"type\": \"ByteLevel\",\n    \"add_prefix_space\": ",
                                  prefix, ",\n    \"trim_offsets\": ", trim, ",\n    \"use_regex\": ", regex,
                                  "\n  },\n"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) put(w, pieces[i]);
}

static void put_parts(json_writer *w, int32_t split)
{
    switch (split) {
    case NECK_SPLIT_LLAMA3: put_split(w, neck__pattern_llama3); break;
    case NECK_SPLIT_QWEN2: put_split(w, neck__pattern_qwen2); break;
    default: put_byte_level(w, "pre_tokenizer", "false", "true", split == NECK_SPLIT_GPT2 ? "true" : "false");
    }
    put_byte_level(w, "post_processor", "true", "false", "true");
    put_byte_level(w, "decoder", "true", "true", "true");
}

static void put_vocabulary(json_writer *w)
{
    const int64_t count = w->learned->vocabulary.count;
    put(w, "    \"vocab\": {");
    for (int64_t id = 0; id < count; id++) {
        put(w, id > 0 ? ",\n      " : "\n      ");
        put_spelling(w, id);
        put(w, ": ");
        put_number(w, id);
    }
    put(w, "\n    },\n");
}

static void put_merges(json_writer *w)
{
    const int64_t count = w->learned->merge_count;
    put(w, "    \"merges\": [");
    for (int64_t i = 0; i < count; i++) {
        put(w, i > 0 ? ",\n      [\n        " : "\n      [\n        ");
        put_spelling(w, w->learned->merges[i].left);
        put(w, ",\n        ");
        put_spelling(w, w->learned->merges[i].right);
        put(w, "\n      ]");
    }
    put(w, count > 0 ? "\n    ]\n" : "]\n");
}

neck_status neck__tokenizer_json_write(const neck__learned *learned, int32_t split, int64_t special_count,
                                       neck__buffer *out)
{
    json_writer w = {.out = out, .learned = learned, .status = NECK_OK};
    put(&w, "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n");
    put_added_tokens(&w, special_count);
    put(&w, "  \"normalizer\": null,\n");
    put_parts(&w, split);
    put(&w, "  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n"
            "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n"
            "    \"byte_fallback\": false,\n    \"ignore_merges\": false,\n");
    put_vocabulary(&w);
    put_merges(&w);
    put(&w, "  }\n}");
    return w.status;
}
