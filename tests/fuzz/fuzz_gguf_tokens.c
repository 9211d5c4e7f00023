/* Any bytes as a GGUF file with a tokenizer in it. What opens encodes a fixed text and the input itself. */
#include <string.h>

#include "format/tensors.h"
#include "text/tokenizer_object.h"
#include "use_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_and_use(const neck__gguf *gguf, const uint8_t *data, size_t size)
{
    const neck__allocator allocator = neck__allocator_of(NULL);
    neck_tokenizer *tokenizer;
    if (neck__tokenizer_new(&allocator, &tokenizer) != NECK_OK) return;
    if (neck__tokenizer_gguf(tokenizer, gguf) == NECK_OK && neck__special_tokens(tokenizer, NULL) == NECK_OK) {
        use_tokenizer(tokenizer, sample, sizeof sample - 1);
        use_tokenizer(tokenizer, data, size);
    }
    neck_tokenizer_destroy(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    neck__tensors list = {.allocator = neck__allocator_of(NULL)};
    const neck__mapping file = {.data = data, .size = (int64_t)size, .allocator = list.allocator};
    if (neck__gguf_read(&file, 1, &list) == NECK_OK) read_and_use(list.gguf, data, size);
    neck__tensors_clear(&list);
    return 0;
}
