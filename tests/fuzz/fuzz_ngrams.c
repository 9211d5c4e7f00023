/* Any bytes as a file of n-grams, as they are and with all sums made right: what opens is read from end to end, lazily
 * and not. And any bytes as the list of runs of an interrupted count. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ngram/ngrams.h"
#include "ngram/spill.h"
#include "text/token_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *room(int64_t count, size_t item)
{
    void *memory = malloc((size_t)count * item + 1);
    if (!memory) abort();
    return memory;
}

static void check_tokens(const int32_t *tokens, int64_t count, int64_t vocab_size)
{
    for (int64_t i = 0; i < count; i++)
        if (tokens[i] < 0 || tokens[i] >= vocab_size) abort();
}

/* A context alone, in memory of exactly its size. */
static void read_context(const neck_ngrams *ngrams, const neck_ngrams_info *info, int64_t context, int32_t lazy)
{
    int64_t starts[2];
    int32_t *tokens = room(info->order - 1, sizeof *tokens);
    neck_status status = neck_ngrams_read(ngrams, context, 1, tokens, starts, NULL, NULL);
    if (status == NECK_OK) {
        if (starts[0] != 0 || starts[1] < 1 || starts[1] > info->ngrams) abort();
        int32_t *successors = room(starts[1], sizeof *successors);
        int64_t *counts = room(starts[1], sizeof *counts);
        if (neck_ngrams_read(ngrams, context, 1, NULL, NULL, successors, counts) != NECK_OK) abort();
        check_tokens(tokens, info->order - 1, info->vocab_size);
        check_tokens(successors, starts[1], info->vocab_size);
        for (int64_t i = 0; i < starts[1]; i++)
            if (counts[i] < 1 || counts[i] > info->occurrences) abort();
        free(successors);
        free(counts);
    } else if (!lazy) {
        abort();
    }
    free(tokens);
}

static void open_and_use(const uint8_t *data, size_t size, int32_t lazy)
{
    const neck__allocator allocator = neck__allocator_of(NULL);
    neck__mapping *mapping;
    neck_ngrams *ngrams;
    neck_ngrams_info info = {.struct_size = sizeof info};
    if (neck__mapping_over(&allocator, data, (int64_t)size, &mapping) != NECK_OK) abort();
    if (neck__ngrams_over(NULL, mapping, lazy, &ngrams) != NECK_OK) return;
    if (neck_ngrams_describe(ngrams, &info) != NECK_OK) abort();
    for (int64_t i = 0; i < info.contexts; i++) read_context(ngrams, &info, i, lazy);
    neck_ngrams_destroy(ngrams);
}

/* Sums and hash as the content wants them. */
static void make_right(uint8_t *data, int64_t size)
{
    neck__ngrams_header header;
    int64_t at[NECK__SECTIONS + 1];
    neck__little64_put(data + 184, neck__fnv(NECK__FNV_OFFSET, data, 184));
    if (neck__ngrams_header_read(data, &header) != NECK_OK) return;
    neck__ngrams_layout(&header, at);
    for (int32_t i = 0; i < NECK__SECTIONS && at[i + 1] <= size; i++)
        neck__little64_put(data + 96 + 8 * i, neck__sum_words(NECK__SUM_START, data + at[i], at[i + 1] - at[i]));
    neck__little64_put(data + 184, neck__fnv(NECK__FNV_OFFSET, data, 184));
}

static void load_list(const uint8_t *data, size_t size)
{
    const neck__allocator allocator = neck__allocator_of(NULL);
    const neck__key_form form = neck__key_form_of(3, 300);
    neck__text_position position = {0};
    neck__spill spill;
    char path[] = "/tmp/softneck-fuzz-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    close(fd);
    if (neck__spill_init(&spill, &allocator, NULL, 1) != NECK_OK) abort();
    if (neck__spill_load(&spill, path, &form, 300, &position) == NECK_OK)
        for (int64_t i = 0; i < spill.count; i++)
            if (spill.runs[i].number >= spill.next || spill.runs[i].bytes < 0 || spill.runs[i].records < 0) abort();
    neck__spill_clear(&spill);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *made = room((int64_t)size, 1);
    memcpy(made, data, size);
    if (size >= 8 && memcmp(data, "NECKRUNS", 8) == 0) {
        load_list(data, size);
        if (size >= 16) neck__little64_put(made + size - 8, neck__fnv(NECK__FNV_OFFSET, made, (int64_t)size - 8));
        load_list(made, size);
    } else {
        if (size >= NECK__NGRAMS_HEADER) make_right(made, (int64_t)size);
        for (int32_t lazy = 0; lazy < 2; lazy++) {
            open_and_use(data, size, lazy);
            open_and_use(made, size, lazy);
        }
    }
    free(made);
    return 0;
}
