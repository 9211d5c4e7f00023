/* Any bytes as a token file, as they are and with the header's hash made right: what opens is read from end to end,
 * lazily and not, and dealt out in batches. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/mapping.h"
#include "softneck/batches.h"
#include "text/token_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ids(const neck_token_file *file, const int32_t *ids, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= neck_token_file_vocab_size(file)) abort();
}

static void deal(const neck_token_file *file, int32_t order)
{
    const neck_batches_options options = {sizeof options, .batch = 2, .context_length = 3, .order = order,
                                          .part = NECK_PART_TRAINING, .validation_share = 0.25};
    int32_t tokens[6], targets[6];
    neck_batches *batches;
    if (neck_batches_create(NULL, file, &options, &batches) != NECK_OK) return;
    for (int64_t step = 0; step < 5; step++) {
        if (neck_batches_fill(batches, step, tokens, targets) != NECK_OK) continue;
        check_ids(file, tokens, 6);
        check_ids(file, targets, 6);
    }
    neck_batches_destroy(batches);
}

static void use(const neck_token_file *file, int32_t lazy)
{
    int32_t ids[16];
    const int64_t count = neck_token_file_count(file);
    int64_t end = 0;
    for (int64_t at = 0; at < count; at += 16) {
        const int64_t part = count - at < 16 ? count - at : 16;
        neck_status status = neck_token_file_read(file, at, part, ids);
        if (status == NECK_OK) check_ids(file, ids, part);
        else if (!lazy) abort();
    }
    for (int64_t i = 0, begin; i < neck_token_file_documents(file); i++) {
        const int64_t before = end;
        if (neck_token_file_document(file, i, &begin, &end) != NECK_OK || begin != before || end < begin) abort();
    }
    if (neck_token_file_documents(file) > 0 && end != count) abort();
    deal(file, NECK_BATCHES_RANDOM);
    deal(file, NECK_BATCHES_SEQUENTIAL);
}

static void open_and_use(const uint8_t *data, size_t size, int32_t lazy)
{
    const neck__allocator allocator = neck__allocator_of(NULL);
    neck__mapping *mapping;
    neck_token_file *file;
    if (neck__mapping_over(&allocator, data, (int64_t)size, &mapping) != NECK_OK) abort();
    if (neck__token_file_over(NULL, mapping, lazy, &file) != NECK_OK) return;
    use(file, lazy);
    neck_token_file_destroy(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *made = malloc(size ? size : 1);
    if (!made) abort();
    memcpy(made, data, size);
    if (size >= NECK__TOKEN_HEADER_SIZE) neck__put_little(made + 56, neck__fnv(NECK__FNV_OFFSET, made, 56), 8);
    for (int32_t lazy = 0; lazy < 2; lazy++) {
        open_and_use(data, size, lazy);
        open_and_use(made, size, lazy);
    }
    free(made);
    return 0;
}
