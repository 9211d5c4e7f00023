/* text/special_tokens.c - which tokens are bos, eos, unk and pad. */
#include <string.h>

#include "text/tokenizer_object.h"

/* Spellings to look for when nothing says more, first come first. */
static const struct {
    const char *key; /* in tokenizer_config.json */
    const char *spellings[5];
} known[NECK__SPECIALS] = {
    [NECK_TOKEN_BOS] = {"bos_token", {"<s>", "<bos>", "<|begin_of_text|>", "<|endoftext|>"}},
    [NECK_TOKEN_EOS] = {"eos_token", {"</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>"}},
    [NECK_TOKEN_UNK] = {"unk_token", {"<unk>", "<|endoftext|>"}},
    [NECK_TOKEN_PAD] = {"pad_token", {"<pad>", "<|padding|>"}},
};

static int32_t find(const neck_tokenizer *tokenizer, const char *spelling)
{
    return spelling ? neck__vocabulary_find(&tokenizer->bpe.vocabulary, spelling, (int64_t)strlen(spelling)) : -1;
}

/* A string, or an object with the string as content. */
static const char *configured(const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    return json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
}

neck_status neck__special_tokens(neck_tokenizer *tokenizer, const json_t *config)
{
    for (int which = 0; which < NECK__SPECIALS; which++) {
        int32_t id = find(tokenizer, configured(config, known[which].key));
        for (int i = 0; !config && id < 0 && known[which].spellings[i]; i++)
            id = find(tokenizer, known[which].spellings[i]);
        tokenizer->special[which] = id;
    }
    if (tokenizer->bpe.unknown >= 0) tokenizer->special[NECK_TOKEN_UNK] = tokenizer->bpe.unknown;
    return NECK_OK;
}
