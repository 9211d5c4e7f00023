/* support_tokenize_report.c - tables and JSON lines of neck-tokenize. */
#include "support_tokenize_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "support_json.h"
#include "support_table.h"
#include "support_text.h"

const char *split_name(int32_t split)
{
    static const char *const names[] = {[NECK_SPLIT_GPT2] = "gpt2", [NECK_SPLIT_LLAMA3] = "llama3",
                                        [NECK_SPLIT_QWEN2] = "qwen2", [NECK_SPLIT_NONE] = "none"};
    return names[split];
}

static double bytes_per_token(const tokenize_sum *sum)
{
    return sum->tokens > 0 ? (double)sum->bytes / (double)sum->tokens : 0;
}

/* "5140429 bytes in 2 documents". */
static void print_text(const tokenize_sum *sum)
{
    printf("%" PRId64 " bytes in %" PRId64 " document%s", sum->bytes, sum->documents, sum->documents == 1 ? "" : "s");
}

static json_t *row_of(const char *path, const tokenize_sum *sum)
{
    json_t *row = json_object();
    json_put_text(row, "path", path);
    json_put_integer(row, "documents", sum->documents);
    json_put_integer(row, "bytes", sum->bytes);
    return row;
}

static void put_tokens(json_t *row, const tokenize_sum *sum)
{
    json_put_integer(row, "tokens", sum->tokens);
    json_put_number(row, "bytes_per_token", bytes_per_token(sum));
}

void training_report(const neck_tokenizer_training *training, const char *path, int32_t split, const tokenize_sum *sum,
                     int json)
{
    const int64_t words = neck_tokenizer_training_words(training), size = neck_tokenizer_training_vocab_size(training);
    const int64_t different = neck_tokenizer_training_different(training);
    if (json) {
        json_t *row = row_of(path, sum);
        json_put_integer(row, "vocab_size", size);
        json_put_text(row, "split", split_name(split));
        json_put_integer(row, "words", words);
        json_put_integer(row, "different_words", different);
        json_print_line(row);
        return;
    }
    text_print(stdout, path);
    printf(": %" PRId64 " tokens, learned from ", size);
    print_text(sum);
    printf("\n  %" PRId64 " words, %" PRId64 " different ones\n", words, different);
}

void encoding_report(const neck_tokenizer *tokenizer, uint64_t hash, const char *path, const tokenize_sum *sum,
                     int json)
{
    const int64_t size = neck_tokenizer_vocab_size(tokenizer);
    char hex[24];
    snprintf(hex, sizeof hex, "%016" PRIx64, hash);
    if (json) {
        json_t *row = row_of(path, sum);
        put_tokens(row, sum);
        json_put_integer(row, "vocab_size", size);
        json_put_text(row, "tokenizer_hash", hex);
        json_print_line(row);
        return;
    }
    text_print(stdout, path);
    printf(": %" PRId64 " tokens of a vocabulary of %" PRId64 ", tokenizer %s\n  ", sum->tokens, size, hex);
    print_text(sum);
    printf(", %.3f bytes a token\n", bytes_per_token(sum));
}

static const table_column columns[] = {
    {"documents", NULL}, {"bytes", NULL}, {"tokens", NULL}, {"bytes a token", NULL}, {"file", NULL}};

void count_report_head(void)
{
    table_print_head(columns, sizeof columns / sizeof *columns);
}

void count_report(const char *path, const tokenize_sum *sum, int json)
{
    if (json) {
        json_t *row = row_of(path, sum);
        put_tokens(row, sum);
        json_print_line(row);
        return;
    }
    const int64_t counts[] = {sum->documents, sum->bytes, sum->tokens};
    char cell[32];
    for (int i = 0; i < 3; i++) {
        snprintf(cell, sizeof cell, "%" PRId64, counts[i]);
        table_print_cell(&columns[i], cell);
    }
    snprintf(cell, sizeof cell, "%.3f", bytes_per_token(sum));
    table_print_cell(&columns[3], cell);
    fputs("  ", stdout);
    text_print(stdout, path);
    putchar('\n');
}

void tokens_report(const neck_tokenizer *tokenizer, const char *path, int64_t number, const token_buffer *tokens)
{
    json_t *row = json_object(), *ids = json_array(), *spellings = json_array();
    for (int64_t i = 0; i < tokens->count; i++) {
        const char *spelling = "";
        int64_t length = 0;
        neck_tokenizer_token(tokenizer, tokens->ids[i], &spelling, &length);
        json_array_append_new(ids, json_integer(tokens->ids[i]));
        json_array_append_new(spellings, json_stringn(spelling, (size_t)length));
    }
    json_put_text(row, "path", path);
    json_put_integer(row, "document", number);
    json_put(row, "ids", ids);
    json_put(row, "tokens", spellings);
    json_print_line(row);
}
