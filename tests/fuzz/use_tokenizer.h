/* tests/fuzz/use_tokenizer.h - a tokenizer that opened, put to work. */
#ifndef TESTS_FUZZ_USE_TOKENIZER_H
#define TESTS_FUZZ_USE_TOKENIZER_H

#include <stdint.h>
#include <stdlib.h>

#include "softneck.h"

static const char sample[] = "<s>It's 12\xC3\xA9 e\xCC\x81 \xE2\x96\x81 x\xFFy  \n\t<|endoftext|>\xF0\x9F\x91\x8D";

/* What was encoded decodes; bytes nobody has seen never appear. */
static inline void use_tokenizer(const neck_tokenizer *tokenizer, const void *text, size_t size)
{
    const int64_t room = 8 * (int64_t)size + 64;
    int32_t *ids = malloc((size_t)room * sizeof *ids);
    int64_t count = 0, length;
    if (ids && neck_tokenizer_encode(NULL, tokenizer, text, (int64_t)size, NULL, ids, room, &count) == NECK_OK &&
        neck_tokenizer_decode(tokenizer, ids, count, NULL, NULL, 0, &length) == NECK_E_ARGUMENT)
        abort();
    free(ids);
}

#endif
