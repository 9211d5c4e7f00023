/* Any bytes as text to train a tokenizer on, split in the way their number says: what the tokenizer encodes it decodes
 * to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "softneck/tokenizer_training.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(neck_status status)
{
    if (status != NECK_OK) abort();
}

static void round_trip(const neck_tokenizer *tokenizer, const char *text, int64_t size)
{
    int64_t count = 0, length = 0;
    int32_t *ids = malloc((size_t)(size + 1) * sizeof *ids);
    char *back = malloc((size_t)size + 1);
    if (!ids || !back) abort();
    must(neck_tokenizer_encode(NULL, tokenizer, text, size, NULL, ids, size, &count));
    must(neck_tokenizer_decode(tokenizer, ids, count, NULL, back, size, &length));
    if (length != size || memcmp(back, text, (size_t)size) != 0) abort();
    free(ids);
    free(back);
}

static void train(const char *text, int64_t size, int32_t split)
{
    const neck_tokenizer_training_options options = {sizeof options, .vocab_size = 300, .split = split};
    neck_tokenizer_training *training;
    neck_tokenizer *tokenizer;
    must(neck_tokenizer_training_create(NULL, &options, &training));
    must(neck_tokenizer_training_push(NULL, training, text, size / 2));
    must(neck_tokenizer_training_push(NULL, training, text + size / 2, size - size / 2));
    if (neck_tokenizer_training_finish(NULL, training) == NECK_OK) {
        must(neck_tokenizer_training_tokenizer(NULL, training, &tokenizer));
        round_trip(tokenizer, text, size);
        neck_tokenizer_destroy(tokenizer);
    } else if (size > 0) {
        abort();
    }
    neck_tokenizer_training_destroy(training);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    train((const char *)data, (int64_t)size, (int32_t)(size % (NECK_SPLIT_NONE + 1)));
    return 0;
}
